"""Groups on both sides of a split, and groups nobody declared.

Severity: high where the table's own split cuts a group, or where the task splits by clip although groups exist; high too
where a head gains at least `GAP` accuracy once clips of the same value of an undeclared column may be on both sides (medium
from half of that on). A gain is only reported if it is more than twice its standard error.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Shaped

from yori.arrays import check_length
from yori.audit.findings import Finding

GAP = 0.1


def split_leak_findings(
    ids: Shaped[np.ndarray, " n"], groups: Shaped[np.ndarray, " n"], splits: Shaped[np.ndarray, " n"]
) -> list[Finding]:
    """One finding for each group that the split column cuts.

    Parameters
    ----------
    groups
        ``(n,)``; ``""`` = no group.
    splits
        ``(n,)``; ``""`` = no split.

    Examples
    --------
    >>> found = split_leak_findings(np.array(["a", "b"]), np.array(["g", "g"]), np.array(["train", "test"]))
    >>> [(each.values["group"], each.example_id, each.severity) for each in found]
    [('g', 'b', 'high')]
    """
    check_length(splits, len(ids), name="splits", where="split_leak_findings")
    used = np.flatnonzero((groups.astype(str) != "") & (splits.astype(str) != ""))
    found = []
    order = used[np.argsort(groups[used].astype(str), kind="stable")]
    for rows in np.split(order, np.flatnonzero(groups[order][1:] != groups[order][:-1]) + 1):
        names = sorted(set(splits[rows].tolist()), key=["train", "validation", "test"].index) if len(rows) else []
        if len(names) < 2:
            continue
        shown = [rows[splits[rows] == name][0] for name in reversed(names)]
        values = {"group": str(groups[rows[0]]), "splits": names, "n": len(rows)}
        related = tuple(str(ids[row]) for row in shown[1:])
        found.append(
            Finding("group_leak", "group_across", "high", float(len(rows)), str(ids[shown[0]]), related, values)
        )
    return found


def split_by_clip_finding(groups: int, examples: int) -> list[Finding]:
    """The task asks for a split by clip although there are fewer groups than examples."""
    if groups >= examples:
        return []
    values = {"groups": groups, "n": examples}
    return [Finding("group_leak", "split_by_clip", "high", 1.0, None, (), values)]


def hidden_group_findings(
    column: str,
    correct_together: Bool[np.ndarray, " n"],
    correct_apart: Bool[np.ndarray, " n"],
    values_count: int,
) -> list[Finding]:
    """A column whose values a split should not cut, measured by the same head with and without cutting.

    Parameters
    ----------
    column
        Its name.
    correct_together
        ``(n,)`` predictions out of fold with folds drawn by group, which cut the values of the column.
    correct_apart
        ``(n,)`` the same with folds that keep every value whole.
    values_count
        How many values it has.

    Examples
    --------
    >>> together, apart = np.ones(200, dtype=bool), np.arange(200) % 2 == 0
    >>> [(each.severity, each.values["gap"]) for each in hidden_group_findings("session", together, apart, 12)]
    [('high', 0.5)]
    """
    check_length(correct_apart, len(correct_together), name="correct_apart", where="hidden_group_findings")
    difference = correct_together.astype(float) - correct_apart
    gap = float(difference.mean())
    # Values, not clips, are the independent units; few of them make a large error.
    error = float(difference.std()) / math.sqrt(max(1, min(len(difference), values_count)))
    if gap < GAP / 2 or gap < 2 * error:
        return []
    values = {"column": column, "gap": round(gap, 3), "together": round(float(correct_together.mean()), 3),
              "apart": round(float(correct_apart.mean()), 3), "n": values_count}  # fmt: skip
    severity = "high" if gap >= GAP else "medium"
    return [Finding("group_leak", "hidden_group", severity, gap, None, (), values)]  # type: ignore[arg-type]
