import numpy as np
import pytest

from yori.curate import plausible_labels
from yori.labels import out_of_fold_logits
from yori.splits import group_folds
from yori.synthetic import flip_labels, gaussian_mixture_embeddings

CLASSES = 5


@pytest.fixture(scope="module")
def problem():
    """800 examples, 8 % of their labels wrong, and what heads say that never saw them."""
    rng = np.random.default_rng(0)
    data = gaussian_mixture_embeddings(800, 16, CLASSES, separation=6.5, label_noise=0.0, rng=rng)
    labels, wrong = flip_labels(data.true_labels, 0.08, classes=CLASSES, rng=rng)
    fold = group_folds(labels, data.groups, folds=5, rng=rng)
    logits = out_of_fold_logits(data.embeddings, labels, fold, classes=CLASSES, l2=0.01)
    return data, labels, wrong, logits


def test_new_labels_are_right_and_most_wrong_ones_are_found(problem):
    data, labels, wrong, logits = problem
    allowed = plausible_labels(data.embeddings, labels, data.groups, logits, temperature=0.5)
    rows, new = np.nonzero(allowed)
    assert (new == data.true_labels[rows]).mean() > 0.9
    assert allowed[wrong].any(axis=1).mean() > 0.5
    assert wrong[rows].mean() > 0.9


def test_at_most_one_new_label_and_never_the_one_it_has(problem):
    data, labels, _, logits = problem
    allowed = plausible_labels(data.embeddings, labels, data.groups, logits, temperature=0.5)
    assert allowed.shape == logits.shape
    assert allowed.dtype == np.bool_
    assert allowed.sum(axis=1).max() == 1
    assert not allowed[np.arange(len(labels)), labels].any()


def test_both_witnesses_are_needed(problem):
    data, labels, _, logits = problem
    both = plausible_labels(data.embeddings, labels, data.groups, logits, temperature=0.5)
    rng = np.random.default_rng(1)
    # Embeddings that say nothing: the neighbours are anybody's.
    noise = rng.normal(size=data.embeddings.shape).astype(np.float32)
    assert not plausible_labels(noise, labels, data.groups, logits, temperature=0.5).any()
    # A head that says nothing, and one sure of a wrong class.
    assert not plausible_labels(data.embeddings, labels, data.groups, np.zeros_like(logits), temperature=0.5).any()
    rolled = plausible_labels(data.embeddings, labels, data.groups, np.roll(logits, 1, axis=1), temperature=0.5)
    assert rolled.sum() < 0.2 * both.sum()


def test_the_other_members_of_a_group_have_no_say(problem):
    data, labels, _, logits = problem
    alone = plausible_labels(data.embeddings, labels, np.zeros(len(labels), dtype=int), logits, temperature=0.5)
    assert not alone.any()  # everybody is of one group: nobody may vote


def test_a_higher_temperature_makes_fewer_labels_plausible(problem):
    data, labels, _, logits = problem
    sharp, mild, flat = (
        plausible_labels(data.embeddings, labels, data.groups, logits, temperature=temperature)
        for temperature in (0.5, 3.0, 1000.0)
    )
    assert not flat.any()
    assert (mild <= sharp).all()
    assert mild.sum() < sharp.sum()


def test_inputs_are_not_modified(problem):
    data, labels, _, logits = problem
    before = data.embeddings.copy(), labels.copy(), logits.copy()
    plausible_labels(data.embeddings, labels, data.groups, logits, temperature=0.5)
    for now, then in zip((data.embeddings, labels, logits), before, strict=True):
        np.testing.assert_array_equal(now, then)
