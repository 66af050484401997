import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import entropy

from yori import metrics
from yori.errors import ShapeError, ValuesError

quick = settings(max_examples=60, deadline=None)


@quick
@given(st.integers(0, 1000), st.integers(1, 30), st.integers(2, 8))
def test_scores_of_probabilities_equal_their_definitions(seed, n, classes):
    probs = np.random.default_rng(seed).dirichlet(np.full(classes, 0.4), n)
    ordered = np.sort(probs, axis=1)
    np.testing.assert_array_equal(metrics.max_softmax(probs), probs.max(axis=1))
    np.testing.assert_allclose(metrics.margin(probs), ordered[:, -1] - ordered[:, -2], atol=1e-15)
    np.testing.assert_allclose(metrics.negative_entropy(probs), -entropy(probs, axis=1), atol=1e-12)


@quick
@given(st.integers(0, 1000), st.sampled_from([0.1, 1.0, 7.0]))
def test_energy_equals_logsumexp(seed, temperature):
    logits = np.random.default_rng(seed).normal(size=(20, 5)) * 50
    wanted = temperature * logsumexp(logits / temperature, axis=1)
    np.testing.assert_allclose(metrics.energy(logits, temperature=temperature), wanted, rtol=1e-12)


def test_energy_of_huge_logits_does_not_overflow():
    assert metrics.energy(np.array([[1e5, 0.0], [-1e5, -1e5]])).tolist() == pytest.approx([1e5, -1e5 + math.log(2)])


@pytest.mark.parametrize(
    "score", [metrics.max_softmax, metrics.margin, metrics.negative_entropy, metrics.label_set_confidence]
)
def test_rows_that_are_permutations_of_each_other_tie_exactly(score):
    row = np.array([0.07, 0.13, 0.26, 0.54])
    rng = np.random.default_rng(0)
    values = score(np.array([rng.permutation(row) for _ in range(24)]))
    assert len(set(values.tolist())) == 1


@pytest.mark.parametrize("score", [metrics.max_softmax, metrics.margin, metrics.negative_entropy])
def test_certain_above_doubtful(score):
    values = score(np.array([[1.0, 0.0, 0.0], [0.8, 0.1, 0.1], [0.4, 0.3, 0.3], [1 / 3, 1 / 3, 1 / 3]]))
    assert (np.diff(values) < 0).all()


def test_mean_over_seeds_is_the_mean_of_repaired_tables():
    rng = np.random.default_rng(1)
    tables = rng.dirichlet(np.ones(3), (4, 10))
    np.testing.assert_allclose(metrics.mean_over_seeds(tables), tables.mean(axis=0), atol=1e-15)
    np.testing.assert_allclose(metrics.mean_over_seeds(tables[:1]), tables[0], atol=0)
    assert metrics.mean_over_seeds(tables.astype(np.float32)).sum(axis=1) == pytest.approx(np.ones(10), abs=1e-12)


@pytest.mark.usefixtures("unchecked")
class TestRefused:
    @pytest.mark.parametrize("score", [metrics.max_softmax, metrics.margin, metrics.negative_entropy])
    @pytest.mark.parametrize(
        ("probs", "error"),
        [
            ([[0.6, 0.6]], ValuesError),
            ([[np.nan, 1.0]], ValuesError),
            (np.zeros((0, 2)), ShapeError),
            ([[1.0]], ShapeError),
            ([0.5, 0.5], ShapeError),
        ],
    )
    def test_bad_probabilities(self, score, probs, error):
        with pytest.raises(error):
            score(np.asarray(probs))

    @pytest.mark.parametrize(
        ("logits", "error"), [([[np.inf, 0.0]], ValuesError), ([1.0], ShapeError), (np.zeros((0, 2)), ShapeError)]
    )
    def test_bad_logits(self, logits, error):
        with pytest.raises(error):
            metrics.energy(np.asarray(logits))

    def test_seeds_without_an_axis_of_their_own(self):
        for probs in (np.full((2, 2), 0.5), np.zeros((0, 2, 2))):
            with pytest.raises(ShapeError, match=r"\(s, n, c\)"):
                metrics.mean_over_seeds(probs)

    def test_label_sets_need_probabilities(self):
        with pytest.raises(ValuesError, match="sigmoid outputs"):
            metrics.label_set_confidence(np.array([[2.0, 0.1]]))
