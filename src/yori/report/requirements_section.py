"""What the task asks of the deployed model, and how far before and after meet it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yori.report import number_text as text
from yori.report.blocks import Block, Cell, Paragraph, Section, Table, cells
from yori.report.wording import Words

SHIPPED = ("latency_ms", "queries_per_second", "model_bytes", "device", "serving")
"""Requirements on the shipped model, in the order they are shown; a proof does not measure them."""


def requirements_section(certificate: Mapping[str, Any], words: Words) -> Section | None:
    """One table of wishes and what was reached; None where the task has no requirements."""
    asked = certificate.get("requirements")
    if not asked:
        return None
    rows = []
    for name, protocol in certificate["protocols"].items():
        found = protocol.get("coverage_at_risk")
        if found:
            wish = words("requirements.at_least", value=text.share_text(found["coverage"]))
            metric = words("requirements.coverage", risk=text.share_text(found["risk"]), protocol=words.protocol(name))
            rows.append(cells(metric, wish, _reached(found["before"], words), _reached(found["after"], words)))
    limits = [
        cells(words(f"requirements.{name}"), _limit(name, asked[name], words), text.NONE, text.NONE)
        for name in SHIPPED
        if asked.get(name) is not None
    ]
    heads = [words(f"head.{each}") for each in ("requirement", "wish", "before", "after")]
    blocks: list[Block] = [Table(words("requirements.caption"), heads, [*rows, *limits], 4)]
    if rows:
        blocks.insert(0, Paragraph(words("requirements.reading")))
    if limits:
        blocks.append(Paragraph(words("requirements.shipped"), quiet=True))
    return Section("requirements", words("requirements.title"), blocks)


def _reached(arm: Mapping[str, Any], words: Words) -> Cell:
    """Met on the mean but not in every run is neither good nor bad."""
    said = words(
        "requirements.met" if arm["met"] else "requirements.missed", value=text.percent(arm["coverage"]),
        n=text.count(arm["cells_met"]), of=words.count("n.runs", arm["cells"]),
    )  # fmt: skip
    if not arm["met"]:
        return Cell(said, "bad")
    return Cell(said, "good" if arm["cells_met"] == arm["cells"] else "few")


def _limit(name: str, wish: float | str, words: Words) -> str:
    if isinstance(wish, str):
        return words.known(f"serving.{wish}", wish) if name == "serving" else wish
    return words(f"limit.{name}", value=text.count(wish) if isinstance(wish, int) else f"{wish:g}")
