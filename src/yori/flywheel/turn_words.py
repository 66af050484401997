"""Words of the history page, from ``turn_wording.yaml``; what is not there comes from the words of a report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from yori.report.sentences import said
from yori.report.wording import Language, Words

SAID = "said."
"""Begins the names of sentences that a turn has written."""

_PLACE = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=1)
def turn_catalogue() -> Mapping[str, Mapping[str, str]]:
    """Name of every string → language → text."""
    import yaml

    return yaml.safe_load(files("yori.flywheel").joinpath("turn_wording.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class TurnWords(Words):
    """`Words` that also knows the strings of the history page.

    Examples
    --------
    >>> TurnWords("en")("outcome.kept"), TurnWords("ko")("outcome.kept"), TurnWords("en")("page.contents")
    ('old release kept', '기존 유지', 'Contents')
    """

    def __call__(self, name: str, /, **values: object) -> str:
        """The text of a name, with its places filled in."""
        known = turn_catalogue().get(name)
        return super().__call__(name, **values) if known is None else known[self.language].format(**values)

    def told(self, text: str) -> tuple[str, Language]:
        """What a turn wrote in English, in the language of the page, beside the language it is in.

        A turn writes evidence, in English. Its sentences are recognised by their fixed words; a text with one that is not
        known stays as it was.

        Examples
        --------
        >>> TurnWords("ko").told("turn 2: none of 3 domains significantly worse; small domains asked together: 2")
        ('2번째 순환: 도메인 3개 중 유의하게 나빠진 곳 없음; 함께 확인한 작은 도메인 2개', 'ko')
        >>> TurnWords("ko").told("a reason by hand")
        ('a reason by hand', 'en')
        """
        if self.language == "en":
            return text, "en"
        parts, rest = [], text.strip()
        while rest:
            found = next((match for match in (pattern.match(rest) for pattern, _ in _sentences()) if match), None)
            if found is None:
                return said(text, self.language)
            entry = next(each for pattern, each in _sentences() if pattern is found.re)
            parts.append(entry[self.language].format(**found.groupdict()))
            rest = rest[found.end() :].lstrip()
            parts.append("; " if rest.startswith(";") else " ")
            rest = rest.lstrip("; ")
        return "".join(parts).strip(), self.language


@lru_cache(maxsize=1)
def _sentences() -> tuple[tuple[re.Pattern[str], Mapping[str, str]], ...]:
    """Pattern of each sentence of a turn, and the sentence in each language; beginnings come before what they begin."""
    entries = [entry for name, entry in turn_catalogue().items() if name.startswith(SAID)]
    entries.sort(key=lambda entry: (not entry["en"].endswith(":"), -len(_PLACE.sub("", entry["en"]))))
    return tuple((_pattern(entry["en"]), entry) for entry in entries)


def _pattern(sentence: str) -> re.Pattern[str]:
    """The fixed words, any short text without a semicolon in the places, and an end that is an end."""
    parts = _PLACE.split(sentence)
    fixed = [re.escape(part) if index % 2 == 0 else f"(?P<{part}>[^;]{{1,200}}?)" for index, part in enumerate(parts)]
    end = r"(?=\s|;|$)" if sentence.endswith((":", ".")) else r"(?=;|$)"
    return re.compile("".join(fixed) + end)
