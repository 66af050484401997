from __future__ import annotations

import copy

from tests.report.reading import row, tables, texts
from tests.report.sample import Sample

from yori.report.controls_section import controls_section
from yori.report.wording import Words


def test_every_control_against_before_and_after_against_every_control(sample: Sample) -> None:
    section = controls_section(sample.certificate, Words("en"))
    table = tables(section.blocks)[0]
    assert [cells[0].text for cells in table.rows] == [
        "After", "Random edits", "Confident learning", "Highest loss", "Train + validation", "Oracle (knows the truth)",
    ]  # fmt: skip
    entries = sample.certificate["protocols"]["id"]["comparisons"]
    against_before, after_against = (
        next(each["comparison"] for each in entries if (each["arm"], each["against"]) == pair)
        for pair in (("control:random", "before"), ("after", "control:random"))
    )
    shown = row(table, "Random edits")
    assert shown[2].startswith(f"{against_before['delta']:+.4f}".replace("-", "−"))
    assert shown[3].startswith(f"{after_against['delta']:+.4f}".replace("-", "−"))
    assert row(table, "After")[3] == "–"


def test_without_oracle_controls_or_comparisons(sample: Sample) -> None:
    changed = copy.deepcopy(sample.certificate)
    del changed["protocols"]["id"]["values"]["oracle"]
    changed["protocols"]["id"]["comparisons"] = []
    for arm in list(changed["protocols"]["lodo"]["values"]):
        if arm not in ("before", "after"):
            del changed["protocols"]["lodo"]["values"][arm]
    section = controls_section(changed, Words("en"))
    assert "racle" not in texts(section.blocks)
    assert "No control was run" in texts(section.blocks)
    assert row(tables(section.blocks)[0], "Random edits")[2:] == ["–", "–", "–"]
