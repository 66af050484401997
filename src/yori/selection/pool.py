"""What every selection strategy is given, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

from yori.arrays import check_finite, check_length
from yori.attribution.inputs import check_matrix, check_targets
from yori.errors import ShapeError, ValuesError
from yori.heads import LINKS, Head, Spectrum, fit_sigmoid, fit_softmax
from yori.heads.curvature import logits_of

Rows = Int[np.ndarray, " b"]


@dataclass(frozen=True)
class Pool:
    """Candidates without a label, the examples that have one, and the head that learned from them.

    Attributes
    ----------
    embeddings
        ``(n, d)`` candidates.
    classes
        ``c``, seen ones and unseen ones.
    known, known_labels
        ``(k, d)`` and ``(k,)``, or multi-hot ``(k, c)`` where an example can have several labels; k may be 0.
    weight
        ``(c, d+1)`` of a head at its optimum on the known examples with penalty ``l2``; None while there are labels of
        fewer than two classes (several labels: while no class is both there and absent).
    query, query_labels
        ``(m, d)`` and ``(m,)`` or ``(m, c)``: labelled examples that ask for less error (validation). None: known
        examples ask out of fold.
    cost
        ``(n,)`` > 0, what a label costs, such as seconds of listening. None: all cost the same.
    domains
        ``(n,)`` domain of each candidate; ``automatic`` does not forget any. None: one domain.
    link
        ``softmax``: one label per example. ``sigmoid``: several; every class is a decision of its own.
    """

    embeddings: Float[np.ndarray, "n d"]
    classes: int
    known: Float[np.ndarray, "k d"]
    known_labels: Num[np.ndarray, "k ..."]
    weight: Float[np.ndarray, "c d1"] | None
    l2: float
    query: Float[np.ndarray, "m d"] | None = None
    query_labels: Num[np.ndarray, "m ..."] | None = None
    cost: Float[np.ndarray, " n"] | None = None
    domains: Shaped[np.ndarray, " n"] | None = None
    link: str = "softmax"

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def head(self) -> Float[np.ndarray, "c d1"]:
        """The weight.

        Raises
        ------
        ValuesError
            If there is none yet.
        """
        if self.weight is None:
            raise ValuesError(
                "labelled examples of at least two classes", "none to fit a head on", where="selection",
                fix="Begin with a strategy that needs no head: typiclust, prob_cover, k_center or random.",
            )  # fmt: skip
        return self.weight

    @cached_property
    def probs(self) -> Float[np.ndarray, "n c"]:
        """``(n, c)`` probabilities of the candidates, in the precision of the embeddings."""
        probs: Float[np.ndarray, "n c"] = LINKS[self.link].probs(logits_of(self.embeddings, self.head))
        return probs

    def fit(
        self,
        rows: Rows | None = None,
        *,
        sample_weight: Float[np.ndarray, " k"] | None = None,
        spectrum: Spectrum | None = None,
        tolerance: float = 1e-3,
    ) -> Head:
        """A head of the pool's kind on some of the known examples, or on all."""
        have, labels = (self.known, self.known_labels) if rows is None else (self.known[rows], self.known_labels[rows])
        return fit_head(
            have, labels, classes=self.classes, l2=self.l2, sample_weight=sample_weight, spectrum=spectrum,
            tolerance=tolerance,
        )  # fmt: skip

    def take(self, rows: Rows) -> Pool:
        """The same pool with some of the candidates only."""
        return Pool(
            self.embeddings[rows], self.classes, self.known, self.known_labels, self.weight, self.l2, self.query,
            self.query_labels, None if self.cost is None else self.cost[rows],
            None if self.domains is None else self.domains[rows], self.link,
        )  # fmt: skip


@dataclass(frozen=True)
class Selection:
    """Picked candidates in the order they were picked, each once, and the score that each had then (higher = rather)."""

    rows: Rows
    scores: Float[np.ndarray, " b"]

    def __len__(self) -> int:
        return len(self.rows)


def fit_head(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    *,
    classes: int,
    l2: float,
    sample_weight: Float[np.ndarray, " n"] | None = None,
    init: Float[np.ndarray, "c d1"] | None = None,
    spectrum: Spectrum | None = None,
    tolerance: float = 1e-3,
) -> Head:
    """A softmax head on labels ``(n,)``, a sigmoid head on multi-hot labels ``(n, c)``."""
    if labels.ndim == 2:
        return fit_sigmoid(
            embeddings, labels, l2=l2, sample_weight=sample_weight, init=init, spectrum=spectrum, tolerance=tolerance
        )
    return fit_softmax(
        embeddings, labels, classes=classes, l2=l2, sample_weight=sample_weight, init=init, spectrum=spectrum,
        tolerance=tolerance,
    )  # fmt: skip


def can_fit(labels: Num[np.ndarray, "n ..."]) -> bool:
    """Whether there is something to tell apart: two classes, or (several labels) a class that is there and absent.

    Examples
    --------
    >>> can_fit(np.array([1, 1])), can_fit(np.array([[1, 0], [1, 1]]))
    (False, True)
    """
    if labels.ndim == 2:
        return bool((labels.any(axis=0) & ~labels.all(axis=0)).any()) if len(labels) else False
    return len(np.unique(labels)) >= 2


def penalty_of(embeddings: Float[np.ndarray, "n d"], ratio: float) -> float:
    """A penalty in units of the mean squared embedding value, so that a ratio means the same on embeddings of any scale."""
    step = max(1, len(embeddings) // 4096)
    scale = float(np.mean(np.square(embeddings[::step], dtype=np.float64)))
    return ratio * (scale if scale > 0 else 1.0)


def make_pool(
    embeddings: Num[np.ndarray, "..."],
    *,
    classes: int,
    known: Num[np.ndarray, "..."] | None = None,
    known_labels: Num[np.ndarray, "..."] | None = None,
    l2: float,
    query: Num[np.ndarray, "..."] | None = None,
    query_labels: Num[np.ndarray, "..."] | None = None,
    cost: Shaped[np.ndarray, "..."] | None = None,
    domains: Shaped[np.ndarray, "..."] | None = None,
    link: str = "softmax",
) -> Pool:
    """Check everything once and fit the head.

    Parameters
    ----------
    embeddings
        ``(n, d)`` candidates, n ≥ 1.
    classes
        How many classes the task has, ≥ 2.
    known, known_labels
        ``(k, d)`` and ``(k,)`` examples that are labelled already; multi-hot ``(k, c)`` with ``link="sigmoid"``.
    l2
        Penalty of the head, > 0; `penalty_of` makes one from a ratio.
    query, query_labels
        ``(m, d)`` and ``(m,)`` or ``(m, c)`` labelled examples that ask.
    cost, domains
        ``(n,)``; costs > 0.
    link
        ``softmax`` or ``sigmoid``: one label per example or several.

    Raises
    ------
    ShapeError
        If the pool is empty or arrays do not fit together.
    ValuesError
        On NaN, unknown classes, costs that are not positive, ``l2 ≤ 0``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> pool = make_pool(rng.normal(size=(50, 4)), classes=2, known=np.eye(4), known_labels=np.array([0, 0, 1, 1]), l2=0.1)
    >>> len(pool), pool.probs.shape
    (50, (50, 2))
    """
    where = "selection"
    array = np.asarray(embeddings)
    if array.ndim == 2 and len(array) == 0:
        raise ShapeError("a pool with candidates", "an empty one", where=where, fix="Everything is labelled already.")
    rows = check_matrix(array, name="embeddings", where=where)
    if classes < 2:
        raise ValuesError("at least two classes", str(classes), where=where)
    if not (np.isfinite(l2) and l2 > 0):
        raise ValuesError("l2 > 0", str(l2), where=where)
    if link not in LINKS:
        raise ValuesError(f"a link out of {', '.join(LINKS)}", repr(link), where=where)
    have, labels = _side(known, known_labels, rows, classes, "known", link)
    asks, answers = _side(query, query_labels, rows, classes, "query", link)
    weight = fit_head(have, labels, classes=classes, l2=l2).weight if can_fit(labels) else None
    price = None
    if cost is not None:
        check_length(np.asarray(cost), len(rows), name="cost", where=where)
        check_finite(np.asarray(cost), name="cost", where=where)
        price = np.asarray(cost, dtype=np.float64)
        if (price <= 0).any():
            raise ValuesError("costs > 0", f"{price.min():g}", where=where)
    if domains is not None:
        check_length(np.asarray(domains), len(rows), name="domains", where=where)
    given = len(asks) > 0
    return Pool(
        rows, classes, have, labels, weight, l2, asks if given else None, answers if given else None, price, domains,
        link,
    )  # fmt: skip


def _side(
    embeddings: Num[np.ndarray, "..."] | None,
    labels: Num[np.ndarray, "..."] | None,
    like: Float[np.ndarray, "n d"],
    classes: int,
    name: str,
    link: str,
) -> tuple[Float[np.ndarray, "k d"], Num[np.ndarray, "k ..."]]:
    """Labelled rows, checked; none of them if there are none."""
    if embeddings is None or labels is None or len(np.asarray(embeddings)) == 0:
        none = np.empty(0, dtype=np.int64) if link == "softmax" else np.empty((0, classes), dtype=np.float32)
        return np.empty((0, like.shape[1]), dtype=like.dtype), none
    rows = check_matrix(np.asarray(embeddings), name=name, where="selection")
    if rows.shape[1] != like.shape[1]:
        raise ShapeError(f"{name} of shape (k, {like.shape[1]})", f"shape {rows.shape}", where="selection")
    check_length(np.asarray(labels), len(rows), name=f"{name}_labels", where="selection")
    return rows.astype(like.dtype, copy=False), check_targets(
        np.asarray(labels), len(rows), classes, link, name=f"{name}_labels", where="selection"
    )


def best(scores: Float[np.ndarray, " n"], budget: int) -> Selection:
    """The ``budget`` highest scores, highest first; equal ones in the order they come in.

    Examples
    --------
    >>> best(np.array([0.1, 0.9, 0.5]), 2).rows
    array([1, 2])
    """
    rows = np.argsort(-scores, kind="stable")[:budget]
    return Selection(rows, scores[rows].astype(np.float64))
