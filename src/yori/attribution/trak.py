"""TRAK: influence in a random projection of the gradients, over an ensemble of heads.

Per example the gradient of the margin ``log p_y / (1 − p_y)`` is projected to ``k`` dimensions, ``φ_i``; the second moment
``Φᵀ Φ / n + l2`` of the projections stands for the Hessian, and

    score_i = − mean over heads of (1 − p_i) · mean over heads of ⟨φ_i, (Φᵀ Φ / n + l2)⁻¹ P G⟩ / n .

For a head the exact influence is cheaper (influence.py); this is for gradients of layers below it, which anything may have
made and stored, and for comparison.

Departures from the paper: the query is an objective's gradient ``G`` rather than one example's margin; the projection of a
head's gradient, an outer product, is made class by class and never holds the gradient; ``l2`` is explicit, because a softmax
head's gradients are rank-deficient, and scores keep their scale instead of being divided by their mean size.

References
----------
Park, Georgiev, Ilyas, Leclerc, Madry, "TRAK: attributing model behavior at scale", ICML 2023 (arXiv 2303.14186).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num
from scipy.linalg import cho_factor, cho_solve

from yori.arrays import check_length
from yori.attribution.inputs import Inputs, check_inputs, check_matrix
from yori.attribution.objectives import Objective, query
from yori.attribution.paging import streamed_blocks
from yori.errors import ShapeError, ValuesError
from yori.heads import LINKS
from yori.heads.curvature import logits_of

DIMENSIONS = 512


def trak(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weights: Float[np.ndarray, "*k c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    *,
    l2: float,
    rng: np.random.Generator,
    dimensions: int = DIMENSIONS,
    objective: str | Objective = "nll",
    temperature: float = 1.0,
) -> Float[np.ndarray, " n"]:
    """TRAK scores of training examples on a softmax head, or on an ensemble of heads.

    Parameters
    ----------
    embeddings, labels, query_embeddings, query_labels, objective, temperature
        As for `influence`.
    weights
        ``(c, d+1)``, or ``(k, c, d+1)`` for an ensemble, one projection each.
    l2
        Added to the second moment of the projected gradients, > 0. Decides the ranking where ``dimensions`` is near the
        gradients' rank.
    rng
        Draws the projections.
    dimensions
        Of the projection.

    Returns
    -------
    ``(n,)`` float64; **positive = the example helps**. Approximately in units of the objective.

    Raises
    ------
    ShapeError, ValuesError
        As `influence`; also on ``dimensions < 1``.

    Notes
    -----
    ``2 n c d · dimensions`` operations per head; memory ``n · dimensions``.

    Examples
    --------
    >>> from yori.heads import fit_softmax
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-2, 1, (50, 2)), rng.normal(2, 1, (50, 2))])
    >>> y = np.repeat([0, 1], 50)
    >>> wrong = y.copy()
    >>> wrong[:3] = 1
    >>> head = fit_softmax(x, wrong, l2=0.01)
    >>> scores = trak(x, wrong, head.weight, x, y, l2=0.01, rng=rng)
    >>> sorted(np.argsort(scores)[:3].tolist())
    [0, 1, 2]
    """
    heads = np.asarray(weights, dtype=np.float64)
    heads = heads[None] if heads.ndim == 2 else heads
    if heads.ndim != 3 or 0 in heads.shape:
        raise ShapeError("weights of shape (c, d+1) or (k, c, d+1)", f"shape {heads.shape}", where="trak")
    if dimensions < 1:
        raise ValuesError("dimensions ≥ 1", str(dimensions), where="trak")
    alignment, unsure = np.zeros(len(embeddings)), np.zeros(len(embeddings))
    for head in heads:
        given = check_inputs(embeddings, labels, head, query_embeddings, query_labels, link="softmax", where="trak")
        asked = query(objective, given.asking, given.answers, head, temperature=temperature).gradient()
        features, asked_features, doubt = _projected(given, asked, dimensions, rng)
        alignment += _aligned(features, asked_features, l2) / len(heads)
        unsure += doubt / len(heads)
    return -alignment * unsure


def trak_of_gradients(
    features: Float[np.ndarray, "n k"],
    query_gradient: Float[np.ndarray, " k"],
    unsure: Float[np.ndarray, " n"],
    *,
    l2: float,
) -> Float[np.ndarray, " n"]:
    """TRAK scores from stored gradients of any layer, projected or not.

    Parameters
    ----------
    features
        ``(n, k)`` gradient of each training example's margin ``log p_y / (1 − p_y)``.
    query_gradient
        ``(k,)`` gradient of the objective, in the same projection.
    unsure
        ``(n,)`` ``1 − p_y`` of each training example.
    l2
        Added to the second moment, > 0.

    Returns
    -------
    ``(n,)``; **positive = the example helps**.

    Raises
    ------
    ShapeError, ValuesError
        On arrays that do not fit together, NaN, ``l2 ≤ 0``.

    Examples
    --------
    >>> features = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> trak_of_gradients(features, np.array([-1.0, 1.0]), np.array([0.5, 0.5]), l2=0.5).tolist()
    [0.25, -0.25]
    """
    rows = check_matrix(features, name="features", where="trak")
    for name, array, length in (("query_gradient", query_gradient, rows.shape[1]), ("unsure", unsure, len(rows))):
        check_length(array, length, name=name, where="trak")
        check_matrix(array[None], name=name, where="trak")
    return -_aligned(rows, np.asarray(query_gradient, dtype=np.float64), l2) * unsure


def _projected(
    given: Inputs, asked: Float[np.ndarray, "c d1"], dimensions: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "n k"], Float[np.ndarray, " k"], Float[np.ndarray, " n"]]:
    """Projected margin gradients, the projected query gradient, and ``1 − p_y``."""
    link = LINKS["softmax"]
    classes, width = asked.shape
    probs = link.probs(logits_of(given.rows, given.head).astype(np.float64))
    every = np.arange(len(probs))
    others = probs.copy()
    others[every, given.targets] = 0
    unsure = np.maximum(others.sum(axis=1), np.finfo(np.float64).tiny)
    margin = -others / unsure[:, None]  # (e_y − p) / (1 − p_y), without cancellation
    margin[every, given.targets] = 1
    features = np.zeros((len(probs), dimensions))
    asked_features = np.zeros(dimensions)
    for label in range(classes):
        projection = rng.standard_normal((width, dimensions), dtype=np.float32) / np.float32(np.sqrt(dimensions))
        part = logits_of(given.rows, projection.T.astype(np.float64))
        part *= margin[:, label : label + 1].astype(part.dtype)
        features += part
        asked_features += asked[label] @ projection
    return features, asked_features, unsure


def _aligned(features: Float[np.ndarray, "n k"], asked: Float[np.ndarray, " k"], l2: float) -> Float[np.ndarray, " n"]:
    if not l2 > 0:
        raise ValuesError("l2 > 0", str(l2), where="trak", fix="A softmax head's gradients are rank-deficient.")
    moment = np.zeros((features.shape[1], features.shape[1]))
    for block in streamed_blocks(features):  # a memory-mapped file stays on disk
        rows = features[block].astype(np.float64, copy=False)
        moment += rows.T @ rows
    moment /= len(features)
    moment[np.diag_indices_from(moment)] += l2
    solution = cho_solve(cho_factor(moment, lower=True), asked) / len(features)
    aligned = np.empty(len(features))
    for block in streamed_blocks(features):
        aligned[block] = features[block].astype(np.float64, copy=False) @ solution
    return aligned
