"""Regions where classes cannot be told apart, and the examples on their borders.

A pair of classes is reported when at least `CONFUSED` of the examples of one are predicted as the other out of fold (low),
or `MIXED` (medium), and at least `FEWEST` examples. An example is on a border when its two most probable classes are within
`MARGIN` of each other and its neighbours are as divided (an entropy of at least `DIVIDED` of that of two equal classes):
always low, at most `MOST` of each pair, the closest first. These are what an annotation guide should show.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Shaped

from yori.arrays import check_labels, check_probs
from yori.audit.findings import Finding, Severity

CONFUSED, MIXED = 0.15, 0.3
FEWEST = 5
MARGIN = 0.1
DIVIDED = 0.8
MOST = 10


def ambiguity_findings(
    ids: Shaped[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
    probs: Float[np.ndarray, "n c"],
    votes: Float[np.ndarray, "n c"],
    classes: tuple[str, ...],
) -> list[Finding]:
    """Findings about pairs of classes and examples between them.

    Parameters
    ----------
    probs
        ``(n, c)`` out of fold.
    votes
        ``(n, c)`` shares of the neighbours.

    Examples
    --------
    >>> probs = np.array([[0.52, 0.48]] * 6 + [[0.48, 0.52]] * 6)
    >>> found = ambiguity_findings(
    ...     np.arange(12).astype(str), np.array([0, 1] * 6), probs, np.full((12, 2), 0.5), ("a", "b"))
    >>> found[0].code, found[0].severity, sum(each.code == "border" for each in found)
    ('classes_mixed', 'medium', 10)
    """
    checked = check_probs(probs, where="ambiguity")
    answers = check_labels(labels, checked.shape[1], where="ambiguity")
    c = checked.shape[1]
    guess = checked.argmax(axis=1)
    confusion = np.zeros((c, c))
    np.add.at(confusion, (answers, guess), 1)
    count = np.maximum(confusion.sum(axis=1), 1)
    share = confusion / count[:, None]
    found = []
    order = np.argsort(-checked, axis=1, kind="stable")[:, :2]
    top = np.take_along_axis(checked, order, axis=1)
    margin = top[:, 0] - top[:, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.where(votes > 0, votes * np.log(votes), 0.0).sum(axis=1)
    between = (margin < MARGIN) & (entropy >= DIVIDED * np.log(2))
    pair = np.sort(order, axis=1)
    for a in range(c):
        for b in range(a + 1, c):
            worst = max(share[a, b], share[b, a])
            rows = np.flatnonzero(between & (pair[:, 0] == a) & (pair[:, 1] == b))
            rows = rows[np.argsort(margin[rows], kind="stable")][:MOST]
            if worst >= CONFUSED and confusion[a, b] + confusion[b, a] >= FEWEST:
                severity: Severity = "medium" if worst >= MIXED else "low"
                one, other = (a, b) if share[a, b] >= share[b, a] else (b, a)
                values = {"label": classes[one], "likely": classes[other], "share": round(float(worst), 3),
                          "n": int(confusion[one].sum())}  # fmt: skip
                near = tuple(str(ids[row]) for row in rows[:3])
                found.append(Finding("ambiguous", "classes_mixed", severity, 1 + float(worst), None, near, values))
            for row in rows.tolist():
                values = {"first": classes[int(order[row, 0])], "second": classes[int(order[row, 1])],
                          "margin": round(float(margin[row]), 3), "label": classes[int(answers[row])]}  # fmt: skip
                found.append(Finding("ambiguous", "border", "low", 1 - float(margin[row]), str(ids[row]), (), values))
    return sorted(found, key=lambda each: (each.severity == "low", -each.score))
