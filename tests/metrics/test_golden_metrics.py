"""Our written definitions to 1e-12, and every recorded value of another library: equal, or different for a stated reason."""

import json
import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from yori import metrics

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())
ARRAYS, EDGE_CASES = GOLDEN["arrays"], GOLDEN["edge_cases"]
EVERY = {**ARRAYS, **EDGE_CASES}
A, B, C = "A_no_ties", "B_ties_and_exact_1.0", "C_empty_bins_overconfident"
EXACT = {"rel": 0, "abs": 1e-12}
FLOAT32 = {"rel": 0, "abs": 1e-6}


def outcomes(case):
    given = EVERY[case]["input"]
    return np.array(given["confidence"]), np.array(given["error"]) == 0


def probabilities(case):
    given = ARRAYS[case]["input"]
    return np.array(given["probs"]), np.array(given["label"])


def top_label(case):
    return metrics.top_label(*probabilities(case))


def squared(case, bins, **options):
    return metrics.top_label_calibration_error(*outcomes(case), bins=bins, norm="l2_squared", **options)


def l1(case, bins, **options):
    return metrics.top_label_calibration_error(*outcomes(case), bins=bins, **options)


def number(text):
    return float(Fraction(text)) if re.fullmatch(r"\d+/\d+", str(text)) else float(text)


# Each written definition, by the beginning of its key; what the key holds beyond that is parsed.
DEFINITIONS = {
    "AURC_trapezoid": lambda case, key: metrics.aurc(*outcomes(case)),
    "AUGRC_trapezoid": lambda case, key: metrics.augrc(*outcomes(case)),
    "AUROC_f": lambda case, key: metrics.failure_auroc(*outcomes(case)),
    "AURC_mean_selective": lambda case, key: metrics.mean_selective_risk(*outcomes(case)),
    "AURC_mean_finite": lambda case, key: (
        metrics.mean_selective_risk(*outcomes(case)) - metrics.excess_aurc(*outcomes(case))
    ),
    "E_AURC": lambda case, key: metrics.excess_aurc(*outcomes(case)),
    "E_AUGRC": lambda case, key: metrics.excess_augrc(*outcomes(case)),
    "risk@cov>=": lambda case, key: list(
        metrics.working_point_at_coverage(*outcomes(case), fraction(key, "risk@cov>="))[:2]
    ),
    "risk@cov=": lambda case, key: metrics.risk_at_coverage(*outcomes(case), fraction(key, "risk@cov=")),
    "coverage@risk<=": lambda case, key: metrics.coverage_at_risk(*outcomes(case), fraction(key, "coverage@risk<=")),
    "ECE l1 equal width": lambda case, key: l1(
        case, bins_of(key), binning="equal_width", debiased=False, side="right" if "right-closed" in key else "left"
    ),
    "ECE l1 equal mass": lambda case, key: l1(case, bins_of(key), debiased=False),
    "CE l2 equal mass": lambda case, key: math.sqrt(squared(case, bins_of(key), debiased=False)),
    "CE l2 SQUARED equal mass": lambda case, key: squared(case, bins_of(key)),
    "ECE-sweep equal mass, l1": lambda case, key: list(metrics.sweep_calibration_error(*outcomes(case))),
    "ECE-sweep equal mass, l2": lambda case, key: root(
        metrics.sweep_calibration_error(*outcomes(case), norm="l2_squared")
    ),
    "classwise ECE": lambda case, key: float(metrics.classwise_calibration_error(*probabilities(case), bins=10).mean()),
    "Brier multiclass": lambda case, key: metrics.brier_score(*probabilities(case)),
    "Brier top-label": lambda case, key: float(np.mean(np.subtract(*outcomes(case), dtype=float) ** 2)),
    "Murphy": lambda case, key: list(metrics.brier_parts(*outcomes(case))),
    "NLL mean, p clipped": lambda case, key: metrics.negative_log_likelihood(*probabilities(case)),
    "NLL mean": lambda case, key: metrics.negative_log_likelihood(*probabilities(case), clip=0),
}


def fraction(key, prefix):
    return float(Fraction(key.removeprefix(prefix).split()[0]))


def bins_of(key):
    return int(re.search(r"(?:equal width|equal mass) (\d+)", key).group(1))


def root(sweep):
    return [sweep.bins, math.sqrt(sweep.value)]


def definition(key):
    return DEFINITIONS[max((start for start in DEFINITIONS if key.startswith(start)), key=len)]


WRITTEN = [(case, key) for case, entry in EVERY.items() for key in entry["ours"]]


@pytest.mark.parametrize(("case", "key"), WRITTEN)
def test_written_definition(case, key):
    wanted = EVERY[case]["ours"][key]
    wanted = [number(part) for part in wanted] if isinstance(wanted, list) else number(wanted)
    assert definition(key)(case, key) == pytest.approx(wanted, **EXACT)


@pytest.mark.parametrize(("case", "key"), WRITTEN)
def test_row_order_changes_nothing(case, key):
    entry, rng = EVERY[case], np.random.default_rng(3)
    before = definition(key)(case, key)
    kept = dict(entry["input"])
    order = rng.permutation(len(kept["error"]))
    try:
        for column in ("confidence", "error", "probs", "label"):
            if column in kept:
                entry["input"][column] = [kept[column][row] for row in order]
        assert definition(key)(case, key) == pytest.approx(before, rel=0, abs=1e-15)
    finally:
        entry["input"].update(kept)


@pytest.mark.parametrize("case", ARRAYS)
def test_probabilities_give_the_recorded_outcomes(case):
    confidence, correct = top_label(case)
    np.testing.assert_array_equal(confidence, outcomes(case)[0])
    np.testing.assert_array_equal(correct, outcomes(case)[1])
    assert metrics.expected_calibration_error(*probabilities(case)) == l1(case, 15)


class TestFdShifts:
    @pytest.mark.parametrize("case", EVERY)
    def test_areas_agree(self, case):
        peer = EVERY[case]["fd-shifts"]
        assert metrics.aurc(*outcomes(case)) == pytest.approx(peer["aurc"], **EXACT)
        assert metrics.augrc(*outcomes(case)) == pytest.approx(peer["augrc"], **EXACT)
        assert metrics.excess_augrc(*outcomes(case)) == pytest.approx(peer["eaugrc"], **EXACT)

    @pytest.mark.parametrize("case", EVERY)
    def test_excess_aurc_differs_because_the_peer_subtracts_the_infinite_optimum(self, case):
        _, correct = outcomes(case)
        p = float(1 - correct.mean())
        infinite = p + (1 - p) * math.log(1 - p) if p < 1 else 1.0
        peer = EVERY[case]["fd-shifts"]["eaurc"]
        assert metrics.aurc(*outcomes(case)) - infinite == pytest.approx(peer, rel=0, abs=1e-9)
        assert metrics.excess_aurc(*outcomes(case)) >= 0

    def test_a_perfect_ranking_is_negative_there_and_zero_here(self):
        assert EDGE_CASES["perfect_ranking"]["fd-shifts"]["eaurc"] < -0.007
        assert metrics.excess_aurc(*outcomes("perfect_ranking")) == 0

    @pytest.mark.parametrize("case", EVERY)
    def test_curve_agrees(self, case):
        curve, peer = metrics.risk_coverage_curve(*outcomes(case)), EVERY[case]["fd-shifts"]
        assert curve.coverage[::-1].tolist() == pytest.approx(peer["coverages"][:-1], **EXACT)
        assert curve.risk[::-1].tolist() == pytest.approx(peer["selective_risks"][:-1], **EXACT)
        assert curve.generalised_risk[::-1].tolist() == pytest.approx(peer["generalized_risks"][:-1], **EXACT)

    @pytest.mark.parametrize("case", ARRAYS)
    @pytest.mark.parametrize("bins", [10, 15])
    def test_equal_width_agrees_with_right_closed_bins(self, case, bins):
        peer = ARRAYS[case]["fd-shifts"]
        options = {"binning": "equal_width", "side": "right"}
        assert l1(case, bins, debiased=False, **options) == pytest.approx(peer[f"ece_equal_width_{bins}"], **EXACT)
        found = metrics.reliability_bins(*outcomes(case), bins=bins, **options)
        gap = np.abs(found.accuracy - found.confidence).max()
        assert gap == pytest.approx(peer[f"mce_equal_width_{bins}"], **EXACT)

    @pytest.mark.parametrize("case", ARRAYS)
    def test_failure_auroc_agrees(self, case):
        peer = ARRAYS[case]["fd-shifts"]["failauc_AUROC_f"]
        assert metrics.failure_auroc(*outcomes(case)) == pytest.approx(peer, **EXACT)

    @pytest.mark.parametrize("case", ARRAYS)
    @pytest.mark.parametrize("coverage", ["0.5", "0.8", "0.9"])
    def test_working_point_differs_because_the_peer_takes_the_lowest_risk_from_there_on(self, case, coverage):
        curve = metrics.risk_coverage_curve(*outcomes(case))
        enough = np.flatnonzero(curve.coverage >= float(coverage))
        best = enough[curve.risk[enough].argmin()]
        peer = ARRAYS[case]["fd-shifts"][f"working_point_target_cov_{coverage}"]
        assert [curve.coverage[best], curve.risk[best], curve.threshold[best]] == pytest.approx(peer, **EXACT)
        ours = metrics.working_point_at_coverage(*outcomes(case), float(coverage))
        assert float(coverage) <= ours.coverage <= peer[0]

    @pytest.mark.parametrize("case", ARRAYS)
    @pytest.mark.parametrize("risk", ["0.05", "0.10", "0.20", "0.30"])
    def test_target_risk_agrees_and_an_unreachable_one_is_no_crash(self, case, risk):
        ours = metrics.working_point_at_risk(*outcomes(case), float(risk))
        peer = ARRAYS[case]["fd-shifts"][f"working_point_target_risk_{risk}"]
        if isinstance(peer, str):
            assert "raises" in peer
            assert ours.coverage == 0
        else:
            assert list(ours) == pytest.approx(peer, **EXACT)


class TestUncertaintyCalibration:
    """Its equal-mass bins keep equal confidences together: our ``quantile``."""

    @pytest.mark.parametrize("case", ARRAYS)
    @pytest.mark.parametrize("bins", [3, 5, 10])
    def test_plug_in_agrees(self, case, bins):
        peer = ARRAYS[case]["peers"]
        name = "uncertainty_calibration {} equal-mass plug-in num_bins={} top-label"
        first = l1(case, bins, binning="quantile", debiased=False)
        second = math.sqrt(squared(case, bins, binning="quantile", debiased=False))
        assert first == pytest.approx(peer[name.format("l1", bins)], **EXACT)
        assert second == pytest.approx(peer[name.format("l2", bins)], **EXACT)

    @pytest.mark.parametrize("case", ARRAYS)
    @pytest.mark.parametrize("bins", [3, 5, 10])
    def test_debiased_l2_agrees_once_clamped(self, case, bins):
        peer = ARRAYS[case]["peers"][f"uncertainty_calibration l2 equal-mass DEBIASED num_bins={bins} top-label"]
        ours = math.sqrt(max(0.0, squared(case, bins, binning="quantile")))
        assert ours == pytest.approx(peer, **EXACT)

    @pytest.mark.parametrize("case", ARRAYS)
    @pytest.mark.parametrize("bins", [3, 5, 10])
    def test_debiased_l1_agrees_within_the_error_of_its_1000_resamples(self, case, bins):
        key = f"uncertainty_calibration l1 equal-mass DEBIASED (1000 normal resamples, np seed 0) num_bins={bins} top-label"
        peer = ARRAYS[case]["peers"][key]
        if isinstance(peer, str):
            assert "at least 2 points" in peer  # it refuses bins of one row; here they have no noise to subtract
            return
        found = metrics.reliability_bins(*outcomes(case), bins=bins, binning="quantile")
        weight = found.count / found.count.sum()
        # The spread of one resampled value is at most that of the bins it is made of.
        spread = math.sqrt(np.sum(weight**2 * found.accuracy * (1 - found.accuracy) / found.count))
        ours = l1(case, bins, binning="quantile")
        assert ours == pytest.approx(peer, rel=0, abs=4 * spread / math.sqrt(1000))

    @pytest.mark.parametrize("case", ARRAYS)
    @pytest.mark.parametrize("bins", [10, 15])
    def test_equal_width_agrees_with_right_closed_bins(self, case, bins):
        peer = ARRAYS[case]["peers"][f"uncertainty_calibration.get_ece (equal width, l1, top-label) num_bins={bins}"]
        assert l1(case, bins, binning="equal_width", debiased=False) == pytest.approx(peer, **EXACT)

    @pytest.mark.parametrize("case", ARRAYS)
    def test_classwise_agrees(self, case):
        key = "uncertainty_calibration.get_ece marginal num_bins=10 (classwise equal width l1 mean)"
        ours = metrics.classwise_calibration_error(*probabilities(case), bins=10).mean()
        assert ours == pytest.approx(ARRAYS[case]["peers"][key], **EXACT)


class TestMeanForm:
    """MAPIE and uncertainty-calibration average over k; tied rows keep file order there."""

    @pytest.mark.parametrize("case", [A, C])
    @pytest.mark.parametrize("peer", ["1 - mapie.auarc", "uncertainty_calibration.get_selective_stats: 1 - area"])
    def test_agrees_without_ties(self, case, peer):
        key = next(name for name in ARRAYS[case]["peers"] if name.startswith(peer))
        assert metrics.mean_selective_risk(*outcomes(case)) == pytest.approx(ARRAYS[case]["peers"][key], **EXACT)

    def test_with_ties_the_peer_has_one_of_the_orders_we_average(self):
        confidence, correct = outcomes(B)
        in_file_order = np.argsort(-confidence, kind="stable")
        risk = np.cumsum(~correct[in_file_order]) / np.arange(1, len(correct) + 1)
        assert risk.mean() == pytest.approx(ARRAYS[B]["peers"]["1 - mapie.auarc(correct, conf)"], **EXACT)
        rng = np.random.default_rng(0)
        orders = (np.lexsort((rng.random(len(confidence)), -confidence)) for _ in range(20_000))
        averaged = [(np.cumsum(~correct[o]) / np.arange(1, len(correct) + 1)).mean() for o in orders]
        error = np.std(averaged) / math.sqrt(len(averaged))
        assert metrics.mean_selective_risk(confidence, correct) == pytest.approx(np.mean(averaged), abs=4 * error)


class TestTorchUncertainty:
    @pytest.mark.parametrize("case", [A, C])
    def test_areas_differ_by_the_first_step_and_a_rescaling(self, case):
        confidence, correct = outcomes(case)
        n, peers = len(correct), ARRAYS[case]["peers"]
        first = float(~correct[confidence.argmax()])
        area, generalised = metrics.aurc(confidence, correct), metrics.augrc(confidence, correct)
        rescaled = (area - first / n) / (1 - 1 / n), (generalised - first / (2 * n**2)) / (1 - 1 / n)
        assert rescaled[0] == pytest.approx(peers["torch_uncertainty.AURC"], **FLOAT32)
        assert rescaled[1] == pytest.approx(peers["torch_uncertainty.AUGRC"], **FLOAT32)

    def test_with_ties_shuffling_rows_changes_the_peer(self):
        peers = ARRAYS[B]["peers"]
        shuffled = "torch_uncertainty.AURC same rows, shuffled order (RandomState(3).permutation)"
        assert abs(peers["torch_uncertainty.AURC"] - peers[shuffled]) > 0.09

    @pytest.mark.parametrize("case", [A, C])
    @pytest.mark.parametrize("risk", [0.1, 0.2, 0.3])
    def test_coverage_at_risk_agrees_without_ties(self, case, risk):
        peer = ARRAYS[case]["peers"][f"torch_uncertainty.CovAtxRisk({risk})"]
        assert metrics.coverage_at_risk(*outcomes(case), risk) == pytest.approx(peer, **FLOAT32)

    def test_with_ties_the_peer_stops_inside_a_group_no_threshold_can_cut(self):
        curve = metrics.risk_coverage_curve(*outcomes(B))
        peer = ARRAYS[B]["peers"]["torch_uncertainty.CovAtxRisk(0.3)"]
        assert np.abs(curve.coverage - peer).min() > 0.05

    @pytest.mark.parametrize("case", [A, C])
    def test_risk_at_80_percent_agrees(self, case):
        peer = ARRAYS[case]["peers"]["torch_uncertainty.RiskAt80Cov"]
        assert metrics.risk_at_coverage(*outcomes(case), 0.8) == pytest.approx(peer, **FLOAT32)

    def test_55_of_100_rows_are_55(self):
        correct = np.ones(100, dtype=bool)
        correct[55] = False
        confidence = np.linspace(1, 0, 100)
        assert metrics.risk_at_coverage(confidence, correct, 0.55) == 0
        peer = next(value for key, value in GOLDEN["probes"].items() if "RiskAtxCov(0.55)" in key)
        assert peer == pytest.approx(1 / 56)  # it keeps 56

    @pytest.mark.parametrize("case", ARRAYS)
    @pytest.mark.parametrize("bins", [3, 5, 10])
    def test_adaptive_error_agrees(self, case, bins):
        name = "torch_uncertainty.AdaptiveCalibrationError num_bins={} norm={}"
        peers = ARRAYS[case]["peers"]
        assert l1(case, bins, debiased=False) == pytest.approx(peers[name.format(bins, "l1")], **FLOAT32)
        ours = math.sqrt(squared(case, bins, debiased=False))
        assert ours == pytest.approx(peers[name.format(bins, "l2")], **FLOAT32)

    @pytest.mark.parametrize("case", ARRAYS)
    def test_proper_scores_agree(self, case):
        peers = ARRAYS[case]["peers"]
        assert metrics.brier_score(*probabilities(case)) == pytest.approx(
            peers["torch_uncertainty.BrierScore"], **FLOAT32
        )
        unclipped = metrics.negative_log_likelihood(*probabilities(case), clip=0)
        assert unclipped == pytest.approx(float(peers["torch_uncertainty.CategoricalNLL"]), **FLOAT32)

    def test_classwise_agrees_on_a_and_differs_where_values_lie_on_edges(self):
        key = "torch_uncertainty.ClasswiseECE num_bins=10 mean"
        ours = {case: metrics.classwise_calibration_error(*probabilities(case), bins=10).mean() for case in ARRAYS}
        assert ours[A] == pytest.approx(ARRAYS[A]["peers"][key], **FLOAT32)
        for case in (B, C):
            probs, _ = probabilities(case)
            on_edge = np.isclose(probs * 10, np.round(probs * 10), atol=1e-9)
            assert on_edge.any()
            assert ours[case] != pytest.approx(ARRAYS[case]["peers"][key], **FLOAT32)


class TestTorchmetricsAndNetcal:
    @pytest.mark.parametrize(("case", "bins"), [(A, 10), (A, 15), (B, 10), (B, 15), (C, 10)])
    def test_torchmetrics_agrees_with_left_closed_bins(self, case, bins):
        name = "torchmetrics.multiclass_calibration_error n_bins={} norm={}"
        peers, options = ARRAYS[case]["peers"], {"binning": "equal_width", "side": "left"}
        assert l1(case, bins, debiased=False, **options) == pytest.approx(peers[name.format(bins, "l1")], **FLOAT32)
        if case != B:  # there its hidden bin for exactly 1.0 changes the sum of squares' weights
            ours = math.sqrt(squared(case, bins, debiased=False, **options))
            assert ours == pytest.approx(peers[name.format(bins, "l2")], **FLOAT32)

    def test_torchmetrics_on_c_with_15_bins_rounds_edges_to_float32(self):
        # The edge 6/15 becomes a little more than 0.4 there, so the row at 0.4 falls below it as with right-closed bins.
        peer = ARRAYS[C]["peers"]["torchmetrics.multiclass_calibration_error n_bins=15 norm=l1"]
        right = l1(C, 15, binning="equal_width", debiased=False, side="right")
        assert right == pytest.approx(peer, **FLOAT32)
        assert np.float32(6) * np.float32(1 / 15) > np.float32(0.4)

    def test_torchmetrics_puts_exactly_one_in_a_hidden_bin(self):
        confidence, correct = np.array([0.95, 1.0]), np.array([True, False])
        ours = metrics.top_label_calibration_error(confidence, correct, bins=10, binning="equal_width", debiased=False)
        assert ours == pytest.approx(0.475, **EXACT)
        probe = {key.split(":")[0]: value for key, value in GOLDEN["probes"].items()}
        assert ours == pytest.approx(probe["netcal same"], **EXACT)
        assert probe["torchmetrics phantom bin"] == pytest.approx((0.05 + 1.0) / 2, **FLOAT32)

    @pytest.mark.parametrize("case", ARRAYS)
    @pytest.mark.parametrize("bins", [10, 15])
    def test_netcal_top_label_agrees_with_left_closed_bins(self, case, bins):
        peer = ARRAYS[case]["peers"][f"netcal.ECE bins={bins} top-label as 1-D (conf,correct)"]
        assert l1(case, bins, binning="equal_width", debiased=False, side="left") == pytest.approx(peer, **EXACT)

    def test_netcal_on_two_columns_reads_the_second_class_instead_of_the_top_label(self):
        probs, labels = probabilities(B)
        second = metrics.top_label_calibration_error(
            probs[:, 1], labels == 1, bins=10, binning="equal_width", debiased=False
        )
        peer = ARRAYS[B]["peers"]["netcal.ECE bins=10"]
        assert second == pytest.approx(peer, **EXACT)
        assert l1(B, 10, binning="equal_width", debiased=False) != pytest.approx(peer, abs=0.05)


class TestScikitLearn:
    @pytest.mark.parametrize("case", ARRAYS)
    def test_log_loss_agrees_with_its_clip(self, case):
        ours = metrics.negative_log_likelihood(*probabilities(case), clip=float(np.finfo(np.float64).eps))
        assert ours == pytest.approx(ARRAYS[case]["peers"]["sklearn.log_loss"], **EXACT)

    @pytest.mark.parametrize("case", ARRAYS)
    def test_brier_agrees_and_the_binary_default_is_half(self, case):
        ours, peers = metrics.brier_score(*probabilities(case)), ARRAYS[case]["peers"]
        assert ours == pytest.approx(peers["sklearn.brier_score_loss scale_by_half=False"], **EXACT)
        half = 2 if ARRAYS[case]["input"]["n_classes"] == 2 else 1
        assert ours / half == pytest.approx(peers["sklearn.brier_score_loss default"], **EXACT)

    @pytest.mark.parametrize("case", ARRAYS)
    @pytest.mark.parametrize("bins", [3, 5, 10])
    def test_quantile_curve_returns_as_many_bins_as_ours_or_drops_more(self, case, bins):
        peer = ARRAYS[case]["peers"][
            f"sklearn.calibration_curve strategy=quantile n_bins={bins}: number of bins returned"
        ]
        ours = metrics.reliability_bins(*outcomes(case), bins=bins, binning="quantile")
        assert len(ours.count) == peer


class TestRelplot:
    @pytest.mark.parametrize("case", [A, C])
    def test_smooth_error_agrees_to_its_step(self, case):
        peer = ARRAYS[case]["peers"]["relplot.smECE(conf,correct)"]
        assert metrics.smooth_calibration_error(*outcomes(case)) == pytest.approx(peer, abs=1e-3)

    def test_on_b_the_peer_counts_confidences_of_exactly_one_half(self):
        # It mirrors its grid without repeating the edge, so mass on the edge loses its mirror image.
        confidence, correct = outcomes(B)
        weight = np.where(confidence == 1, 0.5, 1.0)
        grid = (np.arange(4000) + 0.5) / 4000

        def error_at(width):
            density = np.zeros_like(grid)
            for f, y, w in zip(confidence, correct, weight, strict=True):
                mirrored = np.array([2 * k + s * f for k in range(-3, 4) for s in (1, -1)])
                kernel = np.exp(-(((grid[:, None] - mirrored) / width) ** 2) / 2).sum(axis=1)
                density += w * (float(y) - f) * kernel / (width * math.sqrt(2 * math.pi))
            return np.abs(density).mean() / weight.sum()

        low, high = 0.01, 1.0
        while high - low > 1e-6:
            middle = (low + high) / 2
            low, high = (middle, high) if error_at(middle) > middle else (low, middle)
        assert low == pytest.approx(ARRAYS[B]["peers"]["relplot.smECE(conf,correct)"], abs=1e-3)
        assert metrics.smooth_calibration_error(confidence, correct) > low + 0.02
