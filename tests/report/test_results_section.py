from __future__ import annotations

import copy

import pytest
from tests.report.reading import row, tables, texts
from tests.report.sample import METRICS, SEEDS, Sample

from yori.errors import CorruptError
from yori.report.blocks import Figures
from yori.report.results_section import results_section
from yori.report.wording import Words


def test_every_metric_of_every_protocol_with_its_interval_and_stage(sample: Sample) -> None:
    section = results_section(sample.certificate, sample.proof / "predictions.parquet", Words("en"))
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


def test_curves_have_bands_over_single_runs(sample: Sample) -> None:
    words = Words("en")
    section = results_section(sample.certificate, sample.proof / "predictions.parquet", words)
    curves = [block.items[0] for block in section.blocks if isinstance(block, Figures)]
    assert [f"of {n} single runs" in caption for (_, caption), n in zip(curves, (SEEDS, 3 * SEEDS), strict=True)] == [
        True
    ] * 2
    assert all(str(drawing).count('class="band') == 2 for drawing, _ in curves)
    several = {**sample.certificate, "labels": "multiple"}
    section = results_section(several, sample.proof / "predictions.parquet", words)
    assert 'class="band' not in texts(section.blocks)


def test_a_curve_over_other_cells_gets_no_band(sample: Sample) -> None:
    changed = copy.deepcopy(sample.certificate)
    changed["protocols"]["id"]["risk_coverage"]["after"] = [0.9] * 39
    section = results_section(changed, sample.proof / "predictions.parquet", Words("en"))
    assert str(section.blocks[3].items[0][0]).count('class="band') == 1  # type: ignore[union-attr, index]


def test_mcnemar_and_counts_are_there_to_read(sample: Sample) -> None:
    section = results_section(sample.certificate, sample.proof / "predictions.parquet", Words("en"))
    captions = [table.caption for table in tables(section.blocks)]
    assert sum(caption.startswith("McNemar") for caption in captions) == 2
    bins = next(table for table in tables(section.blocks) if table.caption.startswith("Reliability"))
    assert sum(int(cells[3].text) for cells in bins.rows) == 2 * 720


def test_curves_of_another_length_than_their_grid_are_refused_and_missing_ones_left_out(sample: Sample) -> None:
    changed = copy.deepcopy(sample.certificate)
    changed["protocols"]["lodo"]["risk_coverage"]["before"].pop()
    with pytest.raises(CorruptError, match=r"protocols\.lodo\.risk_coverage"):
        results_section(changed, sample.proof / "predictions.parquet", Words("en"))
    for protocol in changed["protocols"].values():
        protocol |= {"risk_coverage": {}, "reliability": {}}
    section = results_section(changed, sample.proof / "predictions.parquet", Words("en"))
    assert "svg" not in texts(section.blocks)
