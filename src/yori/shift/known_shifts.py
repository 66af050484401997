"""Every domain of the labelled data, left out once: how well errors could be estimated where the answer is known."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from yori.arrays import check_labels, check_length
from yori.errors import ShapeError
from yori.heads import fit_softmax
from yori.heads.softmax import probs as softmax
from yori.metrics.temperature import fit_temperature
from yori.shift.estimated_risk import KnownShift, average_confidence
from yori.shift.rarity import novelty

FEWEST_ROWS = 20
"""Domains with fewer rows, or that leave fewer to train or to validate on, are left aside."""


def known_shifts(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    domains: Shaped[np.ndarray, " n"],
    validation: Bool[np.ndarray, " n"],
    *,
    classes: int,
    l2: float,
    threshold: float | None = None,
    tolerance: float = 1e-3,
) -> tuple[KnownShift, ...]:
    """Leave each domain out of training and validation, estimate its error without its labels, and compare.

    Parameters
    ----------
    embeddings, labels, domains
        ``(n, d)``, ``(n,)`` and ``(n,)`` of all labelled rows but the test set.
    validation
        ``(n,)`` True for rows that calibrate; the others train.
    classes, l2
        Of the head, which is refitted for every domain.
    threshold
        Count only rows answered with at least this confidence; None = all.
    tolerance
        Of the fits.

    Returns
    -------
    One `KnownShift` for each domain with enough rows, in the order of their names.

    Raises
    ------
    ShapeError, ValuesError
        On arrays that do not fit together.

    Notes
    -----
    The embedding itself has met the domain (without labels) where the backbone learned from it, so novelty and misses are a
    little smaller than on a domain that is new to everything.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels, domains = rng.integers(0, 2, 600), np.repeat(["far", "mid", "near"], 200)
    >>> rows = rng.normal(0, 1, (600, 3)) + 2 * labels[:, None]
    >>> found = known_shifts(rows, labels, domains, rng.random(600) < 0.3, classes=2, l2=0.01)
    >>> [each.domain for each in found], all(abs(each.actual - each.estimated) < 0.05 for each in found)
    (['far', 'mid', 'near'], True)
    """
    where = "known_shifts"
    rows = np.asarray(embeddings)
    if rows.ndim != 2:
        raise ShapeError("embeddings (n, d)", f"shape {rows.shape}", where=where)
    targets = check_labels(labels, classes, where=where)
    for name, array in (("labels", targets), ("domains", domains), ("validation", validation)):
        check_length(np.asarray(array), len(rows), name=name, where=where)
    names = np.asarray(domains).astype(str)
    found = []
    for name in sorted(set(names.tolist())):
        held = names == name
        train, check = ~held & ~validation, ~held & validation
        if min(held.sum(), train.sum(), check.sum()) < FEWEST_ROWS or len(np.unique(targets[train])) < 2:
            continue
        head = fit_softmax(rows[train], targets[train], classes=classes, l2=l2, tolerance=tolerance)
        logits = head.logits(rows[check]).astype(np.float64)
        temperature = fit_temperature(logits, targets[check])
        known = softmax(logits / temperature)
        asked = softmax(head.logits(rows[held]).astype(np.float64) / temperature)
        keep = np.ones(len(asked), dtype=np.bool_) if threshold is None else asked.max(axis=1) >= threshold
        kept = np.ones(len(known), dtype=np.bool_) if threshold is None else known.max(axis=1) >= threshold
        if min(keep.sum(), kept.sum()) < FEWEST_ROWS:
            continue
        estimate = average_confidence(
            _confidence(asked[keep]), _confidence(known[kept]), known[kept].argmax(axis=1) == targets[check][kept]
        )
        wrong = float((asked[keep].argmax(axis=1) != targets[held][keep]).mean())
        new = novelty(rows[train], rows[check], rows[held]).share
        found.append(KnownShift(name, estimate.risk, wrong, new, int(keep.sum())))
    return tuple(found)


def _confidence(probs: Float[np.ndarray, "n c"]) -> Float[np.ndarray, " n"]:
    confidence: Float[np.ndarray, " n"] = np.clip(probs.max(axis=1), 0, 1)
    return confidence
