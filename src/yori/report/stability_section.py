"""Would another seed or validation sample have chosen the same edits? How much would a random split flatter?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yori.report import number_text as text
from yori.report.bar_chart import Bar, bar_chart
from yori.report.blocks import Block, Details, Figures, Paragraph, Section, Table, cells
from yori.report.heat_map import heat_map
from yori.report.wording import Words


def stability_section(certificate: Mapping[str, Any], words: Words) -> Section:
    """Heat maps of the Jaccard index with the chance level beside it."""
    stability = certificate.get("stability")
    parts = stability["over"] if stability else []
    title = words("stability.title")
    if not parts:
        return Section("stability", title, [Paragraph(words("stability.none"))])
    rows = [
        cells(
            words.known(f"over.{each['kind']}", each["kind"]),
            text.count(len(each["names"])),
            _share(each["mean_jaccard"]),
            _share(each["chance_jaccard"]),
            _share(each["spearman"]),
        )
        for each in parts
    ]
    heads = [words(f"head.{each}") for each in ("over", "sets", "jaccard", "chance", "spearman")]
    drawn = [each for each in parts if each["names"] and each["jaccard"]]
    blocks: list[Block] = [Paragraph(words("stability.reading")), Table(words("stability.caption"), heads, rows)]
    blocks.append(Figures([_map(each, words) for each in drawn]))
    blocks.append(Details(words("stability.numbers"), [_numbers(each, words) for each in drawn]))
    return Section("stability", title, blocks)


def leakage_section(certificate: Mapping[str, Any], words: Words) -> Section:
    """The accuracy that a split by random clip would have shown, beside that of the split by group."""
    gap, title = certificate.get("leakage_gap"), words("leakage.title")
    if gap is None:
        return Section("leakage", title, [Paragraph(words("leakage.none"))])
    spoken = words(
        "leakage.sentence", metric=words.metric(gap["metric"]), by_clip=words.value(gap["metric"], gap["by_clip"]),
        by_group=words.value(gap["metric"], gap["by_group"]), folds=gap["folds"],
        gap=words.change(gap["metric"], gap["by_clip"] - gap["by_group"]),
    )  # fmt: skip
    bars = [Bar(words("leakage.by_clip"), gap["by_clip"], "arm-highest_loss"),
            Bar(words("leakage.by_group"), gap["by_group"], "arm-after")]  # fmt: skip
    chart = bar_chart(bars, title=title, description=spoken, percent=text.percent)
    blocks: list[Block] = [Paragraph(spoken), Figures([(chart, words("leakage.caption", folds=gap["folds"]))])]
    return Section("leakage", title, blocks)


def _share(number: float | None) -> str:
    return text.NONE if number is None else f"{number:.3f}".replace("-", text.MINUS)


def _map(part: Mapping[str, Any], words: Words) -> tuple[Any, str]:
    title = words("stability.map_title", over=words.known(f"over.{part['kind']}", part["kind"]))
    spoken = words("stability.spoken", mean=_share(part["mean_jaccard"]), chance=_share(part["chance_jaccard"]))
    shares = [[0.0 if share is None else share for share in row] for row in part["jaccard"]]
    chart = heat_map(part["names"], shares, title=title, description=spoken, number=lambda share: f"{share:.2f}")
    return chart, f"{title}. {spoken}"


def _numbers(part: Mapping[str, Any], words: Words) -> Table:
    rows = [
        cells(name, *(_share(share) for share in row)) for name, row in zip(part["names"], part["jaccard"], strict=True)
    ]
    over = words.known(f"over.{part['kind']}", part["kind"])
    return Table(words("stability.map_title", over=over), [over, *part["names"]], rows)
