"""Train a head for a fixed number of minibatch steps: what every arm of a proof runs, at equal FLOPs.

Momentum on preconditioned gradients with a cosine step size. The preconditioner is the inverse of an upper bound of the
Hessian (Böhning 1992: the logit Hessian never exceeds ``½ (I − 11ᵀ/c)``) and comes from the *before* arm for all arms, so
that a few hundred steps end near the optimum on embeddings of any scale. The batch is always full: steps × batch size ×
cost of a step is the same number whatever the training set's size.

Arms that differ in a few examples should not differ in their luck: the order of every pass is drawn for the whole pool of
examples and restricted to the arm, so two arms meet the examples they share in the same order.

References
----------
Böhning, Ann. Inst. Stat. Math. 44, 1992. Sutskever et al., ICML 2013 (momentum). Loshchilov & Hutter, ICLR 2017 (cosine).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from yori.errors import ShapeError
from yori.heads.curvature import Spectrum, logits_of, outer_sum
from yori.heads.fit import Head
from yori.heads.links import LINKS

MOMENTUM = 0.9
STEP_SIZE = 0.1
"""In units of the inverse curvature bound; with momentum 0.9 the long-run step is 1."""

BOUND = {"softmax": 0.25, "sigmoid": 0.125}
"""Half of the largest logit curvature: the optimum of a head lies where the curvature is below its bound."""


@dataclass(frozen=True)
class Recipe:
    """All that decides how a head is trained, but not on which examples. Frozen for every arm."""

    l2: float
    steps: int
    batch_size: int
    link: str = "softmax"

    @staticmethod
    def steps_for(rows: int, *, epochs: int, batch_size: int) -> int:
        """``epochs`` passes over ``rows`` examples, but never under 800 nor over 4 000 steps.

        Under 800 a small training set ends away from its optimum; over 4 000 a large one gains nothing measurable.
        """
        return int(min(4000, max(800, -(-epochs * rows // batch_size))))


def preconditioner(spectrum: Spectrum, recipe: Recipe) -> Float[np.ndarray, "d1 d1"]:
    """Inverse of the curvature bound, as a matrix that multiplies gradients from the right."""
    scaled = spectrum.basis / (BOUND[recipe.link] * spectrum.values + recipe.l2)
    matrix: Float[np.ndarray, "d1 d1"] = (scaled @ spectrum.basis.T).astype(np.float32)
    return matrix


def _batches(
    rows: Int[np.ndarray, " n"], pool: int, recipe: Recipe, rng: np.random.Generator
) -> Iterator[Int[np.ndarray, " b"]]:
    waiting = np.empty(0, dtype=np.int64)
    for _ in range(recipe.steps):
        while len(waiting) < recipe.batch_size:
            keys = rng.random(pool, dtype=np.float32)
            waiting = np.concatenate([waiting, rows[np.argsort(keys[rows], kind="stable")]])
        yield waiting[: recipe.batch_size]
        waiting = waiting[recipe.batch_size :]


def descend(
    weight: Float[np.ndarray, "c d1"],
    velocity: Float[np.ndarray, "c d1"],
    embeddings: Float[np.ndarray, "b d"],
    one_hot: Float[np.ndarray, "b c"],
    row_weight: Float[np.ndarray, "b 1"],
    inverse: Float[np.ndarray, "d1 d1"],
    *,
    step_size: float,
    l2: float,
    link: str,
) -> None:
    """One step, in place on ``weight`` and ``velocity``; ``row_weight`` already divided by the batch size."""
    logits = embeddings @ weight[:, :-1].T
    logits += weight[:, -1]
    if link == "softmax":
        logits -= np.maximum.reduce(logits, axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= np.add.reduce(logits, axis=1, keepdims=True)
    else:
        np.negative(logits, out=logits)
        np.exp(logits, out=logits)
        logits += 1
        np.divide(1, logits, out=logits)
    logits -= one_hot
    logits *= row_weight
    gradient = l2 * weight
    product = logits.T @ embeddings
    gradient[:, :-1] += product
    gradient[:, -1] += np.add.reduce(logits, axis=0)
    velocity *= MOMENTUM
    velocity -= step_size * (gradient @ inverse)
    weight += velocity


def train_head(
    embeddings: Float[np.ndarray, "pool d"],
    targets: Num[np.ndarray, "pool ..."],
    rows: Int[np.ndarray, " n"],
    *,
    classes: int,
    recipe: Recipe,
    spectrum: Spectrum,
    rng: np.random.Generator,
    sample_weight: Num[np.ndarray, " pool"] | None = None,
    checkpoints: int = 0,
) -> tuple[Head, list[tuple[int, Float[np.ndarray, "c d1"]]]]:
    """Train one arm.

    Parameters
    ----------
    embeddings, targets
        The whole pool all arms draw from: ``(pool, d)`` float32; labels ``(pool,)`` or multi-hot ``(pool, c)``.
    rows
        Which of the pool this arm trains on, ``(n,)`` indices, each once.
    recipe, spectrum
        Frozen by the *before* arm and the same for every arm.
    rng
        The same seed for every arm: examples that two arms share come in the same order.
    sample_weight
        ``(pool,)``; 1 = as is. Rescaled to mean 1 over ``rows``.
    checkpoints
        How many weights to keep along the way, evenly spaced, the last step included.

    Returns
    -------
    The head (``gradient_norm`` relative to the gradient at zero, on all its rows) and ``(step, weight)`` pairs.

    Raises
    ------
    ShapeError
        If ``rows`` is empty.
    """
    if len(rows) == 0:
        raise ShapeError("at least one training example", "none", where="training")
    link = LINKS[recipe.link]
    hot = link.one_hot(targets, classes)
    scale = np.ones(len(embeddings), dtype=np.float32)
    if sample_weight is not None:
        scale = np.asarray(sample_weight, dtype=np.float32) / np.float32(np.mean(np.asarray(sample_weight)[rows]))
    inverse = preconditioner(spectrum, recipe)
    weight = np.zeros((classes, embeddings.shape[1] + 1), dtype=np.float32)
    velocity = np.zeros_like(weight)
    kept: list[tuple[int, Float[np.ndarray, "c d1"]]] = []
    marks = {round(recipe.steps * (k + 1) / checkpoints) for k in range(checkpoints)}
    for step, batch in enumerate(_batches(rows, len(embeddings), recipe, rng)):
        descend(
            weight,
            velocity,
            embeddings[batch],
            hot[batch],
            scale[batch, None] / np.float32(recipe.batch_size),
            inverse,
            step_size=STEP_SIZE * 0.5 * (1 + np.cos(np.pi * step / recipe.steps)),
            l2=recipe.l2,
            link=recipe.link,
        )
        if step + 1 in marks:
            kept.append((step + 1, weight.astype(np.float64)))
    final = weight.astype(np.float64)
    norm = _relative_gradient(final, embeddings[rows], hot[rows], scale[rows], recipe)
    return Head(final, recipe.l2, recipe.link, norm, recipe.steps), kept


def _relative_gradient(
    weight: Float[np.ndarray, "c d1"],
    embeddings: Float[np.ndarray, "n d"],
    hot: Float[np.ndarray, "n c"],
    scale: Float[np.ndarray, " n"],
    recipe: Recipe,
) -> float:
    link = LINKS[recipe.link]
    share = (scale / scale.sum())[:, None]
    start = outer_sum((link.probs(np.zeros_like(hot)) - hot) * share, embeddings)
    end = outer_sum((link.probs(logits_of(embeddings, weight)) - hot) * share, embeddings) + recipe.l2 * weight
    return float(np.linalg.norm(end) / max(float(np.linalg.norm(start)), np.finfo(np.float64).tiny))
