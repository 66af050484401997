"""Finding comparisons in a certificate, and how strong they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yori.report.blocks import Cell
from yori.report.forest_chart import tone
from yori.report.wording import Words

Entry = Mapping[str, Any]
"""One element of ``protocols.<name>.comparisons``."""

CONTROLS = (
    "control:random",
    "control:confident_learning",
    "control:highest_loss",
    "control:train_plus_validation",
    "oracle",
)
"""Order in which controls are shown; others follow."""

_TONES = {"improved": "good", "worse": "bad", "no difference shown": "open", "too few examples to tell": "few"}


def main_entries(protocol: Mapping[str, Any], against: str = "before") -> list[Entry]:
    """All metrics of *after* against *before*, or another arm."""
    return [each for each in protocol["comparisons"] if (each["arm"], each["against"]) == ("after", against)]


def reference_of(certificate: Mapping[str, Any]) -> str:
    """The arm the verdict compares *after* with."""
    return str(certificate["primary"].get("against", "before"))


def entry_of(protocol: Mapping[str, Any], arm: str, against: str, metric: str) -> Entry | None:
    """The comparison of two arms in a metric, if it was made."""
    wanted = (arm, against, metric)
    found = (each for each in protocol["comparisons"] if (each["arm"], each["against"], each["metric"]) == wanted)
    return next(found, None)


def controls_of(protocol: Mapping[str, Any]) -> list[str]:
    """Arms that are neither *before* nor *after*, in the order they are shown."""
    arms = [arm for arm in protocol["values"] if arm not in ("before", "after")]
    return sorted(arms, key=lambda arm: (CONTROLS.index(arm) if arm in CONTROLS else len(CONTROLS), arm))


def all_entries(certificate: Mapping[str, Any]) -> Iterator[tuple[str, Entry]]:
    """Every comparison with the name of its protocol."""
    for name, protocol in certificate["protocols"].items():
        for each in protocol["comparisons"]:
            yield name, each


def change_cell(words: Words, metric: str, comparison: Mapping[str, Any]) -> Cell:
    """A change with its interval in one cell, coloured if the interval leaves out zero.

    The interval comes along so that no change is ever read without it.
    """
    shown = words.change(metric, comparison["delta"])
    if comparison["low"] is not None and comparison["high"] is not None:
        shown += " " + words.interval(metric, comparison["low"], comparison["high"])
    colour = tone(comparison["delta"], comparison["low"], comparison["high"], comparison.get("direction", "lower"))
    return Cell(shown, "" if colour == "open" else colour)


def verdict_cell(words: Words, verdict: Mapping[str, Any]) -> Cell:
    """The word of a verdict, in its colour."""
    return Cell(words(f"verdict.{verdict['word']}"), verdict_tone(verdict["word"]))


def verdict_tone(word: str) -> str:
    """Class of the colour of a verdict.

    Examples
    --------
    >>> verdict_tone("worse")
    'bad'
    """
    return _TONES[word]
