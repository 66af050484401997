"""Classes with too few examples, and classes that outweigh all others.

Severity: high for a class without any example, and where all labels are the same; medium below `FEW` examples or
`FEW_GROUPS` groups (no split can train, validate and test on fewer), and for a class with less than one `RATIO`-th of the
largest; low for a class the task calls rare that has no example worth hearing in the annotation guide yet, that is below
`GUIDE` examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from yori.audit.findings import Finding, Severity

FEW, FEW_GROUPS = 10, 3
RATIO = 20
GUIDE = 30


def class_balance_findings(
    counts: Mapping[str, int],
    *,
    groups: Mapping[str, int],
    rare: Sequence[str] = (),
    means: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Findings about classes.

    Parameters
    ----------
    counts
        Examples of each class of the task, 0 where it has none.
    groups
        Independent groups of each class.
    rare
        Classes the task calls rare.
    means
        Sentence of each class in the task; ``""`` where it has none, which is said. None: nobody asks.

    Examples
    --------
    >>> found = class_balance_findings({"ship": 900, "whale": 4, "seal": 0}, groups={"ship": 90, "whale": 2})
    >>> [(each.values["label"], each.code, each.severity) for each in found]
    [('seal', 'class_empty', 'high'), ('whale', 'class_few', 'medium')]
    """
    found = []
    largest = max(counts.values(), default=0)
    present = [name for name, number in counts.items() if number]
    if len(present) == 1 and largest > 1:
        found.append(Finding("class_balance", "one_class", "high", 2.0, None, (), {"label": present[0], "n": largest}))
    for name, number in sorted(counts.items(), key=lambda each: (each[1], each[0])):
        independent = groups.get(name, 0)
        values = {"label": name, "n": number, "groups": independent, "largest": largest}
        code, severity, score = "", "low", 0.0
        if number == 0:
            code, severity, score = "class_empty", "high", 1.5
        elif number < FEW or independent < FEW_GROUPS:
            code, severity, score = "class_few", "medium", 1.0
        elif number * RATIO < largest:
            code, severity, score = "class_outweighed", "medium", 0.5
            values["ratio"] = round(largest / number, 1)
        elif name in rare and number < GUIDE:
            code = "class_guide"
        if code:
            grave: Severity = severity  # type: ignore[assignment]
            found.append(Finding("class_balance", code, grave, score, None, (), values))
    silent = [name for name in counts if means is not None and not means.get(name, "").strip()]
    if silent:
        found.append(Finding("class_balance", "class_without_sentence", "low", 0.0, None, (), {"label": silent}))
    return found
