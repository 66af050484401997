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


RULES = {"mode": "validation", "actions": ["drop", "relabel"], "cells": [
    {"protocol": "lodo:far", "seed": 0, "queries": "training_domains", "estimates": None}]}  # fmt: skip


def test_whom_an_edit_helps_and_hurts_with_each_player_once(sample: Sample) -> None:
    helped, hurt = (("clip_001", -2e-4), ("clip_002", -1e-4)), (("clip_001", 3e-4),)
    edits = [shown("drop", example_id="clip_003", helps=helped, hurts=hurt), shown("drop", example_id="clip_002")]
    clips = clips_of(["clip_003", "clip_002", "clip_001"], sample.project, version=1, modality="audio")
    for language, words in (("en", "Hurts most"), ("ko", "가장 손해를 보는 예제")):
        section = edits_section(sample.certificate, edits, clips, Words(language))  # type: ignore[arg-type]
        first, second = next(block for block in section.blocks if isinstance(block, Gallery)).cards
        (_, helps), (heading, hurts) = first.witnesses
        assert heading == words
        assert [each.name for each in helps] == ["clip_001", "clip_002"]
        assert (helps[0].effect, hurts[0].effect) == ("−0.00020", "+0.00030")
        assert helps[0].sound.startswith("data:audio/wav")
        # clip_002 has a player on its own card, clip_001 where it was named first.
        assert (helps[1].sound, hurts[0].sound) == ("", "")
        assert second.witnesses == []


@pytest.mark.parametrize(
    ("change", "english", "korean"),
    [
        ({"mode": "cross_fitted"}, "asked for edits, each of a head that had not seen its fold", "폴드를 본 적 없는"),
        ({"actions": ["review"]}, "wait for a person's answer", "사람의 답을 기다립니다"),
        (
            {"cells": [{**RULES["cells"][0], "queries": "nested_domains"}]},
            "asked a head that had not heard it", "들은 적 없는 헤드",
        ),
    ],
)  # fmt: skip
def test_how_edits_were_asked_for(sample: Sample, change: dict, english: str, korean: str) -> None:
    for language, words in (("en", english), ("ko", korean)):
        usual = edits_section({**sample.certificate, "curation": RULES}, [], Clips({}, {}), Words(language))  # type: ignore[arg-type]
        other = edits_section(
            {**sample.certificate, "curation": {**RULES, **change}}, [], Clips({}, {}), Words(language)  # type: ignore[arg-type]
        )  # fmt: skip
        assert words not in texts(usual.blocks)
        assert words in texts(other.blocks)


def test_both_estimates_of_who_should_ask(sample: Sample) -> None:
    estimate = {"standard_error": 0.001, "worst_change": 0.0}
    estimates = {"preferred": "nested_domains", "left_out_domains": 5, "metric": "aurc",
                 "training_domains": {"mean_change": -0.002, **estimate},
                 "nested_domains": {"mean_change": -0.003, **estimate}}  # fmt: skip
    cell = {"protocol": "lodo:far", "seed": 0, "queries": "nested_domains", "estimates": estimates}
    section = edits_section(
        {**sample.certificate, "curation": {**RULES, "cells": [cell]}}, [], Clips({}, {}), Words("en")
    )
    said = texts(section.blocks)
    assert "−0.002" in said
    assert "−0.003" in said
    assert "Left-out domains ask" in said
