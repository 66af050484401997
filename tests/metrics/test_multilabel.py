import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score

from yori import metrics
from yori.errors import ShapeError, ValuesError

quick = settings(max_examples=60, deadline=None)


def made(seed, n=30, classes=4, levels=None):
    rng = np.random.default_rng(seed)
    probs = rng.random((n, classes))
    targets = rng.random((n, classes)) < probs
    targets[0] = True
    return (probs if levels is None else np.round(probs * levels) / levels), targets


@quick
@given(st.integers(0, 10_000), st.integers(1, 40), st.sampled_from([None, 3, 10]))
def test_average_precision_equals_scikit_learn_ties_included(seed, n, levels):
    probs, targets = made(seed, n, levels=levels)
    wanted = [average_precision_score(targets[:, k], probs[:, k]) for k in range(4)]
    np.testing.assert_allclose(metrics.average_precision_per_class(probs, targets), wanted, atol=1e-12)
    assert metrics.mean_average_precision(probs, targets) == pytest.approx(np.mean(wanted))
    micro = average_precision_score(targets, probs, average="micro")
    assert metrics.mean_average_precision(probs, targets, average="micro") == pytest.approx(micro)


@quick
@given(st.integers(0, 10_000), st.integers(1, 40), st.sampled_from([0.3, 0.5, 0.9]))
def test_f1_equals_scikit_learn(seed, n, threshold):
    probs, targets = made(seed, n)
    predicted = probs >= threshold
    wanted = f1_score(targets, predicted, average=None, zero_division=np.nan)
    np.testing.assert_allclose(metrics.f1_per_class(probs, targets, threshold=threshold), wanted, atol=1e-12)
    for average in ("macro", "micro"):
        found = metrics.multilabel_f1(probs, targets, average=average, threshold=threshold)
        assert found == pytest.approx(f1_score(targets, predicted, average=average))


@quick
@given(st.integers(0, 10_000))
def test_row_order_and_narrow_targets_do_not_matter(seed):
    probs, targets = made(seed, levels=5)
    order = np.random.default_rng(seed).permutation(len(probs))
    for function in (metrics.average_precision_per_class, metrics.f1_per_class):
        found = function(probs, targets)
        np.testing.assert_array_equal(function(probs[order], targets[order].astype(np.int8)), found)


def test_a_class_that_applies_nowhere():
    probs, targets = np.array([[0.9, 0.6], [0.2, 0.7]]), np.array([[1, 0], [0, 0]])
    found = metrics.average_precision_per_class(probs, targets)
    assert found[0] == 1
    assert math.isnan(found[1])
    with pytest.raises(ValuesError, match="class 1 and 0 more"):
        metrics.mean_average_precision(probs, targets)
    assert metrics.mean_average_precision(probs, targets, skip_absent=True) == 1
    assert metrics.f1_per_class(probs, targets)[1] == 0
    assert math.isnan(metrics.f1_per_class(probs, targets, threshold=0.8)[1])
    with pytest.raises(ValuesError, match="applies to some row"):
        metrics.mean_average_precision(probs, np.zeros((2, 2), dtype=int), skip_absent=True)
    with pytest.raises(ValuesError, match="predicted or applies"):
        metrics.multilabel_f1(probs, np.zeros((2, 2), dtype=int), threshold=1.0)


def test_label_sets_are_ranked_by_the_chance_of_being_right():
    rng = np.random.default_rng(0)
    probs = rng.random((40_000, 3))
    targets = rng.random(probs.shape) < probs
    confidence = metrics.label_set_confidence(probs)
    correct = metrics.label_set_correct(probs, targets)
    wanted = np.prod(np.maximum(probs, 1 - probs), axis=1)
    np.testing.assert_allclose(confidence, wanted, atol=1e-15)
    np.testing.assert_array_equal(correct, [((p >= 0.5) == t).all() for p, t in zip(probs, targets, strict=True)])
    plug_in = metrics.top_label_calibration_error(confidence, correct, debiased=False)
    assert plug_in < 0.01  # the product is calibrated when the classes are
    assert metrics.failure_auroc(confidence, correct) > 0.6


def test_losses_are_sums_over_classes():
    probs, targets = made(1)
    right = np.where(targets, probs, 1 - probs)
    np.testing.assert_allclose(metrics.per_example_multilabel_nll(probs, targets), -np.log(right).sum(axis=1))
    np.testing.assert_allclose(metrics.per_example_multilabel_brier(probs, targets), ((1 - right) ** 2).sum(axis=1))
    certain = np.array([[0.0, 1.0]])
    assert metrics.per_example_multilabel_nll(certain, np.array([[1, 1]]))[0] == pytest.approx(-math.log(1e-12))
    assert metrics.per_example_multilabel_nll(certain, np.array([[1, 1]]), clip=0)[0] == math.inf


@pytest.mark.usefixtures("unchecked")
class TestRefused:
    @pytest.mark.parametrize(
        "function",
        [
            metrics.average_precision_per_class,
            metrics.mean_average_precision,
            metrics.f1_per_class,
            metrics.multilabel_f1,
            metrics.label_set_correct,
            metrics.per_example_multilabel_nll,
            metrics.per_example_multilabel_brier,
        ],
    )
    @pytest.mark.parametrize(
        ("probs", "targets", "error", "message"),
        [
            (np.zeros((0, 2)), np.zeros((0, 2)), ShapeError, "n ≥ 1"),
            (np.zeros((2, 0)), np.zeros((2, 0)), ShapeError, "c ≥ 1"),
            ([0.5], [1], ShapeError, "probs of shape"),
            ([[0.5, 0.5]], [[1]], ShapeError, "targets of shape"),
            ([[1.5, 0.5]], [[1, 0]], ValuesError, "1.5 in row 0, class 0"),
            ([[np.nan, 0.5]], [[1, 0]], ValuesError, "finite"),
            ([["a"]], [[1]], ValuesError, "real numbers"),
            ([[0.5, 0.5]], [[2, 0]], ValuesError, "0 and 1"),
            ([[0.5, 0.5]], [["a", "b"]], ValuesError, "0 and 1"),
        ],
    )
    def test_bad_arrays(self, function, probs, targets, error, message):
        with pytest.raises(error, match=message):
            function(np.asarray(probs), np.asarray(targets))

    def test_bad_options(self):
        rows = np.array([[0.5]]), np.array([[1]])
        for function in (metrics.mean_average_precision, metrics.multilabel_f1):
            with pytest.raises(ValuesError, match="macro, micro"):
                function(*rows, average="weighted")
        with pytest.raises(ValuesError, match="threshold"):
            metrics.f1_per_class(*rows, threshold=1.5)
        with pytest.raises(ValuesError, match="clip"):
            metrics.per_example_multilabel_nll(*rows, clip=1.0)
