"""Scores of every training example for every query example, in blocks: the matrix whose columns add up to the summed score.

The summed scores of tracin.py and influence.py answer what a validation set asks for and never need this. Here is what they
sum: column *j* is what query example *j* adds to the objective. The matrix is large (a million training examples by ten
thousand queries are 40 GB), so it comes in blocks, and whole only on request.

TracIn, rows block by block. With ``R_k (n, c)`` the residuals at checkpoint k, ``S_k (m, c)`` the query rows times the step,

    scores = (H Hqᵀ + 1) ∘ Σ_k R_k S_kᵀ = (H Hqᵀ + 1) ∘ [R_1 … R_K] [S_1 … S_K]ᵀ :

the embeddings meet once, whatever the number of checkpoints, and no gradient is made. Influence, queries batch by batch: a
batch of solves shares every reading of the embeddings, and each solution is then one product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Num

from yori.attribution.convergence import gradient_norm, warn_unconverged
from yori.attribution.inputs import Inputs, check_inputs, refuse_nan
from yori.attribution.objectives import Objective, Query, query
from yori.attribution.paging import streamed_rows
from yori.attribution.tracin import check_checkpoints, residuals_of
from yori.errors import ValuesError
from yori.heads import LINKS
from yori.heads.curvature import Curvature, Spectrum, logits_of, row_blocks

CELLS = 1 << 20
"""Scores of a block of rows: small enough that the second product finds the first in cache."""

BATCH = 64
"""Query examples whose solves share their readings of the embeddings."""


def tracin_blocks(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weights: Float[np.ndarray, "*k c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    *,
    step_sizes: Sequence[float] | Float[np.ndarray, " k"] | None = None,
    objective: str | Objective = "nll",
    temperature: float = 1.0,
    link: str = "softmax",
    rows: int | None = None,
) -> Iterator[tuple[slice, Float[np.ndarray, "b m"]]]:
    """TracIn of every pair, block of training examples by block.

    Parameters
    ----------
    rows
        Training examples in a block; by default as many as stay in cache.

    See `tracin` for the other parameters and the errors.

    Yields
    ------
    ``(rows, scores)``: a slice of the training examples and their scores ``(b, m)``, in the precision of the embeddings;
    **positive = the example helps** that query example. Columns sum to `tracin`.

    Notes
    -----
    ``2 n m (d + k c)`` operations. Memory: a block and its like, the query embeddings, ``(m, k c)``.

    Examples
    --------
    >>> x = np.array([[1.0], [-1.0], [1.0]])
    >>> blocks = tracin_blocks(x, np.array([1, 0, 0]), np.zeros((2, 2)), x[:2], np.array([1, 0]), rows=2)
    >>> [(rows.start, scores.round(3).tolist()) for rows, scores in blocks]
    [(0, [[0.5, -0.0], [-0.0, 0.5]]), (2, [[-0.5, 0.0]])]
    """
    heads, sizes = check_checkpoints(weights, step_sizes, where="tracin")
    given = check_inputs(
        embeddings, labels, heads[0], query_embeddings, query_labels, link=link, where="tracin", finite_rows=False
    )
    asked = [_summed(objective, given, head, temperature) for head in heads]
    return _tracin_blocks(given, heads, sizes, asked, None, rows)


def tracin_matrix(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weights: Float[np.ndarray, "*k c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    *,
    step_sizes: Sequence[float] | Float[np.ndarray, " k"] | None = None,
    objective: str | Objective = "nll",
    temperature: float = 1.0,
    link: str = "softmax",
    out: Float[np.ndarray, "n m"] | None = None,
) -> Float[np.ndarray, "n m"]:
    """TracIn of every pair at once, ``(n, m)``; ``out`` may be a memory-mapped array of the embeddings' precision.

    See `tracin_blocks`, which does not keep the matrix.

    Examples
    --------
    >>> x = np.array([[1.0], [-1.0], [1.0]])
    >>> tracin_matrix(x, np.array([1, 0, 0]), np.zeros((2, 2)), x[:2], np.array([1, 0])).round(3).tolist()
    [[0.5, -0.0], [-0.0, 0.5], [-0.5, 0.0]]
    """
    heads, sizes = check_checkpoints(weights, step_sizes, where="tracin")
    given = check_inputs(
        embeddings, labels, heads[0], query_embeddings, query_labels, link=link, where="tracin", finite_rows=False
    )
    target = np.empty((len(given.rows), len(given.asking)), dtype=given.rows.dtype) if out is None else out
    if target.shape != (len(given.rows), len(given.asking)) or target.dtype != given.rows.dtype:
        raise ValuesError(
            f"out of shape {(len(given.rows), len(given.asking))} and dtype {given.rows.dtype}",
            f"{target.shape} and {target.dtype}", where="tracin_matrix",
        )  # fmt: skip
    asked = [_summed(objective, given, head, temperature) for head in heads]
    for _ in _tracin_blocks(given, heads, sizes, asked, target, None):
        pass
    return target


def influence_blocks(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    *,
    l2: float,
    objective: str | Objective = "nll",
    tolerance: float = 1e-5,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    temperature: float = 1.0,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
    batch: int = BATCH,
) -> Iterator[tuple[slice, Float[np.ndarray, "n b"]]]:
    """Influence of every training example on each query example, batch of query examples by batch.

    Parameters
    ----------
    batch
        Query examples at a time.

    See `influence` for the other parameters and the errors.

    Yields
    ------
    ``(queries, scores)``: a slice of the query examples and ``(n, b)``, in the precision of the embeddings; **positive = the
    example helps**. Over all batches rows sum to ``influence(...).scores``.

    Notes
    -----
    One solve per query example, some 20 products each. Memory: ``n · batch`` scores and five times ``batch · c · (d+1)``
    float64.

    Examples
    --------
    >>> from yori.attribution import influence
    >>> from yori.heads import fit_softmax
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(40, 3)), np.arange(40) % 2
    >>> weight = fit_softmax(x, y, l2=0.1).weight
    >>> total = sum(part.sum(axis=1) for _, part in influence_blocks(x, y, weight, x[:9], y[:9], l2=0.1, batch=4))
    >>> bool(np.allclose(total, influence(x, y, weight, x[:9], y[:9], l2=0.1).scores, rtol=1e-3))
    True
    """
    given = check_inputs(
        embeddings, labels, weight, query_embeddings, query_labels,
        sample_weight=sample_weight, link=link, where="influence",
    )  # fmt: skip
    if batch < 1:
        raise ValuesError("batch ≥ 1", str(batch), where="influence_blocks")
    probs = LINKS[link].probs(logits_of(given.rows, given.head))
    curvature = Curvature(given.rows, probs, given.share, l2=l2, link=link, spectrum=spectrum)
    warn_unconverged(gradient_norm(curvature, given.targets, given.head), where="influence_blocks")
    asked = _summed(objective, given, given.head, temperature)
    return _influence_blocks(given, curvature, asked, tolerance, batch)


def _summed(objective: str | Objective, given: Inputs, head: Float[np.ndarray, "c d1"], temperature: float) -> Query:
    asked = query(objective, given.asking, given.answers, head, link=given.link, temperature=temperature)
    if type(asked) is not Query:
        raise ValuesError("an objective that is a sum over query examples", "a given gradient", where=given.where)
    return asked


def _tracin_blocks(
    given: Inputs,
    heads: Float[np.ndarray, "k c d1"],
    sizes: Float[np.ndarray, " k"],
    asked: Sequence[Query],
    target: Float[np.ndarray, "n m"] | None,
    rows: int | None,
) -> Iterator[tuple[slice, Float[np.ndarray, "b m"]]]:
    dtype = given.rows.dtype
    checkpoints, classes, width = heads.shape
    m = len(given.asking)
    stacked = heads.reshape(-1, width).astype(dtype)
    bias = stacked[:, -1].reshape(checkpoints, classes, 1)
    # Heads beside the query examples: one product gives both, and each block of embeddings is packed once.
    meeting = np.concatenate([given.asking.astype(dtype, copy=False), stacked[:, :-1]])
    answers = np.concatenate([size * each.rows for size, each in zip(sizes, asked, strict=True)], axis=1)
    answers = answers.astype(dtype)
    size = rows or max(64, CELLS // m)
    scratch = np.empty((min(size, len(given.rows)), len(meeting)), dtype=dtype)
    for block, part in streamed_rows(given.rows, size):
        scores = np.empty((len(part), m), dtype=dtype) if target is None else target[block]
        with np.errstate(invalid="ignore", over="ignore"):  # said below, with the row
            met = np.matmul(part, meeting.T, out=scratch[: len(part)])
            logits = np.ascontiguousarray(met[:, m:].T).reshape(checkpoints, classes, len(part)) + bias
            residual = np.concatenate([residuals_of(each, given.targets[block], given.link) for each in logits])
            np.matmul(residual.T, answers.T, out=scores)
            near = met[:, :m]
            near += 1
            scores *= near
        _refuse(residual, near, block)
        yield block, scores


def _refuse(residual: Float[np.ndarray, "kc b"], near: Float[np.ndarray, "b m"], block: slice) -> None:
    """NaN or infinity in a row of embeddings shows in its residual or in its product with any query example."""
    with np.errstate(invalid="ignore", over="ignore"):
        seen = residual.sum(axis=0) + near[:, 0]
    if not np.isfinite(seen).all():
        spread = np.zeros(block.stop)
        spread[block] = seen
        refuse_nan(spread, where="tracin")


def _influence_blocks(
    given: Inputs, curvature: Curvature, asked: Query, tolerance: float, batch: int
) -> Iterator[tuple[slice, Float[np.ndarray, "n b"]]]:
    dtype = given.rows.dtype
    classes = len(given.head)
    residual = curvature.probs - LINKS[given.link].one_hot(given.targets, classes).astype(dtype, copy=False)
    residual *= given.share[:, None]
    lifted = np.concatenate([asked.embeddings, np.ones((len(asked.embeddings), 1))], axis=1).astype(np.float64)
    for start in range(0, len(lifted), batch):
        queries = slice(start, min(start + batch, len(lifted)))
        rights = asked.rows[queries].astype(np.float64)[:, :, None] * lifted[queries][:, None, :]
        solutions = curvature.solve_many(rights, tolerance=tolerance)
        count = len(solutions)
        # Classes outside, so that the sum over them runs along contiguous queries.
        stacked = solutions.transpose(1, 0, 2).reshape(classes * count, -1).astype(dtype)
        columns, bias = np.ascontiguousarray(stacked[:, :-1].T), stacked[:, -1]
        scores = np.zeros((len(given.rows), count), dtype=dtype)
        for block in row_blocks(given.rows, max(64, CELLS // (classes * count))):
            moved = given.rows[block] @ columns
            moved += bias
            for label in range(classes):
                part = moved[:, label * count : (label + 1) * count]
                part *= residual[block, label, None]
                scores[block] += part
        yield queries, scores
