"""Has the mix of categories moved: predicted classes, or answered and abstained."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Shaped

from yori.errors import ShapeError
from yori.shift.relabelling import PERMUTATIONS, TwoSampleResult, permuted_p_value, pool_sides


def class_mix_drift(
    reference: Shaped[np.ndarray, " n"],
    sample: Shaped[np.ndarray, " m"],
    *,
    reference_groups: Shaped[np.ndarray, " n"] | None = None,
    sample_groups: Shaped[np.ndarray, " m"] | None = None,
    permutations: int = PERMUTATIONS,
    rng: np.random.Generator,
) -> TwoSampleResult:
    """Test whether categories come in the mix of the reference.

    Parameters
    ----------
    reference, sample
        ``(n,)`` and ``(m,)`` categories: names, whole numbers or booleans.
    reference_groups, sample_groups, permutations, rng
        As `yori.shift.mmd`.

    Returns
    -------
    TwoSampleResult
        ``statistic``: total variation, the share of rows that would have to change category, in ``[0, 1]``.

    Raises
    ------
    ShapeError, ValuesError
        If a side is empty or has fewer than two units.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> calm, busy = np.array(["tug"] * 90 + ["ferry"] * 10), np.array(["tug"] * 20 + ["ferry"] * 20)
    >>> found = class_mix_drift(calm, busy, permutations=199, rng=rng)
    >>> round(found.statistic, 6), found.p_value
    (0.4, 0.005)
    """
    first, second = np.asarray(reference), np.asarray(sample)
    if first.ndim != 1 or second.ndim != 1 or 0 in first.shape + second.shape:
        where = "class_mix_drift"
        raise ShapeError("categories (n,) and (m,)", f"shapes {first.shape} and {second.shape}", where=where)
    pooled = pool_sides(len(first), len(second), reference_groups, sample_groups, where="class_mix_drift")
    code = np.unique(np.concatenate([first.astype(str), second.astype(str)]), return_inverse=True)[1]
    hot = np.zeros((pooled.rows, int(code.max()) + 1))
    hot[np.arange(pooled.rows), code] = 1
    total = hot.sum(axis=0)

    def variation(sides: Bool[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
        inside = sides @ hot
        m = sides.sum(axis=1, keepdims=True)
        return 0.5 * np.abs(inside / m - (total - inside) / (pooled.rows - m)).sum(axis=1)

    return permuted_p_value(variation, pooled, permutations=permutations, rng=rng)
