"""What every metric of (confidence, correct) and of (probs, labels) must do, whatever it computes."""

import numpy as np
import pytest

from yori import metrics
from yori.errors import InputError, ShapeError, ValuesError

OF_OUTCOMES = {
    "aurc": metrics.aurc,
    "augrc": metrics.augrc,
    "excess_aurc": metrics.excess_aurc,
    "excess_augrc": metrics.excess_augrc,
    "mean_selective_risk": metrics.mean_selective_risk,
    "failure_auroc": metrics.failure_auroc,
    "aurc_influence": metrics.aurc_influence,
    "augrc_influence": metrics.augrc_influence,
    "risk_at_coverage": lambda c, r: metrics.risk_at_coverage(c, r, 0.8),
    "coverage_at_risk": lambda c, r: metrics.coverage_at_risk(c, r, 0.2),
    "working_point_at_coverage": lambda c, r: metrics.working_point_at_coverage(c, r, 0.8),
    "working_point_at_risk": lambda c, r: metrics.working_point_at_risk(c, r, 0.2),
    "guaranteed_threshold": lambda c, r: metrics.guaranteed_threshold(c, r, 0.2, 0.1),
    "conformal_threshold": lambda c, r: metrics.conformal_threshold(c, r, 0.2),
    "top_label_calibration_error": metrics.top_label_calibration_error,
    "equal_width": lambda c, r: metrics.top_label_calibration_error(c, r, binning="equal_width"),
    "quantile": lambda c, r: metrics.top_label_calibration_error(c, r, binning="quantile", norm="l2_squared"),
    "sweep_calibration_error": metrics.sweep_calibration_error,
    "smooth_calibration_error": metrics.smooth_calibration_error,
    "brier_parts": metrics.brier_parts,
}
OF_PROBABILITIES = {
    "expected_calibration_error": metrics.expected_calibration_error,
    "classwise_calibration_error": metrics.classwise_calibration_error,
    "negative_log_likelihood": metrics.negative_log_likelihood,
    "brier_score": metrics.brier_score,
    "per_example_error": metrics.per_example_error,
    "top_label": metrics.top_label,
}


def outcomes(n=200, decimals=2):
    rng = np.random.default_rng(0)
    confidence = np.round(rng.beta(5, 2, n), decimals)
    return confidence, rng.random(n) < confidence


def probabilities(n=200):
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(4), n), rng.integers(0, 4, n)


@pytest.mark.parametrize("name", OF_OUTCOMES)
class TestOutcomes:
    def test_same_input_same_result_and_input_is_not_modified(self, name):
        confidence, correct = outcomes()
        kept = confidence.copy(), correct.copy()
        confidence.setflags(write=False)
        correct.setflags(write=False)
        first, second = (OF_OUTCOMES[name](confidence, correct) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(confidence, kept[0])
        np.testing.assert_array_equal(correct, kept[1])

    @pytest.mark.usefixtures("unchecked")
    def test_lists_and_zero_one_outcomes_are_read(self, name):
        confidence, correct = outcomes()
        wanted = OF_OUTCOMES[name](confidence, correct)
        np.testing.assert_array_equal(OF_OUTCOMES[name](confidence.tolist(), correct.tolist()), wanted)
        np.testing.assert_array_equal(OF_OUTCOMES[name](confidence, correct.astype(int)), wanted)

    def test_a_strided_view_is_read(self, name):
        confidence, correct = outcomes()
        wanted = OF_OUTCOMES[name](confidence[::2].copy(), correct[::2].copy())
        np.testing.assert_array_equal(OF_OUTCOMES[name](confidence[::2], correct[::2]), wanted)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_narrow_confidences_are_their_exact_values(self, name, dtype):
        confidence, correct = outcomes()
        narrow = confidence.astype(dtype)
        wanted = OF_OUTCOMES[name](narrow.astype(np.float64), correct)
        np.testing.assert_array_equal(OF_OUTCOMES[name](narrow, correct), wanted)

    @pytest.mark.parametrize("n", [1, 2, 30])
    @pytest.mark.parametrize("kind", ["right", "wrong"])
    @pytest.mark.parametrize("tied", [False, True])
    def test_degenerate_rows_give_a_value_without_a_warning(self, name, n, kind, tied):
        confidence = np.full(n, 0.5) if tied else np.linspace(1, 0, n)
        correct = np.full(n, kind == "right")
        if name == "failure_auroc":
            with pytest.raises(ValuesError, match="right and wrong rows"):
                OF_OUTCOMES[name](confidence, correct)
        else:
            OF_OUTCOMES[name](confidence, correct)  # warnings are errors in this run

    @pytest.mark.usefixtures("unchecked")
    @pytest.mark.parametrize(
        ("confidence", "correct", "error"),
        [
            ([], [], ShapeError),
            ([0.5, 0.6], [True], ShapeError),
            ([[0.5], [0.6]], [True, False], ShapeError),
            ([0.5, np.nan], [True, False], ValuesError),
            ([0.5, np.inf], [True, False], ValuesError),
            ([0.5, 0.6], [2, 0], ValuesError),
            ([0.5, 0.6], ["a", "b"], ValuesError),
            (["a", "b"], [True, False], ValuesError),
        ],
    )
    def test_bad_input_is_a_sentence(self, name, confidence, correct, error):
        with pytest.raises(error, match=r"expected .*, got "):
            OF_OUTCOMES[name](np.asarray(confidence), np.asarray(correct))


@pytest.mark.parametrize("name", OF_PROBABILITIES)
class TestProbabilities:
    def test_same_input_same_result_and_input_is_not_modified(self, name):
        probs, labels = probabilities()
        kept = probs.copy()
        probs.setflags(write=False)
        labels.setflags(write=False)
        first, second = (OF_PROBABILITIES[name](probs, labels) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(probs, kept)

    @pytest.mark.usefixtures("unchecked")
    def test_lists_are_read(self, name):
        probs, labels = probabilities()
        wanted = OF_PROBABILITIES[name](probs, labels)
        np.testing.assert_array_equal(OF_PROBABILITIES[name](probs.tolist(), labels.tolist()), wanted)

    def test_float16_and_rounded_rows_are_near(self, name):
        probs, labels = probabilities()
        wanted = np.asarray(OF_PROBABILITIES[name](probs, labels), dtype=float)
        if name == "top_label":
            wanted = wanted[0]
        for changed in (probs.astype(np.float16), np.round(probs, 5)):
            found = np.asarray(OF_PROBABILITIES[name](changed, labels), dtype=float)
            np.testing.assert_allclose(found[0] if name == "top_label" else found, wanted, atol=0.02)

    @pytest.mark.usefixtures("unchecked")
    @pytest.mark.parametrize(
        ("probs", "labels"),
        [
            ([[0.6, 0.6]], [0]),
            ([[0.7, 0.2]], [0]),
            ([[np.nan, 1.0]], [0]),
            ([[1.0]], [0]),
            (np.zeros((0, 2)), []),
            ([[0.5, 0.5]], [0, 1]),
            ([[0.5, 0.5]], [2]),
            ([[0.5, 0.5]], [-1]),
            ([[0.5, 0.5]], [0.5]),
        ],
    )
    def test_bad_input_is_a_sentence(self, name, probs, labels):
        with pytest.raises(InputError, match=r"expected .*, got "):
            OF_PROBABILITIES[name](np.asarray(probs), np.asarray(labels))


def test_everything_public_is_documented_with_an_example():
    for name in metrics.__all__:
        found = getattr(metrics, name)
        assert found.__doc__, name
        if not isinstance(found, type):
            assert ">>>" in found.__doc__, name
