"""The edit gallery: every change to the training data, to look at and to listen to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from yori.curate.edits import Action
from yori.report import number_text as text
from yori.report.blocks import Block, Card, Cell, Details, Facts, Gallery, Paragraph, Section, Table, cells
from yori.report.clips import HEARD_RATE, MOST_BYTES, MOST_SECONDS, Clip, Clips, Missing
from yori.report.edits_of_proof import ShownEdit
from yori.report.sentences import said
from yori.report.wording import Words


def edits_section(certificate: Mapping[str, Any], edits: Sequence[ShownEdit], clips: Clips, words: Words) -> Section:
    """Counts, what is missing and why, and one card for each change."""
    found = certificate["edits"]
    audible = any(isinstance(clip, Clip) for clip in clips.found.values())
    reading = words("edits.reading")
    blocks: list[Block] = [Paragraph(f"{words('edits.listen')} {reading}" if audible else reading)]
    actions = ", ".join(
        f"{words.known(f'action.{name}', name)} {text.count(number)}" for name, number in found["by_action"].items()
    )
    classes = ", ".join(f"{name} {text.count(number)}" for name, number in found["by_class"].items())
    facts = [
        (words("edits.budget"), Cell(words("edits.budget_share", n=text.count(found["budget"]),
                                           share=text.percent(found["budget_share"], digits=2)))),
        (words("edits.count"), Cell(text.count(found["count"]))),
        (words("edits.different"), Cell(text.count(len(edits)))),
        (words("edits.by_action"), Cell(actions or text.NONE)),
        (words("edits.by_class"), Cell(classes or text.NONE)),
    ]  # fmt: skip
    if (truth := certificate.get("truth")) is not None:
        facts.append((words("edits.truth"), Cell(words(
            "edits.truth_sentence", hits=text.count(truth["hits"]), n=text.count(truth["edits"]),
            rate=text.percent(truth["rate"]), chance=text.percent(truth["chance"]),
            wrong=text.count(truth["wrong_labels"])))))  # fmt: skip
    blocks.append(Facts(facts))
    blocks.append(Details(words("edits.rounds"), [_rounds(found["cells"], words)]))
    if not edits:
        blocks.append(Paragraph(words("edits.none")))
        return Section("edits", words("edits.title"), blocks)
    blocks += _about_players(edits, clips, words)
    blocks.append(Gallery([_card(edit, clips, words) for edit in edits]))
    return Section("edits", words("edits.title"), blocks)


def _about_players(edits: Sequence[ShownEdit], clips: Clips, words: Words) -> list[Block]:
    """Why some cards have no player, and what was done to the sound of the others."""
    blocks: list[Block] = []
    shown = {edit.example_id for edit in edits}
    for why in get_args(Missing):
        if number := clips.missing(why):
            every = number == len(shown)
            name = f"missing.{why}.all" if every and why != "full" else f"missing.{why}.some"
            blocks.append(Paragraph(words(name, n=text.count(number), of=text.count(len(shown)),
                                          size=f"{MOST_BYTES / 1e6:g}"), alert=why == "full"))  # fmt: skip
    heard = [clip for clip in clips.found.values() if isinstance(clip, Clip)]
    if heard:
        blocks.append(Paragraph(words("edits.sound", rate=f"{HEARD_RATE / 1000:g}", seconds=f"{MOST_SECONDS:g}",
                                      n=text.count(sum(clip.shortened for clip in heard))), quiet=True))  # fmt: skip
    return blocks


def _rounds(parts: Sequence[Mapping[str, Any]], words: Words) -> Table:
    rows = [
        cells(words.protocol(each["protocol"]), str(each["seed"]), text.count(each["count"]),
              words("edits.rounds_of", n=each["accepted_rounds"], of=each["rounds"])) for each in parts
    ]  # fmt: skip
    heads = [words(f"head.{each}") for each in ("protocol", "seed", "edits", "accepted_rounds")]
    return Table(words("edits.rounds"), heads, rows)


def _card(edit: ShownEdit, clips: Clips, words: Words) -> Card:
    row, clip = clips.columns.get(edit.example_id, {}), clips.found.get(edit.example_id, "file")
    facts = [
        (words("card.gain"), Cell(text.value("", edit.predicted_gain))),
        (words("card.round"), Cell(text.NONE if edit.round is None else str(edit.round))),
        (words("card.agreement"), Cell(text.percent(edit.agreement, digits=0))),
    ]  # fmt: skip
    if edit.cells:
        chosen = ", ".join(f"{words.protocol(protocol)} · {seed}" for protocol, seed in edit.cells)
        facts.append((words("card.cells"), Cell(chosen)))
    facts += [
        (words(f"card.{name}"), Cell(str(row[name]))) for name in ("domain", "group") if row.get(name) is not None
    ]
    old, new = edit.old_label or text.NONE, edit.new_label or text.NONE
    weight = text.NONE if edit.weight is None else f"{edit.weight:g}"
    change = old
    if edit.action in get_args(Action):
        change = words(f"card.change.{edit.action}", old=old, new=new, weight=weight)
    about = {"id": edit.example_id, "label": old}
    if isinstance(clip, Clip):
        note = ""
        if clip.shortened:
            note = words("card.shortened", seconds=f"{clip.seconds:g}", whole=f"{clip.whole_seconds:.4g}")
        seen = {"picture": clip.picture, "picture_words": words("card.picture", **about), "sound": clip.sound,
                "sound_words": words("card.sound", **about), "note": note}  # fmt: skip
    else:
        seen = {"note": "" if clip == "modality" else words(f"card.missing.{clip}")}
    reason, language = said(edit.reason, words.language)
    action = words.known(f"action.{edit.action}", edit.action)
    return Card(edit.example_id, action, change, facts, reason, reason_language=language, **seen)
