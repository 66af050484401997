"""Every method by name, asked in one way, so that they can be compared on the user's own data.

A method takes a `Question` and returns ``(n,)`` scores in which **higher = rather keep the example**; for those that ask the
query set, positive = the example helps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from yori.attribution.data_oob import data_oob
from yori.attribution.influence import influence
from yori.attribution.knn_shapley import knn_shapley
from yori.attribution.leave_one_out import leave_one_out
from yori.attribution.objectives import Objective
from yori.attribution.self_influence import self_influence
from yori.attribution.semivalues import beta_shapley, data_banzhaf, head_utility
from yori.attribution.tracin import tracin
from yori.attribution.trak import trak

NEIGHBOURS = 10


@dataclass(frozen=True)
class Question:
    """Training examples, a softmax head at its optimum on them, query examples, and what they ask.

    ``weight (c, d+1)`` was fitted with ``l2`` on ``embeddings (n, d)`` and ``labels (n,)``. ``calls``: most
    refits of the methods that sample.
    """

    embeddings: Float[np.ndarray, "n d"]
    labels: Int[np.ndarray, " n"]
    weight: Float[np.ndarray, "c d1"]
    query_embeddings: Float[np.ndarray, "m d"]
    query_labels: Int[np.ndarray, " m"]
    l2: float
    objective: str | Objective = "nll"
    calls: int = 500

    @property
    def sides(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The first five arguments of the methods that ask a head."""
        return self.embeddings, self.labels, self.weight, self.query_embeddings, self.query_labels


Method: TypeAlias = Callable[[Question, np.random.Generator], Float[np.ndarray, " n"]]


def _influence(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    return influence(*question.sides, l2=question.l2, objective=question.objective).scores


def _influence_leverage(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    return influence(*question.sides, l2=question.l2, objective=question.objective, leverage=True).scores


def _leave_one_out(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    return leave_one_out(*question.sides, l2=question.l2, objective=question.objective)


def _tracin(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    return tracin(*question.sides, objective=question.objective)


def _trak(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    return trak(*question.sides, l2=question.l2, objective=question.objective, rng=rng)


def _knn_shapley(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    x, y, _, xq, yq = question.sides
    return knn_shapley(x, y, xq, yq, k=NEIGHBOURS)


def _soft_knn_shapley(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    x, y, weight, xq, yq = question.sides
    return knn_shapley(x, y, xq, yq, k=NEIGHBOURS, soft_label=True, classes=len(weight))


def _self_influence(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    return -self_influence(question.embeddings, question.labels, question.weight, l2=question.l2)


def _data_oob(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    return data_oob(question.embeddings, question.labels, classes=len(question.weight), l2=question.l2, rng=rng)


def _data_banzhaf(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    return data_banzhaf(_utility(question), len(question.labels), rng=rng, calls=question.calls).scores


def _data_shapley(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    return beta_shapley(_utility(question), len(question.labels), rng=rng, calls=question.calls).scores


def _beta_shapley(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    return beta_shapley(_utility(question), len(question.labels), rng=rng, alpha=16.0, calls=question.calls).scores


def _random(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    return rng.standard_normal(len(question.labels))


def _utility(question: Question) -> Callable[[np.ndarray], float]:
    x, y, weight, xq, yq = question.sides
    return head_utility(x, y, xq, yq, classes=len(weight), l2=question.l2, objective=question.objective)


METHODS: dict[str, Method] = {
    "influence": _influence,
    "influence_leverage": _influence_leverage,
    "leave_one_out": _leave_one_out,
    "tracin": _tracin,
    "trak": _trak,
    "knn_shapley": _knn_shapley,
    "soft_knn_shapley": _soft_knn_shapley,
    "data_banzhaf": _data_banzhaf,
    "data_shapley": _data_shapley,
    "beta_shapley": _beta_shapley,
    "self_influence": _self_influence,
    "data_oob": _data_oob,
    "random": _random,
}
"""``random`` is the baseline. ``self_influence`` (negated), ``data_oob`` and ``random`` do not look at the query examples."""

ASKS_THE_QUERY = frozenset(METHODS) - {"self_influence", "data_oob", "random"}
"""Methods whose scores have a sign."""

DRAWS = frozenset({"trak", "data_banzhaf", "data_shapley", "beta_shapley", "data_oob", "random"})
"""Methods that use the random generator."""
