"""What everything cost in floating-point operations, and that prediction did not change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yori.report import number_text as text
from yori.report.blocks import Cell, Facts, Paragraph, Section, Table, cells
from yori.report.wording import Words


def ledger_section(certificate: Mapping[str, Any], words: Words) -> Section:
    """The ledger, the check of the counter, and the parity of prediction."""
    flops, parity = certificate["flops"], certificate["parity"]
    rows = [
        cells(words("flops.train", protocol=words.protocol(name)), text.flops(number), text.count(number))
        for name, number in flops["train_per_arm"].items()
    ]
    rows += [
        cells(words(f"flops.{name}"), text.flops(flops[name]), text.count(flops[name]))
        for name in ("tuning", "curation", "embedding", "inference_per_example")
    ]
    agrees, equal = flops["counter_agrees"], parity["equal"]
    return Section(
        "flops",
        words("flops.title"),
        [
            Paragraph(words("flops.reading")),
            Table(words("flops.caption"), [words(f"head.{each}") for each in ("cost", "rounded", "exact")], rows),
            Paragraph(words("flops.agrees" if agrees else "flops.disagrees"), alert=not agrees),
            Facts(
                [
                    (words("parity.verdict"), Cell(words("parity.equal" if equal else "parity.differs"),
                                                   "good" if equal else "bad")),
                    (words("parity.parameters"), Cell(text.count(parity["parameters"]))),
                    (words("parity.flops"), Cell(text.flops(parity["flops_per_prediction"]))),
                    (words("parity.dtype"), Cell(parity["dtype"])),
                    (words("parity.graph"), Cell(text.short_hash(parity["graph_sha256"]))),
                ]
            ),
        ],
    )  # fmt: skip
