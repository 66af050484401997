"""Explain an edit: which query examples it helps and which it hurts, to first order.

An edit moves the head by ``H⁻¹ r`` with ``r`` the gradient it adds to the training loss, taken back; the move changes what
every query example adds to the objective. Summed over the query examples this is the plain influence of the edit; what ranks
edits counts the edited example's own curvature, too, which changes how much it moves but hardly whom.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from yori.curate.outcome import Choice
from yori.curate.parts import Part
from yori.heads import LINKS, Curvature, Spectrum
from yori.heads.curvature import logits_of, outer_sum

TOLERANCE = 1e-2
LIMIT = 12
"""Steps of the solver: the order of whom an edit helps settles long before the last digit does."""

TOGETHER = 64
"""Edits solved side by side, sharing every reading of the embeddings."""


def effects_on_queries(
    choices: Sequence[Choice],
    parts: Sequence[Part],
    embeddings: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n ..."],
    *,
    queries: int,
    l2: float,
    link: str,
    spectrum: Spectrum,
    answers: Float[np.ndarray, "n c"] | None = None,
    tolerance: float = TOLERANCE,
    limit: int = LIMIT,
) -> Float[np.ndarray, "k queries"]:
    """Predicted change of what each query example adds to the objective, for each edit alone; negative = the edit helps it.

    Parameters
    ----------
    choices
        Edits, each of the data as ``targets`` and the parts' weights have them.
    parts
        As `Curation.parts`.
    queries
        Number of query examples, those that do not ask included.
    answers
        ``(n, c)`` expected answers of a person, for reviews; without them a review changes nothing.
    tolerance
        Relative residual of the solve, one for each edit and part.
    limit
        Most steps of the solver.
    """
    effects = np.zeros((len(choices), queries))
    for part in parts:
        curvature = part.curvature(embeddings, l2=l2, link=link, spectrum=spectrum)
        hot = LINKS[link].one_hot(targets, curvature.probs.shape[1]).astype(np.float64)
        share = curvature.sample_weight.astype(np.float64)
        whole = outer_sum((curvature.probs - hot) * share[:, None], embeddings)
        seen = [row for row, choice in enumerate(choices) if share[choice.position] > 0]
        for begin in range(0, len(seen), TOGETHER):
            rows = seen[begin : begin + TOGETHER]
            added = np.stack([_added(choices[row], curvature, hot, share, whole, answers) for row in rows])
            for row, move in zip(rows, _moves(curvature, added, tolerance, limit), strict=True):
                moved = logits_of(part.asked.embeddings, move)
                effects[row, part.positions] += (part.asked.rows * moved).sum(axis=1)
    return effects


def _moves(
    curvature: Curvature, added: Float[np.ndarray, "k c d1"], tolerance: float, limit: int
) -> Float[np.ndarray, "k c d1"]:
    """``H⁻¹`` times each, by conjugate gradients side by side, as far as ``limit`` steps go."""
    moves, rest = np.zeros(added.shape), added.astype(np.float64)
    goal = tolerance * np.sqrt((rest * rest).sum(axis=(1, 2)))
    conditioned = curvature.precondition(rest)
    directions, inner = conditioned.copy(), (rest * conditioned).sum(axis=(1, 2))
    for _ in range(limit):
        if (np.sqrt((rest * rest).sum(axis=(1, 2))) <= goal).all():
            break
        curved = curvature.product_many(directions)
        bend = (directions * curved).sum(axis=(1, 2))
        step = np.divide(inner, bend, out=np.zeros_like(inner), where=bend > 0)[:, None, None]
        moves += step * directions
        rest -= step * curved
        conditioned = curvature.precondition(rest)
        new = (rest * conditioned).sum(axis=(1, 2))
        follow = np.divide(new, inner, out=np.zeros_like(inner), where=inner > 0)[:, None, None]
        directions, inner = conditioned + follow * directions, new
    return moves


def _added(
    choice: Choice,
    curvature: Curvature,
    hot: Float[np.ndarray, "n c"],
    share: Float[np.ndarray, " n"],
    whole: Float[np.ndarray, "c d1"],
    answers: Float[np.ndarray, "n c"] | None,
) -> Float[np.ndarray, "c d1"]:
    """Minus the gradient that the edit adds to the mean training loss."""
    row = slice(choice.position, choice.position + 1)
    part, vector = share[row], curvature.embeddings[row]
    if choice.action == "drop":
        # What the example loses in weight all others gain.
        own = outer_sum((curvature.probs[row] - hot[row]) * part[:, None], vector)
        left = 1 - float(part[0])
        return (own - float(part[0]) * whole) / left if left > 0 else own
    new = np.zeros_like(hot[row])
    if choice.action == "review" or choice.new_label is None:
        new = hot[row] if answers is None else answers[row]
    else:
        new[0, choice.new_label] = 1
    return outer_sum((new - hot[row]) * part[:, None], vector)
