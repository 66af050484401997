"""What a set of edits does together: the head is moved to its new optimum, and the objective is read there.

Scores of single edits add up only to first order. A set of edits takes its own curvature out of the Hessian, its members cover
for each other, and the head moves far enough that the objective bends on the way. So nothing is added here: with the weights
and targets *after* the edits, a Newton step is taken from the old head,

    W₁ = W − H'(W)⁻¹ g'(W),        g' and H' of the edited training loss,

shortened where it would raise that loss, and again from ``W₁`` until the gradient that the edits made is gone; the objective
is evaluated at the result. One step holds every second-order term of the edits (Basu et al. expand the same step in the size
of the set; nothing is expanded here). A drop takes two or three steps, about 20 Hessian-vector products; a
relabel up to five, because an example that the head knew by heart has no curvature yet at the old head.

References
----------
Basu, You, Feizi, "On second-order group influence functions for black-box predictions", ICML 2020. Koh et al., "On the
accuracy of influence functions for measuring group effects", NeurIPS 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from yori.attribution.inputs import Inputs, check_inputs
from yori.attribution.objectives import Objective, query
from yori.errors import ValuesError
from yori.heads import LINKS
from yori.heads.curvature import Curvature, Spectrum, logits_of, outer_sum

STEPS = 12
"""Most Newton steps; two to five are taken."""

TOLERANCE = 0.01
"""The refit is done when this part of the gradient that the edits made is left."""

SOLVE_TOLERANCE = 0.03
"""Relative residual of the solve inside a step."""


@dataclass(frozen=True)
class Change:
    """Edits applied together: these rows are dropped, those relabelled.

    ``dropped (k,)`` positions; ``relabelled (r,)`` positions and ``new_targets`` ``(r,)`` labels or ``(r, c)`` multi-hot rows.
    """

    dropped: Sequence[int] | Int[np.ndarray, " k"] = ()
    relabelled: Sequence[int] | Int[np.ndarray, " r"] = ()
    new_targets: Sequence[int] | Num[np.ndarray, "r ..."] = ()


def group_effect(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    changes: Sequence[Change],
    *,
    l2: float,
    objective: str | Objective = "nll",
    sample_weight: Num[np.ndarray, " n"] | None = None,
    temperature: float = 1.0,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
    steps: int = STEPS,
    tolerance: float = TOLERANCE,
) -> Float[np.ndarray, " k"]:
    """Change of the objective by each of several sets of edits; negative = the set helps.

    Parameters
    ----------
    embeddings, labels, weight, query_embeddings, query_labels, l2, objective, sample_weight, temperature, link
        As for `influence`; ``weight`` is the head before the edits, at its optimum.
    changes
        Sets of edits; each is applied on its own to the original data.
    spectrum
        Of the embeddings, where it is at hand.
    steps
        Most Newton steps. 1: second-order prediction.
    tolerance
        Stop when the gradient has fallen to this part of what the edits made it.

    Returns
    -------
    ``(len(changes),)``, in units of the objective. For an example that is dropped, positive = it helped: the sign of
    `Influence.scores`.

    Raises
    ------
    ShapeError, ValuesError
        As `influence`; also if a change drops every example or names a row twice.

    Notes
    -----
    Rank weights of AURC and AUGRC objectives are taken anew at the moved head, where `influence` holds them fixed.

    Examples
    --------
    >>> from yori.heads import fit_softmax
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-1, 1, (50, 2)), rng.normal(1, 1, (50, 2))])
    >>> y = np.repeat([0, 1], 50)
    >>> wrong = y.copy()
    >>> wrong[:2] = 1
    >>> head = fit_softmax(x, wrong, l2=0.01)
    >>> sets = [Change(dropped=[0, 1]), Change(relabelled=[0, 1], new_targets=[0, 0]), Change(dropped=[10, 11])]
    >>> [bool(effect < 0) for effect in group_effect(x, wrong, head.weight, x, y, sets, l2=0.01)]
    [True, True, False]
    """
    return effect_by_query(
        embeddings, labels, weight, query_embeddings, query_labels, changes,
        l2=l2, objective=objective, sample_weight=sample_weight, temperature=temperature, link=link,
        spectrum=spectrum, steps=steps, tolerance=tolerance,
    ).sum(axis=1)  # fmt: skip


def effect_by_query(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    changes: Sequence[Change],
    *,
    l2: float,
    objective: str | Objective = "nll",
    sample_weight: Num[np.ndarray, " n"] | None = None,
    temperature: float = 1.0,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
    steps: int = STEPS,
    tolerance: float = TOLERANCE,
) -> Float[np.ndarray, "k m"]:
    """`group_effect`, query example by query example: whom an edit helps and whom it hurts.

    Returns
    -------
    ``(len(changes), m)``: change of what each query example adds to the objective; negative = the edit helps it. Rows sum to
    `group_effect`.

    See `group_effect` for the parameters and errors.

    Examples
    --------
    >>> from yori.heads import fit_softmax
    >>> x, y = np.array([[-1.0], [-0.9], [1.0], [0.9]]), np.array([0, 1, 1, 1])
    >>> head = fit_softmax(x, y, l2=0.1)
    >>> truth = Change(relabelled=[1], new_targets=[0])
    >>> effect = effect_by_query(x, y, head.weight, x[[0, 2]], y[[0, 2]], [truth], l2=0.1)
    >>> effect.shape, bool(effect[0, 0] < 0)
    ((1, 2), True)
    """
    given = check_inputs(
        embeddings, labels, weight, query_embeddings, query_labels,
        sample_weight=sample_weight, link=link, where="group_effect",
    )  # fmt: skip
    if steps < 1:
        raise ValuesError("steps ≥ 1", str(steps), where="group_effect")
    spectrum = Spectrum.of(given.rows) if spectrum is None else spectrum

    def values(head: Float[np.ndarray, "c d1"]) -> Float[np.ndarray, " m"]:
        return query(objective, given.asking, given.answers, head, link=link, temperature=temperature).values

    before = values(given.head)
    effects = np.empty((len(changes), len(before)))
    for position, change in enumerate(changes):
        share, targets = _applied(given, change)
        head = _refit(given, share, targets, l2, link, spectrum, steps, tolerance)
        effects[position] = values(head) - before
    return effects


def _applied(given: Inputs, change: Change) -> tuple[Float[np.ndarray, " n"], Num[np.ndarray, "n ..."]]:
    dropped = _positions(change.dropped, len(given.rows))
    relabelled = _positions(change.relabelled, len(given.rows))
    both = np.concatenate([dropped, relabelled])
    if len(np.unique(both)) < len(both):
        raise ValuesError("at most one edit per example", "a row named twice", where="group_effect")
    targets = given.targets.copy()
    if len(relabelled):
        targets[relabelled] = given.check_targets(np.asarray(change.new_targets), len(relabelled), "new_targets")
    share = given.share.astype(np.float64)
    share[dropped] = 0
    if not share.sum() > 0:
        raise ValuesError("a set of edits that leaves an example", "one that drops all", where="group_effect")
    return (share / share.sum()).astype(given.rows.dtype), targets


def _positions(rows: Sequence[int] | Int[np.ndarray, " k"], n: int) -> Int[np.ndarray, " k"]:
    positions = np.asarray(rows, dtype=np.int64).reshape(-1)
    if len(positions) and not (positions.min() >= 0 and positions.max() < n):
        raise ValuesError(f"rows in 0 … {n - 1}", f"{positions.min()} … {positions.max()}", where="group_effect")
    return positions


def _refit(
    given: Inputs,
    share: Float[np.ndarray, " n"],
    targets: Num[np.ndarray, "n ..."],
    l2: float,
    link: str,
    spectrum: Spectrum,
    steps: int,
    tolerance: float,
) -> Float[np.ndarray, "c d1"]:
    """Newton from the given head: ``H' step = g' − r`` with ``r`` the gradient that the given head had before the edits.

    A head that was not quite at its optimum would otherwise be moved there by the first edit, and its way there be counted
    as the edit's effect.
    """
    functions, head = LINKS[link], given.head
    hot = functions.one_hot(targets, len(head)).astype(given.rows.dtype, copy=False)
    before = functions.one_hot(given.targets, len(head)).astype(given.rows.dtype, copy=False)
    logits = logits_of(given.rows, head)
    probs = functions.probs(logits.copy())
    rest = outer_sum((probs - before) * given.share[:, None], given.rows) + l2 * head

    def loss(candidate: Float[np.ndarray, "c d1"], scores: Float[np.ndarray, "n c"]) -> float:
        fit = float(functions.losses(scores, targets).astype(np.float64) @ share)
        return fit + 0.5 * l2 * float((candidate * candidate).sum()) - float((rest * candidate).sum())

    value, start = loss(head, logits), 0.0
    for _ in range(steps):
        gradient = outer_sum((probs - hot) * share[:, None], given.rows) + l2 * head - rest
        norm = float(np.linalg.norm(gradient))
        start = start or norm
        if norm <= tolerance * start or norm == 0:
            break
        curvature = Curvature(given.rows, probs, share, l2=l2, link=link, spectrum=spectrum)
        full = curvature.solve(gradient, tolerance=SOLVE_TOLERANCE, strict=False)
        slope, length = float((gradient * full).sum()), 1.0
        for _halving in range(12):
            candidate = head - length * full
            logits = logits_of(given.rows, candidate)
            reached = loss(candidate, logits)
            if reached <= value - 1e-4 * length * slope:
                break
            length /= 2
        else:
            break  # no decrease: the precision of the data is reached
        head, value = candidate, reached
        probs = functions.probs(logits)
    return head
