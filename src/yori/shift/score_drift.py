"""Has the distribution of a score moved: the largest gap between two cumulative curves (Kolmogorov-Smirnov).

For the confidence of a model: a model that meets harder input is less sure, and that shows with far fewer rows than a drift of
the whole embedding does.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Shaped

from yori.shift.relabelling import PERMUTATIONS, TwoSampleResult, check_scores, permuted_p_value, pool_sides


def score_drift(
    reference: Float[np.ndarray, " n"],
    sample: Float[np.ndarray, " m"],
    *,
    reference_groups: Shaped[np.ndarray, " n"] | None = None,
    sample_groups: Shaped[np.ndarray, " m"] | None = None,
    permutations: int = PERMUTATIONS,
    rng: np.random.Generator,
) -> TwoSampleResult:
    """Test whether scores come from the distribution of the reference scores.

    Parameters
    ----------
    reference, sample
        ``(n,)`` and ``(m,)`` scores of any scale.
    reference_groups, sample_groups, permutations, rng
        As `yori.shift.mmd`.

    Returns
    -------
    TwoSampleResult
        ``statistic``: largest difference between the two shares of scores below any value, in ``[0, 1]``.

    Raises
    ------
    ShapeError, ValuesError
        If a side is empty or has fewer than two units, or a score is not finite.

    Notes
    -----
    Ties enter together. Unlike the tables of Kolmogorov-Smirnov the p-value also holds with ties and with groups.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> score_drift(np.linspace(0, 1, 50), np.linspace(0.5, 1, 40), permutations=199, rng=rng)
    TwoSampleResult(statistic=0.5, p_value=0.005, permutations=199)
    """
    first, second = check_scores(reference, sample, where="score_drift")
    pooled = pool_sides(len(first), len(second), reference_groups, sample_groups, where="score_drift")
    scores = np.concatenate([first, second])
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def gap(sides: Bool[np.ndarray, "r n"]) -> Float[np.ndarray, " r"]:
        below = np.cumsum(sides[:, order], axis=1, dtype=np.int64)[:, last]
        m = sides.sum(axis=1, keepdims=True)
        rest = last + 1 - below
        return np.abs(below / m - rest / (sides.shape[1] - m)).max(axis=1)

    return permuted_p_value(gap, pooled, permutations=permutations, rng=rng)
