from __future__ import annotations

import copy

from tests.report.reading import row, tables, texts
from tests.report.sample import Sample

from yori.report.stability_section import leakage_section, stability_section
from yori.report.wording import Words


def test_agreement_stands_beside_chance(sample: Sample) -> None:
    section = stability_section(sample.certificate, Words("en"))
    assert row(tables(section.blocks)[0], "seeds") == ["seeds", "3", "0.583", "0.005", "0.810"]
    assert row(tables(section.blocks)[0], "validation resamples")[-1] == "–"
    assert texts(section.blocks).count("<svg") == 2
    assert row(tables(section.blocks)[1], "1") == ["1", "0.620", "1.000", "0.580"]


def test_unmeasured_parts_say_so(sample: Sample) -> None:
    for stability in (None, {"over": []}):
        assert "Not measured" in texts(
            stability_section({**sample.certificate, "stability": stability}, Words("en")).blocks
        )
    changed = copy.deepcopy(sample.certificate)
    changed["stability"]["over"][0]["jaccard"][0][1] = None
    assert "–" in texts(stability_section(changed, Words("en")).blocks)
    assert "Not measured" in texts(leakage_section({**sample.certificate, "leakage_gap": None}, Words("en")).blocks)


def test_the_gap_is_the_difference(sample: Sample) -> None:
    words = texts(leakage_section(sample.certificate, Words("en")).blocks).replace("\u202f", " ")
    assert "97.0 %; with groups kept whole: 58.0 % (5 folds)" in words
    assert "+39.00 pp" in words
