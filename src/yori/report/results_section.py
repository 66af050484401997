"""Before and after in every metric, the curves behind them, and every held-out domain by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from yori.errors import CorruptError
from yori.report import number_text as text
from yori.report.blocks import Block, Cell, Details, Figures, Heading, Paragraph, Section, Table, cells
from yori.report.comparisons import change_cell, controls_of, main_entries, reference_of, verdict_cell
from yori.report.curve_chart import Curve, curve_chart
from yori.report.reliability_chart import Bin, ReliabilityLine, reliability_chart
from yori.report.sentences import said
from yori.report.wording import Words


def results_section(certificate: Mapping[str, Any], words: Words) -> Section:
    """Tables and curves of every protocol.

    Raises
    ------
    CorruptError
        If a curve does not have the length of its grid.
    """
    blocks: list[Block] = [Paragraph(words("results.reading"))]
    for name, protocol in certificate["protocols"].items():
        blocks.append(Heading(words.protocol(name)))
        for against in dict.fromkeys((reference_of(certificate), "before")):
            blocks.append(_table(name, protocol, words, against))
        for note, language in (said(note, words.language) for note in _notes(protocol)):
            blocks.append(Paragraph(note, quiet=True, language=None if language == words.language else language))
        figures = (_curves(certificate, name, words), _reliability(name, protocol, words))
        blocks.append(Figures([figure for figure in figures if figure is not None]))
        blocks.append(
            Details(words("results.numbers"), [_bins(name, protocol, words), _mcnemar(name, protocol, words)])
        )
    return Section("results", words("results.title"), blocks)


def _table(name: str, protocol: Mapping[str, Any], words: Words, against: str) -> Table:
    rows = []
    for each in main_entries(protocol, against):
        found, metric = each["comparison"], each["metric"]
        rows.append(
            cells(
                words("metric.with_direction", metric=words.metric(metric), arrow=_arrow(found["direction"])),
                words.value(metric, found["before"]),
                words.value(metric, found["after"]),
                change_cell(words, metric, found),
                verdict_cell(words, each["verdict"]),
                text.p_value(found["p_value"]),
                text.p_value(each["holm_p"]),
                words.stage(each["stage"]),
            )
        )
    heads = ("metric", "before", "after", "change", "verdict", "p", "holm", "stage")
    shown = [words(f"head.{each}") for each in heads]
    if against != "before":
        shown[1] = words.arm(against)
        caption = words("results.against_caption", arm=words.arm(against), protocol=words.protocol(name))
        return Table(caption, shown, rows)
    return Table(words("results.caption", protocol=words.protocol(name)), shown, rows)


def _arrow(direction: str) -> str:
    return "↓" if direction == "lower" else "↑"


def _notes(protocol: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(note for each in main_entries(protocol) for note in each["comparison"]["notes"]))


def _curves(certificate: Mapping[str, Any], name: str, words: Words) -> tuple[Any, str] | None:
    protocol = certificate["protocols"][name]
    drawn = protocol["risk_coverage"]
    grid = drawn.get("coverage", [])
    shown = [arm for arm in ("after", "before", *controls_of(protocol)) if arm in drawn]
    if not (shown and grid):
        return None
    bands = protocol.get("risk_coverage_band") or {}
    curves = []
    for arm in shown:
        if len(drawn[arm]) != len(grid):
            raise CorruptError(f"{len(grid)} values, one for each coverage", f"{len(drawn[arm])} for {arm}",
                               where=f"certificate: protocols.{name}.risk_coverage")  # fmt: skip
        band = bands.get(arm)
        if band is not None and not len(band["low"]) == len(band["high"]) == len(grid):
            raise CorruptError(f"a band of {len(grid)} values", f"{len(band['low'])} for {arm}",
                               where=f"certificate: protocols.{name}.risk_coverage_band")  # fmt: skip
        low_high = (None, None) if band is None else (band["low"], band["high"])
        curves.append(Curve(words.arm(arm), "arm-" + arm.removeprefix("control:"), drawn[arm], *low_high))
    ends = [(arm, drawn[arm]) for arm in ("before", "after") if arm in drawn]
    spoken = "; ".join(
        words("curves.spoken", arm=words.arm(arm), half=text.percent(float(np.interp(0.5, grid, line))),
              full=text.percent(line[-1])) for arm, line in ends if line
    )  # fmt: skip
    chart = curve_chart(
        grid,
        curves,
        title=words("curves.title", protocol=words.protocol(name)),
        description=spoken,
        x_title=words("axis.coverage"),
        y_title=words("axis.risk"),
        percent=text.axis_percent,
    )
    caption = words("curves.caption")
    if any(curve.low is not None for curve in curves):
        caption += " " + words("curves.band")
    return chart, caption


def _reliability(name: str, protocol: Mapping[str, Any], words: Words) -> tuple[Any, str] | None:
    lines = [
        ReliabilityLine(
            words.arm(arm), f"arm-{arm}", [Bin(each["confidence"], each["accuracy"], each["count"]) for each in bins]
        )
        for arm in ("before", "after")
        for bins in [protocol["reliability"].get(arm, [])]
    ]
    if not any(line.bins for line in lines):
        return None
    spoken = "; ".join(
        words("reliability.spoken", arm=line.name,
              gap=text.percent(sum(each.count * abs(each.accuracy - each.confidence) for each in line.bins)
                               / max(1, sum(each.count for each in line.bins)))) for line in lines
    )  # fmt: skip
    chart = reliability_chart(
        lines,
        title=words("reliability.title", protocol=words.protocol(name)),
        description=spoken,
        x_title=words("axis.confidence"),
        y_title=words("axis.accuracy"),
        count_title=words("axis.count"),
        percent=text.axis_percent,
    )
    return chart, words("reliability.caption")


def _bins(name: str, protocol: Mapping[str, Any], words: Words) -> Table:
    rows = [
        cells(
            words.arm(arm), text.percent(each["confidence"]), text.percent(each["accuracy"]), text.count(each["count"])
        )
        for arm, bins in protocol["reliability"].items()
        for each in bins
    ]
    heads = [words(f"head.{each}") for each in ("arm", "confidence", "accuracy", "count")]
    return Table(words("reliability.title", protocol=words.protocol(name)), heads, rows)


def _mcnemar(name: str, protocol: Mapping[str, Any], words: Words) -> Table:
    rows = [
        cells(
            each["domain"] or words("domain.all"),
            str(each["seed"]),
            text.count(each["only_before_correct"]),
            text.count(each["only_after_correct"]),
            Cell(text.p_value(each["p_value"])),
            words.known(f"method.{each['method']}", each["method"]),
        )
        for each in protocol["mcnemar"]
    ]
    heads = [words(f"head.{each}") for each in ("domain", "seed", "only_before", "only_after", "p", "method")]
    return Table(words("mcnemar.caption", protocol=words.protocol(name)), heads, rows)
