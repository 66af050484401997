"""Agreement with libraries that run here, and where they part, why. Recorded values of the others: golden.json."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori import metrics

torch = pytest.importorskip("torch")


def rows(seed, n=400, classes=5):
    rng = np.random.default_rng(seed)
    probs = rng.dirichlet(np.full(classes, 0.5), n)
    labels = (probs.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=classes - 1)
    return probs, labels


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([5, 10, 15]))
def test_torchmetrics_equal_width(seed, bins):
    from torchmetrics.functional.classification import multiclass_calibration_error

    probs, labels = rows(seed)
    theirs = multiclass_calibration_error(
        torch.tensor(probs), torch.tensor(labels), num_classes=probs.shape[1], n_bins=bins, norm="l1"
    )
    ours = metrics.expected_calibration_error(
        probs, labels, bins=bins, binning="equal_width", debiased=False, side="left"
    )
    assert ours == pytest.approx(float(theirs), abs=1e-6)  # they compute in float32


def test_torchmetrics_puts_confidence_1_into_a_bin_of_its_own():
    from torchmetrics.functional.classification import multiclass_calibration_error

    probs = np.array([[1.0, 0.0], [0.95, 0.05]])
    labels = np.array([1, 0])
    theirs = float(
        multiclass_calibration_error(torch.tensor(probs), torch.tensor(labels), num_classes=2, n_bins=10, norm="l1")
    )
    ours = metrics.expected_calibration_error(probs, labels, bins=10, binning="equal_width", debiased=False)
    assert theirs == pytest.approx(0.525)  # |0 − 1|/2 + |1 − 0.95|/2: two bins
    assert ours == pytest.approx(0.475)  # |1/2 − 0.975|: one bin (0.9, 1]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_uncertainty_calibration_area(seed):
    utils = pytest.importorskip("calibration.utils")
    rng = np.random.default_rng(seed)
    confidence, correct = rng.random(300), rng.random(300) < 0.7
    area, _ = utils.get_selective_stats(confidence, correct)
    # theirs is the area of accuracy in the mean form; without ties ours is one minus it
    assert metrics.mean_selective_risk(confidence, correct) == pytest.approx(1 - area, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_scikit_learn_scores(seed):
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, brier_score_loss, f1_score, log_loss

    probs, labels = rows(seed)
    found = probs.argmax(axis=1)
    assert metrics.negative_log_likelihood(probs, labels) == pytest.approx(log_loss(labels, probs), abs=1e-12)
    assert metrics.accuracy(found, labels) == pytest.approx(accuracy_score(labels, found), abs=1e-12)
    assert metrics.balanced_accuracy(found, labels) == pytest.approx(balanced_accuracy_score(labels, found), abs=1e-12)
    assert metrics.macro_f1(found, labels) == pytest.approx(f1_score(labels, found, average="macro"), abs=1e-12)
    two = np.stack([1 - probs[:, 0], probs[:, 0]], axis=1)
    binary = (labels == 0).astype(int)
    # scikit-learn's binary score is half of the sum over classes
    assert metrics.brier_score(two, binary) == pytest.approx(2 * brier_score_loss(binary, two[:, 1]), abs=1e-12)
