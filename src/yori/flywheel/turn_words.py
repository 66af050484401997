"""Words of the history page, from ``turn_wording.yaml``; what is not there comes from the words of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from yori.report.wording import Words


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
