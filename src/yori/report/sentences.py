"""Sentences that a run wrote in English, said in the language of the page; the catalogue is ``sentences.yaml``.

A certificate holds its notes as English text, because it is evidence and not a page. The report recognises the sentences it
knows by their fixed words and fills the same numbers and names into its own. What it does not know stays as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from yori.report.wording import Language

_PLACE = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=1)
def known_sentences() -> tuple[tuple[re.Pattern[str], Mapping[str, str]], ...]:
    """Pattern of each English sentence, and the sentence in each language."""
    import yaml

    entries = yaml.safe_load(files("yori.report").joinpath("sentences.yaml").read_text(encoding="utf-8"))
    return tuple((_pattern(entry["en"]), entry) for entry in entries)


def said(text: str, language: Language) -> tuple[str, Language]:
    """Say a text in a language.

    Returns
    -------
    text, language
        All sentences in the language; or, if one is not known, the text as it was, which is English.

    Examples
    --------
    >>> said("Only 3 independent examples or groups: the interval is approximate.", "ko")
    ('독립적인 예제나 그룹이 3개뿐이므로 구간은 근사값입니다.', 'ko')
    >>> said("Something new.", "ko")
    ('Something new.', 'en')
    """
    if language == "en":
        return text, "en"
    told, rest = [], text.strip()
    while rest:
        sentence = _first(rest, language)
        if sentence is None:
            return text, "en"
        words, length = sentence
        told.append(words)
        rest = rest[length:].lstrip(" ;")
    return " ".join(told), language


def _first(text: str, language: Language) -> tuple[str, int] | None:
    for pattern, entry in known_sentences():
        found = pattern.match(text)
        if found:
            return entry[language].format(**found.groupdict()), found.end()
    return None


def _pattern(sentence: str) -> re.Pattern[str]:
    """The fixed words of a sentence, any short text in its places, and an end that is an end."""
    parts = _PLACE.split(sentence)
    fixed = [re.escape(part) if index % 2 == 0 else f"(?P<{part}>.{{1,200}}?)" for index, part in enumerate(parts)]
    return re.compile("".join(fixed) + r"(?=\s|;|$)", re.DOTALL)
