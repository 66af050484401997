from __future__ import annotations

import copy

from tests.report.reading import row, tables, texts
from tests.report.sample import Sample

from yori.report.ledger_section import ledger_section
from yori.report.wording import Words


def test_the_ledger_lists_every_cost(sample: Sample) -> None:
    (table,) = tables(ledger_section(sample.certificate, Words("en")).blocks)
    assert row(table, "Curation")[2].replace("\u202f", "") == "9100000000"
    assert row(table, "Training, each arm: Leave one domain out")[1].replace("\u202f", " ") == "85.5 GFLOP"
    assert len(table.rows) == 6


def test_what_differs_is_said(sample: Sample) -> None:
    changed = copy.deepcopy(sample.certificate)
    changed["flops"]["counter_agrees"] = changed["parity"]["equal"] = False
    words = texts(ledger_section(changed, Words("en")).blocks)
    assert "does not agree" in words
    assert "NOT identical" in words
    words = texts(ledger_section(sample.certificate, Words("en")).blocks)
    assert "identical model" in words
    assert "does not agree" not in words
