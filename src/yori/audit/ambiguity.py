"""Regions where classes cannot be told apart, and the examples on their borders.

A pair of classes is reported when at least `CONFUSED` of the examples of one are predicted as the other out of fold (low),
or `MIXED` (medium), and at least `FEWEST` examples. An example is on a border when its two most probable classes are within
`MARGIN` of each other and its neighbours are as divided (an entropy of at least `DIVIDED` of that of two equal classes):
always low, at most `MOST` of each pair, the closest first. These are what an annotation guide should show.

Where examples have several labels, a pair is reported by the examples that have the one label and not the other and
are predicted to have the other and not the one; the border is that of a single class: a probability within half of `MARGIN`
of one half, and neighbours of whom as many have the label as have it not (by the same entropy).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from yori.arrays import check_labels, check_probs
from yori.audit.findings import Finding, Severity
from yori.errors import ShapeError

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
    between = (margin < MARGIN) & _divided(votes)
    pair = np.sort(order, axis=1)
    for a in range(c):
        for b in range(a + 1, c):
            worst = max(share[a, b], share[b, a])
            rows = np.flatnonzero(between & (pair[:, 0] == a) & (pair[:, 1] == b))
            rows = rows[np.argsort(margin[rows], kind="stable")][:MOST]
            if worst >= CONFUSED and confusion[a, b] + confusion[b, a] >= FEWEST:
                one, other = (a, b) if share[a, b] >= share[b, a] else (b, a)
                near = tuple(str(ids[row]) for row in rows[:3])
                found.append(_mixed(classes[one], classes[other], float(worst), int(confusion[one].sum()), near))
            for row in rows.tolist():
                values = {"first": classes[int(order[row, 0])], "second": classes[int(order[row, 1])],
                          "margin": round(float(margin[row]), 3), "label": classes[int(answers[row])]}  # fmt: skip
                found.append(Finding("ambiguous", "border", "low", 1 - float(margin[row]), str(ids[row]), (), values))
    return sorted(found, key=lambda each: (each.severity == "low", -each.score))


def several_ambiguity_findings(
    ids: Shaped[np.ndarray, " n"],
    targets: Float[np.ndarray, "n c"],
    probs: Float[np.ndarray, "n c"],
    votes: Float[np.ndarray, "n c"],
    classes: tuple[str, ...],
) -> list[Finding]:
    """The same where examples have several labels.

    Parameters
    ----------
    targets
        ``(n, c)`` 0 or 1.
    probs
        ``(n, c)`` out of fold, each class by itself.
    votes
        ``(n, c)`` share of the neighbours that have each label; a row of zeros where nobody was asked.

    Raises
    ------
    ShapeError
        If the arrays do not fit together.

    Examples
    --------
    >>> targets = np.array([[1.0, 0.0]] * 12 + [[0.0, 1.0]] * 12)
    >>> probs = np.array([[0.9, 0.2]] * 6 + [[0.2, 0.9]] * 18)              # half of the first are heard as the second
    >>> found = several_ambiguity_findings(np.arange(24).astype(str), targets, probs, targets, ("rain", "wind"))
    >>> [(each.code, each.values["label"], each.values["likely"], each.severity) for each in found]
    [('classes_mixed', 'rain', 'wind', 'medium')]
    """
    if not targets.shape == probs.shape == votes.shape:
        raise ShapeError(
            f"probs and votes of shape {targets.shape}", f"{probs.shape} and {votes.shape}", where="ambiguity"
        )
    has, said = targets > 0, probs >= 0.5
    # [a, b]: labelled a and not b; and of these predicted b and not a.
    alone = has.T.astype(float) @ ~has
    swapped = (has & ~said).T.astype(float) @ (~has & said)
    share = swapped / np.maximum(alone, 1)
    found = []
    for a in range(len(classes)):
        for b in range(a + 1, len(classes)):
            one, other = (a, b) if share[a, b] >= share[b, a] else (b, a)
            if share[one, other] >= CONFUSED and swapped[a, b] + swapped[b, a] >= FEWEST:
                rows = np.flatnonzero(has[:, one] & ~has[:, other] & ~said[:, one] & said[:, other])[:3]
                near = tuple(str(ids[row]) for row in rows)
                found.append(
                    _mixed(classes[one], classes[other], float(share[one, other]), int(alone[one, other]), near)
                )
    asked = votes.any(axis=1)
    for k, name in enumerate(classes):
        away = np.abs(probs[:, k] - 0.5)
        rows = np.flatnonzero((away < MARGIN / 2) & asked & _divided(np.stack([votes[:, k], 1 - votes[:, k]], axis=1)))
        for row in rows[np.argsort(away[rows], kind="stable")][:MOST].tolist():
            values = {"first": name, "second": "–", "prob": round(float(probs[row, k]), 3),
                      "label": name if has[row, k] else "–"}  # fmt: skip
            score = 1 - 2 * float(away[row])
            found.append(Finding("ambiguous", "border_of_class", "low", score, str(ids[row]), (), values))
    return sorted(found, key=lambda each: (each.severity == "low", -each.score))


def _mixed(label: str, likely: str, share: float, n: int, near: tuple[str, ...]) -> Finding:
    severity: Severity = "medium" if share >= MIXED else "low"
    values = {"label": label, "likely": likely, "share": round(share, 3), "n": n}
    return Finding("ambiguous", "classes_mixed", severity, 1 + share, None, near, values)


def _divided(votes: Float[np.ndarray, "n c"]) -> Bool[np.ndarray, " n"]:
    """Whether neighbours are as divided as two classes of `DIVIDED` of one bit; never where nobody voted."""
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.where(votes > 0, votes * np.log(votes), 0.0).sum(axis=1)
    divided: Bool[np.ndarray, " n"] = entropy >= DIVIDED * np.log(2)
    return divided
