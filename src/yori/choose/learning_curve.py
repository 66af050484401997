"""One strategy on one split: labels are asked for batch by batch, and the head is judged after each.

The labels of the pool are known but hidden; the strategy sees a label only after it asked for it. The head is fitted
to its optimum each time, so what differs between two curves is the choice of examples and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

from yori.errors import ValuesError
from yori.heads.links import LINKS
from yori.metrics import aurc
from yori.prove.tuning import outcomes
from yori.selection import COLD, Pool, find_strategy, fit_head, make_pool, penalty_of, select


@dataclass(frozen=True)
class LearningCurve:
    """What each budget bought: ``budgets (b,)``, and on the test rows ``accuracy``, ``nll`` and ``aurc``, each ``(b,)``.

    Where an example can have several labels it is right only if all of them are."""

    budgets: tuple[int, ...]
    accuracy: tuple[float, ...]
    nll: tuple[float, ...]
    aurc: tuple[float, ...]

    @property
    def area(self) -> float:
        """Mean accuracy over the budgets, by the trapezoid rule."""
        return area(self.budgets, self.accuracy)


def area(budgets: Sequence[int], values: Sequence[float]) -> float:
    """Mean height of a curve between its ends, by the trapezoid rule.

    Examples
    --------
    >>> area((10, 20, 40), (0.2, 0.6, 0.8))
    0.6
    """
    if len(budgets) == 1:
        return float(values[0])
    return float(np.trapezoid(values, budgets) / (budgets[-1] - budgets[0]))


def learning_curve(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    test: Float[np.ndarray, "m d"],
    test_labels: Num[np.ndarray, "m ..."],
    *,
    strategy: str,
    budgets: Sequence[int],
    classes: int,
    l2: float | None = None,
    ratio: float = 0.03,
    domains: Shaped[np.ndarray, " n"] | None = None,
    rng: np.random.Generator,
) -> LearningCurve:
    """Ask for labels until each budget in turn is reached, and judge the head.

    Parameters
    ----------
    embeddings, labels
        ``(n, d)`` pool and its hidden labels ``(n,)``, or multi-hot ``(n, c)`` where an example can have several.
    test, test_labels
        What the head is judged on.
    strategy
        A key of `yori.selection.STRATEGIES`. One that needs a head asks at random until there is one.
    budgets
        Ascending numbers of labels in all, at most n.
    l2, ratio
        Penalty of the head; None: ``ratio`` times the mean squared value of the pool's embeddings.
    domains
        ``(n,)``, for ``automatic``.
    rng
        Of the strategy.

    Raises
    ------
    ValuesError
        If budgets do not ascend from 1 or more to at most n, or nobody knows the strategy.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 2))
    >>> y = (x[:, 0] > 0).astype(int)
    >>> curve = learning_curve(x[:100], y[:100], x[100:], y[100:], strategy="margin", budgets=(10, 20), classes=2, rng=rng)
    >>> bool(curve.accuracy[1] > 0.8)
    True
    """
    find_strategy(strategy)
    steps = np.asarray(budgets)
    if len(steps) == 0 or steps[0] < 1 or (np.diff(steps) <= 0).any() or steps[-1] > len(labels):
        raise ValuesError(f"budgets that ascend from 1 to at most {len(labels)}", str(list(budgets)), where="budgets")
    penalty = penalty_of(embeddings, ratio) if l2 is None else l2
    known = np.empty(0, dtype=np.int64)
    left = np.arange(len(labels))
    found: list[tuple[float, float, float]] = []
    for budget in budgets:
        pool = make_pool(
            embeddings[left], classes=classes, known=embeddings[known], known_labels=labels[known], l2=penalty,
            domains=None if domains is None else domains[left], link="softmax" if labels.ndim == 1 else "sigmoid",
        )  # fmt: skip
        picked = _ask(pool, strategy, budget - len(known), rng)
        known = np.concatenate([known, left[picked]])
        left = np.delete(left, picked)
        found.append(_judge(embeddings[known], labels[known], test, test_labels, classes, penalty))
    accuracy, nll, risk = (tuple(column) for column in zip(*found, strict=True))
    return LearningCurve(tuple(int(each) for each in budgets), accuracy, nll, risk)


def _ask(pool: Pool, strategy: str, count: int, rng: np.random.Generator) -> Int[np.ndarray, " b"]:
    name = strategy if pool.weight is not None or strategy in COLD else "random"
    return select(pool, count, strategy=name, rng=rng).rows


def _judge(
    embeddings: Float[np.ndarray, "k d"],
    labels: Num[np.ndarray, "k ..."],
    test: Float[np.ndarray, "m d"],
    test_labels: Num[np.ndarray, "m ..."],
    classes: int,
    l2: float,
) -> tuple[float, float, float]:
    head = fit_head(embeddings, labels, classes=classes, l2=l2)
    logits = head.logits(test).astype(np.float64)
    confidence, correct = outcomes(logits.copy(), test_labels)
    nll = float(LINKS[head.link].losses(logits, test_labels).mean())
    return float(correct.mean()), nll, aurc(confidence, correct)
