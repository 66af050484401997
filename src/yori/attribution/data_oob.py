"""Data-OOB: how often heads that never saw an example agree with its label.

Bags of examples are drawn with replacement, a head is fitted to each, and an example's value is the mean probability that
the heads without it in their bag give to its label. It asks no validation set.

Departure: the paper counts right predictions of decision trees; a probability of a head says the same with fewer bags.

References
----------
Kwon & Zou, "Data-OOB: out-of-bag estimate as a simple and efficient data value", ICML 2023 (arXiv 2304.07718).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from yori.arrays import check_labels, check_length
from yori.attribution.inputs import check_matrix
from yori.errors import ValuesError
from yori.heads import fit_softmax
from yori.heads.curvature import Spectrum

BAGS = 20
FIT_TOLERANCE = 1e-2


def data_oob(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    *,
    classes: int,
    l2: float,
    rng: np.random.Generator,
    bags: int = BAGS,
) -> Float[np.ndarray, " n"]:
    """Out-of-bag probability of every example's own label.

    Parameters
    ----------
    embeddings, labels
        ``(n, d)`` and ``(n,)``.
    classes
        ``c``; a class without examples is allowed.
    l2
        Penalty of the heads, > 0.
    bags
        Heads fitted. Each example is out of some 37 % of the bags.

    Returns
    -------
    ``(n,)`` float64 in ``[0, 1]``; **high = the example helps**. Examples that were in every bag get the mean of the others,
    or ``1 / classes`` if there are none.

    Raises
    ------
    ShapeError, ValuesError
        On arrays that do not fit together, NaN, ``bags < 1``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-2, 1, (50, 2)), rng.normal(2, 1, (50, 2))])
    >>> y = np.repeat([0, 1], 50)
    >>> y[0] = 1
    >>> int(data_oob(x, y, classes=2, l2=0.01, rng=rng).argmin())
    0
    """
    rows = check_matrix(embeddings, name="embeddings", where="data_oob")
    targets = check_labels(labels, classes, where="data_oob")
    check_length(targets, len(rows), name="labels", where="data_oob")
    if bags < 1:
        raise ValuesError("bags ≥ 1", str(bags), where="data_oob")
    n = len(rows)
    spectrum = Spectrum.of(rows)
    total, seen = np.zeros(n), np.zeros(n)
    weight: Float[np.ndarray, "c d1"] | None = None
    for _ in range(bags):
        drawn = np.bincount(rng.integers(0, n, n), minlength=n)
        head = fit_softmax(
            rows, targets, l2=l2, classes=classes, sample_weight=drawn, init=weight, spectrum=spectrum,
            tolerance=FIT_TOLERANCE,
        )  # fmt: skip
        outside = np.flatnonzero(drawn == 0)
        if len(outside):
            total[outside] += head.probs(rows[outside])[np.arange(len(outside)), targets[outside]]
            seen[outside] += 1
        weight = head.weight
    known = seen > 0
    values = np.full(n, 1 / classes)
    values[known] = total[known] / seen[known]
    if known.any():
        values[~known] = values[known].mean()
    return values
