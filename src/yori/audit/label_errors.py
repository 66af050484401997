"""Labels that are probably wrong: the head that never saw the example and its neighbours both say so.

What is heard is the head's probability out of fold times the square root of the neighbours' votes (20 neighbours of other
groups); on fully known human noise this product adds up to .02 average precision to the head alone. A low number alone
proves nothing: the head may be weak. So labels are modelled as drawn from the true class by a table ``M`` of confusions,

    P(label | x) = Σ_k q_k M[k, label],    q = softmax(log product / T),

``T`` and ``M`` are fitted to all labels at once (expectation–maximisation over ``M`` for each ``T``; the prior of ``M`` is
3 % errors, spread evenly), and the probability that a label is wrong follows by Bayes' rule. A head that knows little
explains its misses by a large ``T`` and accuses nobody; one that is right almost always leaves the rest to ``M``, which
also learns that some pairs of classes are mixed up more often than others.

Severity: high from a probability of `HIGH` on; medium from `MEDIUM` on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy import special

from yori.arrays import check_labels, check_length, check_probs
from yori.audit.findings import Finding, Severity
from yori.errors import ShapeError

HIGH, MEDIUM = 0.9, 0.5
SEVERAL_HIGH, SEVERAL_MEDIUM = 0.99, 0.95
"""With several labels each class is asked by itself, so there are many more chances to be wrong by accident."""

PRIOR_RATE, PRIOR_WEIGHT = 0.03, 16.0
"""Prior of each row of ``M``: errors at this rate, worth so many examples."""

TEMPERATURES = tuple(float(each) for each in np.geomspace(0.25, 64.0, 17))
FITTED_ON = 20_000
_STEPS = 40


@dataclass(frozen=True)
class LabelDoubt:
    """How far the labels can be trusted.

    Parameters
    ----------
    error
        ``(n,)`` probability that each label is wrong.
    posterior
        ``(n, c)`` probability of each true class, whatever the label says; rows sum to 1.
    confusion
        ``(c, c)`` ``M``: probability of each label (column) for each true class (row).
    temperature
        ``T``.
    """

    error: Float[np.ndarray, " n"]
    posterior: Float[np.ndarray, "n c"]
    confusion: Float[np.ndarray, "c c"]
    temperature: float


def label_doubt(
    probs: Float[np.ndarray, "n c"], votes: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]
) -> LabelDoubt:
    """Probability that each label is wrong.

    Parameters
    ----------
    probs
        ``(n, c)`` out of fold.
    votes
        ``(n, c)`` shares of the neighbours; rows of zeros say nothing.
    labels
        ``(n,)`` given labels.

    Raises
    ------
    ShapeError, ValuesError
        If the arrays do not fit together, or are no probabilities.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(200) % 2
    >>> probs = np.where(labels[:, None] == np.arange(2), 0.97, 0.03)
    >>> labels[7] = 1 - labels[7]
    >>> doubt = label_doubt(probs, np.zeros((200, 2)), labels)
    >>> int(doubt.error.argmax()), bool(doubt.error[7] > 0.5), bool(doubt.error[8] < 0.01)
    (7, True, True)
    """
    checked = check_probs(probs, where="label_doubt")
    if votes.shape != checked.shape:
        raise ShapeError(f"votes of shape {checked.shape}", f"shape {votes.shape}", where="label_doubt")
    answers = check_labels(labels, checked.shape[1], where="label_doubt")
    check_length(answers, len(checked), name="labels", where="label_doubt")
    c, rows = checked.shape[1], np.arange(len(checked))
    # One vote spread over all classes keeps a class without voters possible.
    smooth = (20 * votes + 1 / c) / (20 * votes.sum(axis=1, keepdims=True) + 1)
    heard = np.log(np.maximum(checked, 1e-12)) + 0.5 * np.log(smooth)

    few = np.linspace(0, len(rows) - 1, min(len(rows), FITTED_ON)).astype(np.int64)
    tried = []
    for temperature in TEMPERATURES:
        q = special.softmax(heard[few] / temperature, axis=1)
        confusion, value = _fit_confusion(q, answers[few])
        tried.append((value, temperature, confusion))
    _, temperature, confusion = max(tried, key=lambda each: each[0])
    posterior = special.softmax(heard / temperature, axis=1)
    right = posterior[rows, answers] * confusion[answers, answers]
    likelihood = np.einsum("nk,kn->n", posterior, confusion[:, answers])
    return LabelDoubt(np.clip(1 - right / likelihood, 0.0, 1.0), posterior, confusion, temperature)


def _fit_confusion(
    q: Float[np.ndarray, "n c"], labels: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "c c"], float]:
    """``M`` by expectation–maximisation, and the penalised log-likelihood it reaches."""
    c = q.shape[1]
    prior = np.full((c, c), PRIOR_WEIGHT * PRIOR_RATE / (c - 1))
    np.fill_diagonal(prior, PRIOR_WEIGHT * (1 - PRIOR_RATE))
    confusion = prior / prior.sum(axis=1, keepdims=True)
    hot = np.zeros((len(q), c))
    hot[np.arange(len(q)), labels] = 1
    value = -np.inf
    for _ in range(_STEPS):
        joint = q * confusion[:, labels].T
        likelihood = joint.sum(axis=1)
        before, value = value, float(np.log(likelihood).sum() + (prior * np.log(confusion)).sum())
        if value - before < 1e-3:
            break
        counts = (joint / likelihood[:, None]).T @ hot + prior
        confusion = counts / counts.sum(axis=1, keepdims=True)
    return confusion, value


def label_error_findings(
    ids: Shaped[np.ndarray, " n"], labels: Int[np.ndarray, " n"], doubt: LabelDoubt, classes: tuple[str, ...]
) -> list[Finding]:
    """Findings for examples with one label, the most doubtful first.

    Parameters
    ----------
    ids, labels
        ``(n,)``.
    doubt
        From `label_doubt`.
    classes
        ``c`` names.

    Examples
    --------
    >>> doubt = LabelDoubt(np.array([0.01, 0.95]), np.array([[0.9, 0.1], [0.02, 0.98]]), np.eye(2), 1.0)
    >>> found = label_error_findings(np.array(["a", "b"]), np.array([0, 0]), doubt, ("cat", "dog"))
    >>> [(each.example_id, each.severity, each.values["likely"]) for each in found]
    [('b', 'high', 'dog')]
    """
    answers = check_labels(labels, doubt.posterior.shape[1], where="label_error_findings")
    check_length(answers, len(doubt.error), name="labels", where="label_error_findings")
    others = doubt.posterior.copy()
    others[np.arange(len(others)), answers] = -1
    best = others.argmax(axis=1)
    count = np.bincount(answers, minlength=others.shape[1])
    found = []
    for row in np.argsort(-doubt.error, kind="stable").tolist():
        wrong = float(doubt.error[row])
        if wrong < MEDIUM:
            break
        severity: Severity = "high" if wrong >= HIGH else "medium"
        label, likely = int(answers[row]), int(best[row])
        values = {
            "label": classes[label], "likely": classes[likely], "error": round(wrong, 3),
            "likelihood": round(float(others[row, likely]), 3), "had": int(count[label]), "gets": int(count[likely]),
        }  # fmt: skip
        found.append(Finding("label_error", "label_error", severity, wrong, str(ids[row]), (), values))
    return found


def several_label_error_findings(
    ids: Shaped[np.ndarray, " n"],
    targets: Float[np.ndarray, "n c"],
    probs: Float[np.ndarray, "n c"],
    classes: tuple[str, ...],
) -> list[Finding]:
    """Findings for examples with several labels: a label that should not be there, or one that is missing.

    Parameters
    ----------
    targets
        ``(n, c)`` 0 or 1.
    probs
        ``(n, c)`` out of fold, each class by itself.

    Examples
    --------
    >>> found = several_label_error_findings(
    ...     np.array(["a"]), np.array([[1.0, 0.0]]), np.array([[0.004, 0.2]]), ("rain", "wind"))
    >>> [(each.code, each.severity, each.values["label"]) for each in found]
    [('label_surplus', 'high', 'rain')]
    """
    if probs.shape != targets.shape:
        raise ShapeError(
            f"probs of shape {targets.shape}", f"shape {probs.shape}", where="several_label_error_findings"
        )
    error = np.where(targets > 0, 1 - probs, probs)
    row, column = np.nonzero(error >= SEVERAL_MEDIUM)
    order = np.argsort(-error[row, column], kind="stable")[: int(np.ceil(2 * error.sum()))]
    found = []
    for at in order.tolist():
        i, k = int(row[at]), int(column[at])
        wrong = float(error[i, k])
        code = "label_surplus" if targets[i, k] > 0 else "label_lacking"
        severity: Severity = "high" if wrong >= SEVERAL_HIGH else "medium"
        values = {"label": classes[k], "error": round(wrong, 3), "had": int(targets[:, k].sum())}
        found.append(Finding("label_error", code, severity, wrong, str(ids[i]), (), values))
    return found
