"""How an example's label fared while a head was trained on it: area under the margin, and forgetting.

A wrong label is learned late and against its neighbours: its margin is negative for most of the training.

References
----------
Pleiss et al., "Identifying mislabeled data using the area under the margin ranking", NeurIPS 2020 (arXiv 2001.10528). Toneva
et al., "An empirical study of example forgetting", ICLR 2019 (arXiv 1812.05159).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from yori.arrays import check_labels, check_length
from yori.errors import ShapeError
from yori.heads import Recipe, Spectrum, train_head

ROWS = 8192
CHECKPOINTS = 10
EPOCHS, BATCH = 20, 256


@dataclass(frozen=True)
class TrainingDynamics:
    """``(n,)`` each.

    ``margin``: mean over checkpoints of the label's logit minus the largest other; low = suspicious. ``learned``: share of
    checkpoints that get the label right. ``forgotten``: how often it was right and then wrong at the next checkpoint.
    """

    margin: Float[np.ndarray, " n"]
    learned: Float[np.ndarray, " n"]
    forgotten: Int[np.ndarray, " n"]


def training_dynamics(
    embeddings: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"], weights: Sequence[Float[np.ndarray, "c d1"]]
) -> TrainingDynamics:
    """Follow every example through the checkpoints of one training.

    Parameters
    ----------
    embeddings, labels
        ``(n, d)`` and ``(n,)``: the examples that were trained on.
    weights
        Heads ``(c, d+1)`` in the order of training, bias last, such as the checkpoints of `yori.heads.train_head`.

    Raises
    ------
    ShapeError, ValuesError
        If there is no checkpoint, or arrays do not fit together.

    Examples
    --------
    >>> x = np.array([[1.0], [-1.0]])
    >>> early, late = np.array([[1.0, 0], [-1.0, 0]]), np.array([[3.0, 0], [-3.0, 0]])
    >>> training_dynamics(x, np.array([0, 0]), [early, late]).margin      # the second label is wrong
    array([ 4., -4.])
    """
    if not weights:
        raise ShapeError("at least one checkpoint", "none", where="training_dynamics")
    targets = check_labels(labels, weights[0].shape[0], where="training_dynamics")
    check_length(targets, len(embeddings), name="labels", where="training_dynamics")
    n = len(embeddings)
    margin, learned = np.zeros(n), np.zeros(n)
    forgotten, before = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    for weight in weights:
        for begin in range(0, n, ROWS):
            rows = slice(begin, begin + ROWS)
            logits = embeddings[rows] @ weight[:, :-1].T + weight[:, -1]
            place = np.arange(len(logits)), targets[rows]
            own = logits[place]
            logits[place] = -np.inf
            gap = own - logits.max(axis=1)
            right = gap >= 0
            margin[rows] += gap / len(weights)
            learned[rows] += right / len(weights)
            forgotten[rows] += before[rows] & ~right
            before[rows] = right
    return TrainingDynamics(margin, learned, forgotten)


def follow_training(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    *,
    classes: int,
    l2: float,
    spectrum: Spectrum,
    rng: np.random.Generator,
) -> TrainingDynamics:
    """Train one head on everything and follow it through `CHECKPOINTS` checkpoints.

    Parameters
    ----------
    embeddings, labels
        ``(n, d)`` and ``(n,)``.
    l2
        Penalty of the head.
    spectrum
        Of the embeddings.
    rng
        The order of training.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(60, 2)) + 4.0 * (np.arange(60) % 2)[:, None]
    >>> labels = np.arange(60) % 2
    >>> labels[7] = 0
    >>> fared = follow_training(x, labels, classes=2, l2=0.01, spectrum=Spectrum.of(x), rng=rng)
    >>> int(fared.margin.argmin())
    7
    """
    n = len(embeddings)
    recipe = Recipe(l2, Recipe.steps_for(n, epochs=EPOCHS, batch_size=BATCH), BATCH)
    _, kept = train_head(
        embeddings, labels, np.arange(n), classes=classes, recipe=recipe, spectrum=spectrum, rng=rng,
        checkpoints=CHECKPOINTS,
    )  # fmt: skip
    return training_dynamics(embeddings, labels, [weight for _, weight in kept])
