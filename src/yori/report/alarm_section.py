"""Where the alarm threshold lies before and after, and whether the one in service may stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yori.report import number_text as text
from yori.report.blocks import Block, Cell, Details, Heading, Paragraph, Section, Table, cells
from yori.report.wording import Words

MANY = 12
"""With more runs than this their table is folded away."""


def alarm_section(certificate: Mapping[str, Any], words: Words) -> Section | None:
    """Thresholds of every run, and what they mean in words; None for a certificate from before they were kept."""
    blocks: list[Block] = []
    for name, protocol in certificate["protocols"].items():
        found = protocol.get("alarm")
        if not found or not found["cells"]:
            continue
        rows = _table(name, found, words)
        blocks += [Heading(words.protocol(name)), *_sentences(found, words)]
        many = len(rows.rows) > MANY
        blocks.append(Details(words("alarm.every"), [rows]) if many else rows)
    if not blocks:
        return None
    reading = [Paragraph(words("alarm.reading")), Paragraph(words("alarm.service"), quiet=True)]
    return Section("alarm", words("alarm.title"), [*reading, *blocks])


def _sentences(found: Mapping[str, Any], words: Words) -> list[Paragraph]:
    """One for how far it moves; one for what happens if the old one stays."""
    every, risk = found["cells"], text.share_text(found["risk"])
    moved = [cell for cell in every if cell["shift"] is not None]
    if not moved:
        return [Paragraph(words("alarm.unreached", risk=risk))]
    said = words(
        "alarm.moved", risk=risk, before=_span(found["range"]["before"], words), after=_span(found["range"]["after"], words),
        shift=text.change("", found["mean_shift"], points=""), largest=text.value("", found["largest_shift"]),
    )  # fmt: skip
    spread = found["seed_spread"]["before"]
    if spread is not None:
        said += " " + words("alarm.spread", spread=text.value("", spread))
    if len(moved) < len(every):
        missing = len(every) - len(moved)
        said += " " + words("alarm.some_unreached", n=text.count(missing), of=words.count("n.runs", len(every)))
    return [Paragraph(said), _kept(found, every, words)]


def _kept(found: Mapping[str, Any], every: Sequence[Mapping[str, Any]], words: Words) -> Paragraph:
    # Where the old threshold answers nothing, nothing is wrong.
    kept = [cell["kept_risk"] or 0.0 for cell in every if cell["kept_coverage"] is not None]
    over = sum(risk > found["risk"] + 1e-9 for risk in kept)
    values = {"risk": text.share_text(found["risk"]), "of": words.count("n.runs", len(kept))}
    if not over:
        return Paragraph(words("alarm.kept", n=text.count(len(kept)), **values))
    return Paragraph(
        words("alarm.kept_over", n=text.count(over), worst=text.percent(max(kept)), **values), alert=True
    )  # fmt: skip


def _span(ends: Mapping[str, float], words: Words) -> str:
    low, high = text.confidence(ends["low"]), text.confidence(ends["high"])
    return low if low == high else words("alarm.span", low=low, high=high)


def _table(name: str, found: Mapping[str, Any], words: Words) -> Table:
    rows = []
    for cell in found["cells"]:
        seed = words("alarm.seed", seed=cell["seed"])
        over = cell["kept_risk"] is not None and cell["kept_risk"] > found["risk"] + 1e-9
        rows.append(
            cells(
                seed if cell["domain"] is None else words("alarm.run", domain=cell["domain"], seed=seed),
                text.confidence(cell["before"]),
                text.confidence(cell["after"]),
                text.change("", cell["shift"], points=""),
                text.percent(cell["coverage_before"]),
                text.percent(cell["kept_coverage"]),
                Cell(text.percent(cell["kept_risk"]), "bad" if over else ""),
            )
        )
    heads = ("run", "threshold_before", "threshold_after", "shift", "answered_before", "kept_coverage", "kept_risk")
    caption = words("alarm.caption", risk=text.share_text(found["risk"]), protocol=words.protocol(name))
    return Table(caption, [words(f"head.{each}") for each in heads], rows)
