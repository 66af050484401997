import numpy as np
import pytest
from cleanlab.count import compute_confident_joint, estimate_joint
from cleanlab.filter import find_label_issues
from hypothesis import assume, given
from hypothesis import strategies as st

from yori.errors import ShapeError, ValuesError
from yori.labels import confident_joint, estimated_joint, label_error_flags, label_error_order, self_confidence
from yori.synthetic import gaussian_mixture_embeddings


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def confident_class(probs: np.ndarray, labels: np.ndarray) -> list[int | None]:
    """The definition, example by example."""
    classes = range(probs.shape[1])
    threshold = [np.mean(probs[labels == k, k]) if (labels == k).any() else np.inf for k in classes]
    found = []
    for row in probs:
        reached = [k for k in classes if row[k] >= threshold[k] - 1e-12]
        found.append(max(reached, key=lambda k, row=row: row[k]) if reached else None)
    return found


@st.composite
def problems(draw: st.DrawFn, classes: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    c = classes or draw(st.integers(2, 5))
    n = draw(st.integers(2 * c, 40))
    labels = rng.integers(0, c, n)
    labels[: 2 * c] = np.tile(np.arange(c), 2)  # cleanlab wants every class
    return softmax(rng.normal(0, draw(st.sampled_from([0.1, 1.0, 4.0])), (n, c))), labels


@given(problem=problems())
def test_joint_and_order_follow_the_definition(problem):
    probs, labels = problem
    best = confident_class(probs, labels)
    joint = np.zeros((probs.shape[1],) * 2, dtype=int)
    for given_label, k in zip(labels, best, strict=True):
        if k is not None:
            joint[given_label, k] += 1
    np.testing.assert_array_equal(confident_joint(probs, labels), joint)

    own = self_confidence(probs, labels)
    np.testing.assert_array_equal(own, [row[k] for row, k in zip(probs, labels, strict=True)])
    flagged = [k is not None and k != label for k, label in zip(best, labels, strict=True)]
    expected = sorted(range(len(probs)), key=lambda i: (not flagged[i], own[i], i))
    np.testing.assert_array_equal(label_error_order(probs, labels), expected)


@given(problem=problems(classes=2))
def test_joint_equals_cleanlab_on_two_classes(problem):
    # With more classes cleanlab takes the most probable class of all where several reach their threshold, even one that
    # does not reach its own; and it raises an empty diagonal to 1.
    probs, labels = problem
    threshold = np.array([probs[labels == k, k].mean() for k in (0, 1)])
    assume(np.abs(probs - threshold).min() > 1e-5)  # theirs is reached by 1e-6 less
    joint = confident_joint(probs, labels)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    np.testing.assert_array_equal(joint, compute_confident_joint(labels, probs, calibrate=False))


def test_joint_and_order_equal_cleanlab_on_a_mixture():
    data = gaussian_mixture_embeddings(600, 8, 5, label_noise=0.1, rng=np.random.default_rng(0))
    joint = confident_joint(data.noisy_probs, data.labels)
    theirs, off = compute_confident_joint(
        data.labels, data.noisy_probs, calibrate=False, return_indices_of_off_diagonals=True
    )
    np.testing.assert_array_equal(joint, theirs)
    flags = joint.sum() - joint.trace()
    order = label_error_order(data.noisy_probs, data.labels)
    assert set(order[:flags].tolist()) == set(np.concatenate([np.ravel(each) for each in off]).tolist())
    ranked = find_label_issues(
        data.labels, data.noisy_probs, filter_by="confident_learning",
        return_indices_ranked_by="self_confidence", n_jobs=1,
    )  # fmt: skip
    np.testing.assert_array_equal(order[: len(ranked)], ranked)


def test_planted_errors_come_first():
    data = gaussian_mixture_embeddings(1000, 8, 4, separation=6.0, label_noise=0.05, rng=np.random.default_rng(1))
    wrong = data.wrong
    first = label_error_order(data.noisy_probs, data.labels)[: wrong.sum()]
    assert wrong[first].mean() > 0.9


@given(problem=problems(), seed=st.integers(0, 1000))
def test_row_order_and_class_names_do_not_matter(problem, seed):
    probs, labels = problem
    rng = np.random.default_rng(seed)
    rows, names = rng.permutation(len(probs)), rng.permutation(probs.shape[1])
    joint = confident_joint(probs, labels)
    renamed = confident_joint(probs[rows][:, names], np.argsort(names)[labels[rows]])
    np.testing.assert_array_equal(renamed, joint[np.ix_(names, names)])
    # Self-confidences are all different here, so the order is the same examples in the same places.
    np.testing.assert_array_equal(rows[label_error_order(probs[rows], labels[rows])], label_error_order(probs, labels))


def test_a_class_nobody_is_labelled_with_flags_nobody():
    probs = np.array([[0.2, 0.1, 0.7], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])
    joint = confident_joint(probs, np.array([0, 0, 1]))
    np.testing.assert_array_equal(joint, [[1, 0, 0], [0, 1, 0], [0, 0, 0]])


def test_one_example_one_class_and_equal_confidences():
    np.testing.assert_array_equal(confident_joint(np.array([[0.1, 0.9]]), np.array([0])), [[1, 0], [0, 0]])
    np.testing.assert_array_equal(label_error_order(np.full((5, 2), 0.5), np.zeros(5, int)), np.arange(5))


def test_inputs_are_not_modified():
    probs, labels = softmax(np.random.default_rng(0).normal(size=(20, 3))), np.arange(20) % 3
    before = probs.copy(), labels.copy()
    for function in (confident_joint, label_error_order, self_confidence):
        function(probs, labels)
    np.testing.assert_array_equal(probs, before[0])
    np.testing.assert_array_equal(labels, before[1])


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("function", [confident_joint, label_error_order, self_confidence])
def test_refusals(function):
    probs = np.array([[0.5, 0.5], [0.2, 0.8]])
    with pytest.raises(ShapeError, match="confident learning: expected 2 rows in labels"):
        function(probs, np.array([0]))
    with pytest.raises(ValuesError, match=r"labels in 0 … 1, got 2 in row 1"):
        function(probs, np.array([0, 2]))
    with pytest.raises(ValuesError, match="-1 in row 0"):
        function(probs, np.array([-1, 0]))
    with pytest.raises(ValuesError, match="sum to 1"):
        function(probs * 2, np.array([0, 1]))
    with pytest.raises(ValuesError, match="finite"):
        function(np.array([[np.nan, 1.0], [0.5, 0.5]]), np.array([0, 1]))
    with pytest.raises(ShapeError, match="n ≥ 1"):
        function(probs[:0], np.array([], dtype=int))


def test_flags_and_the_estimated_joint():
    data = gaussian_mixture_embeddings(600, 8, 5, label_noise=0.1, rng=np.random.default_rng(0))
    joint = confident_joint(data.noisy_probs, data.labels)
    flags = label_error_flags(data.noisy_probs, data.labels)
    assert flags.sum() == joint.sum() - joint.trace()
    np.testing.assert_allclose(
        estimated_joint(data.noisy_probs, data.labels), estimate_joint(data.labels, data.noisy_probs), atol=0.01
    )
    assert estimated_joint(np.full((4, 3), 1 / 3), np.array([0, 0, 1, 1])).sum() == pytest.approx(1)


def test_float32_and_blocks_give_the_same(monkeypatch):
    data = gaussian_mixture_embeddings(300, 8, 5, label_noise=0.1, rng=np.random.default_rng(2))
    expected = label_error_order(data.noisy_probs, data.labels)
    single = label_error_order(data.noisy_probs.astype(np.float32), data.labels)
    assert (single == expected).mean() > 0.99
    monkeypatch.setattr("yori.labels.noise_model.BLOCK", 30)
    np.testing.assert_array_equal(label_error_order(data.noisy_probs, data.labels), expected)


def test_published_probabilities_are_renormalised():
    probs = np.array([[1.00001, 0.0], [0.4, 0.6]])
    np.testing.assert_allclose(self_confidence(probs, np.array([0, 0])), [1, 0.4])
