"""Semivalues by sampling: Data Banzhaf, Beta Shapley and Data Shapley of any utility, with a rule when to stop.

A semivalue is a mean of marginal contributions ``u(S ∪ i) − u(S)`` over sets ``S``; the sizes of the sets weigh differently:

* **Banzhaf**: every set alike. Estimated by maximum sample reuse: draw sets by fair coins; the mean utility of the sets with
  an example less that of the sets without it. Every fit serves every example.
* **Beta(α, β) Shapley**: a set of ``s`` others has weight ``∝ B(s + β, n − s − 1 + α)`` next to the uniform law over sizes of
  Shapley's value, Beta(1, 1). α > 1 looks at small sets, where a single example can be heard. Estimated along permutations.

Both want hundreds of refits and are as noisy as the utility; on a head, influence says the same for one solve. They are here
as a yardstick.

References
----------
Wang & Jia, "Data Banzhaf", AISTATS 2023. Kwon & Zou, "Beta Shapley", AISTATS 2022. Ghorbani & Zou, "Data Shapley", ICML 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import betaln, gammaln

from yori.arrays import check_labels, check_length
from yori.attribution.inputs import check_matrix
from yori.attribution.objectives import Objective, query
from yori.errors import ValuesError
from yori.heads import fit_softmax
from yori.heads.curvature import Spectrum

Utility: TypeAlias = Callable[[Bool[np.ndarray, " n"]], float]
"""From the examples that take part to what they achieve; higher is better."""

LEAST_SAMPLES = 10


@dataclass(frozen=True)
class Semivalue:
    """``scores (n,)``, **positive = helps**, in units of the utility; ``error (n,)`` their standard errors; calls made.

    ``converged``: the mean error fell below the tolerance before the calls ran out.
    """

    scores: Float[np.ndarray, " n"]
    error: Float[np.ndarray, " n"]
    calls: int
    converged: bool


def head_utility(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Int[np.ndarray, " m"],
    *,
    classes: int,
    l2: float,
    objective: str | Objective = "nll",
) -> Utility:
    """Minus the objective of a softmax head fitted to the examples that take part; no examples: of equal probabilities.

    Examples
    --------
    >>> x, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> utility = head_utility(x, y, x, y, classes=2, l2=0.1)
    >>> utility(np.array([True, True])) > utility(np.array([False, False]))
    True
    """
    rows = check_matrix(embeddings, name="embeddings", where="head_utility")
    asking = check_matrix(query_embeddings, name="query_embeddings", where="head_utility")
    targets = check_labels(labels, classes, where="head_utility")
    check_length(targets, len(rows), name="labels", where="head_utility")
    answers = check_labels(query_labels, classes, name="query_labels", where="head_utility")
    check_length(answers, len(asking), name="query_labels", where="head_utility")
    spectrum = Spectrum.of(rows)

    def utility(taking_part: Bool[np.ndarray, " n"]) -> float:
        weight = np.zeros((classes, rows.shape[1] + 1))
        if taking_part.any():
            weight = fit_softmax(
                rows, targets, l2=l2, classes=classes, sample_weight=taking_part.astype(np.float64),
                spectrum=spectrum, tolerance=1e-3,
            ).weight  # fmt: skip
        return -query(objective, asking, answers, weight).value

    return utility


def data_banzhaf(
    utility: Utility, n: int, *, rng: np.random.Generator, calls: int = 500, tolerance: float = 0.1
) -> Semivalue:
    """Banzhaf value of ``n`` examples by maximum sample reuse.

    Parameters
    ----------
    utility
        `head_utility`, or any function of ``(n,)`` booleans.
    calls
        Most calls of ``utility``.
    tolerance
        Stop when the mean standard error is below this part of the scores' standard deviation.

    Examples
    --------
    >>> worth = np.array([1.0, -2.0, 0.0])
    >>> found = data_banzhaf(lambda s: float(worth[s].sum()), 3, rng=np.random.default_rng(0), calls=4000, tolerance=0.01)
    >>> bool(np.abs(found.scores - worth).max() < 0.1)
    True
    """
    _check(n, calls, tolerance)
    taking = np.empty((calls, n), dtype=np.bool_)
    values = np.empty(calls)
    result = Semivalue(np.zeros(n), np.full(n, np.inf), 0, False)
    for call in range(calls):
        taking[call] = rng.random(n) < 0.5
        values[call] = utility(taking[call])
        done = call + 1
        if done >= LEAST_SAMPLES and (done % 50 == 0 or done == calls):
            result = _banzhaf(taking[:done], values[:done])
            if result.error.mean() <= tolerance * result.scores.std():
                return Semivalue(result.scores, result.error, done, True)
    return result if result.calls else _banzhaf(taking, values)


def _banzhaf(taking: Bool[np.ndarray, "s n"], values: Float[np.ndarray, " s"]) -> Semivalue:
    inside = taking.astype(np.float64)
    total = len(values)
    with_it, without = inside.sum(axis=0), total - inside.sum(axis=0)
    centred = values - values.mean()
    known = (with_it > 0) & (without > 0)
    high = centred @ inside / np.maximum(with_it, 1)
    low = centred @ (1 - inside) / np.maximum(without, 1)
    spread = values.std(ddof=1) if total > 1 else np.inf
    error = spread * np.sqrt(1 / np.maximum(with_it, 1) + 1 / np.maximum(without, 1))
    return Semivalue(np.where(known, high - low, 0.0), error, total, False)


def beta_shapley(
    utility: Utility,
    n: int,
    *,
    rng: np.random.Generator,
    alpha: float = 1.0,
    beta: float = 1.0,
    calls: int = 5000,
    tolerance: float = 0.1,
) -> Semivalue:
    """Beta(α, β) Shapley value of ``n`` examples along random permutations; (1, 1) is Data Shapley.

    Parameters
    ----------
    utility, calls, tolerance
        As for `data_banzhaf`; a permutation costs ``n + 1`` calls, and the last may be cut short of ``calls``, never begun.
    alpha, beta
        > 0; (16, 1) weighs small sets, (1, 16) large ones.

    Examples
    --------
    >>> worth = np.array([1.0, -2.0, 0.0])
    >>> beta_shapley(lambda s: float(worth[s].sum()), 3, rng=np.random.default_rng(0)).scores.tolist()
    [1.0, -2.0, 0.0]
    """
    _check(n, calls, tolerance)
    if not (alpha > 0 and beta > 0):
        raise ValuesError("alpha > 0 and beta > 0", f"{alpha} and {beta}", where="beta_shapley")
    importance = size_weights(n, alpha, beta)
    total, squares, permutations = np.zeros(n), np.zeros(n), 0
    error, converged = np.full(n, np.inf), False
    nothing = float(utility(np.zeros(n, dtype=np.bool_)))
    while permutations == 0 or (permutations + 1) * n + 1 <= calls:
        taking = np.zeros(n, dtype=np.bool_)
        before = nothing
        for size, example in enumerate(rng.permutation(n)):
            taking[example] = True
            after = float(utility(taking.copy()))
            marginal = importance[size] * (after - before)
            total[example] += marginal
            squares[example] += marginal * marginal
            before = after
        permutations += 1
        if permutations >= LEAST_SAMPLES:
            mean = total / permutations
            error = np.sqrt(np.maximum(squares / permutations - mean * mean, 0) / (permutations - 1))
            if error.mean() <= tolerance * mean.std():
                converged = True
                break
    return Semivalue(total / permutations, error, permutations * n + 1, converged)


def size_weights(n: int, alpha: float, beta: float) -> Float[np.ndarray, " n"]:
    """Weight of a marginal contribution to a set of ``s = 0 … n−1`` others, relative to Shapley's; their mean is 1."""
    size = np.arange(n)
    choose = gammaln(n) - gammaln(size + 1) - gammaln(n - size)
    weights: Float[np.ndarray, " n"] = n * np.exp(
        choose + betaln(size + beta, n - size - 1 + alpha) - betaln(alpha, beta)
    )
    return weights


def _check(n: int, calls: int, tolerance: float) -> None:
    if n < 1 or calls < 2 or not tolerance >= 0:
        raise ValuesError("n ≥ 1, calls ≥ 2, tolerance ≥ 0", f"{n}, {calls}, {tolerance}", where="semivalue")
