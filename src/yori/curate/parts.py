"""Heads and the query examples that ask them: from both to the effect of every edit.

Where validation asks there is one head and all of validation asks it. Where examples ask out of fold there is one head for
each fold, asked by the examples it has not seen; the effects of an edit on all of them add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from yori.attribution.influence import influence_of_solution
from yori.attribution.objectives import Query
from yori.curate.ranking import Effects
from yori.heads import LINKS, Curvature, Head, Spectrum, fit_sigmoid, fit_softmax
from yori.heads.curvature import logits_of

SOLVE_TOLERANCE = 1e-3
FIT_TOLERANCE = 1e-4
REFIT_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Part:
    """``head (c, d+1)``, fitted on the training rows with ``weight (n,)`` (0 = it has not seen them), and what is ``asked``.

    ``positions (q,)``: which query examples ask.
    """

    head: Float[np.ndarray, "c d1"]
    weight: Float[np.ndarray, " n"]
    asked: Query
    positions: Int[np.ndarray, " q"]

    def curvature(self, embeddings: Float[np.ndarray, "n d"], *, l2: float, link: str, spectrum: Spectrum) -> Curvature:
        """Of the training loss at this head."""
        share = (self.weight / self.weight.sum()).astype(embeddings.dtype)
        probs = LINKS[link].probs(logits_of(embeddings, self.head))
        return Curvature(embeddings, probs, share, l2=l2, link=link, spectrum=spectrum)


def effects_of(
    parts: Sequence[Part],
    embeddings: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n ..."],
    *,
    l2: float,
    link: str,
    spectrum: Spectrum,
    draw: Float[np.ndarray, " m"] | None = None,
    relabels: Bool[np.ndarray, "n c"] | None = None,
) -> tuple[Effects, int]:
    """Effect of dropping every example and of some relabels, summed over the parts; and the products spent.

    With each example's own curvature taken into account (attribution/leverage.py). Without it those relabels look best whose
    example holds its own prediction, and a refit hardly notices them.

    Parameters
    ----------
    parts
        Heads and what is asked of them.
    embeddings, targets
        Rows the heads were fitted on.
    draw
        ``(m,)`` another weighting of the query examples, such as a bootstrap resample.
    relabels
        ``(n, c)`` which relabels are asked for; the effect of all others is 0. None: no relabel.
    """
    classes = targets.shape[1] if targets.ndim == 2 else int(targets.max(initial=0)) + 1
    drop = np.zeros(len(targets))
    relabel = np.zeros((len(targets), classes if relabels is None else relabels.shape[1]))
    products = 0
    for part in parts:
        curvature = part.curvature(embeddings, l2=l2, link=link, spectrum=spectrum)
        gradient = part.asked.gradient(None if draw is None else draw[part.positions])
        solution = curvature.solve(gradient, tolerance=SOLVE_TOLERANCE, strict=False)
        products += curvature.products
        found = influence_of_solution(curvature, targets, part.asked.value, solution, leverage=True)
        drop += found.drop_effect()
        if relabels is not None:
            relabel += found.relabel_effect(relabels)
    return Effects(drop, relabel), products


def fit_head(
    embeddings: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, " n"],
    *,
    classes: int,
    l2: float,
    link: str,
    spectrum: Spectrum,
    start: Float[np.ndarray, "c d1"] | None = None,
) -> Head:
    """The exact optimum; ``start`` must not have seen what the new head may not see."""
    tolerance = FIT_TOLERANCE if start is None else REFIT_TOLERANCE
    if link == "softmax":
        return fit_softmax(
            embeddings, targets, classes=classes, l2=l2, sample_weight=weight, init=start, spectrum=spectrum,
            tolerance=tolerance,
        )  # fmt: skip
    return fit_sigmoid(
        embeddings, targets, l2=l2, sample_weight=weight, init=start, spectrum=spectrum, tolerance=tolerance
    )
