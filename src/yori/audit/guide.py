"""`yori guide`: the annotation guide, written from the task and the audit, and never over what a person wrote.

``guide.md`` is the guide: one marked block for each class (its sentence, what it is confused with, typical, borderline and
rare examples), and all the room people want around them. ``guide.html`` is the same page with players.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yori
from yori.audit.audit_project import Audited, audit, latest_audit
from yori.audit.findings import Finding
from yori.audit.marked_blocks import Piece, Updated, pieces, update_blocks
from yori.report.audit_words import AuditWords
from yori.report.blocks import Block, Card, Gallery, Heading, Listing, Paragraph, Section
from yori.report.clips import Clip, Clips, clips_of
from yori.report.wording import Language
from yori.report.write import page_templates
from yori.store import Project, atomic
from yori.task import ClassDefinition, Task, parse_task
from yori.workers import Progress, silent

BORDERS = 4
"""Borderline examples shown for each class."""


@dataclass(frozen=True)
class Guide:
    """What was written: the files, and what happened to each block."""

    markdown: Path
    page: Path
    update: Updated


@dataclass(frozen=True)
class ClassEntry:
    """What the guide says about a class. ``borders``: ``(id, first, second, label)``."""

    definition: ClassDefinition
    examples: int
    groups: int
    confused: tuple[str, ...]
    typical: tuple[str, ...]
    borders: tuple[tuple[str, str, str, str], ...]


def write_guide(
    folder: str | Path, *, lang: Language = "en", workers: int | None = None, progress: Progress = silent
) -> Guide:
    """Write or update ``guide.md`` and ``guide.html`` in a project.

    The newest audit of the data is used; where there is none, one is made.

    Parameters
    ----------
    folder
        The project.
    lang
        Language of what yori writes.
    workers, progress
        Of the audit.

    Returns
    -------
    The files, and which blocks were written, kept or left out.

    Raises
    ------
    StoreError
        If the folder cannot be written; other errors as `yori.audit.audit`.
    """
    project = Project.open(folder)
    task = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
    audited = latest_audit(project) or audit(folder, workers=workers, progress=progress)
    words = AuditWords(lang)
    entries = guide_entries(task, audited)
    blocks = {entry.definition.name: block_text(entry, words) for entry in entries}
    path = project.path / "guide.md"
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    start = f"# {words('guide.title', name=task.name)}\n\n{words('guide.how')}\n"
    end = f"## {words('guide.own')}\n\n{words('guide.own_text')}\n"
    update = update_blocks(old, blocks, start=start, end=end)
    _write(path, update.text)
    shown = [each for entry in entries for each in [*entry.typical, *(border[0] for border in entry.borders)]]
    clips = clips_of(shown, project, version=audited.summary["version"], modality=task.modality)
    page = project.path / "guide.html"
    _write(page, guide_page(task, update.text, entries, clips, lang=lang))
    return Guide(path, page, update)


def guide_entries(task: Task, audited: Audited) -> list[ClassEntry]:
    """What there is to say about each class, rare classes first."""
    summary = audited.summary
    borders = [each for each in audited.findings if each.code in ("border", "border_of_class")]
    mixed = [each for each in audited.findings if each.code == "classes_mixed"]
    entries = []
    for definition in sorted(task.classes, key=lambda each: not each.rare):
        name = definition.name
        entries.append(
            ClassEntry(
                definition,
                summary["figures"]["classes"].get(name, 0),
                summary["groups"].get(name, 0),
                tuple(dict.fromkeys(_other(each, name) for each in mixed if name in _pair(each))),
                tuple(summary["typical"].get(name, ())),
                tuple(_border(each) for each in borders if name in _pair(each))[:BORDERS],
            )
        )
    return entries


def _pair(finding: Finding) -> tuple[str, str]:
    values: Mapping[str, Any] = finding.values
    one, other = ("label", "likely") if finding.code == "classes_mixed" else ("first", "second")
    return str(values[one]), str(values[other])


def _other(finding: Finding, name: str) -> str:
    one, other = _pair(finding)
    return other if one == name else one


def _border(finding: Finding) -> tuple[str, str, str, str]:
    return (finding.example_id or "", *_pair(finding), str(finding.values["label"]))


def block_text(entry: ClassEntry, words: AuditWords) -> str:
    """The Markdown of a class."""
    about = entry.definition
    lines = [f"## {about.name}", "", about.means or words("guide.no_sentence"), ""]
    lines.append(words("guide.count", n=entry.examples, groups=entry.groups))
    if about.rare:
        lines += ["", words("guide.is_rare")]
    if entry.confused:
        lines += ["", words("guide.confused", others=", ".join(entry.confused))]
    if entry.typical:
        lines += ["", f"### {words('guide.rare' if about.rare else 'guide.typical')}", ""]
        lines += [f"- {name}" for name in entry.typical]
    if entry.borders:
        lines += ["", f"### {words('guide.border')}", ""]
        lines += [f"- {_border_line(each, words)}" for each in entry.borders]
        lines += ["", words("guide.decide")]
    return "\n".join(lines) + "\n"


def _border_line(border: tuple[str, str, str, str], words: AuditWords) -> str:
    name, first, second, label = border
    return words("guide.between", id=name, first=first, second=second, label=label)


def guide_page(task: Task, text: str, entries: Sequence[ClassEntry], clips: Clips, *, lang: Language = "en") -> str:
    """The guide as a page with players, from the text of ``guide.md`` as people left it."""
    words = AuditWords(lang)
    by_name = {entry.definition.name: entry for entry in entries}
    sections = []
    for number, piece in enumerate(pieces(text)):
        title, blocks = _markdown(piece, words)
        entry = by_name.get(piece.name)
        if entry is not None:
            cards = [_card(name, entry.definition.name, "", clips, words) for name in entry.typical]
            cards += [_card(each[0], each[3], _border_line(each, words), clips, words) for each in entry.borders]
            blocks += [Gallery(cards)] if cards else []
            if not piece.own:
                blocks.append(Paragraph(words("guide.kept"), quiet=True))
        if blocks:
            title = title or words("guide.title", name=task.name)
            sections.append(Section(f"part-{number}", title, blocks))
    return page_templates().get_template("audit.html.j2").render(
        words=words, lang=lang, title=words("guide.title", name=task.name), skip=words("audit.skip"), headline=None,
        sections=sections, other=None, made=words("guide.how") + f" yori {yori.__version__}",
    )  # fmt: skip


def _markdown(piece: Piece, words: AuditWords) -> tuple[str, list[Block]]:
    """First heading, and the rest as blocks: headings, lists and paragraphs; other marks of Markdown stay as they are."""
    title = ""
    blocks: list[Block] = []
    items: list[str] = []
    lines: list[str] = []

    def flush() -> None:
        if items:
            blocks.append(Listing(tuple(items)))
            items.clear()
        if lines:
            blocks.append(Paragraph(" ".join(lines)))
            lines.clear()

    for line in [*piece.text.splitlines(), ""]:
        plain = line.strip()
        if plain.startswith("#"):
            flush()
            heading = plain.lstrip("#").strip()
            if not title:
                title = heading
            else:
                blocks.append(Heading(heading))
        elif plain.startswith(("- ", "* ")):
            if lines:
                flush()
            items.append(plain[2:])
        elif plain:
            if items:
                flush()
            lines.append(plain)
        else:
            flush()
    return title, blocks


def _card(name: str, label: str, change: str, clips: Clips, words: AuditWords) -> Card:
    clip = clips.found.get(name, "file")
    about = {"id": name, "label": label}
    if isinstance(clip, Clip):
        return Card(name, label, change or label, [], "", picture=clip.picture, sound=clip.sound,
                    picture_words=words("card.picture", **about), sound_words=words("card.sound", **about))  # fmt: skip
    return Card(name, label, change or label, [], "", note="" if clip == "modality" else words(f"card.missing.{clip}"))


def _write(path: Path, text: str) -> None:
    """Replace a file in one step."""
    atomic.replace_file(path, text.encode())
