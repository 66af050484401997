r"""Energy distance: how far two clouds are apart, by distances alone, with nothing to tune.

.. math:: D^2 = 2\,E\|x - y\| - E\|x - x'\| - E\|y - y'\|

0 exactly when both come from one distribution. It sees far outliers and shifts of the whole cloud better than MMD, whose
kernel forgets what is farther than its width; MMD sees what happens nearby.

References
----------
Székely, Rizzo, "Energy statistics: a class of statistics based on distances", Journal of Statistical Planning and Inference
2013, doi:10.1016/j.jspi.2013.03.018.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped

from yori.shift.mmd import pairwise_statistic, squared_distances
from yori.shift.relabelling import PERMUTATIONS, TwoSampleResult, check_rows, permuted_p_value, pool_sides

ROWS = 2000
"""At most so many rows of each side; of more, a random part of their units is used."""


def energy_distance(
    reference: Float[np.ndarray, "n d"],
    sample: Float[np.ndarray, "m d"],
    *,
    reference_groups: Shaped[np.ndarray, " n"] | None = None,
    sample_groups: Shaped[np.ndarray, " m"] | None = None,
    permutations: int = PERMUTATIONS,
    rows: int = ROWS,
    rng: np.random.Generator,
) -> TwoSampleResult:
    """Test whether a sample comes from the distribution of the reference, by the energy distance.

    Parameters
    ----------
    reference, sample, reference_groups, sample_groups, permutations, rng
        As `yori.shift.mmd`.
    rows
        At most so many rows of each side take part.

    Returns
    -------
    TwoSampleResult
        ``statistic``: unbiased estimate of the *squared* energy distance, in units of the embedding.

    Raises
    ------
    ShapeError, ValuesError
        As `yori.shift.mmd`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = energy_distance(rng.normal(0, 1, (200, 4)), rng.normal(0.6, 1, (100, 4)), rng=rng)
    >>> found.p_value, found.statistic > 0
    (0.001, True)
    """
    first, second = check_rows(reference, sample, where="energy_distance")
    chosen = [_some(len(first), reference_groups, rows, rng), _some(len(second), sample_groups, rows, rng)]
    groups = [None if names is None else np.asarray(names)[take] for names, take in
              zip((reference_groups, sample_groups), chosen, strict=True)]  # fmt: skip
    both = np.concatenate([first[chosen[0]], second[chosen[1]]])
    both -= both.mean(axis=0)
    pooled = pool_sides(len(chosen[0]), len(chosen[1]), groups[0], groups[1], where="energy_distance")
    statistic = pairwise_statistic(-np.sqrt(squared_distances(both, both)))
    return permuted_p_value(statistic, pooled, permutations=permutations, rng=rng)


def _some(
    n: int, groups: Shaped[np.ndarray, " n"] | None, rows: int, rng: np.random.Generator
) -> Shaped[np.ndarray, " k"]:
    """Positions of at most about ``rows`` rows, whole groups of them."""
    if n <= rows:
        return np.arange(n)
    if groups is None:
        return np.sort(rng.choice(n, rows, replace=False))
    names, code, sizes = np.unique(np.asarray(groups).astype(str), return_inverse=True, return_counts=True)
    order = rng.permutation(len(names))
    keep = order[: max(2, int(np.searchsorted(np.cumsum(sizes[order]), rows, side="right")))]
    return np.flatnonzero(np.isin(code, keep))
