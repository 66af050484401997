"""What predicts the label although it should not: the recording level, the noise floor, the rate, a device, a session.

Each candidate is asked by itself: how well does it predict the label, out of fold, and how well by chance? Numbers are cut
into deciles; the prediction for a value is the class most over-represented there among the other folds. The score is
balanced accuracy, rescaled so that chance is 0 and certainty 1 (skill). The null is the same with labels permuted. Groups
are collapsed to one row each first, or a thousand clips of three sessions would look like a thousand proofs.

Severity: low from a skill of `LOW` on, medium from `MEDIUM`, high from `HIGH`, if the permutation test, corrected for the
number of candidates, stays below `SIGNIFICANT`. What is reported may be legitimate: ships *are* louder than the sea. The
question it asks is whether it would hold at the place of use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped

from yori.arrays import check_labels, check_length
from yori.audit.findings import Finding, Severity
from yori.errors import ShapeError

LOW, MEDIUM, HIGH = 0.1, 0.25, 0.6
SIGNIFICANT = 0.02
PERMUTATIONS = 199
FOLDS = 5
BINS = 10


@dataclass(frozen=True)
class Prediction:
    """How well one thing predicts the label.

    Parameters
    ----------
    skill
        Balanced accuracy out of fold, 0 = chance, 1 = certain; may be negative.
    accuracy
        Balanced accuracy.
    chance
        Mean balanced accuracy with permuted labels.
    p
        Permutation p-value, at least ``1 / (permutations + 1)``.
    units
        Independent groups it is based on.
    """

    skill: float
    accuracy: float
    chance: float
    p: float
    units: int


def shortcut_prediction(
    values: Shaped[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
    groups: Int[np.ndarray, " n"],
    *,
    permutations: int = PERMUTATIONS,
    rng: np.random.Generator,
) -> Prediction | None:
    """Does a number or a name predict the label?

    Parameters
    ----------
    values
        ``(n,)`` numbers (NaN = a value of its own) or text.
    labels
        ``(n,)`` classes.
    groups
        ``(n,)`` what is not independent. A group counts once, with its most frequent value and label.
    permutations
        For the p-value.
    rng
        Folds and permutations.

    Returns
    -------
    None if there is nothing to ask: one value, one class, or every group its own value.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, 400)
    >>> level = labels + rng.normal(size=400) / 4
    >>> found = shortcut_prediction(level, labels, np.arange(400), rng=rng)
    >>> found.skill > 0.8, found.p
    (True, 0.005)
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ShapeError("values of shape (n,)", f"shape {array.shape}", where="shortcut_prediction")
    check_length(np.asarray(labels), len(array), name="labels", where="shortcut_prediction")
    answers = check_labels(labels, int(np.max(labels, initial=0)) + 1, where="shortcut_prediction")
    code = _codes(array)
    group = np.unique(groups, return_inverse=True)[1]
    code, answers = _most_frequent(group, code), _most_frequent(group, answers)
    present, answers = np.unique(answers, return_inverse=True)
    _, code = np.unique(code, return_inverse=True)
    units, kinds, classes = len(answers), int(code.max(initial=-1)) + 1, len(present)
    # A value that hardly ever comes back cannot be learnt, so it cannot be a shortcut either.
    if classes < 2 or kinds < 2 or kinds > units / 2 or units < 2 * FOLDS:
        return None
    fold = rng.permutation(units) % FOLDS
    own = _balanced_accuracy(code, answers, fold, kinds, classes)
    by_chance = np.array(
        [_balanced_accuracy(code, rng.permutation(answers), fold, kinds, classes) for _ in range(permutations)]
    )
    chance = 1 / classes
    p = (1 + int((by_chance >= own).sum())) / (permutations + 1)
    return Prediction((own - chance) / (1 - chance), own, float(by_chance.mean()), p, units)


def _codes(values: Shaped[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Deciles of numbers, or one number for each text."""
    if values.dtype.kind not in "fiub":
        return np.unique(values.astype(str), return_inverse=True)[1].astype(np.int64)
    real = values.astype(np.float64)
    real = np.where(np.isneginf(real), -1e300, np.where(np.isposinf(real), 1e300, real))
    seen = real[~np.isnan(real)]
    if len(np.unique(seen)) <= BINS:
        return np.unique(real, return_inverse=True)[1].astype(np.int64)
    edges = np.unique(np.quantile(seen, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.where(np.isnan(real), len(edges) + 1, np.searchsorted(edges, real, side="right")).astype(np.int64)


def _most_frequent(group: Int[np.ndarray, " n"], code: Int[np.ndarray, " n"]) -> Int[np.ndarray, " g"]:
    """The most frequent value in each group; of equals the smallest."""
    kinds = int(code.max(initial=0)) + 1
    pair, count = np.unique(group * kinds + code, return_counts=True)
    order = np.lexsort((pair % kinds, -count, pair // kinds))
    first = np.unique((pair // kinds)[order], return_index=True)[1]
    return (pair % kinds)[order][first]


def _balanced_accuracy(
    code: Int[np.ndarray, " n"], labels: Int[np.ndarray, " n"], fold: Int[np.ndarray, " n"], kinds: int, classes: int
) -> float:
    """Mean recall over classes of the class that is most over-represented at a value in the other folds."""
    cells = np.bincount((fold * kinds + code) * classes + labels, minlength=FOLDS * kinds * classes)
    cells = cells.reshape(FOLDS, kinds, classes)
    others = cells.sum(axis=0)[None] - cells
    prior = np.maximum(others.sum(axis=1, keepdims=True), 1)
    # Half a count shared out by the prior: a value never seen in the other folds has no favourite but the first class.
    guess = ((others + 0.5 * prior / prior.sum(axis=2, keepdims=True)) / prior).argmax(axis=2)
    hit = guess[fold, code] == labels
    count = np.bincount(labels, minlength=classes)
    return float((np.bincount(labels, weights=hit, minlength=classes) / np.maximum(count, 1)).mean())


def shortcut_predictions(
    candidates: Mapping[str, Shaped[np.ndarray, " n"]],
    labels: Int[np.ndarray, " n"],
    groups: Int[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
) -> dict[str, Prediction]:
    """Ask every candidate; those with nothing to ask are left out. Many candidates get more permutations.

    Parameters
    ----------
    candidates
        Name → ``(n,)`` values.
    labels, groups
        ``(n,)``.
    """
    # The smallest p there can be, times the number of candidates, must be able to pass.
    permutations = max(PERMUTATIONS, round(2 * len(candidates) / SIGNIFICANT))
    found = {
        name: shortcut_prediction(values, labels, groups, permutations=permutations, rng=rng)
        for name, values in candidates.items()
    }
    return {name: each for name, each in found.items() if each is not None}


def shortcut_findings(predictions: Mapping[str, Prediction], *, head_accuracy: float | None = None) -> list[Finding]:
    """Findings for those that predict the label.

    Parameters
    ----------
    predictions
        From `shortcut_predictions`.
    head_accuracy
        Balanced accuracy of the head out of fold, to compare with.

    Examples
    --------
    >>> asked = {"level": Prediction(0.7, 0.85, 0.5, 0.005, 200), "rate": Prediction(0.01, 0.5, 0.5, 0.4, 200)}
    >>> found = shortcut_findings(asked)
    >>> [(each.values["what"], each.severity) for each in found]
    [('level', 'high')]
    """
    findings = []
    for name, found in predictions.items():
        p = min(1.0, found.p * len(predictions))
        if p > SIGNIFICANT or found.skill < LOW:
            continue
        severity: Severity = "high" if found.skill >= HIGH else "medium" if found.skill >= MEDIUM else "low"
        values = {"what": name, "accuracy": round(found.accuracy, 3), "chance": round(found.chance, 3),
                  "p": round(p, 4), "units": found.units,
                  "head": "–" if head_accuracy is None else f"{head_accuracy:.3g}"}  # fmt: skip
        findings.append(Finding("shortcut", "shortcut", severity, found.skill, None, (), values))
    return findings
