"""The edit gallery: every change to the training data, to look at and to listen to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from yori.curate.edits import Action
from yori.report import number_text as text
from yori.report.blocks import Block, Card, Cell, Details, Facts, Gallery, Paragraph, Section, Table, Witness, cells
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
    blocks += _who_asked(certificate, words)
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
    heard = {edit.example_id for edit in edits}
    blocks.append(Gallery([_card(edit, clips, words, heard) for edit in edits]))
    return Section("edits", words("edits.title"), blocks)


def _who_asked(certificate: Mapping[str, Any], words: Words) -> list[Block]:
    """What is out of the ordinary in how edits were chosen; a certificate of an older yori has nothing of it."""
    rules = certificate.get("curation")
    if rules is None:
        return []
    blocks: list[Block] = []
    if rules["mode"] == "cross_fitted":
        blocks.append(Paragraph(words("edits.cross_fitted")))
    if "review" in rules["actions"]:
        blocks.append(Paragraph(words("edits.review")))
    nested = [each for each in rules["cells"] if each["estimates"] is not None]
    if nested:
        blocks.append(Paragraph(words("edits.queries")))
        rows = [
            cells(
                words.protocol(each["protocol"]), str(each["seed"]),
                *(_estimate(each["estimates"][way], each["estimates"]["metric"], words)
                  for way in ("training_domains", "nested_domains")),
                words(f"queries.{each['queries']}"),
            ) for each in nested
        ]  # fmt: skip
        heads = [words("head.protocol"), words("head.seed"), words("queries.training_domains"),
                 words("queries.nested_domains"), words("head.asked")]  # fmt: skip
        blocks.append(Details(words("edits.estimates"), [Table(words("edits.estimates"), heads, rows)]))
    elif any(each["queries"] == "nested_domains" for each in rules["cells"]):
        blocks.append(Paragraph(words("edits.nested")))
    return blocks


def _estimate(found: Mapping[str, Any], metric: str, words: Words) -> str:
    return words("edits.estimate", change=words.change(metric, found["mean_change"]),
                 error=words.value(metric, found["standard_error"]))  # fmt: skip


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


def _card(edit: ShownEdit, clips: Clips, words: Words, heard: set[str]) -> Card:
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
    witnesses = [
        (words(f"card.{name}"), [_witness(*each, clips, words, heard) for each in listed])
        for name, listed in (("helps", edit.helps), ("hurts", edit.hurts))
        if listed
    ]
    reason, language = said(edit.reason, words.language)
    action = words.known(f"action.{edit.action}", edit.action)
    return Card(edit.example_id, action, change, facts, reason, reason_language=language, witnesses=witnesses, **seen)


def _witness(name: str, effect: float, clips: Clips, words: Words, heard: set[str]) -> Witness:
    """A player for each clip once in the file: most clips are named by several edits."""
    clip, shown = clips.found.get(name), words.change("", effect)
    if not isinstance(clip, Clip) or name in heard:
        return Witness(name, shown)
    heard.add(name)
    return Witness(name, shown, clip.sound, words("card.witness_sound", id=name))
