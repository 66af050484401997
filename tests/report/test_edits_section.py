from __future__ import annotations

import pytest
from tests.report.reading import texts
from tests.report.sample import Sample

from yori.report.blocks import Gallery
from yori.report.clips import Clips, clips_of
from yori.report.edits_of_proof import ShownEdit, read_edits_of_proof
from yori.report.edits_section import edits_section
from yori.report.wording import Words


def shown(action: str, **columns: object) -> ShownEdit:
    known = {"example_id": "a", "action": action, "old_label": "tug", "new_label": "cargo", "weight": 0.5,
             "predicted_gain": -1e-5, "reason": "", "round": None, "agreement": None, "cells": ()}  # fmt: skip
    return ShownEdit(**{**known, **columns})  # type: ignore[arg-type]


def test_every_edit_has_a_card_with_player_and_picture(sample: Sample) -> None:
    edits = read_edits_of_proof(sample.proof / "edits.parquet")
    clips = clips_of([edit.example_id for edit in edits], sample.project, version=1, modality="audio")
    section = edits_section(sample.certificate, edits, clips, Words("en"))
    cards = next(block for block in section.blocks if isinstance(block, Gallery)).cards
    assert len(cards) == len(edits) == 12
    assert all(card.sound.startswith("data:audio/wav") and card.picture.startswith("data:image/png") for card in cards)
    assert all(card.title in card.sound_words and card.title in card.picture_words for card in cards)
    first = next(card for card in cards if card.title == "clip_000")
    assert first.note == "First 10 s of 12 s."
    facts = dict(first.facts)
    assert facts["Chosen in (protocol · seed)"].text == "Leave one domain out: far · 0"
    assert (facts["Domain"].text, facts["Group"].text) == ("near", "passage 0")
    assert "shortened: 1" in texts(section.blocks)
    assert "Look and listen" in texts(section.blocks)
    assert "5 of 12 edits" in texts(section.blocks)


@pytest.mark.parametrize(
    ("action", "change"),
    [("drop", "tug → dropped"), ("relabel", "tug → cargo"), ("reweight", "tug, weight 0.5"),
     ("review", "tug: ask a person"), ("something new", "tug")],
)  # fmt: skip
def test_what_was_done(sample: Sample, action: str, change: str) -> None:
    section = edits_section(sample.certificate, [shown(action)], Clips({"a": "file"}, {}), Words("en"))
    (card,) = next(block for block in section.blocks if isinstance(block, Gallery)).cards
    assert card.change == change
    assert dict(card.facts)["Predicted gain"].text == "−0.000010"


@pytest.mark.parametrize(
    ("why", "sentence"),
    [("modality", "embeddings, not sound"), ("project", "proof folder alone"), ("version", "data version"),
     ("file", "no sound file"), ("full", "1 of 1 examples have no player here")],
)  # fmt: skip
def test_why_there_is_no_player(sample: Sample, why: str, sentence: str) -> None:
    for language in ("en", "ko"):
        section = edits_section(sample.certificate, [shown("drop")], Clips({"a": why}, {}), Words(language))  # type: ignore[dict-item]
        assert (sentence in texts(section.blocks)) == (language == "en")
        assert "Look and listen" not in texts(section.blocks)


def test_no_edit_is_a_result(sample: Sample) -> None:
    section = edits_section({**sample.certificate, "truth": None}, [], Clips({}, {}), Words("en"))
    assert "No edit was made" in texts(section.blocks)
    assert "wrong labels" not in texts(section.blocks)
