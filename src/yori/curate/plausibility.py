"""Which new labels somebody independent finds likely.

Influence alone relabels to please the objective: chosen that way, 9 to 14 % of the new labels are right. A new label is a
candidate only where two witnesses that never saw the example's own label agree on it: a head fitted without the example's
group, and the example's nearest neighbours outside its group. On spoken digits with 8 % of the labels flipped, candidates
chosen so are right nearly always.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from yori.heads import LINKS
from yori.labels import neighbour_votes

LEAST_PROBABILITY = 0.5
LEAST_VOTES = 0.5
RATIO = 4.0
"""The new label must be this many times as likely as the old one, to both witnesses."""


def plausible_labels(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    groups: Shaped[np.ndarray, " n"],
    out_of_fold: Float[np.ndarray, "n c"],
    *,
    temperature: float,
) -> Bool[np.ndarray, "n c"]:
    """Where a relabel may go.

    Parameters
    ----------
    embeddings, labels, groups
        Training examples.
    out_of_fold
        ``(n, c)`` logits from heads that never saw the example's group.
    temperature
        Divides the logits, fitted on validation: a strongly regularised head is underconfident.

    Returns
    -------
    ``(n, c)``, at most one True a row, never at the label the example has.
    """
    n, classes = out_of_fold.shape
    probs = LINKS["softmax"].probs(out_of_fold.astype(np.float64) / temperature)
    best = probs.argmax(axis=1)
    own = probs[np.arange(n), labels]
    top = probs[np.arange(n), best]
    asked = np.flatnonzero((best != labels) & (top >= LEAST_PROBABILITY) & (top >= RATIO * own))
    result = np.zeros((n, classes), dtype=np.bool_)
    if len(asked):
        votes = neighbour_votes(embeddings, labels, groups, asked, classes=classes)
        for_new = votes[np.arange(len(asked)), best[asked]]
        for_old = votes[np.arange(len(asked)), labels[asked]]
        agreed = asked[(for_new >= LEAST_VOTES) & (for_new >= RATIO * for_old)]
        result[agreed, best[agreed]] = True
    return result
