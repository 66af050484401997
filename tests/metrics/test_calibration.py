import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori import metrics
from yori.errors import ShapeError, ValuesError

quick = settings(max_examples=60, deadline=None)

tied_rows = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.6, 0.7, 0.9, 1.0]), st.booleans()), min_size=1, max_size=40
)


def columns(rows):
    return np.array([c for c, _ in rows]), np.array([r for _, r in rows])


def calibrated(rng, n):
    confidence = rng.beta(5, 2, n)
    return confidence, rng.random(n) < confidence


@pytest.mark.parametrize("binning", ["equal_mass", "equal_width", "quantile"])
def test_debiased_l1_is_the_limit_of_normal_resamples(binning):
    rng = np.random.default_rng(0)
    confidence, correct = calibrated(rng, 400)
    bins = metrics.reliability_bins(confidence, correct, binning=binning)
    weight = bins.count / bins.count.sum()
    spread = np.sqrt(bins.accuracy * (1 - bins.accuracy) / bins.count)
    resampled = rng.normal(bins.accuracy, spread, (200_000, len(weight)))
    values = np.abs(resampled - bins.confidence) @ weight
    wanted = 2 * float(np.abs(bins.accuracy - bins.confidence) @ weight) - values.mean()
    found = metrics.top_label_calibration_error(confidence, correct, binning=binning)
    assert found == pytest.approx(wanted, abs=5 * values.std() / math.sqrt(200_000))


def test_what_is_left_of_the_bias_for_a_calibrated_model():
    rng = np.random.default_rng(1)
    found = {(norm, debiased): [] for norm in ("l1", "l2_squared") for debiased in (True, False)}
    for _ in range(600):
        rows = calibrated(rng, 500)
        for (norm, debiased), values in found.items():
            values.append(metrics.top_label_calibration_error(*rows, norm=norm, debiased=debiased))
    mean = {key: np.mean(values) for key, values in found.items()}
    error = {key: np.std(values) / math.sqrt(600) for key, values in found.items()}
    assert mean["l1", False] > 0.04
    # A resampled bin is noisy around a noisy accuracy: twice the variance, so 2 - sqrt(2) of the bias stays.
    assert mean["l1", True] / mean["l1", False] == pytest.approx(2 - math.sqrt(2), abs=0.03)
    assert abs(mean["l2_squared", True]) < 4 * error["l2_squared", True]
    assert mean["l2_squared", False] > 20 * error["l2_squared", False]
    assert 0.3 < np.mean(np.array(found["l2_squared", True]) < 0) < 0.7


def test_debiased_l2_is_unbiased_for_a_miscalibrated_model():
    rng = np.random.default_rng(2)
    values = []
    for _ in range(800):
        confidence = np.repeat([0.6, 0.8, 0.95], 100)
        correct = rng.random(300) < confidence - 0.1
        values.append(metrics.top_label_calibration_error(confidence, correct, bins=3, norm="l2_squared"))
    assert np.mean(values) == pytest.approx(0.01, abs=4 * np.std(values) / math.sqrt(800))


@quick
@given(tied_rows, st.integers(1, 45), st.sampled_from(["l1", "l2_squared"]), st.booleans(), st.randoms())
def test_row_order_does_not_matter_and_values_are_bounded(rows, bins, norm, debiased, random):
    confidence, correct = columns(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    for binning in ("equal_mass", "equal_width", "quantile"):
        options = {"bins": bins, "norm": norm, "debiased": debiased, "binning": binning}
        a = metrics.top_label_calibration_error(confidence, correct, **options)
        b = metrics.top_label_calibration_error(confidence[order], correct[order], **options)
        assert a == pytest.approx(b, abs=1e-15)
        assert a <= 1
        assert debiased or a >= 0


def test_bins_of_one_row_have_no_noise_to_subtract():
    confidence, correct = np.array([0.2, 0.6, 0.9]), np.array([False, True, True])
    plug_in = metrics.top_label_calibration_error(confidence, correct, bins=3, debiased=False)
    assert plug_in == pytest.approx((0.2 + 0.4 + 0.1) / 3)
    assert metrics.top_label_calibration_error(confidence, correct, bins=3) == pytest.approx(plug_in)
    assert metrics.top_label_calibration_error(confidence, correct, bins=3, norm="l2_squared") == 0


@pytest.mark.parametrize("binning", ["equal_mass", "equal_width", "quantile"])
def test_degenerate_input_has_exact_values(binning):
    ones = np.ones(20)
    right, wrong = np.ones(20, dtype=bool), np.zeros(20, dtype=bool)
    for debiased in (True, False):
        options = {"binning": binning, "debiased": debiased}
        assert metrics.top_label_calibration_error(ones, right, **options) == 0
        assert metrics.top_label_calibration_error(ones, wrong, **options) == pytest.approx(1, abs=1e-15)
        assert metrics.top_label_calibration_error(ones[:1] * 0.7, right[:1], **options) == pytest.approx(0.3)


def test_many_tied_rows_are_calibrated_in_quantile_bins():
    confidence, correct = np.full(1000, 0.7), np.arange(1000) < 700
    assert metrics.top_label_calibration_error(
        confidence, correct, binning="quantile", debiased=False
    ) == pytest.approx(0)


def test_expected_calibration_error_reads_the_top_label():
    rng = np.random.default_rng(3)
    probs = rng.dirichlet(np.ones(4), 300)
    labels = rng.integers(0, 4, 300)
    for options in (
        {},
        {"debiased": False, "binning": "equal_width", "side": "left"},
        {"norm": "l2_squared", "bins": 7},
    ):
        wanted = metrics.top_label_calibration_error(probs.max(axis=1), probs.argmax(axis=1) == labels, **options)
        assert metrics.expected_calibration_error(probs, labels, **options) == wanted


def test_classwise_has_one_value_per_class():
    rng = np.random.default_rng(4)
    probs = rng.dirichlet(np.ones(3), 200)
    labels = rng.integers(0, 2, 200)  # class 2 never occurs
    found = metrics.classwise_calibration_error(probs, labels, bins=10)
    for k in range(3):
        wanted = metrics.top_label_calibration_error(
            probs[:, k], labels == k, bins=10, binning="equal_width", debiased=False
        )
        assert found[k] == wanted
    assert found[2] == pytest.approx(probs[:, 2].mean())


def brute_sweep(confidence, correct):
    order = np.lexsort((correct, confidence))
    found = None
    for bins in range(1, len(correct) + 1):
        parts = np.array_split(order, bins)
        accuracy = [correct[part].mean() for part in parts]
        if any(b < a - 1e-12 for a, b in pairwise(accuracy)):
            break
        gap = [abs(correct[part].mean() - confidence[part].mean()) * len(part) / len(correct) for part in parts]
        found = bins, sum(gap)
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(0, 10_000))
def test_sweep_equals_trying_every_number_of_bins(n, seed):
    rng = np.random.default_rng(seed)
    confidence = rng.random(n)
    correct = rng.random(n) < confidence**2
    bins, value = brute_sweep(confidence, correct)
    found = metrics.sweep_calibration_error(confidence, correct)
    assert found.bins == bins
    assert found.value == pytest.approx(value, abs=1e-14)


@quick
@given(tied_rows, st.randoms())
def test_sweep_does_not_see_row_order(rows, random):
    confidence, correct = columns(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    assert metrics.sweep_calibration_error(confidence[order], correct[order]) == metrics.sweep_calibration_error(
        confidence, correct
    )


def test_sweep_of_separated_rows_takes_one_bin_per_row_at_once():
    n = 200_000
    for wrong in (0, 1000, n):
        found = metrics.sweep_calibration_error(np.linspace(0, 1, n), np.arange(n) >= wrong)
        assert found.bins == n


@pytest.mark.usefixtures("unchecked")
class TestRefused:
    @pytest.mark.parametrize(
        ("probs", "labels", "error", "message"),
        [
            ([[0.6, 0.6]], [0], ValuesError, "sum of 1.2"),
            ([[np.nan, 1.0]], [0], ValuesError, "finite"),
            ([[1.5, -0.5]], [0], ValuesError, "≥ 0"),
            (np.zeros((0, 3)), [], ShapeError, "shape"),
            ([[1.0]], [0], ShapeError, "c ≥ 2"),
            ([0.5, 0.5], [0, 1], ShapeError, "shape"),
            ([[0.5, 0.5]], [0, 1], ShapeError, "1 rows in labels"),
            ([[0.5, 0.5]], [2], ValuesError, "0 … 1"),
            ([[0.5, 0.5]], [-1], ValuesError, "never -1"),
        ],
    )
    @pytest.mark.parametrize("function", [metrics.expected_calibration_error, metrics.classwise_calibration_error])
    def test_bad_probabilities(self, function, probs, labels, error, message):
        with pytest.raises(error, match=message):
            function(np.asarray(probs), np.asarray(labels))

    def test_unknown_options(self):
        rows = np.array([0.5]), np.array([True])
        for function in (metrics.top_label_calibration_error, metrics.sweep_calibration_error):
            with pytest.raises(ValuesError, match="one of l1, l2_squared"):
                function(*rows, norm="l2")
        with pytest.raises(ValuesError, match="equal_mass"):
            metrics.top_label_calibration_error(*rows, binning="equal")

    def test_confidences_outside_the_unit_interval(self):
        for function in (metrics.top_label_calibration_error, metrics.sweep_calibration_error):
            with pytest.raises(ValuesError, match="not a logit"):
                function(np.array([3.0]), np.array([True]))


@pytest.mark.parametrize("off", [1e-5, -1e-5])
def test_published_rounding_is_repaired(off):
    probs = np.array([[0.5 + off, 0.5], [0.2, 0.8]])
    assert math.isfinite(metrics.expected_calibration_error(probs, np.array([0, 1])))


def test_float16_probabilities_are_read():
    probs = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float16)
    found = metrics.expected_calibration_error(probs, np.array([0, 1]), debiased=False)
    assert found == pytest.approx(0.15, abs=1e-3)
