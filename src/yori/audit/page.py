"""The page of an audit: one HTML file in each language, with players for what a person should hear first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yori
from yori.audit.findings import KINDS, Finding
from yori.report import number_text as text
from yori.report.audit_section import TONES, kinds_table
from yori.report.audit_words import AuditWords
from yori.report.bar_chart import Bar, bar_chart
from yori.report.blocks import Block, Card, Cell, Details, Figures, Gallery, Headline, Paragraph, Section, Table, cells
from yori.report.clips import Clip, Clips, clips_of
from yori.report.column_chart import column_chart
from yori.report.heat_map import heat_map
from yori.report.scatter_chart import Dot, scatter_chart
from yori.report.strip_chart import strip_chart
from yori.report.wording import Language
from yori.report.write import page_templates
from yori.store import Project

CARDS = 12
"""Examples to see and hear of each kind."""

ROWS = 200
MOST_BYTES = 12_000_000
MOST_CLASSES = 30


def write_pages(folder: Path, findings: Sequence[Finding], summary: Mapping[str, Any], project: Project) -> None:
    """Write ``audit.html`` and ``audit.ko.html`` into a folder."""
    wanted = [each.example_id for kind in KINDS for each in _first(findings, kind) if each.example_id is not None]
    clips = clips_of(wanted, project, version=summary["version"], modality=summary["modality"], most_bytes=MOST_BYTES)
    languages: tuple[Language, Language] = ("en", "ko")
    for lang in languages:
        page = audit_page(findings, summary, clips, lang=lang)
        (folder / f"audit{'' if lang == 'en' else '.ko'}.html").write_text(page, encoding="utf-8")


def audit_page(findings: Sequence[Finding], summary: Mapping[str, Any], clips: Clips, *, lang: Language = "en") -> str:
    """The page as text; ``clips`` are the players of the examples it shows."""
    words = AuditWords(lang)
    sections = [_overview(summary, words)]
    for kind in KINDS:
        own = [each for each in findings if each.kind == kind]
        if own:
            sections.append(_section(kind, own, clips, words))
    other: Language = "ko" if lang == "en" else "en"
    return page_templates().get_template("audit.html.j2").render(
        words=words, lang=lang, title=words("audit.title", name=summary["name"]), skip=words("audit.skip"),
        headline=_headline(summary, words), sections=sections,
        other={"file": "audit.ko.html" if lang == "en" else "audit.html", "words": AuditWords(other)},
        made=words("audit.made", version=yori.__version__, data=summary["version"]),
    )  # fmt: skip


def _first(findings: Sequence[Finding], kind: str) -> list[Finding]:
    return [each for each in findings if each.kind == kind and each.example_id is not None][:CARDS]


def _headline(summary: Mapping[str, Any], words: AuditWords) -> Headline:
    total = summary["total"]
    worst = summary["verdict"]
    sentence = words("audit.sentence", total=text.count(sum(total.values())), n=text.count(summary["examples"]),
                     **{name: text.count(number) for name, number in total.items()})  # fmt: skip
    blocks: list[Block] = [Paragraph(words("audit.not_an_edit")), Paragraph(words("audit.rule"), quiet=True)]
    if summary["test_left_out"]:
        blocks.append(Paragraph(words("audit.test_left_out", n=text.count(summary["test_left_out"])), quiet=True))
    tone = {"high": "bad", "medium": "few", "low": "good"}[worst]
    return Headline(words("audit.overview"), tone, words(f"audit.word.{worst}"), sentence, blocks)


def _overview(summary: Mapping[str, Any], words: AuditWords) -> Section:
    blocks: list[Block] = []
    if summary["kinds"]:
        blocks.append(kinds_table(summary, words))
    else:
        blocks.append(Paragraph(words("audit.none")))
    blocks.append(Figures(_figures(summary, words)))
    if summary["unchecked"]:
        rows = [cells(words(f"kind.{each['kind']}"), words(f"why.{each['why']}")) for each in summary["unchecked"]]
        blocks.append(Table(words("audit.unchecked"), [words("head.kind"), words("head.why")], rows, text_columns=2))
    if summary["recall"] is not None and summary["recall"] < 1:
        blocks.append(Paragraph(words("audit.recall", recall=text.percent(summary["recall"])), quiet=True))
    return Section("overview", words("audit.overview"), blocks)


def _figures(summary: Mapping[str, Any], words: AuditWords) -> list[tuple[Any, str]]:
    figures = summary["figures"]
    classes = sorted(figures["classes"].items(), key=lambda each: -each[1])[:MOST_CLASSES]
    most = max([number for _, number in classes] + [1])
    bars = [Bar(name, number / most, "arm-after") for name, number in classes]
    caption = words("figure.classes")
    drawn = [(bar_chart(bars, title=caption, description=", ".join(f"{name} {number}" for name, number in classes),
                        percent=lambda share: text.count(round(share * most))), caption)]  # fmt: skip
    if "map" in figures:
        caption = words("figure.map")
        dots = [Dot(x, y, colour, large) for x, y, colour, large in figures["map"]]
        drawn.append((scatter_chart(dots, list(figures["classes"]), title=caption, description=caption,
                                    x_title=words("map.first"), y_title=words("map.second")), caption))  # fmt: skip
    if "errors" in figures:
        caption = words("figure.errors")
        drawn.append((column_chart(figures["errors"], low=0.05, high=1, title=caption, x_title=words("axis.error"),
                                   description=", ".join(map(str, figures["errors"])), y_title=words("axis.examples"),
                                   number=text.count), caption))  # fmt: skip
    if "confusion" in figures and len(figures["classes"]) <= MOST_CLASSES:
        caption = words("figure.confusion")
        drawn.append((heat_map(list(figures["classes"]), figures["confusion"], title=caption, description=caption,
                               number=lambda share: f"{100 * share:.0f}"), caption))  # fmt: skip
    if figures.get("levels"):
        caption = words("figure.levels")
        shown = dict([*figures["levels"].items()][:MOST_CLASSES])
        drawn.append((strip_chart(shown, title=caption, description=caption, x_title=words("axis.level")), caption))
    if figures["shortcuts"]:
        caption = words("figure.shortcuts")
        ranked = sorted(figures["shortcuts"].items(), key=lambda each: -each[1][0])[:MOST_CLASSES]
        bars = [Bar(words.known(f"measure.{name}", name), max(0.0, skill), "arm-after") for name, (skill, _) in ranked]
        drawn.append((bar_chart(bars, title=caption, description=caption,
                                percent=lambda share: f"{share:.2f}"), caption))  # fmt: skip
    return drawn


def _section(kind: str, findings: Sequence[Finding], clips: Clips, words: AuditWords) -> Section:
    """All findings of a kind: those about the collection, the first with players, and a table of the rest."""
    blocks: list[Block] = []
    whole = [each for each in findings if each.example_id is None]
    if whole:
        blocks.append(_table(words(f"kind.{kind}"), whole[:ROWS], words))
    single = [each for each in findings if each.example_id is not None]
    if single:
        blocks.append(Gallery([_card(each, clips, words) for each in single[:CARDS]]))
    if len(single) > CARDS:
        inner: list[Block] = [_table(words(f"kind.{kind}"), single[:ROWS], words)]
        if len(single) > ROWS:
            inner.append(Paragraph(words("audit.more", n=text.count(len(single) - ROWS)), quiet=True))
        blocks.append(Details(words("audit.list", n=text.count(len(single))), inner))
    return Section(kind, words(f"kind.{kind}"), blocks)


def _table(caption: str, findings: Sequence[Finding], words: AuditWords) -> Table:
    heads = [words(f"head.{name}") for name in ("example", "severity", "evidence", "action")]
    rows = [
        cells(each.example_id or words("audit.of_collection"),
              Cell(words(f"severity.{each.severity}"), TONES[each.severity]),
              _told("evidence", each, words), _told("action", each, words))
        for each in findings
    ]  # fmt: skip
    return Table(caption, heads, rows, text_columns=4)


def _told(part: str, finding: Finding, words: AuditWords) -> str:
    """A sentence of a finding; the measure that a shortcut is about in the language of the page."""
    values = dict(finding.values)
    if finding.kind == "shortcut":
        values["what"] = words.known(f"measure.{values['what']}", values["what"])
    return words.finding(part, finding.kind, finding.code, values)


def _card(finding: Finding, clips: Clips, words: AuditWords) -> Card:
    name = finding.example_id or ""
    clip = clips.found.get(name, "file")
    row = clips.columns.get(name, {})
    facts = [
        (words("head.action"), Cell(_told("action", finding, words))),
        *((words(f"card.{each}"), Cell(str(row[each]))) for each in ("domain", "group") if row.get(each) is not None),
    ]
    about = {"id": name, "label": str(finding.values.get("label", text.NONE))}
    evidence = _told("evidence", finding, words)
    severity = words(f"severity.{finding.severity}")
    if isinstance(clip, Clip):
        return Card(name, severity, evidence, facts, "", picture=clip.picture, sound=clip.sound,
                    picture_words=words("card.picture", **about), sound_words=words("card.sound", **about))  # fmt: skip
    return Card(name, severity, evidence, facts, "", note="" if clip == "modality" else words(f"card.missing.{clip}"))
