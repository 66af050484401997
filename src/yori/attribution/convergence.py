"""Is a head at the optimum of its training loss? Influence is a derivative there, and of another head it says something else.

One more sum over the training examples tells: the gradient at the head, next to that of a zero head as the unit. Wherever the
examples lie, in memory, in a file, on a device or in shards, the sum is made block by block by the same function, the bar is
the same, and so are the words.
"""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Float, Num

from yori.heads import LINKS
from yori.heads.curvature import Curvature, outer_sum

UNCONVERGED = 0.03
"""A head whose gradient is more than this part of its start is not at its optimum."""

SMALLEST_START = 100 * float(np.finfo(np.float32).eps)
"""Where a zero head is the optimum already, its gradient is rounding, about the precision, and no unit to measure with."""


class UnconvergedWarning(UserWarning):
    """Influence was asked of a head that is not at the optimum of its training loss."""


def gradient_sums(
    rows: Float[np.ndarray, "b d"],
    targets: Num[np.ndarray, "b ..."],
    weight: Float[np.ndarray, " b"] | None,
    head: Float[np.ndarray, "c d1"],
    link: str,
) -> Float[np.ndarray, "two c d1"]:
    """``Σ_i w_i (p_i − t_i)(h_i, 1)ᵀ`` over a block, with ``p`` of the head and with ``p`` of a zero head, ``(2, c, d+1)``.

    Examples
    --------
    >>> gradient_sums(np.array([[2.0]]), np.array([0]), None, np.zeros((2, 2)), "softmax").tolist()
    [[[-1.0, -0.5], [1.0, 0.5]], [[-1.0, -0.5], [1.0, 0.5]]]
    """
    functions, classes = LINKS[link], len(head)
    cast = head.astype(rows.dtype)
    logits = rows @ np.ascontiguousarray(cast[:, :-1].T)
    logits += cast[:, -1]
    hot = functions.one_hot(targets, classes).astype(rows.dtype, copy=False)
    at_zero = functions.probs(np.zeros((1, classes), dtype=rows.dtype))
    both = np.concatenate([functions.probs(logits) - hot, at_zero - hot], axis=1)
    if weight is not None:
        both *= weight[:, None]
    total = np.empty((2 * classes, rows.shape[1] + 1))
    total[:, :-1] = both.T @ rows
    total[:, -1] = both.sum(axis=0, dtype=np.float64)
    return total.reshape(2, classes, -1)


def relative_gradient(sums: Float[np.ndarray, "two c d1"], head: Float[np.ndarray, "c d1"], *, l2: float) -> float:
    """Norm of the gradient of the training loss, in units of that of a zero head.

    Parameters
    ----------
    sums
        `gradient_sums` of all training examples, with weights that sum to 1.
    head
        ``(c, d+1)``.
    l2
        The penalty the head was trained with.

    Returns
    -------
    0 at the optimum, 1 at a head of zeros.

    Examples
    --------
    >>> sums = gradient_sums(np.array([[2.0]]), np.array([0]), None, np.zeros((2, 2)), "softmax")
    >>> relative_gradient(sums, np.zeros((2, 2)), l2=0.1)
    1.0
    """
    start = float(np.linalg.norm(sums[1]))
    return float(np.linalg.norm(sums[0] + l2 * head)) / max(start, SMALLEST_START)


def gradient_norm(curvature: Curvature, targets: Num[np.ndarray, "n ..."], head: Float[np.ndarray, "c d1"]) -> float:
    """`relative_gradient` where the curvature at the head is at hand, probabilities included; as `Head.gradient_norm`."""
    functions, classes, dtype = LINKS[curvature.link], len(head), curvature.probs.dtype
    hot = functions.one_hot(targets, classes).astype(dtype, copy=False)
    at_zero = functions.probs(np.zeros((1, classes), dtype=dtype))
    both = np.concatenate([curvature.probs - hot, at_zero - hot], axis=1) * curvature.sample_weight[:, None]
    sums = outer_sum(both, curvature.embeddings).reshape(2, classes, -1)
    return relative_gradient(sums, head, l2=curvature.l2)


def warn_unconverged(norm: float, *, where: str, stacklevel: int = 3) -> None:
    """Say that a head is not at its optimum, if so; by default in the name of whoever called the caller.

    Warns
    -----
    UnconvergedWarning
        If ``norm`` is above `UNCONVERGED`.
    """
    if norm > UNCONVERGED:
        warnings.warn(
            f"{where}: expected a head at its optimum, got one whose gradient is {norm:.2g} of its start. "
            "Fit it further with this l2 and these weights, or ask tracin.",
            UnconvergedWarning,
            stacklevel=stacklevel,
        )
