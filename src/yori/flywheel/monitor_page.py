"""The page of one look: what the served model meets, drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

import yori
from yori.flywheel.database import Database
from yori.flywheel.drift_look import TESTS
from yori.flywheel.history_chart import Line, history_chart
from yori.flywheel.monitor import MonitorReport, looks_so_far
from yori.flywheel.monitor_words import MonitorWords
from yori.flywheel.risk_now import FEWEST
from yori.report import number_text as text
from yori.report.blocks import Block, Cell, Facts, Figures, Headline, Listing, Paragraph, Section, Table, cells
from yori.report.curve_chart import Curve, curve_chart
from yori.report.scatter_chart import Dot, scatter_chart
from yori.report.wording import Language
from yori.report.write import page_templates
from yori.store import Project, atomic

DOTS = 500
"""Of each side on the map."""

GRID = 101


def write_page(
    project: Project, database: Database, report: MonitorReport, out: Path, *, lang: Language = "en"
) -> Path:
    """Write the page of a look as one HTML file that needs no network; what was there is replaced in one step.

    Raises
    ------
    ValuesError
        If the language is not known.
    StoreError
        If the file cannot be written.
    """
    page = monitor_page(report, looks_so_far(database, report), lang=lang).encode()
    atomic.replace_file(out, page)
    return out


def monitor_page(report: MonitorReport, looks: Sequence[Mapping[str, Any]], *, lang: Language = "en") -> str:
    """The page as text; ``looks``: this and earlier ones, oldest first."""
    words = MonitorWords(lang)
    found = report.found
    sections = [
        _drift(report, words),
        _risk(found, words),
        _novel(found, words),
        _mix(found, words),
        _domains(found, words),
        _service(found, words),
        _history(looks, words),
        Section("reading", words("section.reading"),
                [Listing([words(f"reading.{each}") for each in ("alarm", "drift", "mix", "risk")])]),
    ]  # fmt: skip
    name = report.reference.release.manifest["name"]
    return page_templates().get_template("audit.html.j2").render(
        words=words, lang=lang, title=words("monitor.title", name=name), skip=words("monitor.skip"),
        headline=_headline(report, words), sections=[each for each in sections if each is not None], other=None,
        made=words("monitor.made", version=yori.__version__, look=found["look"], release=found["release"][:12]),
    )  # fmt: skip


def _headline(report: MonitorReport, words: MonitorWords) -> Headline:
    found = report.found
    alarms = sum(each.severity == "alarm" for each in report.alerts)
    warnings = sum(each.severity == "warning" for each in report.alerts)
    word = "alarm" if alarms else "warning" if warnings else "fine"
    compared = words(f"monitor.against.{found['against']}", n=text.count(found["reference"]["rows"]))
    sentence = words(
        "monitor.sentence", rows=text.count(found["window"]["rows"]), reference=compared,
        alarms=words.count("n.alarms", alarms), warnings=words.count("n.warnings", warnings),
    )  # fmt: skip
    blocks: list[Block] = []
    if report.alerts:
        said = [f"{words(f'severity.{each.severity}')}: {words.known(f'alert.{each.kind}', each.text)}"
                for each in report.alerts]  # fmt: skip
        blocks.append(Listing(said))
    blocks += [Paragraph(each, quiet=True, language=None if words.language == "en" else "en")
               for each in found["notes"]]  # fmt: skip
    return Headline(
        words("monitor.headline"), {"alarm": "bad", "warning": "few", "fine": "good"}[word], words(f"word.{word}"),
        sentence, blocks,
    )  # fmt: skip


def _drift(report: MonitorReport, words: MonitorWords) -> Section:
    found = report.found
    level = f"{found['level']:.2g}"
    blocks: list[Block] = []
    rows = []
    for name in [*TESTS, "slow_drift", "labelled_risk", "calibration"]:
        if name in found["tests"]:
            each = found["tests"][name]
            bad = found["level"] > 0 and each["adjusted"] <= found["level"]
            value = text.value("", each["statistic"]) if "statistic" in each else text.NONE
            shown = Cell(text.p_value(each["adjusted"]), "bad" if bad else "")
            rows.append(cells(words(f"test.{name}"), value, text.p_value(each["p_value"]), shown))
    if rows:
        heads = [words(f"head.{each}") for each in ("test", "value", "p", "adjusted")]
        blocks.append(Table(words("tests.caption", level=level), heads, rows))
    else:
        blocks.append(Paragraph(words("tests.none")))
    budget = text.share_text(found["budget_per_month"])
    blocks.append(Paragraph(words("tests.budget", budget=budget, level=level), quiet=True))
    drawings = []
    if len(report.recent) and len(report.compared):
        drawings.append((_confidence_chart(report, words), words("figure.confidence")))
    if report.novel is not None and len(report.recent.embeddings):
        drawings.append((_map(report, words), words("figure.map")))
    if drawings:
        blocks.append(Figures(drawings))
    return Section("drift", words("section.drift"), blocks)


def _confidence_chart(report: MonitorReport, words: MonitorWords) -> Any:
    grid = np.linspace(0, 1, GRID)
    curves = [
        Curve(words(f"name.{name}"), style, _cumulative(values, grid))
        for name, style, values in (
            ("recent", "arm-after", report.recent.confidence), ("reference", "arm-before", report.compared.confidence),
        )
    ]  # fmt: skip
    return curve_chart(
        grid.tolist(), curves, title=words("figure.confidence.title"), description=words("figure.confidence"),
        x_title=words("axis.confidence"), y_title=words("axis.share"), percent=text.axis_percent,
    )  # fmt: skip


def _cumulative(values: Float[np.ndarray, " n"], grid: Float[np.ndarray, " g"]) -> list[float]:
    return (np.searchsorted(np.sort(values), grid, side="right") / len(values)).tolist()


def _map(report: MonitorReport, words: MonitorWords) -> Any:
    old, new = report.compared.embeddings[:DOTS], report.recent.embeddings[-DOTS:]
    assert report.novel is not None
    novel = report.novel.novel[-DOTS:]
    both = np.concatenate([old, new]).astype(np.float64)
    both -= both.mean(axis=0)
    directions = np.linalg.svd(both, full_matrices=False)[2][:2]
    # The sign of a direction is arbitrary; the largest entry up makes the drawing a function of the data.
    directions *= np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])[:, None]
    plane = both @ directions.T
    if plane.shape[1] < 2:
        plane = np.column_stack([plane, np.zeros(len(plane))])
    reach = np.abs(plane).max(axis=0)
    plane /= np.where(reach > 0, reach, 1)
    dots = [Dot(float(x), float(y), None) for x, y in plane[: len(old)]]
    dots += [
        Dot(float(x), float(y), 1 if far else 0, large=bool(far))
        for (x, y), far in zip(plane[len(old) :], novel, strict=True)
    ]
    return scatter_chart(
        dots, [words("name.recent"), words("name.novel")], title=words("figure.map.title"),
        description=words("figure.map"), x_title=words("figure.axis.first"), y_title=words("figure.axis.second"),
    )  # fmt: skip


def _risk(found: Mapping[str, Any], words: MonitorWords) -> Section:
    target = found["target_risk"]
    rows = []
    for name, methods in found["estimated_risk"].items():
        for method, each in methods.items():
            known = each["basis"] != "cannot know"
            bad = known and name == "answered" and each["low"] > target
            interval = f"{text.percent(each['low'])} – {text.percent(each['high'])}" if known else text.NONE
            shown = Cell(text.percent(each["risk"]) if known else text.NONE, "bad" if bad else "")
            basis = Cell(words(f"basis.{each['basis']}"), "" if known else "few")
            rows.append((Cell(words(f"risk.{name}")), Cell(words(f"risk.{method}")), basis, shown, Cell(interval)))
    blocks: list[Block] = []
    if rows:
        heads = [words(f"head.{each}") for each in ("of", "method", "basis", "estimate", "interval")]
        blocks.append(Table(words("risk.caption", target=text.share_text(target)), heads, rows, text_columns=3))
    else:
        blocks.append(Paragraph(words("risk.none")))
    labelled = found["labelled"]
    if labelled["risk"] is None:
        blocks.append(Paragraph(words("risk.unlabelled", n=text.count(labelled["rows"]), fewest=FEWEST)))
    else:
        each = labelled["risk"]
        blocks.append(Paragraph(words("risk.labelled", n=text.count(each["rows"]), risk=text.percent(each["risk"]),
                                      low=text.percent(each["low"]), high=text.percent(each["high"]))))  # fmt: skip
    if labelled["calibration"] is not None:
        each = labelled["calibration"]
        now, then = each["overconfidence"], each["reference_overconfidence"]
        blocks.append(Paragraph(words("risk.calibration", now=text.percent(now), then=text.percent(then))))
    return Section("risk", words("section.risk"), blocks)


def _novel(found: Mapping[str, Any], words: MonitorWords) -> Section:
    each = found["novelty"]
    if each["share"] is None:
        return Section("novel", words("section.novel"), [Paragraph(words("novel.none"))])
    expected = text.share_text(each["expected"])
    blocks: list[Block] = [Paragraph(words("novel.share", share=text.percent(each["share"]), expected=expected))]
    rows = [
        (
            Cell(", ".join(f"{one['class']} {text.percent(one['share'], digits=0)}" for one in cluster["resembles"])),
            Cell(", ".join(str(number) for number in cluster["predictions"][:5])),
            Cell(text.count(cluster["rows"])),
            Cell(f"{cluster['farness']:.1f}"),
        )
        for cluster in each["clusters"]
    ]
    if rows:
        heads = [words(f"head.{name}") for name in ("cluster", "predictions", "inputs", "farness")]
        blocks.append(Table(words("novel.caption"), heads, rows, text_columns=2))
    else:
        blocks.append(Paragraph(words("novel.no_cluster")))
    return Section("novel", words("section.novel"), blocks)


def _mix(found: Mapping[str, Any], words: MonitorWords) -> Section:
    rows = [
        cells(name, text.percent(each["recent"]), text.percent(each["reference"]))
        for name, each in found["classes"].items()
    ]
    share = found["abstention"]
    rows.append(cells(words("mix.abstained"), text.percent(share["recent"]), text.percent(share["reference"])))
    heads = [words(f"head.{each}") for each in ("class", "recent", "reference")]
    return Section("mix", words("section.mix"), [Table(words("mix.caption"), heads, rows)])


def _domains(found: Mapping[str, Any], words: MonitorWords) -> Section | None:
    if not found["domains"]:
        return None
    rows = [
        cells(each["domain"], text.count(each["rows"]), text.percent(each["abstention"]),
              text.percent(each["confidence"]), text.percent(each["novelty"]), f"{each['latency_p99']:.1f}")
        for each in found["domains"]
    ]  # fmt: skip
    heads = [words(f"head.{each}") for each in ("domain", "rows", "abstention", "confidence", "novelty", "p99")]
    return Section("domains", words("section.domains"), [Table(words("domains.caption"), heads, rows)])


def _service(found: Mapping[str, Any], words: MonitorWords) -> Section:
    each = found["service"]
    if each is None:
        return Section("service", words("section.service"), [Paragraph(words("service.none"))])
    required, wanted = each["latency_required"], each["per_second_required"]
    items = [
        (words("service.median"), Cell(words("unit.ms", value=f"{each['latency_median']:.1f}"))),
        (words("service.p99"), Cell(words("unit.ms", value=f"{each['latency_p99']:.1f}"), "bad" if each["too_slow"] else "")),
        (words("service.required"), Cell(text.NONE if required is None else words("unit.ms", value=f"{required:g}"))),
        (words("service.peak"), Cell(f"{each['peak_per_second']:g}")),
        (words("service.wanted"), Cell(text.NONE if wanted is None else f"{wanted:g}")),
        (words("service.sheds"), Cell(text.count(sum(each["sheds"].values())))),
    ]  # fmt: skip
    return Section("service", words("section.service"), [Facts(items)])


def _history(looks: Sequence[Mapping[str, Any]], words: MonitorWords) -> Section | None:
    if len(looks) < 2:
        return None
    lines = [
        Line(words("name.abstention"), "arm-after", [_number(each["abstention"]["recent"]) for each in looks]),
        Line(words("name.novel"), "arm-highest_loss", [_number(each["novelty"]["share"]) for each in looks]),
        Line(words("name.confidence"), "arm-before", [_number(each["confidence"]["recent"]) for each in looks]),
    ]
    chart = history_chart(
        [int(each["number"]) for each in looks], lines, title=words("figure.history.title"),
        description=words("figure.history"), x_title=words("axis.look"), y_title=words("axis.share"),
    )  # fmt: skip
    return Section("history", words("section.history"), [Figures([(chart, words("figure.history"))])])


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
