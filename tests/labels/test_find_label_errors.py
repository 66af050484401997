import numpy as np
import pytest

from yori.errors import ShapeError, SplitError, ValuesError
from yori.labels import find_label_errors, out_of_fold_heads
from yori.synthetic import gaussian_mixture_embeddings

RNG = np.random.default_rng


@pytest.fixture(scope="module")
def data():
    return gaussian_mixture_embeddings(500, 12, 4, separation=5.0, label_noise=0.08, rng=RNG(0))


def test_planted_errors_come_first_and_the_evidence_is_there(data):
    found = find_label_errors(data.embeddings, data.labels, data.groups, classes=4, rng=RNG(0))
    first = found.order[: data.wrong.sum()]
    assert data.wrong[first].mean() > 0.85
    assert data.wrong[found.order[:5]].all()
    assert (found.suggested == data.true_labels)[first][data.wrong[first]].mean() > 0.9
    names = {"self_confidence", "neighbours_for_label", "heads_against", "minus_margin", "forgotten"}
    assert set(found.evidence) == names
    assert all(each.shape == (500,) for each in found.evidence.values())


def test_same_seed_same_result_and_inputs_stay(data):
    before = data.embeddings.copy(), data.labels.copy()
    first, second = (
        find_label_errors(data.embeddings, data.labels, data.groups, classes=4, rng=RNG(3), draws=1) for _ in range(2)
    )
    np.testing.assert_array_equal(first.probability, second.probability)
    np.testing.assert_array_equal(data.embeddings, before[0])
    np.testing.assert_array_equal(data.labels, before[1])


def test_labels_of_a_group_have_no_say_in_its_probabilities(data):
    """With the same folds and penalty. The group's own labels may only move the folds, so they are kept."""
    group = data.groups == data.groups[0]
    changed = np.where(group, (data.labels + 1) % 4, data.labels)
    plain = np.zeros(500, int)  # one stratum: the folds do not depend on labels
    from yori.labels import out_of_fold_logits
    from yori.splits import group_folds

    fold = group_folds(plain, data.groups, 5, rng=RNG(0))
    one, two = (
        out_of_fold_logits(data.embeddings, labels, fold, classes=4, l2=0.01) for labels in (data.labels, changed)
    )
    np.testing.assert_array_equal(one[group], two[group])


def test_penalty_is_chosen_where_none_is_given(data):
    probs, against, _, penalty = out_of_fold_heads(
        data.embeddings, data.labels, data.groups, classes=4, rng=RNG(0), draws=2
    )
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-6)
    assert penalty > 0
    assert set(np.unique(against)) <= {0.0, 0.5, 1.0}
    given = out_of_fold_heads(data.embeddings, data.labels, data.groups, classes=4, rng=RNG(0), draws=2, l2=penalty)
    np.testing.assert_array_equal(given[0], probs)


def test_identical_rows_and_a_class_with_one_example():
    x = np.ones((40, 3))
    labels = np.arange(40) % 2
    found = find_label_errors(x, labels, np.arange(40), classes=2, rng=RNG(0), draws=1)
    assert np.isfinite(found.probability).all()
    labels = np.zeros(40, int)
    labels[0] = 1
    rng = RNG(1)
    found = find_label_errors(rng.normal(size=(40, 3)), labels, np.arange(40), classes=3, rng=rng, draws=1)
    assert np.isfinite(found.probability).all()


@pytest.mark.usefixtures("unchecked")
def test_refusals(data):
    x, y, g = data.embeddings, data.labels, data.groups
    with pytest.raises(ValuesError, match="at least two classes, got only class 1"):
        find_label_errors(x, np.ones(500, int), g, classes=4, rng=RNG(0))
    with pytest.raises(ValuesError, match="finite numbers in embeddings"):
        find_label_errors(np.where(x == x[0, 0], np.nan, x), y, g, classes=4, rng=RNG(0))
    with pytest.raises(ShapeError, match="500 rows in labels"):
        find_label_errors(x, y[:10], g, classes=4, rng=RNG(0))
    with pytest.raises(ShapeError, match="500 rows in groups"):
        find_label_errors(x, y, g[:10], classes=4, rng=RNG(0))
    with pytest.raises(SplitError, match="5 groups"):
        find_label_errors(x, y, np.zeros(500), classes=4, rng=RNG(0))
    with pytest.raises(ValuesError, match="draws ≥ 1"):
        find_label_errors(x, y, g, classes=4, rng=RNG(0), draws=0)
    with pytest.raises(ValuesError, match="folds ≥ 2"):
        find_label_errors(x, y, g, classes=4, rng=RNG(0), folds=1)
    with pytest.raises(ValuesError, match="zeros only"):
        find_label_errors(np.zeros_like(x), y, g, classes=4, rng=RNG(0))
    with pytest.raises(ShapeError, match="n ≥ 1"):
        find_label_errors(x[:0], y[:0], g[:0], classes=4, rng=RNG(0))
