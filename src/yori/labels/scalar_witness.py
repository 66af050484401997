"""How much more likely a score is for wrong labels than for right ones: any score becomes evidence, whatever its scale.

Examples are ranked by the score and cut into bins of equal size; in each bin the expected numbers of wrong and right labels
(by a first probability of error) give a log likelihood ratio, made monotone. A score that says nothing has ratio 0 everywhere.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import optimize

BINS = 15


def log_likelihood_ratio(
    score: Float[np.ndarray, " n"], probability: Float[np.ndarray, " n"], *, bins: int = BINS
) -> Float[np.ndarray, " n"]:
    """``log P(score | wrong) − log P(score | right)`` of every example.

    Parameters
    ----------
    score
        ``(n,)``; high = suspicious. Equal scores get equal ratios.
    probability
        ``(n,)`` probability that each label is wrong, from other witnesses.
    bins
        Most bins; fewer where examples are few.

    Returns
    -------
    ``(n,)``, rising with the score.

    Examples
    --------
    >>> score = np.arange(100.0)
    >>> ratio = log_likelihood_ratio(score, (score > 89).astype(float), bins=10)
    >>> bool(ratio[0] < 0 < ratio[-1]), bool((np.diff(ratio) >= 0).all())
    (True, True)
    """
    n = len(score)
    many = max(1, min(bins, n // 10))
    _, inverse, many_equal = np.unique(score, return_inverse=True, return_counts=True)
    place = ((np.cumsum(many_equal) - 0.5 * many_equal) / n)[inverse]  # middle of the equal ones, 0 … 1
    cut = np.minimum((place * many).astype(np.int64), many - 1)
    mean = float(np.clip(probability.mean(), 1e-6, 1 - 1e-6))
    wrong = np.bincount(cut, weights=probability, minlength=many) + mean
    right = np.bincount(cut, weights=1 - probability, minlength=many) + (1 - mean)
    ratio = np.log(wrong / wrong.sum()) - np.log(right / right.sum())
    rising = optimize.isotonic_regression(ratio).x
    middle = (np.arange(many) + 0.5) / many
    found: Float[np.ndarray, " n"] = np.interp(place, middle, rising)
    return found
