from dataclasses import fields

import numpy as np
import pytest

from yori.audit.audio_faults import FAULTS, ClipMeasures, audio_fault_findings

CLEAN = {"readable": True, "level": -25.0, "peak": -5.0, "noise_floor": -60.0, "clipped": 0.0, "padding": 0.0,
         "bandwidth": 1.0, "offset": 0.0, "dropout": 0.0, "seconds": 2.0, "start": -20.0, "end": -20.0, "hum": 0.0,
         "hum_db": 0.0, "rate": 16_000.0, "constant": False}  # fmt: skip

BROKEN = {"unreadable": {"readable": False}, "constant": {"constant": True, "level": -np.inf},
          "near_silent": {"level": -80.0}, "clipped": {"clipped": 0.01}, "dropout": {"dropout": 0.05}, "hum": {"hum": 50.0,
          "hum_db": 20.0}, "upsampled": {"bandwidth": 0.5}, "other_rate": {"rate": 8000.0}, "truncated": {"end": 3.0},
          "short": {"seconds": 0.4}, "offset": {"offset": 0.1}, "padded": {"padding": 0.5}}  # fmt: skip


def measures(n: int, broken: dict[int, dict]) -> ClipMeasures:
    rows = [{**CLEAN, **broken.get(k, {})} for k in range(n)]
    columns = {
        each.name: np.array([row[each.name] for row in rows], dtype=type(CLEAN[each.name]))
        for each in fields(ClipMeasures)
        if each.name != "problem"
    }
    return ClipMeasures(problem=["" if row["readable"] else "gone" for row in rows], **columns)


def found(m: ClipMeasures, n: int):
    return audio_fault_findings(np.arange(n).astype(str), m, rate=16_000)


@pytest.mark.parametrize("fault", FAULTS)
def test_one_broken_clip_is_named(fault):
    [one] = found(measures(60, {7: BROKEN[fault]}), 60)
    assert (one.code, one.example_id, one.severity) == (fault, "7", FAULTS[fault])


def test_clean_clips_and_none():
    assert found(measures(60, {}), 60) == []
    assert found(measures(0, {}), 0) == []


@pytest.mark.parametrize("fault", ["clipped", "offset", "hum"])
def test_a_fault_of_all_is_one_finding_about_all(fault):
    [one] = found(measures(40, dict.fromkeys(range(30), BROKEN[fault])), 40)
    assert (one.code, one.example_id, one.values["fault"], one.values["n"]) == ("fault_everywhere", None, fault, 30)


def test_windows_cut_on_purpose_are_not_truncated():
    assert found(measures(40, dict.fromkeys(range(10), BROKEN["truncated"])), 40) == []
    lengths = {k: {"seconds": 0.3 + 0.1 * k} for k in range(40)}
    assert found(measures(40, lengths), 40) == []
