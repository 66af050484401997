"""Labelling functions without code: a list of rules in YAML.

    - name: says ship
      label: ship
      contains: {column: note, any: [ship, vessel]}     # case does not matter unless case: true
    - name: AIS number
      label: ship
      regex: {column: note, pattern: "MMSI ?[0-9]{9}"}
    - name: quiet
      label: ambient
      threshold: {column: level, below: -60}            # below, above or both; the limit itself counts

A rule votes for its class where it holds and abstains elsewhere; a missing value never holds. Patterns are RE2's, whose time
grows with the length of the text and nothing else: a rule from a stranger cannot hang the program (so no back references and
no look-around).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from yori.errors import ValuesError
from yori.labels.labelling_functions import ABSTAIN, Columns, row_count

WHERE = "labelling rules"
KINDS = ("contains", "regex", "threshold")
MOST_PATTERN = 1000
"""Characters of a pattern."""


@dataclass(frozen=True)
class Rule:
    """One rule: what `read_rules` returns. Exactly one of the kinds is set."""

    name: str
    label: str
    column: str
    contains: tuple[str, ...] = ()
    pattern: str = ""
    case: bool = False
    above: float = -math.inf
    below: float = math.inf

    def votes(self, columns: Columns, classes: Sequence[str]) -> Int[np.ndarray, " n"]:
        """Class of the rule where it holds, `ABSTAIN` elsewhere.

        Raises
        ------
        ValuesError
            If the column or the class does not exist, or a value is no number where one is needed.
        """
        if self.label not in classes:
            raise ValuesError(f"one of the classes {', '.join(classes)}", repr(self.label), where=self.name)
        if self.column not in columns:
            raise ValuesError(f"one of the columns {', '.join(columns)}", repr(self.column), where=self.name)
        row_count(columns)
        values = columns[self.column]
        holds = self._text(values) if self.contains or self.pattern else self._number(values)
        return np.where(holds, list(classes).index(self.label), ABSTAIN)

    def _text(self, values: Sequence[Any]) -> Bool[np.ndarray, " n"]:
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = pa.array([None if _missing(value) else str(value) for value in values], pa.string())
        holds = np.zeros(len(values), dtype=np.bool_)
        patterns = self.contains or (self.pattern,)
        match = pc.match_substring if self.contains else pc.match_substring_regex
        for pattern in patterns:
            found = match(texts, pattern, ignore_case=not self.case)
            holds |= np.asarray(found.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)
        return holds

    def _number(self, values: Sequence[Any]) -> Bool[np.ndarray, " n"]:
        try:
            numbers = np.array([np.nan if _missing(value) else float(value) for value in values], dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValuesError(f"numbers in column {self.column}", str(error), where=self.name) from None
        holds: Bool[np.ndarray, " n"] = (numbers >= self.above) & (numbers <= self.below)
        return holds


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float | np.floating) and math.isnan(value))


def read_rules(text: str) -> tuple[Rule, ...]:
    """Read rules from YAML.

    Parameters
    ----------
    text
        The YAML text, a list as in the head of this file.

    Raises
    ------
    ValuesError
        If the text is no YAML or no such list, with the number of the rule; if a pattern is not RE2's.

    Examples
    --------
    >>> rules = read_rules("[{name: loud, label: ship, threshold: {column: level, above: -20}}]")
    >>> rules[0].votes({"level": [-10, -30, None]}, ["ambient", "ship"])
    array([ 1, -1, -1])
    """
    import yaml

    try:
        listed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValuesError("readable YAML", " ".join(str(error).split()), where=WHERE) from None
    if not isinstance(listed, list) or not listed:
        raise ValuesError("a list of rules", type(listed).__name__ if listed else "nothing", where=WHERE)
    return tuple(_rule(entry, f"{WHERE}, rule {number}") for number, entry in enumerate(listed, start=1))


def _rule(entry: object, where: str) -> Rule:
    if not isinstance(entry, Mapping):
        raise ValuesError("name, label and a kind", repr(entry)[:60], where=where)
    kinds = [kind for kind in KINDS if kind in entry]
    unknown = sorted(str(key) for key in entry if key not in ("name", "label", *KINDS))
    if unknown or len(kinds) != 1:
        raise ValuesError(
            f"name, label and one of {', '.join(KINDS)}", ", ".join(map(str, entry)) or "nothing", where=where
        )
    name, label, how = entry.get("name"), entry.get("label"), entry[kinds[0]]
    # YAML reads 0 and yes as numbers and truth values; a class may be called so.
    if not isinstance(name, str) or not name or label is None or isinstance(label, list | dict):
        raise ValuesError("a name and a label", f"{name!r} and {label!r}", where=where)
    if isinstance(label, bool):
        raise ValuesError("a label", f"the truth value {label}", where=where, fix="Put the label in quotation marks.")
    allowed = {"contains": ("any", "case"), "regex": ("pattern", "case"), "threshold": ("above", "below")}[kinds[0]]
    wrong = isinstance(how, Mapping) and sorted(str(key) for key in how if key not in ("column", *allowed))
    if not isinstance(how, Mapping) or wrong or not isinstance(how.get("column"), str):
        raise ValuesError(f"{kinds[0]}: column, {', '.join(allowed)}", repr(how)[:80], where=where)
    case = how.get("case", False)
    if not isinstance(case, bool):
        raise ValuesError("case: true or false", repr(case), where=where)
    column, label = how["column"], str(label)
    if kinds[0] == "contains":
        return Rule(name, label, column, contains=_words(how.get("any"), where), case=case)
    if kinds[0] == "regex":
        return Rule(name, label, column, pattern=_pattern(how.get("pattern"), where), case=case)
    above, below = _limit(how.get("above"), -math.inf, where), _limit(how.get("below"), math.inf, where)
    if above == -math.inf and below == math.inf:
        raise ValuesError("above, below or both", "neither", where=where)
    if above > below:
        raise ValuesError("above ≤ below", f"{above:g} and {below:g}", where=where)
    return Rule(name, label, column, above=above, below=below)


def _words(given: object, where: str) -> tuple[str, ...]:
    words = [given] if isinstance(given, str) else given
    if not isinstance(words, list) or not words or not all(isinstance(word, str) and word for word in words):
        raise ValuesError("any: a list of words", repr(given)[:80], where=where, fix="Put numbers in quotation marks.")
    return tuple(words)


def _pattern(given: object, where: str) -> str:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not isinstance(given, str) or not 0 < len(given) <= MOST_PATTERN:
        raise ValuesError(f"a pattern of 1 … {MOST_PATTERN} characters", repr(given)[:80], where=where)
    try:
        pc.match_substring_regex(pa.array([""]), given)
    except pa.ArrowInvalid as error:
        raise ValuesError(
            "a pattern of RE2", str(error), where=where, fix="Back references and look-around do not exist in RE2."
        ) from None
    return given


def _limit(given: object, otherwise: float, where: str) -> float:
    if given is None:
        return otherwise
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise ValuesError("a finite number as limit", repr(given), where=where)
    return float(given)
