import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from tests.prove.mixture import mixture

from yori.heads import Spectrum, fit_softmax
from yori.prove.tuning import GRID, outcomes, temperature_of, tune


@pytest.fixture(scope="module")
def halves():
    data = mixture(400)
    x, y = data.embeddings, data.true_labels
    return x[:200], y[:200], x[200:], y[200:]


def tuned(halves, criterion="nll", **how):
    x, y, asked, truth = halves
    return tune(x, y, np.ones(len(x)), asked, truth, classes=4, criterion=criterion, spectrum=Spectrum.of(x), **how)


def nll(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]).mean())


def test_the_chosen_penalty_has_the_lowest_validation_loss(halves):
    x, y, asked, truth = halves
    found = tuned(halves)
    losses = {each["l2"]: each["nll"] for each in found.candidates}
    assert losses[found.l2] == min(losses.values())
    for l2, loss in losses.items():
        exact = fit_softmax(x, y, classes=4, l2=l2).logits(asked)
        assert loss == pytest.approx(nll(exact.astype(np.float64), truth), rel=0.02)
    assert 3 <= len(losses) <= len(GRID)
    assert found.products > 0


def test_the_other_criterion(halves):
    first, second = tuned(halves, "nll"), tuned(halves, "nll_after_temperature")
    assert (first.l2, first.other_l2) == (second.other_l2, second.l2)
    best = min(each["nll_after_temperature"] for each in second.candidates)
    assert next(each for each in second.candidates if each["l2"] == second.l2)["nll_after_temperature"] == best
    assert first.aurc_at(first.l2) == next(each["aurc"] for each in first.candidates if each["l2"] == first.l2)


def test_the_grid_follows_the_scale_of_the_embeddings(halves):
    x, y, asked, truth = halves
    large = tuned((10 * x, y, 10 * asked, truth))
    assert large.l2 == pytest.approx(100 * tuned(halves).l2, rel=1e-5)


def test_for_a_new_domain_the_penalty_is_judged_on_a_domain_not_heard(halves):
    """A direction that tells the class within a domain and misleads in the other asks for a stronger penalty."""
    x, y, asked, truth = (each.copy() for each in halves)
    domains, other = np.arange(len(x)) % 2, np.arange(len(asked)) % 2
    x[:, 0] = 3 * np.where(domains == 0, y, -y)
    asked[:, 0] = 3 * np.where(other == 0, truth, -truth)
    plain = tuned((x, y, asked, truth))
    apart = tuned((x, y, asked, truth), domains=domains.astype(str), validation_domains=other.astype(str))
    assert apart.l2 > plain.l2
    assert min(each["nll"] for each in apart.candidates) > min(each["nll"] for each in plain.candidates)


def test_several_labels(halves):
    x, y, asked, truth = halves
    hot, asked_hot = np.eye(4, dtype=np.float32)[y], np.eye(4, dtype=np.float32)[truth]
    found = tune(
        x, hot, np.ones(len(x)), asked, asked_hot, classes=4, criterion="nll", spectrum=Spectrum.of(x)
    )  # fmt: skip
    assert found.l2 in [each["l2"] for each in found.candidates]


def test_temperature_minimises_the_loss():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 300)
    logits = 5 * (np.eye(4)[labels] + rng.normal(0, 0.7, (300, 4)))
    best = minimize_scalar(lambda log: nll(logits / np.exp(log), labels), bounds=(-3, 3), method="bounded").x
    assert temperature_of(logits, labels) == pytest.approx(np.exp(best), rel=1e-3)
    hot = np.eye(4, dtype=np.float32)[labels]
    best = minimize_scalar(
        lambda log: np.mean(np.logaddexp(0, logits / np.exp(log)) - hot * logits / np.exp(log)),
        bounds=(-3, 3), method="bounded",
    ).x  # fmt: skip
    assert temperature_of(logits, hot) == pytest.approx(np.exp(best), rel=1e-3)


def test_outcomes():
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]))
    confidence, correct = outcomes(logits, np.array([0, 1]))
    np.testing.assert_allclose(confidence, [0.7, 0.6])
    assert correct.tolist() == [True, False]
    logits = np.log(np.array([[0.9, 0.2], [0.6, 0.6]]) / (1 - np.array([[0.9, 0.2], [0.6, 0.6]])))
    confidence, correct = outcomes(logits, np.array([[1, 0], [1, 0]], dtype=np.float32))
    np.testing.assert_allclose(confidence, [0.9 * 0.8, 0.36])
    assert correct.tolist() == [True, False]
