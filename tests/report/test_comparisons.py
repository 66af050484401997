from __future__ import annotations

from tests.report.sample import CONTROLS, METRICS, Sample

from yori.report.comparisons import all_entries, change_cell, controls_of, entry_of, main_entries, verdict_cell
from yori.report.wording import Words


def test_entries_are_found_by_arm_and_metric(sample: Sample) -> None:
    protocol = sample.certificate["protocols"]["lodo"]
    assert [each["metric"] for each in main_entries(protocol)] == list(METRICS)
    found = entry_of(protocol, "control:random", "before", "aurc")
    assert found is not None
    assert found["comparison"]["after"] == protocol["values"]["control:random"]["aurc"]
    assert entry_of(protocol, "control:random", "before", "nll") is None
    assert sum(name == "id" for name, _ in all_entries(sample.certificate)) == len(METRICS) + 2 * (len(CONTROLS) + 1)


def test_controls_come_in_order_and_unknown_ones_last() -> None:
    arms = ["oracle", "control:mine", "after", "control:random", "before"]
    assert controls_of({"values": dict.fromkeys(arms)}) == ["control:random", "oracle", "control:mine"]


def test_a_change_is_never_shown_without_its_interval_and_coloured_only_outside_zero() -> None:
    words = Words("en")
    found = {"delta": -0.02, "low": -0.03, "high": -0.01, "direction": "lower"}
    assert change_cell(words, "aurc", found).text == "−0.0200 [−0.0300, −0.0100]"
    assert change_cell(words, "aurc", found).tone == "good"
    assert change_cell(words, "aurc", {**found, "direction": "higher"}).tone == "bad"
    assert change_cell(words, "aurc", {**found, "high": 0.01}).tone == ""
    assert change_cell(words, "aurc", {**found, "low": None, "high": None}).text == "−0.0200"
    assert verdict_cell(words, {"word": "worse"}).tone == "bad"
