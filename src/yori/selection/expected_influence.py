"""Expected influence: how much the objective would move once the label is known.

Before the label is known the expected gradient of an example's loss is zero under the head's own probabilities; its
spread is not. With ``H`` the Hessian of the training loss and ``G`` the gradient of an objective, solve ``H Q = G``;
with ``s_i = Q h_i`` the variance of what candidate *i* does to the objective is ``s_iᵀ (diag p_i − p_i p_iᵀ) s_i``, or
``s_iᵀ diag p_i (1 − p_i) s_i`` where an example can have several labels.

With labelled query examples the objective is their loss. Without, no single objective is asked for: then *all*
predictions on the pool ask, each in the direction in which its own label would move the head. Random mixtures of
those directions, whose covariance is the Fisher information of the pool, give the sum over all of them in
expectation: the score is the expected drop of the prediction variance on the pool (the first step of BAIT), at the
price of a few solves.

References
----------
Ash et al., "Gone fishing: neural active learning with Fisher embeddings", NeurIPS 2021 (BAIT). Koh & Liang, ICML 2017.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.attribution.objectives import query
from yori.heads import LINKS
from yori.heads.curvature import Curvature, logits_of, outer_sum, row_blocks
from yori.selection.badge import residuals
from yori.selection.pool import Pool, Selection, best
from yori.selection.spread import spread
from yori.selection.uncertainty import uncertainty_of

PROBES = 16
PROBE_ROWS = 20_000
TOLERANCE = 1e-2
FOLDS = 5


def curvature_of(pool: Pool) -> Curvature:
    """Hessian of the loss on the known examples."""
    probs = LINKS[pool.link].probs(logits_of(pool.known, pool.head))
    share = np.full(len(pool.known), 1 / len(pool.known), dtype=pool.known.dtype)
    return Curvature(pool.known, probs, share, l2=pool.l2, link=pool.link)


def directions(pool: Pool, rng: np.random.Generator, probes: int = PROBES) -> list[Float[np.ndarray, "c d1"]]:
    """What is asked: the gradient on the query examples, or random mixtures of what the pool would ask."""
    if pool.query is not None and pool.query_labels is not None:
        return [query("nll", pool.query, pool.query_labels, pool.head, link=pool.link).gradient()]
    rows = (
        np.arange(len(pool)) if len(pool) <= PROBE_ROWS else np.sort(rng.choice(len(pool), PROBE_ROWS, replace=False))
    )
    x, probs = pool.embeddings[rows], pool.probs[rows]
    found = []
    for _ in range(probes):
        residual = probs - drawn_labels(probs, pool.link, rng)
        residual *= rng.choice((-1.0, 1.0), len(rows)).astype(x.dtype)[:, None]
        found.append(outer_sum(residual, x) / np.sqrt(len(rows)))
    return found


def drawn_labels(probs: Float[np.ndarray, "n c"], link: str, rng: np.random.Generator) -> Float[np.ndarray, "n c"]:
    """A label of each row, or a set of labels, drawn from the head: one-hot or multi-hot."""
    if link == "sigmoid":
        return (rng.random(probs.shape) < probs).astype(probs.dtype)
    bounds = np.cumsum(probs, axis=1, dtype=np.float64)
    label = (rng.random(len(probs))[:, None] * bounds[:, -1:] > bounds).sum(axis=1)
    hot = np.zeros_like(probs)
    hot[np.arange(len(probs)), np.minimum(label, probs.shape[1] - 1)] = 1
    return hot


def expected_change(
    x: Float[np.ndarray, "n d"],
    probs: Float[np.ndarray, "n c"],
    solutions: list[Float[np.ndarray, "c d1"]],
    *,
    link: str = "softmax",
) -> Float[np.ndarray, " n"]:
    """``Σ_Q s_iᵀ (diag p_i − p_i p_iᵀ) s_i / number of Q``: variance of the change, were the label drawn from the head.

    Several labels (``link="sigmoid"``): the decisions are independent, so the matrix is ``diag p_i (1 − p_i)``.

    Examples
    --------
    >>> x, probs = np.array([[1.0], [1.0]]), np.array([[0.5, 0.5], [1.0, 0.0]])
    >>> expected_change(x, probs, [np.array([[1.0, 0.0], [-1.0, 0.0]])])
    array([1., 0.])
    """
    total = np.zeros(len(x))
    curve = LINKS[link].curvature_product
    for block in row_blocks(x):
        for solution in solutions:
            change = logits_of(x[block], solution)
            # aᵀ (logit Hessian) a: the covariance of a label drawn from the head is the curvature of its loss.
            total[block] += (curve(probs[block], change) * change).sum(axis=1)
    return np.maximum(total / len(solutions), 0)


def influence_scores(pool: Pool, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    """`expected_change` of every candidate."""
    curvature = curvature_of(pool)
    solved = [curvature.solve(one, tolerance=TOLERANCE, strict=False) for one in directions(pool, rng)]
    # One more example among k has a share of about 1/k in the training loss.
    return expected_change(pool.embeddings, pool.probs, solved, link=pool.link) / len(pool.known) ** 2


def expected_influence(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Highest expected influence, spread over clusters."""
    return spread(influence_scores(pool, rng), pool.embeddings, budget, rng)


def pseudo_label_influence(pool: Pool) -> Float[np.ndarray, " n"]:
    """Influence of each candidate, were it trained on with its likeliest class; positive = it would help.

    The query examples ask with their loss. Without any, the known examples ask, each judged by a head that has not
    seen it: at the optimum the head that has seen them asks for nothing."""
    curvature = curvature_of(pool)
    if pool.query is not None and pool.query_labels is not None:
        asked = query("nll", pool.query, pool.query_labels, pool.head, link=pool.link).gradient()
    else:
        asked = outer_sum(_out_of_fold_residuals(pool) / len(pool.known), pool.known)
    solution = curvature.solve(asked, tolerance=TOLERANCE, strict=False)
    change = logits_of(pool.embeddings, solution)
    residual = residuals(pool.probs, link=pool.link)
    influence: Float[np.ndarray, " n"] = (residual * change).sum(axis=1).astype(np.float64) / len(pool.known)
    return influence


def _out_of_fold_residuals(pool: Pool) -> Float[np.ndarray, "k c"]:
    """``p − e_y`` of the known examples from heads fitted without them; every class, or label set, is dealt evenly to
    the folds."""
    order = np.argsort(np.unique(pool.known_labels, axis=0, return_inverse=True)[1].ravel(), kind="stable")
    fold = np.empty(len(order), dtype=np.int64)
    fold[order] = np.arange(len(order)) % min(FOLDS, len(order))
    residual = np.empty((len(order), pool.classes), dtype=pool.known.dtype)
    for number in np.unique(fold):
        inside = fold == number
        head = pool.fit(np.flatnonzero(~inside), tolerance=1e-2)
        residual[inside] = head.probs(pool.known[inside])
    residual -= LINKS[pool.link].one_hot(pool.known_labels, pool.classes)
    return residual


def influence_entropy(pool: Pool, budget: int, rng: np.random.Generator) -> Selection:
    """Negative influence × entropy: unsure, and harmful if the head's own guess were taken for the label.

    Where too few candidates are harmful, the surest helpers are left for last: their order is that of the entropy,
    below zero."""
    entropy = uncertainty_of(pool)
    influence = pseudo_label_influence(pool)
    most = np.log(pool.classes) if pool.link == "softmax" else pool.classes * np.log(2)
    scores = np.where(influence < 0, -influence * entropy, 0.0)
    harmless = influence >= 0
    scores[harmless] = (entropy[harmless] - most) - 1e-12
    return best(scores, budget)
