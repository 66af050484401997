"""What an answer may say: verdicts, labels of the task, notes, nonces."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import Any, Literal

from yori.errors import ValuesError

Verdict = Literal["accept", "relabel", "skip", "unsure", "drop"]
VERDICTS: tuple[Verdict, ...] = ("accept", "relabel", "skip", "unsure", "drop")

LABELS_APART = "\x1f"
"""Between the labels of one answer where the task has several per example; no label holds it."""

LONGEST_NOTE = 2000
LONGEST_SECONDS = 86_400.0

_NONCE = re.compile(r"[A-Za-z0-9_-]{8,64}")


def check_label(label: str, classes: Collection[str]) -> str:
    """Return a label (or several), or refuse what is no class of the task.

    Raises
    ------
    ValuesError
        Naming the classes there are.
    """
    for one in label.split(LABELS_APART):
        if one not in classes:
            shown = ", ".join(list(classes)[:20])
            fix = "The task may have changed: load the page again."
            raise ValuesError(f"a class of the task ({shown})", repr(one[:80]), where="answer", fix=fix)
    return label


def check_nonce(nonce: str) -> None:
    """Refuse a nonce that cannot be stored or guessed too easily."""
    if not _NONCE.fullmatch(nonce):
        raise ValuesError("a nonce of 8 to 64 letters, digits, - or _", repr(nonce[:80]), where="answer")


def check_verdict(verdict: str, label: str | None, classes: Collection[str]) -> tuple[str, str | None]:
    """Return the verdict and the label it carries, or refuse them; a label beside ``skip`` and the like says nothing.

    Examples
    --------
    >>> check_verdict("skip", "bell", ["bell"])
    ('skip', None)
    """
    if verdict not in VERDICTS:
        raise ValuesError(f"a verdict out of {', '.join(VERDICTS)}", repr(verdict[:80]), where="answer")
    if verdict not in ("accept", "relabel"):
        return verdict, None
    if label is None and verdict == "relabel":
        raise ValuesError("the label that is right", "none", where="answer")
    return verdict, None if label is None else check_label(label, classes)


def settle(
    item: Mapping[str, Any], verdict: str, label: str | None, classes: Collection[str]
) -> tuple[str, str | None]:
    """The verdict that the label means, and the label that an accept means.

    Examples
    --------
    >>> settle({"suggested": "bell", "current": "horn"}, "relabel", "bell", ["bell", "horn"])
    ('accept', 'bell')
    """
    if verdict not in ("accept", "relabel"):
        return verdict, None
    offered = item["suggested"] if item["suggested"] is not None else item["current"]
    if label is None:
        if offered is None:
            raise ValuesError("the label that is right", "an accept where nothing is suggested", where="answer")
        label = check_label(offered, classes)
    return ("accept" if label == offered else "relabel"), label


def clean_note(note: str | None) -> str | None:
    """Return a note that every database stores, None for an empty one, or refuse it."""
    if note is None or not note.strip():
        return None
    if len(note) > LONGEST_NOTE or "\0" in note:
        raise ValuesError(f"a note of at most {LONGEST_NOTE} characters", f"{len(note)}", where="answer")
    return note.encode("utf-8", "replace").decode()


def clean_seconds(seconds: float | None) -> float | None:
    """Seconds from painted to answered; None for a number that is none, as a browser's clock is no reason to lose an answer.

    Examples
    --------
    >>> clean_seconds(-3.0), clean_seconds(1e9)
    (None, 86400.0)
    """
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return None
    return min(float(seconds), LONGEST_SECONDS)
