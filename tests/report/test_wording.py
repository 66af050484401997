"""Every string in every language, none outside the catalogue, none that nobody uses."""

from __future__ import annotations

import re
import string
from importlib.resources import files
from typing import get_args

import pytest
import yaml

from yori.errors import ValuesError
from yori.report.audit_words import audit_catalogue
from yori.report.certificate_schema import WORDS
from yori.report.wording import Language, Words, catalogue

FOLDER = files("yori.report")
HANGUL = re.compile("[가-힣]")
SAME_IN_BOTH = {"method.mid-p", "head.holm"}
"""Names that Korean papers write in Latin letters; those made of capitals alone are found by rule."""


def sources() -> str:
    return "\n".join(path.read_text() for path in FOLDER.iterdir() if path.name.endswith(".py"))


def names_used() -> set[str]:
    return set(re.findall(r"words(?:\.count|\.known)?\(\s*\"([a-z_.0-9 @]+)\"", sources()))


def test_no_name_twice() -> None:
    lines = FOLDER.joinpath("wording.yaml").read_text(encoding="utf-8").splitlines()
    names = [line.split(": {")[0].rstrip(":") for line in lines if re.match(r"[a-z]", line)]
    assert len(names) == len(set(names)) == len(catalogue())


def test_both_languages_with_the_same_places() -> None:
    for name, entry in catalogue().items():
        assert set(entry) == set(get_args(Language)), name
        places = {
            language: {place for _, place, *_ in string.Formatter().parse(text) if place}
            for language, text in entry.items()
        }
        assert places["en"] == places["ko"], name
        assert not HANGUL.search(entry["en"]), name
        plain = re.sub(r"\{[a-z_]+\}", "", entry["ko"])
        if re.search("[a-z]{3}", plain) and name not in SAME_IN_BOTH:
            assert HANGUL.search(plain), name
        # Only what is put behind a number begins with a space.
        assert all(text == text.strip() for text in entry.values()) or name.startswith("domains."), name


def test_names_in_the_code_are_in_the_catalogue() -> None:
    counted = {f"{name}.{form}" for name in names_used() for form in ("one", "many")}
    unknown = {name for name in names_used() if name not in catalogue() and name not in audit_catalogue()} - {
        name for name in names_used() if f"{name}.many" in catalogue()
    }
    assert unknown == set()
    assert len(names_used() & set(catalogue())) > 100
    assert counted & set(catalogue())


def test_every_string_is_used() -> None:
    """Names built from data (``head.…``, ``verdict.…``) are known by their first part."""
    code = sources() + "".join(path.read_text() for path in FOLDER.joinpath("templates").iterdir())
    built = set(re.findall(r"f\"([a-z_.]+)\{", code)) | {"n."}
    unused = {
        name for name in catalogue() if f'"{name}"' not in code and f"'{name}'" not in code
        and not any(name.startswith(part) for part in built if part)
    }  # fmt: skip
    assert unused == set()


def test_templates_hold_no_words() -> None:
    for path in FOLDER.joinpath("templates").iterdir():
        if not path.name.endswith(".j2"):
            continue
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(), flags=re.DOTALL)
        spoken = re.findall(r"(?:aria-label|alt|title|placeholder)=\"([^\"]*)\"", text)
        assert not any(re.search("[A-Za-z]", words) for words in spoken), spoken
        outside = re.sub(r"<[^>]*>", "", re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL))
        assert not re.search(r"[A-Za-z가-힣]", outside), outside.split()


def test_code_of_sections_holds_no_sentences() -> None:
    """No argument of a paragraph, fact or caption is a literal."""
    literal = re.findall(
        r"(?:Paragraph|Heading|Cell|Table|Details|Section)\(\s*f?\"([^\"]*[a-z] [a-z][^\"]*)\"", sources()
    )
    assert literal == []


@pytest.mark.parametrize("language", get_args(Language))
def test_verdicts_have_words_and_meanings(language: Language) -> None:
    words = Words(language)
    said = {words(f"verdict.{word}") for word in WORDS}
    meant = {words(f"verdict.meaning.{word}", part="2.5") for word in WORDS}
    assert len(said) == len(meant) == len(WORDS)


def test_counts_and_unknown_names() -> None:
    words = Words("en")
    assert words.count("n.seeds", 1) == "1 seed"
    assert words.count("n.seeds", 0) == "0 seeds"
    assert words.arm("control:mine") == "control:mine"
    assert words.arm("control:random") == "Random edits"
    assert words.metric("speed@0.5") == "speed@0.5"
    assert words.protocol("lodo:theo") == "Leave one domain out: theo"
    assert words.interval("aurc", None, 1.0) == "–"


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValuesError, match="en or ko"):
        Words("fr")  # type: ignore[arg-type]


def test_the_catalogue_is_plain_data() -> None:
    assert isinstance(yaml.safe_load(FOLDER.joinpath("wording.yaml").read_text(encoding="utf-8")), dict)
