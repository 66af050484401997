"""Which dimensions of the embeddings carry what the task asks: three scores, higher = rather keep.

* mutual information of the label and the dimension, cut into bins of equal counts: knows no head, sees one dimension
  at a time;
* L1: the length of the dimension's column in a head fitted with a group penalty, in which dimensions that add nothing
  are exactly 0;
* influence: how much the validation loss would rise if the head lost the dimension, with no refit.

References
----------
Battiti, IEEE Trans. Neural Networks 5, 1994 (mutual information). Yuan & Lin, JRSS-B 68, 2006 (group penalty). Beck &
Teboulle, SIAM J. Imaging Sciences 2, 2009 (accelerated proximal gradient)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num

from yori.errors import ValuesError
from yori.heads import LINKS
from yori.heads.curvature import logits_of, outer_sum

BINS = 16
ITERATIONS = 200
L1_RATIO = 0.1


def mutual_information_scores(
    embeddings: Float[np.ndarray, "n d"], labels: Num[np.ndarray, "n ..."], *, classes: int, bins: int = BINS
) -> Float[np.ndarray, " d"]:
    """Mutual information of the label and each dimension in nats, ≥ 0, less what chance alone would show.

    Several labels, multi-hot ``(n, c)``: of every class's being there, summed.

    Examples
    --------
    >>> y = np.arange(200) % 2
    >>> x = np.stack([y + 0.01 * np.arange(200) / 200, np.arange(200) // 2 % 7], axis=1).astype(float)
    >>> found = mutual_information_scores(x, y, classes=2)
    >>> bool(found[0] > 0.6 and found[1] < 0.05)
    True
    """
    if labels.ndim == 2:
        present = (labels > 0).astype(np.int64).T
        parts = [mutual_information_scores(embeddings, each, classes=2, bins=bins) for each in present]
        return np.sum(parts, axis=0)
    n, d = embeddings.shape
    bins = max(2, min(bins, n // 5))
    share = np.bincount(labels, minlength=classes) / n
    scores = np.empty(d)
    for j in range(d):
        column = embeddings[:, j]
        edges = np.unique(np.quantile(column, np.linspace(0, 1, bins + 1)[1:-1]))
        place = np.searchsorted(edges, column, side="right")
        joint = np.bincount(place * classes + labels, minlength=(len(edges) + 1) * classes) / n
        joint = joint.reshape(-1, classes)
        expected = joint.sum(axis=1, keepdims=True) * share
        filled = joint > 0
        found = float((joint[filled] * np.log(joint[filled] / expected[filled])).sum())
        # Miller–Madow: independent variables show (r − 1)(c − 1) / 2n on average.
        used, seen = int((joint.sum(axis=1) > 0).sum()), int((share > 0).sum())
        scores[j] = max(found - (used - 1) * (seen - 1) / (2 * n), 0.0)
    return scores


def l1_scores(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    *,
    classes: int,
    ratio: float = L1_RATIO,
    iterations: int = ITERATIONS,
) -> Float[np.ndarray, " d"]:
    """Length of each dimension's column in a head with a group penalty, in standard deviations of the dimension.

    The head is a softmax one, or a sigmoid one for multi-hot labels ``(n, c)``.

    ``ratio``: the penalty as a part of the smallest one that would leave no dimension at all, 0 … 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 4))
    >>> l1_scores(x, (x[:, 2] > 0).astype(int), classes=2, ratio=0.3).round(1).argmax()
    np.int64(2)
    """
    if not 0 < ratio < 1:
        raise ValuesError("a ratio between 0 and 1", f"{ratio:g}", where="l1_scores")
    spread = embeddings.std(axis=0, dtype=np.float64)
    x = ((embeddings - embeddings.mean(axis=0, dtype=np.float64)) / np.where(spread > 0, spread, 1)).astype(np.float64)
    n, d = x.shape
    link = LINKS["softmax" if labels.ndim == 1 else "sigmoid"]
    hot = link.one_hot(labels, classes).astype(np.float64)
    start = outer_sum((hot.mean(axis=0) - hot) / n, x)
    penalty = ratio * float(np.linalg.norm(start[:, :-1], axis=0).max())
    # The Hessian is at most half the second moment (softmax; sigmoid: a quarter).
    largest = float(np.linalg.eigvalsh(x.T @ x / n)[-1]) if d <= 2 * n else float(np.linalg.eigvalsh(x @ x.T / n)[-1])
    step = 1 / (0.5 * max(largest, 1.0) + 1e-12)
    weight = np.zeros((classes, d + 1))
    weight[:, -1] = np.log(np.clip(hot.mean(axis=0), 1e-6, None))
    if labels.ndim == 2:
        weight[:, -1] -= np.log(np.clip(1 - hot.mean(axis=0), 1e-6, None))
    ahead, pace = weight.copy(), 1.0
    for _ in range(iterations):
        residual = link.probs(logits_of(x, ahead)) - hot
        moved = ahead - step * outer_sum(residual / n, x)
        length = np.linalg.norm(moved[:, :-1], axis=0)
        moved[:, :-1] *= np.maximum(0, 1 - step * penalty / np.maximum(length, 1e-300))
        following = (1 + np.sqrt(1 + 4 * pace * pace)) / 2
        ahead = moved + (pace - 1) / following * (moved - weight)
        change = float(np.abs(moved - weight).max())
        weight, pace = moved, following
        if change < 1e-7:
            break
    scores: Float[np.ndarray, " d"] = np.linalg.norm(weight[:, :-1], axis=0)
    scores[spread == 0] = 0
    return scores


def feature_influence(
    weight: Float[np.ndarray, "c d1"], embeddings: Float[np.ndarray, "m d"], labels: Num[np.ndarray, "m ..."]
) -> Float[np.ndarray, " d"]:
    """How much the loss on labelled rows rises if the head is given the mean of a dimension instead of its values.

    Exact for this head, without a refit: one dimension at a time, O(m c d).

    Examples
    --------
    >>> x, y = np.array([[-1.0, 1.0], [1.0, 1.0]]), np.array([0, 1])
    >>> feature_influence(np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), x, y).round(3)
    array([0.566, 0.   ])
    """
    link = LINKS["softmax" if labels.ndim == 1 else "sigmoid"]
    logits = logits_of(embeddings, weight).astype(np.float64)
    base = float(link.losses(logits, labels).mean())
    gap = embeddings - embeddings.mean(axis=0, dtype=np.float64)
    scores = np.empty(embeddings.shape[1])
    for j in range(len(scores)):
        scores[j] = float(link.losses(logits - gap[:, j, None] * weight[:, j], labels).mean()) - base
    return scores
