from __future__ import annotations

import copy
import csv
import io
import re

import pytest
from tests.report.sample import Sample

from yori.report.certificate_schema import WORDS
from yori.report.paper import CSV_COLUMNS, csv_table, escape_latex, latex_table, methods_paragraph, results_paragraph
from yori.report.procedure import procedure
from yori.report.wording import Language, Words


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("word", WORDS)
def test_results_begin_with_the_verdict_whatever_it_is(sample: Sample, word: str, lang: Language) -> None:
    changed = copy.deepcopy(sample.certificate)
    changed["verdict"]["word"] = word
    first = results_paragraph(changed, lang).split(". ")[0]
    assert Words(lang)(f"verdict.{word}") in first


def test_results_carry_numbers_and_controls(sample: Sample) -> None:
    words = results_paragraph(sample.certificate)
    found = sample.certificate["primary"]["comparison"]
    assert f"{found['before']:.4f} before and {found['after']:.4f} after" in words
    assert "After minus control in AURC, Random groups: Random edits −" in words
    assert "p <\u202f0.001; 720 examples" in words
    assert "5 of 12 edits" in words
    assert "97.0" in words
    changed = {**sample.certificate, "truth": None, "leakage_gap": None}
    changed["verdict"] = {**changed["verdict"], "needed_examples": 6147}
    words = results_paragraph(changed)
    assert "6\u202f147 test examples would settle" in words
    assert "known to be wrong" not in words
    gap = {"metric": "accuracy", "by_clip": 0.5, "by_group": 0.6, "folds": 5}
    assert "instead of" not in results_paragraph({**sample.certificate, "leakage_gap": gap})


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_methods_and_procedure_are_filled_in(sample: Sample, lang: Language) -> None:
    methods, steps = methods_paragraph(sample.certificate, lang), procedure(sample.certificate, lang)
    for number in ("0.01", "900", "256", "28.5", "AURC"):
        assert number in methods
    assert len(steps) == 13
    assert not re.search(r"[{}]|None|nan", methods + "".join(steps))
    assert "1.18" in steps[8]
    assert "1.31" in steps[8]


def test_methods_do_not_claim_what_was_not_confirmed(sample: Sample) -> None:
    changed = copy.deepcopy(sample.certificate)
    changed["parity"]["equal"] = False
    changed["looks"] = 3
    changed["splits"]["by"] = "clip"
    words = methods_paragraph(changed)
    assert "were not confirmed" in words
    assert "identical model (" not in words
    assert "opened 3 times" in words
    assert "optimistic" in words
    assert "not measured" in procedure({**changed, "leakage_gap": None})[3]


def test_csv_reads_back_to_the_last_digit(sample: Sample) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_table(sample.certificate))))
    entries = [each for protocol in sample.certificate["protocols"].values() for each in protocol["comparisons"]]
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [float(row["delta"]) for row in rows] == [each["comparison"]["delta"] for each in entries]
    assert [row["verdict"] for row in rows] == [each["verdict"]["word"] for each in entries]
    assert rows[0]["holm_p"] == ""
    assert (rows[0]["protocol"], rows[-1]["protocol"]) == ("id", "lodo")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_latex_is_balanced_and_escaped(sample: Sample, lang: Language) -> None:
    table = latex_table(sample.certificate, lang)
    assert table.count("{") == table.count("}")
    assert table.count(r"\begin") == table.count(r"\end") == 2
    rows = [line for line in table.splitlines() if line.endswith(r" \\") and "multicolumn" not in line]
    assert len(rows) == 17
    assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {6}
    assert not re.search(r"(?<!\\)%|\u202f|−", table)


def test_latex_special_letters() -> None:
    assert escape_latex("a_b{c}\\~^#$&<") == (
        r"a\_b\{c\}\textbackslash{}\textasciitilde{}\textasciicircum{}\#\$\&$<$"
    )  # fmt: skip
