"""Text and tables to take along: methods, results, LaTeX, CSV, and the procedure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yori.report.blocks import Details, Listing, Paragraph, Section, Source
from yori.report.paper import csv_table, latex_table, methods_paragraph, results_paragraph
from yori.report.procedure import procedure
from yori.report.spectrogram import data_uri
from yori.report.wording import Words

CSV_FILE = "comparisons.csv"
LATEX_FILE = "table.tex"


def paper_section(certificate: Mapping[str, Any], words: Words) -> Section:
    """Everything folded away but its names."""
    lang = words.language
    table, latex = csv_table(certificate), latex_table(certificate, lang)
    return Section(
        "paper",
        words("paper.title"),
        [
            Paragraph(words("paper.reading")),
            Details(words("paper.methods"), [Paragraph(methods_paragraph(certificate, lang))]),
            Details(words("paper.results"), [Paragraph(results_paragraph(certificate, lang))]),
            Details(words("paper.latex"), [_file(words("paper.latex"), latex, LATEX_FILE, "application/x-tex", words)]),
            Details(words("paper.csv"), [_file(words("paper.csv"), table, CSV_FILE, "text/csv", words)]),
        ],
    )


def procedure_section(certificate: Mapping[str, Any], words: Words) -> Section:
    """The standard operating procedure."""
    steps = Listing(procedure(certificate, words.language), steps=True)
    return Section(
        "procedure", words("sop.title"), [Paragraph(words("sop.reading")), Details(words("sop.summary"), [steps])]
    )


def _file(label: str, content: str, name: str, kind: str, words: Words) -> Source:
    uri = data_uri(content.encode(), f"{kind};charset=utf-8")
    return Source(label, content, words("paper.save", file=name), name, uri)
