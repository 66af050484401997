r"""A head that learns which examples to answer: the selection head of SelectiveNet on frozen embeddings.

With :math:`\ell_i` the loss of the ordinary head on example *i*, :math:`g_i = \sigma(v^\top \varphi_i) \in (0, 1)` how much of
it is accepted, and *c* the wanted coverage, the selection head minimises the risk of what it accepts:

.. math::
    \frac{\sum_i g_i \ell_i}{\sum_i g_i} + \lambda \max\Bigl(0,\; c - \frac1n \sum_i g_i\Bigr)^2 + \frac{\text{l2}}2 \|v\|^2 .

Afterwards the threshold on :math:`g` is moved so that a share *c* of validation examples is accepted.

Departures from the paper: the backbone is frozen and the ordinary head is given, so the auxiliary head (which exists to train
the backbone) and the joint loss are left out; :math:`g` is linear in its features, not a network; the fit is full-batch L-BFGS
from one start, so it is a function of the data; the losses come from the caller and must be *out of fold*: on rows it was
fitted on, a head makes too few errors to learn from.

Measured, it does *not* beat max softmax on frozen embeddings (`benchmarks/selection_head.py`: domains held out, three
penalties, risk at 80 % coverage). Spoken digits: .144 for max softmax, .194 to .197 on embeddings alone, .150 to .168 with the
head's own certainty among the features. Simulated mixtures: .066, .148, .070. A few hundred errors are too few to learn from,
and the probabilities hold most of what the embeddings know. It is an alternative to be compared on validation, not a default.

References
----------
Geifman, El-Yaniv, SelectiveNet, ICML 2019, arXiv:1901.09192 (equations 1 to 5; section 5 for the threshold).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy import optimize, special

from yori.arrays import check_finite, check_length, check_probs
from yori.errors import ShapeError, ValuesError

PENALTY = 32.0
"""``λ``, as in the paper."""


@dataclass(frozen=True, eq=False)
class SelectionHead:
    """A fitted selection head.

    Attributes
    ----------
    weight
        Shape ``(k + 1,)``, for standardised features, bias last.
    center, scale
        Shape ``(k,)``. Mean and standard deviation of the features it was fitted on.
    coverage, threshold
        Wanted coverage; the score from which on an example is accepted.
    soft_coverage, selective_risk
        Mean of ``g`` and the accepted loss per accepted example on the rows of the fit.
    iterations, gradient_norm
        Of the fit; the norm is that of the whole gradient at the end.
    """

    weight: Float[np.ndarray, " k1"]
    center: Float[np.ndarray, " k"]
    scale: Float[np.ndarray, " k"]
    coverage: float
    threshold: float
    soft_coverage: float
    selective_risk: float
    iterations: int
    gradient_norm: float

    def score(self, features: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
        """``logit g`` of every example, shape ``(n,)``: a confidence, higher = more trusted."""
        rows = _check_features(features, "selection head")
        if rows.shape[1] != len(self.center):
            raise ShapeError(
                f"features of shape (n, {len(self.center)})", f"shape {rows.shape}", where="selection head"
            )
        score: Float[np.ndarray, " n"] = (rows - self.center) / self.scale @ self.weight[:-1] + self.weight[-1]
        return score

    def selects(self, features: Float[np.ndarray, "n k"]) -> Bool[np.ndarray, " n"]:
        """Which examples are answered, shape ``(n,)``."""
        accepted: Bool[np.ndarray, " n"] = self.score(features) >= self.threshold
        return accepted

    def with_threshold_from(self, features: Float[np.ndarray, "n k"]) -> SelectionHead:
        """Move the threshold so that at least a share ``coverage`` of these (validation) examples is accepted."""
        ordered = np.sort(self.score(features))[::-1]
        last = max(1, math.ceil(self.coverage * len(ordered) - 1e-9))
        return replace(self, threshold=float(ordered[last - 1]))


def selection_features(
    embeddings: Float[np.ndarray, "n d"], probs: Float[np.ndarray, "n c"]
) -> Float[np.ndarray, "n k"]:
    """Embeddings and what the ordinary head says about its own certainty: ``(n, d + 3)``.

    The last columns are the log-odds of the largest probability, the log-ratio of the two largest, and the negative entropy,
    so that the selection head can always fall back to max softmax.

    Raises
    ------
    ShapeError, ValuesError
        If the arrays do not fit together, or are not finite.

    Examples
    --------
    >>> selection_features(np.zeros((1, 2)), np.array([[0.5, 0.25, 0.25]])).round(3)
    array([[ 0.   ,  0.   ,  0.   ,  0.693, -1.04 ]])
    """
    rows = _check_features(embeddings, "selection_features")
    p = check_probs(probs, where="selection_features").clip(1e-12, 1 - 1e-12)
    check_length(p, len(rows), name="probs", where="selection_features")
    ordered = np.sort(p, axis=1)
    certainty = np.stack(
        [
            special.logit(ordered[:, -1]),
            np.log(ordered[:, -1] / ordered[:, -2]),
            (p * np.log(p)).sum(axis=1),
        ],
        axis=1,
    )
    return np.concatenate([rows, certainty], axis=1)


def selective_objective(
    weight: Float[np.ndarray, " k1"],
    features: Float[np.ndarray, "n k"],
    losses: Float[np.ndarray, " n"],
    coverage: float,
    l2: float,
    penalty: float = PENALTY,
) -> tuple[float, Float[np.ndarray, " k1"]]:
    """Value and gradient of what the selection head minimises; see the top of this file.

    Parameters
    ----------
    weight
        Shape ``(k + 1,)``, bias last (not penalised).
    features, losses
        Shapes ``(n, k)`` and ``(n,)``.
    coverage, l2, penalty
        ``c``, ``l2``, ``λ``.

    Notes
    -----
    With ``G = Σ g_i`` and ``r`` the selective risk, ``∂r/∂g_i = (ℓ_i − r)/G``; the penalty adds ``−2λ max(0, c − G/n)/n``.

    Examples
    --------
    >>> value, gradient = selective_objective(np.zeros(2), np.array([[1.0], [-1.0]]), np.array([0.0, 1.0]), 0.5, l2=0.0)
    >>> value, gradient.tolist()  # half of each is accepted; accept more of the first
    (0.5, [-0.25, 0.0])
    """
    g = special.expit(features @ weight[:-1] + weight[-1])
    accepted = float(g.sum())
    if accepted == 0:  # everything underflows: only the penalty speaks, and its slope is gone
        return float(losses.max()) + penalty * coverage**2, l2 * np.append(weight[:-1], 0.0)
    risk = float(g @ losses) / accepted
    lacking = max(0.0, coverage - accepted / len(g))
    slope = ((losses - risk) / accepted - 2 * penalty * lacking / len(g)) * g * (1 - g)
    gradient = np.append(features.T @ slope + l2 * weight[:-1], slope.sum())
    return risk + penalty * lacking**2 + l2 / 2 * float(weight[:-1] @ weight[:-1]), gradient


def fit_selection_head(
    features: Float[np.ndarray, "n k"],
    losses: Float[np.ndarray, " n"],
    *,
    coverage: float,
    l2: float = 1e-3,
    penalty: float = PENALTY,
    limit: int = 500,
) -> SelectionHead:
    """Fit a selection head for one coverage.

    Parameters
    ----------
    features
        Shape ``(n, k)``: embeddings, or `selection_features`. Standardised inside.
    losses
        Shape ``(n,)``, at least 0, out of fold: 0/1 errors, or cross-entropies.
    coverage
        Share of examples to answer, in ``(0, 1)``.
    l2
        Penalty ``(l2 / 2) ‖v‖²`` on the weights of the standardised features, > 0.
    penalty
        ``λ``: how hard the coverage is enforced in the fit.
    limit
        Most iterations of L-BFGS.

    Returns
    -------
    `SelectionHead`, its threshold such that a share ``coverage`` of these rows is accepted; set it on validation rows with
    `SelectionHead.with_threshold_from`.

    Raises
    ------
    ShapeError, ValuesError
        On arrays that do not fit together, NaN, negative losses, a coverage outside ``(0, 1)``, ``l2 ≤ 0``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(500, 2))
    >>> losses = (rng.random(500) < special.expit(3 * x[:, 0])).astype(float)
    >>> head = fit_selection_head(x, losses, coverage=0.5)
    >>> bool(losses[head.selects(x)].mean() < 0.5 * losses.mean()), round(float(head.selects(x).mean()), 2)
    (True, 0.5)
    """
    where = "fit_selection_head"
    rows = _check_features(features, where)
    loss = np.asarray(losses)
    check_length(loss, len(rows), name="losses", where=where)
    if loss.ndim != 1:
        raise ShapeError("losses of shape (n,)", f"shape {loss.shape}", where=where)
    check_finite(loss, name="losses", where=where)
    loss = loss.astype(np.float64)
    if (loss < 0).any():
        raise ValuesError("losses ≥ 0", f"{loss.min():g}", where=where)
    if not 0 < coverage < 1:
        raise ValuesError("a coverage between 0 and 1", f"{coverage}", where=where)
    if not (l2 > 0 and math.isfinite(l2) and penalty > 0):
        raise ValuesError("l2 > 0 and a penalty > 0", f"{l2} and {penalty}", where=where)
    center, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale <= 1e-12 * np.abs(center)] = 1.0  # a constant feature stays 0
    scale[scale == 0] = 1.0
    standardised = (rows - center) / scale
    start = np.zeros(rows.shape[1] + 1)
    start[-1] = special.logit(coverage)
    found = optimize.minimize(
        selective_objective,
        start,
        args=(standardised, loss, coverage, l2, penalty),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": limit, "maxfun": 2 * limit, "ftol": 1e-14, "gtol": 1e-8},
    )
    weight = np.asarray(found.x)
    g = special.expit(standardised @ weight[:-1] + weight[-1])
    head = SelectionHead(
        weight=weight,
        center=center,
        scale=scale,
        coverage=coverage,
        threshold=0.0,
        soft_coverage=float(g.mean()),
        selective_risk=float(g @ loss / g.sum()),
        iterations=int(found.nit),
        gradient_norm=float(np.linalg.norm(found.jac)),
    )
    return head.with_threshold_from(rows)


def _check_features(features: Float[np.ndarray, "n k"], where: str) -> Float[np.ndarray, "n k"]:
    rows = np.asarray(features)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ShapeError("features of shape (n, k) with n ≥ 1 and k ≥ 1", f"shape {rows.shape}", where=where)
    check_finite(rows, name="features", where=where)
    return rows.astype(np.float64)
