from __future__ import annotations

import copy

import pytest
from tests.report.reading import row, tables, texts
from tests.report.sample import METRICS, Sample

from yori.errors import CorruptError
from yori.report.blocks import Figures
from yori.report.results_section import results_section
from yori.report.wording import Words


def test_every_metric_of_every_protocol_with_its_interval_and_stage(sample: Sample) -> None:
    section = results_section(sample.certificate, Words("en"))
    main = [table for table in tables(section.blocks) if table.caption.startswith("All metrics")]
    assert len(main) == 2
    for table in main:
        assert len(table.rows) == len(METRICS)
        shown = row(table, "AURC ↓")
        assert shown[-1] == "raw"
        assert "[" in shown[3]
        assert row(table, "NLL ↓")[-1] == "after temperature"
        assert row(table, "Accuracy ↑")[1].endswith("%")
    found = sample.certificate["protocols"]["id"]["comparisons"][0]["comparison"]
    assert row(main[0], "AURC ↓")[1:3] == [f"{found['before']:.4f}", f"{found['after']:.4f}"]


def test_curves_have_the_bands_of_the_certificate(sample: Sample) -> None:
    section = results_section(sample.certificate, Words("en"))
    curves = [block.items[0] for block in section.blocks if isinstance(block, Figures)]
    assert all("Band: 95 %" in caption for _, caption in curves)
    assert all(str(drawing).count('class="band') == 2 for drawing, _ in curves)
    changed = copy.deepcopy(sample.certificate)
    for protocol in changed["protocols"].values():
        protocol["risk_coverage_band"] = None
    assert 'class="band' not in texts(results_section(changed, Words("en")).blocks)
    changed["protocols"]["id"]["risk_coverage_band"] = {"after": {"low": [0.1], "high": [0.2]}}
    with pytest.raises(CorruptError, match=r"protocols\.id\.risk_coverage_band"):
        results_section(changed, Words("en"))


def test_mcnemar_and_counts_are_there_to_read(sample: Sample) -> None:
    section = results_section(sample.certificate, Words("en"))
    captions = [table.caption for table in tables(section.blocks)]
    assert sum(caption.startswith("McNemar") for caption in captions) == 2
    bins = next(table for table in tables(section.blocks) if table.caption.startswith("Reliability"))
    assert sum(int(cells[3].text) for cells in bins.rows) == 2 * 720


def test_curves_of_another_length_than_their_grid_are_refused_and_missing_ones_left_out(sample: Sample) -> None:
    changed = copy.deepcopy(sample.certificate)
    changed["protocols"]["lodo"]["risk_coverage"]["before"].pop()
    with pytest.raises(CorruptError, match=r"protocols\.lodo\.risk_coverage"):
        results_section(changed, Words("en"))
    for protocol in changed["protocols"].values():
        protocol |= {"risk_coverage": {}, "reliability": {}}
    section = results_section(changed, Words("en"))
    assert "svg" not in texts(section.blocks)
