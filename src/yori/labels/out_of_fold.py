"""Logits for every example from a head that never saw its group."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Num

from yori.heads import Spectrum, fit_sigmoid, fit_softmax

FOLDS = 5


def out_of_fold_logits(
    embeddings: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n ..."],
    fold: Int[np.ndarray, " n"],
    *,
    classes: int,
    l2: float,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
    tolerance: float = 1e-4,
) -> Float[np.ndarray, "n c"]:
    """Fit one head per fold on the other folds and score the fold.

    Parameters
    ----------
    embeddings, targets
        ``(n, d)`` and labels ``(n,)`` or multi-hot ``(n, c)``.
    fold
        ``(n,)`` fold of each example, such as from `yori.splits.group_folds`.
    l2
        The penalty of every head.

    Returns
    -------
    ``(n, c)`` logits.

    Examples
    --------
    >>> x = np.array([[-1.0], [-1.1], [1.0], [1.1]])
    >>> out_of_fold_logits(x, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), classes=2, l2=0.01).argmax(axis=1)
    array([0, 0, 1, 1])
    """
    spectrum = Spectrum.of(embeddings) if spectrum is None else spectrum
    logits = np.empty((len(embeddings), classes), dtype=embeddings.dtype)
    for number in np.unique(fold):
        inside = fold == number
        rows, answers = embeddings[~inside], targets[~inside]
        # No warm start from another fold's head: that head saw this fold, and a fit stops before it has forgotten.
        if link == "softmax":
            head = fit_softmax(rows, answers, classes=classes, l2=l2, spectrum=spectrum, tolerance=tolerance)
        else:
            head = fit_sigmoid(rows, answers, l2=l2, spectrum=spectrum, tolerance=tolerance)
        logits[inside] = head.logits(embeddings[inside])
    return logits
