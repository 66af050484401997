import numpy as np
import pytest
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import average_precision_score

from yori.errors import ShapeError, ValuesError
from yori.labels import join_witnesses, neighbour_votes, self_confidence
from yori.synthetic import flip_labels, gaussian_mixture_embeddings


@pytest.fixture(scope="module")
def clean():
    return gaussian_mixture_embeddings(
        2000, 16, 5, separation=4.0, label_noise=0.0, domains=4, rng=np.random.default_rng(0)
    )


def noisy(clean, kind, rate, seed=0):
    """Labels flipped, and what an honest model of these labels would say (blurred by the noise and by its own errors)."""
    rng = np.random.default_rng(seed)
    labels, wrong = flip_labels(clean.true_labels, rate, classes=5, rng=rng, kind=kind, domains=clean.domains)
    # Class-conditional noise as a model learns it: it cannot see which examples were flipped.
    joint = np.zeros((5, 5))
    np.add.at(joint, (clean.true_labels, labels), 1)
    probs = clean.probs @ (joint / joint.sum(axis=1, keepdims=True))
    blurred = np.log(probs + 1e-3) + rng.normal(0, 0.5, probs.shape)
    probs = np.exp(blurred) / np.exp(blurred).sum(axis=1, keepdims=True)
    return labels, wrong, probs


@pytest.mark.parametrize("kind", ["uniform", "pair", "domain"])
@pytest.mark.parametrize("rate", [0.08, 0.2])
def test_not_worse_than_self_confidence_and_every_score_of_cleanlab(clean, kind, rate):
    labels, wrong, probs = noisy(clean, kind, rate)
    votes = neighbour_votes(clean.embeddings, labels, clean.groups, np.arange(2000), classes=5)
    found = join_witnesses(probs, labels, votes=votes, sources=clean.domains)
    ours = average_precision_score(wrong, found.probability)
    assert ours >= average_precision_score(wrong, -self_confidence(probs, labels))
    for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
        for adjusted in (False, True) if method != "confidence_weighted_entropy" else (False,):
            theirs = get_label_quality_scores(labels, probs, method=method, adjust_pred_probs=adjusted)
            assert ours >= average_precision_score(wrong, -theirs), (method, adjusted)
    plain = np.argsort(self_confidence(probs, labels))[:100]
    assert wrong[found.order[:100]].mean() >= wrong[plain].mean()


def test_suggestions_are_right_and_probabilities_mean_something(clean):
    labels, wrong, probs = noisy(clean, "uniform", 0.1)
    votes = neighbour_votes(clean.embeddings, labels, clean.groups, np.arange(2000), classes=5)
    found = join_witnesses(probs, labels, votes=votes)
    assert (found.suggested != labels).all()
    doubted = found.probability > 0.5
    assert (found.suggested == clean.true_labels)[doubted & wrong].mean() > 0.9
    assert abs(found.expected - wrong.sum()) < 0.35 * wrong.sum()
    assert (found.suggested_probability <= found.probability + 1e-12).all()
    assert (found.probability >= 0).all()
    assert (found.probability <= 1).all()


def test_a_source_that_errs_more_is_doubted_more(clean):
    labels, wrong, probs = noisy(clean, "domain", 0.15)
    with_source = join_witnesses(probs, labels, sources=clean.domains)
    without = join_witnesses(probs, labels)
    assert average_precision_score(wrong, with_source.probability) > average_precision_score(wrong, without.probability)
    rates = [wrong[clean.domains == domain].mean() for domain in range(4)]
    assert np.argmax(with_source.noise.rate) in np.argsort(rates)[2:]
    # Names of sources do not matter.
    named = join_witnesses(probs, labels, sources=np.array(list("dabc"))[clean.domains])
    np.testing.assert_allclose(named.probability, with_source.probability)


def test_a_telling_score_helps_and_a_random_one_hardly_hurts(clean):
    labels, wrong, probs = noisy(clean, "uniform", 0.1)
    rng = np.random.default_rng(0)
    plain = average_precision_score(wrong, join_witnesses(probs, labels).probability)
    telling = join_witnesses(probs, labels, scores={"told": wrong + rng.normal(0, 0.5, 2000)})
    random = join_witnesses(probs, labels, scores={"noise": rng.normal(size=2000)})
    assert average_precision_score(wrong, telling.probability) > plain
    assert average_precision_score(wrong, random.probability) > plain - 0.01
    assert set(telling.evidence) == {"self_confidence", "told"}


def test_row_order_class_names_and_blocks_do_not_matter(clean, monkeypatch):
    labels, _, probs = noisy(clean, "pair", 0.1)
    found = join_witnesses(probs, labels)
    rng = np.random.default_rng(0)
    rows, names = rng.permutation(2000), rng.permutation(5)
    other = join_witnesses(probs[rows][:, names], np.argsort(names)[labels[rows]])
    np.testing.assert_allclose(other.probability, found.probability[rows], atol=1e-9)
    np.testing.assert_array_equal(names[other.suggested], found.suggested[rows])
    monkeypatch.setattr("yori.labels.noise_model.BLOCK", 64)
    np.testing.assert_allclose(join_witnesses(probs, labels).probability, found.probability, atol=1e-9)
    monkeypatch.setattr("yori.labels.label_errors.MOST_NUMBERS", 2000)  # every fifth row teaches
    thinned = join_witnesses(probs, labels, sources=np.where(np.arange(2000) == 1, "seen by nobody", "x"))
    assert np.corrcoef(thinned.probability, found.probability)[0, 1] > 0.9


def test_neighbours_nobody_could_ask_change_nothing(clean):
    labels, _, probs = noisy(clean, "uniform", 0.1)
    silent = join_witnesses(probs, labels, votes=np.zeros(probs.shape))
    np.testing.assert_allclose(silent.probability, join_witnesses(probs, labels).probability)
    assert (silent.evidence["neighbours_for_label"] == 0).all()


def test_all_labels_the_same_one_example_and_a_class_with_one(clean):
    flat = np.full((6, 3), 1 / 3)
    same = join_witnesses(flat, np.zeros(6, int))
    assert np.ptp(same.probability) < 1e-12
    alone = join_witnesses(np.array([[0.2, 0.8]]), np.array([0]))
    assert np.isfinite(alone.probability).all()
    assert alone.suggested[0] == 1
    labels = np.zeros(30, int)
    labels[3] = 2
    probs = np.tile([0.9, 0.05, 0.05], (30, 1))
    assert join_witnesses(probs, labels).order[0] == 3


def test_inputs_are_not_modified_and_float32_is_welcome(clean):
    labels, _, probs = noisy(clean, "uniform", 0.1)
    votes = np.full(probs.shape, 0.2)
    before = probs.copy(), labels.copy(), votes.copy()
    found = join_witnesses(probs, labels, votes=votes, scores={"a": probs[:, 0]})
    for now, then in zip((probs, labels, votes), before, strict=True):
        np.testing.assert_array_equal(now, then)
    single = join_witnesses(probs.astype(np.float32), labels, votes=votes, scores={"a": probs[:, 0]})
    np.testing.assert_allclose(single.probability, found.probability, atol=1e-4)


@pytest.mark.usefixtures("unchecked")
def test_refusals_and_published_probabilities():
    probs, labels = np.array([[0.5, 0.5], [0.2, 0.8]]), np.array([0, 1])
    with pytest.raises(ShapeError, match="n ≥ 1 and c ≥ 2"):
        join_witnesses(np.ones(3), labels)
    with pytest.raises(ShapeError, match="2 rows in labels"):
        join_witnesses(probs, np.array([0]))
    for shares in (np.full((2, 2), 7.0), np.full((2, 2), -1.0)):
        with pytest.raises(ValuesError, match="shares in 0 … 1"):
            join_witnesses(probs, labels, votes=shares)
    with pytest.raises(ValuesError, match="labels in 0 … 1"):
        join_witnesses(probs, np.array([0, 2]))
    with pytest.raises(ValuesError, match="finite"):
        join_witnesses(np.array([[np.nan, 1], [0.5, 0.5]]), labels)
    with pytest.raises(ValuesError, match="sum to 1"):
        join_witnesses(probs * 3, labels)
    with pytest.raises(ShapeError, match="votes of shape"):
        join_witnesses(probs, labels, votes=np.ones((2, 3)))
    with pytest.raises(ValuesError, match="finite numbers in margin"):
        join_witnesses(probs, labels, scores={"margin": np.array([0.0, np.inf])})
    with pytest.raises(ShapeError, match="2 rows in sources"):
        join_witnesses(probs, labels, sources=np.array(["a"]))
    over = np.array([[1.00001, 0.0], [0.2, 0.8]])
    assert np.isfinite(join_witnesses(over, labels).probability).all()
