"""Every domain by itself: where the change holds and where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yori.report import number_text as text
from yori.report.blocks import Block, Details, Figures, Heading, Paragraph, Section, Table, cells
from yori.report.comparisons import Entry, change_cell, main_entries
from yori.report.forest_chart import Effect, forest_chart
from yori.report.wording import Words

MANY = 12
"""With more domains than this a forest is tall: those of all metrics but the primary one are folded away."""


def domains_section(certificate: Mapping[str, Any], words: Words) -> Section:
    """Forest plots and tables of every protocol."""
    blocks: list[Block] = [Paragraph(words("domains.reading"))]
    primary = certificate["primary"]["metric"]
    for name, protocol in certificate["protocols"].items():
        entries = main_entries(protocol)
        if not entries:
            continue
        blocks.append(Heading(words.protocol(name)))
        summary = _summary(name, entries, words)
        figures = [summary] if summary else []
        if all(len(each["comparison"]["per_domain"]) < 2 for each in entries):
            blocks += [Figures(figures), Paragraph(words("domains.one"))]
            continue
        first = [each for each in entries if each["metric"] == primary] or entries[:1]
        drawn = {id(each): _forest(name, each, words) for each in entries}
        if max(len(each["comparison"]["per_domain"]) for each in entries) <= MANY:
            blocks.append(Figures([*figures, *drawn.values()]))
        else:
            blocks += [Figures(figures), Figures([drawn[id(each)] for each in first])]
            folded = [drawn[id(each)] for each in entries if each not in first]
            blocks.append(Details(words("domains.other_forests"), [Figures(folded)]))
        blocks += [_table(name, each, words) for each in first]
        others = [_table(name, each, words) for each in entries if each not in first]
        blocks.append(Details(words("domains.others"), others))
    return Section("domains", words("domains.title"), blocks)


def _summary(name: str, entries: list[Entry], words: Words) -> tuple[Any, str] | None:
    """All metrics on one scale: the improvement as a part of the value before. None if no metric has such a part."""
    effects = []
    for each in entries:
        found = each["comparison"]
        size = abs(found["before"])
        if size == 0:
            continue
        sign = -1.0 if found["direction"] == "lower" else 1.0
        ends = sorted((sign * found["low"] / size, sign * found["high"] / size))
        effects.append(Effect(words.metric(each["metric"]), sign * found["delta"] / size, *ends))
    if not effects:
        return None
    title = words("forest.all_title", protocol=words.protocol(name))
    spoken = "; ".join(f"{each.name} {text.percent(each.change)}" for each in effects)
    chart = forest_chart(
        effects,
        direction="higher",
        title=title,
        description=spoken,
        better=words("axis.better"),
        x_title=words("axis.relative"),
        number=text.axis_percent,
    )
    return chart, words("forest.all_caption", protocol=words.protocol(name))


def _forest(name: str, entry: Entry, words: Words) -> tuple[Any, str]:
    found, metric = entry["comparison"], entry["metric"]
    effects = [Effect(each["domain"], each["delta"], each["low"], each["high"]) for each in found["per_domain"]]
    effects.append(Effect(words("domain.mean"), found["delta"], found["low"], found["high"], summary=True))
    spoken = "; ".join(f"{each.name} {words.change(metric, each.change)}" for each in effects)
    title = words("forest.title", metric=words.metric(metric), protocol=words.protocol(name))
    chart = forest_chart(
        effects,
        direction=found["direction"],
        title=title,
        description=spoken,
        better=words("axis.better"),
        x_title=words("axis.change"),
        number=text.axis_percent if text.is_share(metric) else text.axis_number,
    )
    return chart, f"{words.metric(metric)} ({words.stage(entry['stage'])})"


def _table(name: str, entry: Entry, words: Words) -> Table:
    found, metric = entry["comparison"], entry["metric"]
    rows = [
        cells(
            each["domain"],
            words.value(metric, each["before"]),
            words.value(metric, each["after"]),
            change_cell(words, metric, {**each, "direction": found["direction"]}),
            text.count(each["n_examples"]),
            text.count(each["n_clusters"]),
            ", ".join(words.change(metric, delta) for delta in each["seed_deltas"]),
        )
        for each in found["per_domain"]
    ]
    rows.append(
        cells(
            words("domain.mean"),
            words.value(metric, found["before"]),
            words.value(metric, found["after"]),
            change_cell(words, metric, found),
            text.count(found["n_examples"]),
            text.count(found["n_clusters"]),
            "",
        )
    )
    heads = ("domain", "before", "after", "change", "examples", "clusters", "by_seed")
    caption = words("domains.caption", metric=words.metric(metric), stage=words.stage(entry["stage"]),
                    protocol=words.protocol(name))  # fmt: skip
    return Table(caption, [words(f"head.{each}") for each in heads], rows)
