import numpy as np
import pytest

from yori.labels import witness_weights
from yori.labels.witness_weights import joined, weigh_witnesses
from yori.metrics import fit_temperature
from yori.synthetic import flip_labels


def said(truth: np.ndarray, right: float, claimed: float, rng: np.random.Generator, classes: int = 4) -> np.ndarray:
    """Log probabilities of a witness that is right so often and claims to be right so often."""
    n = len(truth)
    guess = np.where(rng.random(n) < right, truth, (truth + rng.integers(1, classes, n)) % classes)
    probs = np.full((n, classes), (1 - claimed) / (classes - 1))
    probs[np.arange(n), guess] = claimed
    return np.log(probs)


def test_joined_is_a_weighted_product_of_probabilities():
    rng = np.random.default_rng(0)
    one, two = (rng.dirichlet(np.ones(3), 20) for _ in range(2))
    by_hand = one**0.7 * two**0.2
    by_hand /= by_hand.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(joined([np.log(one), np.log(two)], np.array([0.7, 0.2])), by_hand)
    np.testing.assert_allclose(joined([np.log(one) + 5], np.array([1.0])), one)  # a constant says nothing


def test_a_boaster_is_believed_as_far_as_it_is_right():
    """Closed form: w makes the claimed odds the true ones."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, 8000)
    log = said(truth, 0.7, 0.99, rng)
    found = weigh_witnesses([log], truth, np.zeros(8000, int), first=[1.0])
    assert found.weights[0] == pytest.approx(np.log(0.7 / 0.1) / np.log(0.99 / (0.01 / 3)), abs=0.04)


def test_who_knows_nothing_is_not_believed_and_a_second_who_does_is():
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 4, 4000)
    logs = [said(truth, 0.25, 0.9, rng), said(truth, 0.9, 0.9, rng)]
    found = weigh_witnesses(logs, truth, np.zeros(4000, int), first=[1.0, 1.0])
    assert found.weights[0] < 0.05
    assert found.weights[1] == pytest.approx(1.0, abs=0.15)


def test_wrong_labels_are_not_taken_for_mistakes_of_the_witness():
    """A temperature fitted to the same labels alone would have to blame the witness."""
    rng = np.random.default_rng(3)
    log = np.log(rng.dirichlet(np.full(4, 0.1), 6000) + 1e-9)  # mostly sure, sometimes not, and as right as it says
    probs = joined([log], np.array([1.0]))
    truth = (rng.random(6000)[:, None] > probs.cumsum(axis=1)[:, :-1]).sum(axis=1)
    labels = flip_labels(truth, 0.15, classes=4, rng=rng)[0]
    found = weigh_witnesses([log], labels, np.zeros(6000, int), first=[1.0])
    assert found.weights[0] == pytest.approx(1.0, abs=0.15)
    assert found.noise.rate[0] == pytest.approx(0.15, abs=0.03)
    assert fit_temperature(log, labels) > 2


def test_weights_of_evenly_spaced_rows_serve_all(monkeypatch):
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 4, 6000)
    labels = flip_labels(truth, 0.1, classes=4, rng=rng)[0]
    log = said(truth, 0.9, 0.99, rng)
    whole = weigh_witnesses([log], labels, np.zeros(6000, int), first=[1.0])
    monkeypatch.setattr(witness_weights, "WEIGHED_NUMBERS", 8000)
    few = weigh_witnesses([log], labels, np.zeros(6000, int), first=[1.0])
    assert few.weights[0] == pytest.approx(whole.weights[0], abs=0.05)
    assert few.noise.rate[0] == pytest.approx(whole.noise.rate[0], abs=0.01)
    assert len(few.own[0]) == 6000


def test_one_row_and_equal_rows_leave_the_first_weights():
    for n in (1, 30):
        found = weigh_witnesses([np.zeros((n, 3))], np.zeros(n, int), np.zeros(n, int), first=[1.0])
        assert np.isfinite(found.weights).all()
        assert found.weights[0] == pytest.approx(1.0, abs=0.01)
