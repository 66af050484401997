import numpy as np
import pytest

from yori.labels.noise_model import (
    PRIOR_RATE,
    PRIOR_WEIGHT,
    NoiseModel,
    expect,
    first_guess,
    fit_noise_model,
    noise_of_counts,
    row_blocks,
)
from yori.synthetic import flip_labels


def problem(n=4000, classes=4, seed=0, sharp=0.9):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    witness = np.full((n, classes), (1 - sharp) / (classes - 1))
    said = np.where(rng.random(n) < sharp, truth, (truth + rng.integers(1, classes, n)) % classes)
    witness[np.arange(n), said] = sharp
    return truth, witness


def test_planted_rates_of_sources_and_pairs_are_recovered():
    truth, witness = problem()
    rng = np.random.default_rng(1)
    sources = np.arange(4000) % 3
    labels = truth.copy()
    for source, rate in ((0, 0.05), (1, 0.3)):
        rows = np.flatnonzero(sources == source)
        labels[rows] = flip_labels(truth[rows], rate, classes=4, rng=rng, kind="pair")[0]
    model = fit_noise_model(witness, labels, sources)
    np.testing.assert_allclose(model.rate, [0.05, 0.3, 0.0], atol=0.025)
    np.testing.assert_allclose(model.pair[np.arange(4), (np.arange(4) + 1) % 4], 1, atol=0.15)
    np.testing.assert_allclose(model.transition.sum(axis=1), 1)


def test_posterior_is_bayes_rule():
    rng = np.random.default_rng(0)
    pair = rng.random((3, 3))
    np.fill_diagonal(pair, 0)
    pair /= pair.sum(axis=1, keepdims=True)
    model = NoiseModel(np.array([0.1, 0.3]), np.array([0.5, 1.0, 1.5]), pair)
    witness = rng.dirichlet(np.ones(3), 20)
    labels, sources = rng.integers(0, 3, 20), rng.integers(0, 2, 20)
    found = model.posterior(witness, labels, sources)
    for i in range(20):
        wrong = model.rate[sources[i]] * model.factor
        by_hand = [
            witness[i, k] * (1 - wrong[k] if k == labels[i] else wrong[k] * pair[k, labels[i]]) for k in range(3)
        ]
        np.testing.assert_allclose(found[i], np.array(by_hand) / sum(by_hand))


def test_a_witness_certain_of_the_impossible_is_believed():
    pair = np.array([[0, 1.0, 0], [1.0, 0, 0], [1.0, 0, 0]])  # nothing ever becomes class 2
    model = NoiseModel(np.array([0.1]), np.ones(3), pair)
    found = model.posterior(np.array([[1.0, 0, 0]]), np.array([2]), np.array([0]))
    np.testing.assert_array_equal(found, [[1, 0, 0]])


def test_clean_labels_give_a_small_rate_and_blocks_do_not_matter(monkeypatch):
    truth, witness = problem(sharp=0.97)
    sources = np.zeros(4000, int)
    model = fit_noise_model(witness, truth, sources)
    assert model.rate[0] < 0.01
    monkeypatch.setattr("yori.labels.noise_model.BLOCK", 100)
    np.testing.assert_allclose(fit_noise_model(witness, truth, sources).transition, model.transition)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (10, 1 << 20), (1 << 18, 3)])
def test_row_blocks_cover_everything_once(rows, columns):
    blocks = row_blocks(rows, columns)
    covered = np.concatenate([np.arange(rows)[block] for block in blocks])
    np.testing.assert_array_equal(covered, np.arange(rows))


def test_nobody_vouches_for_himself():
    """The one odd label of a class must not prove by its own count that such errors happen; a hundred may."""

    def doubt(odd):
        truth = np.arange(400) % 4
        labels = truth.copy()
        labels[np.flatnonzero(truth == 0)[:odd]] = 1
        witness = np.full((400, 4), 0.02)
        witness[np.arange(400), truth] = 0.94
        model, own = first_guess(4, 1), None
        for _ in range(30):
            found = expect(model, lambda rows: witness[rows], labels, np.zeros(400, int), own)
            model, own = found.model, found.own
        at, sources = np.flatnonzero(truth == 0)[:1], np.zeros(1, int)
        apart = model.posterior(witness[at], labels[at], sources, (own[0][at], own[1][at]))
        return 1 - apart[0, 1], 1 - model.posterior(witness[at], labels[at], sources)[0, 1]

    apart, together = doubt(1)
    assert apart < together - 0.02
    many, also = doubt(40)
    assert many > 0.9
    assert also - many < 0.02


def test_counts_give_the_rates_they_hold_and_imagined_examples():
    counts = np.array([[90.0, 10.0], [0.0, 100.0]])
    model = noise_of_counts(counts, np.array([10.0]), np.array([200]))
    expected = (10 + PRIOR_WEIGHT * PRIOR_RATE) / (100 + PRIOR_WEIGHT)
    assert model.transition[0, 1] == pytest.approx(expected)
    np.testing.assert_allclose(model.pair, [[0, 1], [1, 0]])
    empty = first_guess(3, 2)
    np.testing.assert_allclose(empty.transition.diagonal(), 1 - PRIOR_RATE)
    np.testing.assert_allclose(empty.rate, PRIOR_RATE)
