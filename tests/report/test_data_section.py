from __future__ import annotations

import copy

from tests.report.reading import row, tables, texts
from tests.report.sample import Sample

from yori.report.blocks import Paragraph
from yori.report.data_section import data_section, recipe_section
from yori.report.wording import Words


def test_counts_splits_and_the_task(sample: Sample) -> None:
    section = data_section(sample.certificate, Words("en"))
    classes, domains, cells = tables(section.blocks)
    assert row(classes, "cargo")[1] == "8"
    assert row(domains, "near")[1] == "14"
    assert len(cells.rows) == 12
    assert cells.rows[-1][0].text == "Leave one domain out: far"
    assert sample.certificate["task"]["text"] in texts(section.blocks)


def test_a_split_by_clip_is_a_warning_and_no_domains_is_no_table(sample: Sample) -> None:
    changed = copy.deepcopy(sample.certificate)
    changed["splits"]["by"] = "clip"
    changed["data"]["domains"] = []
    section = data_section(changed, Words("en"))
    assert [block.text[:7] for block in section.blocks if isinstance(block, Paragraph) and block.alert] == ["Warning"]
    assert len(tables(section.blocks)) == 2


def test_notes_and_looks(sample: Sample) -> None:
    section = recipe_section(sample.certificate, Words("en"))
    assert "edge of its grid" in texts(section.blocks)
    assert "opened once" in texts(section.blocks)
    section = recipe_section({**sample.certificate, "looks": 4, "notes": []}, Words("en"))
    assert "opened 4 times" in texts(section.blocks)
    assert "nothing to remark" in texts(section.blocks)
