"""The report: what a proof found, for people who listen, read and re-check.

write                the HTML file
certificate_schema   what a certificate must hold
edits_of_proof       the edits, one entry for each change
clips, spectrogram   what can be seen and heard of them
*_section            what each part says
paper, procedure     methods, results, LaTeX, CSV; the standard operating procedure
blocks               what sections are made of
svg, *_chart, heat_map   drawings without a plotting library
wording, number_text     strings in every language (wording.yaml), and how numbers are written
templates            HTML and CSS; no words
"""

from __future__ import annotations

from yori.report.certificate_schema import read_certificate
from yori.report.paper import csv_table, latex_table, methods_paragraph, results_paragraph
from yori.report.procedure import procedure
from yori.report.write import report_page, write_report

__all__ = [
    "csv_table",
    "latex_table",
    "methods_paragraph",
    "procedure",
    "read_certificate",
    "report_page",
    "results_paragraph",
    "write_report",
]
