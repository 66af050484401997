"""What else the same budget would have bought: every control against *before*, and *after* against every control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yori.report.blocks import Block, Cell, Details, Heading, Paragraph, Section, Table, cells
from yori.report.comparisons import Entry, change_cell, controls_of, entry_of, verdict_cell
from yori.report.number_text import NONE
from yori.report.wording import Words


def controls_section(certificate: Mapping[str, Any], words: Words) -> Section:
    """One table for each protocol, in the primary metric; all values of all arms folded away below it."""
    metric, stage = certificate["primary"]["metric"], certificate["primary"]["stage"]
    blocks: list[Block] = [Paragraph(words("controls.reading"))]
    for name, protocol in certificate["protocols"].items():
        controls = controls_of(protocol)
        blocks.append(Heading(words.protocol(name)))
        if not controls:
            blocks.append(Paragraph(words("controls.none")))
            continue
        rows = [_row("after", metric, entry_of(protocol, "after", "before", metric), None, protocol, words)]
        for arm in controls:
            against_before = entry_of(protocol, arm, "before", metric)
            rows.append(_row(arm, metric, against_before, entry_of(protocol, "after", arm, metric), protocol, words))
        heads = ("arm", "value", "against_before", "after_against", "verdict_against")
        caption = words("controls.caption", metric=words.metric(metric), stage=words.stage(stage),
                        protocol=words.protocol(name))  # fmt: skip
        blocks.append(Table(caption, [words(f"head.{each}") for each in heads], rows))
        if "oracle" in controls:
            blocks.append(Paragraph(words("controls.oracle"), quiet=True))
        blocks.append(Details(words("controls.values"), [_values(name, protocol, words)]))
    return Section("controls", words("controls.title"), blocks)


def _row(
    arm: str, metric: str, before: Entry | None, after: Entry | None, protocol: Mapping[str, Any], words: Words
) -> tuple[Cell, ...]:
    return cells(
        words.arm(arm),
        words.value(metric, protocol["values"].get(arm, {}).get(metric)),
        change_cell(words, metric, before["comparison"]) if before else NONE,
        change_cell(words, metric, after["comparison"]) if after else NONE,
        verdict_cell(words, after["verdict"]) if after else NONE,
    )


def _values(name: str, protocol: Mapping[str, Any], words: Words) -> Table:
    arms = ["before", "after", *controls_of(protocol)]
    metrics = list(dict.fromkeys(metric for arm in arms for metric in protocol["values"].get(arm, {})))
    rows = [
        cells(words.metric(metric), *(words.value(metric, protocol["values"].get(arm, {}).get(metric)) for arm in arms))
        for metric in metrics
    ]
    caption = words("controls.values_caption", protocol=words.protocol(name))
    return Table(caption, [words("head.metric"), *(words.arm(arm) for arm in arms)], rows)
