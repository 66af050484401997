"""TracIn of a head: what each step of gradient descent on an example did to the objective, summed over checkpoints.

The gradient of example *i* with respect to the head is the outer product ``(p_i − t_i) h_iᵀ``, and the query side is one
matrix ``G``, so no gradient of an example is ever made:

    score_i = Σ_k η_k ⟨p_i − t_i, G_k h_i⟩ .

Departures from the paper: the query is any objective over the whole query set rather than one example's loss; only the head's
parameters count, its bias included. Heads and query gradients of all checkpoints are stacked, so that the embeddings are read
once, in blocks, and one matrix product serves all.

References
----------
Pruthi, Liu, Kale, Sundararajan, "Estimating training data influence by tracing gradient descent", NeurIPS 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from yori.arrays import check_finite, check_length
from yori.attribution.inputs import check_inputs, refuse_nan
from yori.attribution.objectives import Objective, query
from yori.attribution.paging import streamed_rows
from yori.attribution.tensors import Tensor, stand_in, tensor_products, to_array
from yori.errors import ShapeError
from yori.heads import LINKS

Heads = Float[np.ndarray, "*k c d1"]


def tracin(
    embeddings: Num[np.ndarray, "n d"] | Tensor,
    labels: Num[np.ndarray, "n ..."] | Tensor,
    weights: Heads,
    query_embeddings: Num[np.ndarray, "m d"] | Tensor,
    query_labels: Num[np.ndarray, "m ..."] | Tensor,
    *,
    step_sizes: Sequence[float] | Float[np.ndarray, " k"] | None = None,
    objective: str | Objective = "nll",
    temperature: float = 1.0,
    link: str = "softmax",
) -> Float[np.ndarray, " n"]:
    """TracIn of every training example on an objective over query examples.

    Parameters
    ----------
    embeddings, labels
        Training examples, ``(n, d)`` and ``(n,)`` (``link="sigmoid"``: multi-hot ``(n, c)``). Torch tensors stay where they
        are, on a GPU too; results are arrays (tensors.py).
    weights
        Heads at the checkpoints, ``(k, c, d+1)`` with the bias last, or one, ``(c, d+1)``.
    query_embeddings, query_labels
        What asks, ``(m, d)`` and ``(m,)``.
    step_sizes
        ``(k,)`` step size of each checkpoint; by default 1.
    objective
        A key of `OBJECTIVES`, or an objective of weighted_objectives.py; lower is better.
    temperature
        Divides the query logits.

    Returns
    -------
    ``(n,)`` float64; **positive = the example helps**: fall of the objective, to first order, per gradient step on it.

    Raises
    ------
    ShapeError, ValuesError
        On arrays that do not fit together, NaN, unknown objectives.

    Notes
    -----
    ``4 n k c d`` operations and one read of the embeddings.

    Examples
    --------
    >>> x = np.array([[1.0], [-1.0], [1.0]])
    >>> head = np.zeros((2, 2))
    >>> tracin(x, np.array([1, 0, 0]), head, x[:2], np.array([1, 0])).round(3).tolist()
    [0.5, 0.5, -0.5]
    """
    heads, sizes = check_checkpoints(weights, step_sizes, where="tracin")
    given = check_inputs(
        *stand_in(embeddings, labels), heads[0], to_array(query_embeddings), to_array(query_labels), link=link, where="tracin",
        finite_rows=False,
    )  # fmt: skip
    asked = [
        size * query(objective, given.asking, given.answers, head, link=link, temperature=temperature).gradient()
        for size, head in zip(sizes, heads, strict=True)
    ]
    with np.errstate(invalid="ignore", over="ignore"):  # said below, with the row
        if isinstance(embeddings, Tensor):
            scores = tensor_products(embeddings, labels, heads, np.stack(asked), link)
        else:
            scores = gradient_products(given.rows, given.targets, heads, np.stack(asked), link)
    refuse_nan(scores, where="tracin")
    return scores


def check_checkpoints(
    weights: Num[np.ndarray, "..."], step_sizes: Sequence[float] | Num[np.ndarray, "..."] | None, *, where: str
) -> tuple[Float[np.ndarray, "k c d1"], Float[np.ndarray, " k"]]:
    """Heads ``(k, c, d+1)`` and their step sizes ``(k,)``, finite; one head is one checkpoint."""
    heads = np.asarray(weights, dtype=np.float64)
    if heads.ndim == 2:
        heads = heads[None]
    if heads.ndim != 3 or 0 in heads.shape:
        raise ShapeError("weights of shape (c, d+1) or (k, c, d+1)", f"shape {heads.shape}", where=where)
    check_finite(heads, name="weights", where=where)
    sizes = np.ones(len(heads)) if step_sizes is None else np.asarray(step_sizes, dtype=np.float64)
    check_length(sizes, len(heads), name="step_sizes", where=where)
    check_finite(sizes, name="step_sizes", where=where)
    return heads, sizes


def gradient_products(
    rows: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n ..."],
    heads: Float[np.ndarray, "k c d1"],
    directions: Float[np.ndarray, "k c d1"],
    link: str,
) -> Float[np.ndarray, " n"]:
    """``Σ_k ⟨p_i − t_i, D_k h_i⟩`` with ``p`` from the k-th head: what TracIn and influence both come down to."""
    checkpoints, classes, width = heads.shape
    stacked = np.concatenate([heads, directions]).reshape(2 * checkpoints * classes, width).astype(rows.dtype)
    # Column-major, so that the product's slow axis is a class: sums over classes then run over long contiguous rows.
    columns, bias = np.ascontiguousarray(stacked[:, :-1]), stacked[:, -1:]
    scores = np.zeros(len(rows))
    for block, part in streamed_rows(rows):
        both = columns @ part.T
        both += bias
        logits, moved = both.reshape(2, checkpoints, classes, -1)
        scores[block] = _residual_products(logits, moved, targets[block], link)
    return scores


def slice_products(
    rows: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n ..."],
    heads: Float[np.ndarray, "k c d1"],
    directions: Float[np.ndarray, "s k c d1"],
    link: str,
) -> Float[np.ndarray, "s n"]:
    """`gradient_products` with each of several sets of directions, in one reading of the embeddings."""
    sets, checkpoints, classes, width = directions.shape
    stacked = np.concatenate([heads[None], directions]).reshape(-1, width).astype(rows.dtype)
    columns, bias = np.ascontiguousarray(stacked[:, :-1]), stacked[:, -1:]
    scores = np.zeros((sets, len(rows)))
    for block, part in streamed_rows(rows):
        both = columns @ part.T
        both += bias
        parts = both.reshape(sets + 1, checkpoints, classes, -1)
        residual = np.stack([residuals_of(logits, targets[block], link) for logits in parts[0]])
        for number in range(sets):
            parts[number + 1] *= residual
            scores[number, block] = parts[number + 1].sum(axis=(0, 1))
    return scores


def residuals_of(
    logits: Float[np.ndarray, "c b"], targets: Num[np.ndarray, "b ..."], link: str
) -> Float[np.ndarray, "c b"]:
    """``p − t``, classes first, made of logits with classes first."""
    residual: Float[np.ndarray, "c b"] = LINKS[link].probs(logits.T).T
    if link == "softmax":
        residual[targets, np.arange(residual.shape[1])] -= 1
    else:
        residual -= targets.T
    return residual


def _residual_products(
    logits: Float[np.ndarray, "k c b"],
    moved: Float[np.ndarray, "k c b"],
    targets: Num[np.ndarray, "b ..."],
    link: str,
) -> Float[np.ndarray, " b"]:
    if link == "sigmoid":
        np.negative(logits, out=logits)
        with np.errstate(over="ignore"):
            np.exp(logits, out=logits)
        logits += 1
        np.reciprocal(logits, out=logits)
        logits -= targets.T
        logits *= moved
        total: Float[np.ndarray, " b"] = logits.sum(axis=(0, 1))
        return total
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    mass = logits.sum(axis=1)
    logits *= moved
    own = moved[:, targets, np.arange(moved.shape[2])]
    total = (logits.sum(axis=1) / mass - own).sum(axis=0)
    return total
