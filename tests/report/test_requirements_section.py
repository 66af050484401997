from __future__ import annotations

from typing import Any

from tests.report.reading import row, tables, texts
from tests.report.sample import Sample

from yori.report.requirements_section import requirements_section
from yori.report.wording import Words

MISSED = {"coverage": 0.5, "met": False, "cells_met": 1, "cells": 3}
MIXED = {"coverage": 0.8, "met": True, "cells_met": 2, "cells": 3}
MET = {"coverage": 0.9, "met": True, "cells_met": 3, "cells": 3}
NOTHING = dict.fromkeys(("latency_ms", "queries_per_second", "model_bytes", "device", "serving", "coverage_at_risk"))


def certificate_of(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    wish = {"risk": 0.05, "coverage": 0.75}
    return {
        "requirements": {**NOTHING, "coverage_at_risk": wish},
        "protocols": {"id": {"coverage_at_risk": {**wish, "before": before, "after": after}}},
    }


def test_the_value_stands_beside_the_wish_in_words_and_in_colour() -> None:
    section = requirements_section(certificate_of(MISSED, MIXED), Words("en"))
    assert section is not None
    (table,) = tables(section.blocks)
    assert [cell.text.replace("\u202f", " ") for cell in table.rows[0]] == [
        "Coverage at 5 % risk, Random groups", "at least 75 %", "50.0 %: not met (in 1 of 3 runs)",
        "80.0 %: met (in 2 of 3 runs)",
    ]  # fmt: skip
    assert [cell.tone for cell in table.rows[0][2:]] == ["bad", "few"]
    whole = requirements_section(certificate_of(MET, MET), Words("en"))
    assert whole is not None
    assert tables(whole.blocks)[0].rows[0][2].tone == "good"


def test_limits_of_the_shipped_model_are_named_as_not_measured(sample: Sample) -> None:
    section = requirements_section(sample.certificate, Words("en"))
    assert section is not None
    (table,) = tables(section.blocks)
    assert len(table.rows) == 2 + 4
    assert row(table, "Time for one answer") == ["Time for one answer", "at most 20 ms", "–", "–"]
    assert row(table, "Size of the model")[1].replace("\u202f", " ") == "at most 250 000 bytes"
    assert row(table, "Served as")[1] == "a stream"
    assert row(table, "Device")[1] == "a board"
    assert "does not measure" in texts(section.blocks)


def test_only_limits_need_no_words_about_coverage() -> None:
    certificate = {"requirements": {**NOTHING, "queries_per_second": 2.5}, "protocols": {"id": {}}}
    section = requirements_section(certificate, Words("ko"))
    assert section is not None
    assert row(tables(section.blocks)[0], "초당 응답 수")[1] == "2.5건 이상"
    assert "시드 평균" not in texts(section.blocks)


def test_nothing_asked_for_nothing_shown(sample: Sample) -> None:
    assert requirements_section({**sample.certificate, "requirements": None}, Words("en")) is None
    older = {name: part for name, part in sample.certificate.items() if name != "requirements"}
    assert requirements_section(older, Words("en")) is None
