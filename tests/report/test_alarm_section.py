from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.report.reading import row, tables, texts
from tests.report.sample import Sample

from yori.report.alarm_section import MANY, alarm_section
from yori.report.blocks import Details, Paragraph
from yori.report.wording import Language, Words

RUN = {"domain": None, "seed": 0, "before": 0.9, "after": 0.7, "shift": -0.2, "coverage_before": 0.5,
       "coverage_after": 0.8, "kept_coverage": 0.6, "kept_risk": 0.05}  # fmt: skip
NO_RUN = {**dict.fromkeys(RUN), "seed": 1}


def certificate_of(*runs: dict[str, Any], spread: float | None = None) -> dict[str, Any]:
    found = {"risk": 0.05, "cells": list(runs), "mean_shift": -0.2, "largest_shift": 0.2,
             "seed_spread": {"before": spread, "after": spread},
             "range": {"before": {"low": 0.9, "high": 0.9}, "after": {"low": 0.6, "high": 0.7}}}  # fmt: skip
    return {"protocols": {"id": {"alarm": found}}}


def said(certificate: dict[str, Any], language: Language = "en") -> str:
    section = alarm_section(certificate, Words(language))
    assert section is not None
    return texts(section.blocks).replace("\u202f", " ").replace("\xa0", " ")


def test_every_run_of_the_sample_is_in_a_table(sample: Sample) -> None:
    section = alarm_section(sample.certificate, Words("en"))
    assert section is not None
    random, held_out = tables(section.blocks)
    assert [each[0].text for each in random.rows] == ["seed\xa00", "seed\xa01", "seed\xa02"]
    assert len(held_out.rows) == 9
    cell = sample.certificate["protocols"]["lodo"]["alarm"]["cells"][0]
    shown = row(held_out, f"{cell['domain']}, seed\xa0{cell['seed']}")
    assert shown[1:3] == [f"{cell[arm]:.4f}" for arm in ("before", "after")]
    assert shown[4].startswith(f"{100 * cell['coverage_before']:.1f}")


def test_a_move_in_the_words_of_an_operator() -> None:
    words = said(certificate_of(RUN, spread=0.01))
    assert "below a confidence of 0.9000 before the edits and of 0.6000 to 0.7000 (by run) after them" in words
    assert "a move of −0.2000 on average, and of 0.2000 at most" in words
    assert "From seed to seed alone it varied by 0.0100" in words
    assert "keeps to 5 % wrong answers in 1 of 1 run." in words
    assert "From seed to seed" not in said(certificate_of(RUN))


def test_an_old_threshold_that_breaks_the_promise_is_an_alert() -> None:
    section = alarm_section(certificate_of(RUN, {**RUN, "seed": 1, "kept_risk": 0.081}), Words("en"))
    assert section is not None
    (alert,) = [block for block in section.blocks if isinstance(block, Paragraph) and block.alert]
    assert "more than 5 % wrong answers in 1 of 2 runs (up to 8.1 %)" in alert.text.replace("\u202f", " ")
    tones = [each[-1].tone for each in tables(section.blocks)[0].rows]
    assert tones == ["", "bad"]


def test_a_threshold_that_answers_nothing_is_wrong_on_nothing() -> None:
    assert "keeps to 5 %" in said(certificate_of({**RUN, "kept_coverage": 0.0, "kept_risk": None}))


def test_runs_without_a_threshold_are_counted_and_dashed() -> None:
    words = said(certificate_of(RUN, NO_RUN))
    assert "In 1 of 2 runs no threshold keeps this risk" in words
    assert "in 1 of 1 run." in words
    assert "seed 1 | – | – | – | – | – | –" in words
    assert "No run has a threshold" in said(certificate_of(NO_RUN))


def test_many_runs_are_folded_away() -> None:
    for count, folded in ((MANY, False), (MANY + 1, True)):
        section = alarm_section(certificate_of(*[{**RUN, "seed": seed} for seed in range(count)]), Words("en"))
        assert section is not None
        assert any(isinstance(block, Details) for block in section.blocks) == folded


@pytest.mark.parametrize("part", [{}, {"alarm": None}])
def test_an_older_certificate_has_no_such_section(sample: Sample, part: dict[str, Any]) -> None:
    changed = copy.deepcopy(sample.certificate)
    changed["protocols"] = {"id": part}
    assert alarm_section(changed, Words("en")) is None


def test_korean(sample: Sample) -> None:
    assert "기존 임계값" in said(certificate_of(RUN), "ko")
    assert "시드 0" in said(sample.certificate, "ko")
