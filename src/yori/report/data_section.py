"""Data, splits, and what the check of the recipe had to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yori.report import number_text as text
from yori.report.blocks import Block, Cell, Details, Facts, Listing, Paragraph, Section, Source, Table, cells
from yori.report.sentences import said
from yori.report.wording import Words


def data_section(certificate: Mapping[str, Any], words: Words) -> Section:
    """Counts of classes and domains, and every train / validation / test assignment."""
    data, splits = certificate["data"], certificate["splits"]
    blocks: list[Block] = [
        Facts([
            (words("data.version"), Cell(str(data["version"]))),
            (words("data.examples"), Cell(text.count(data["examples"]))),
            (words("data.groups"), Cell(text.count(data["groups"]))),
            (words("data.labels"), Cell(words(f"labels.{certificate['labels']}"))),
            (words("data.modality"), Cell(words.known(f"modality.{certificate['modality']}", certificate["modality"]))),
            (words("data.split_by"), Cell(words(f"split_by.{splits['by']}"))),
        ]),
    ]  # fmt: skip
    if splits["by"] == "clip":
        blocks.append(Paragraph(words("split_by.clip_warning"), alert=True))
    blocks.append(_counts("classes", data, words))
    if data["domains"]:
        blocks.append(_counts("domains", data, words))
    blocks.append(
        Details(words("splits.summary", n=words.count("n.cells", len(splits["cells"]))), [_cells(splits, words)])
    )
    task = Source(words("task.caption"), certificate["task"]["text"])
    blocks.append(Details(words("task.summary"), [task]))
    return Section("data", words("data.title"), blocks)


def recipe_section(certificate: Mapping[str, Any], words: Words) -> Section:
    """Sentences about the recipe that the run wrote, and how often the test set was opened."""
    notes = [said(note, words.language) for note in certificate["notes"]]
    looks = certificate["looks"]
    blocks: list[Block] = [
        Paragraph(words("looks.once") if looks == 1 else words("looks.more", n=looks), alert=looks > 1)
    ]
    for language in ("ko", "en"):
        told = [note for note, spoken in notes if spoken == language]
        if told:
            blocks.append(Listing(told, language=None if language == words.language else language))
    if not notes:
        blocks.append(Paragraph(words("recipe.none")))
    return Section("recipe", words("recipe.title"), blocks)


def _counts(what: str, data: Mapping[str, Any], words: Words) -> Table:
    total = max(1, sum(each["count"] for each in data[what]))
    rows = [cells(each["name"], text.count(each["count"]), text.percent(each["count"] / total)) for each in data[what]]
    heads = [words(f"head.{each}") for each in (what[:-1].replace("classe", "class"), "examples", "share")]
    return Table(words(f"data.{what}"), heads, rows)


def _cells(splits: Mapping[str, Any], words: Words) -> Table:
    rows = [
        cells(
            words.protocol(each["protocol"]),
            str(each["seed"]),
            text.count(each["train"]),
            text.count(each["validation"]),
            text.count(each["test"]),
            f"{each['l2']:.3g}",
            f"{each['temperature']['before']:.3g}",
            f"{each['temperature']['after']:.3g}",
            text.count(each["steps"]),
            text.count(each["batch_size"]),
            text.short_hash(each["sha256"]),
        )
        for each in splits["cells"]
    ]
    names = ("protocol", "seed", "train", "validation", "test", "l2", "t_before", "t_after", "steps", "batch", "hash")
    return Table(words("splits.caption"), [words(f"head.{name}") for name in names], rows)
