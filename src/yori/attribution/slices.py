"""Scores for parts of the validation set: each domain, class, speaker or difficulty asks for itself.

One reading of the embeddings serves all slices of TracIn; the solves of all slices share their readings for influence. Within
a slice the objective is that of the slice alone, ranks included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Num, Shaped

from yori.arrays import check_length
from yori.attribution.convergence import gradient_norm, warn_unconverged
from yori.attribution.influence import Influence, influence_of_solution
from yori.attribution.inputs import check_inputs, refuse_nan
from yori.attribution.objectives import Objective, Query, query
from yori.attribution.tracin import check_checkpoints, slice_products
from yori.errors import ShapeError
from yori.heads import LINKS
from yori.heads.curvature import Curvature, Spectrum, logits_of


def tracin_per_slice(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weights: Float[np.ndarray, "*k c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    slices: Shaped[np.ndarray, " m"] | Sequence[Any],
    *,
    step_sizes: Sequence[float] | Float[np.ndarray, " k"] | None = None,
    objective: str | Objective = "nll",
    temperature: float = 1.0,
    link: str = "softmax",
) -> dict[Any, Float[np.ndarray, " n"]]:
    """`tracin` of every training example on each slice of the query examples.

    Parameters
    ----------
    slices
        ``(m,)`` the name of each query example's slice: text or numbers.

    See `tracin` for the other parameters and the errors.

    Returns
    -------
    Slice → ``(n,)``, in the order of the names; **positive = the example helps** that slice.

    Examples
    --------
    >>> x = np.array([[1.0], [-1.0], [1.0]])
    >>> found = tracin_per_slice(x, np.array([1, 0, 0]), np.zeros((2, 2)), x[:2], np.array([1, 0]), ["far", "near"])
    >>> {name: scores.round(2).tolist() for name, scores in found.items()}
    {'far': [1.0, 0.0, -1.0], 'near': [0.0, 1.0, 0.0]}
    """
    heads, sizes = check_checkpoints(weights, step_sizes, where="tracin")
    given = check_inputs(
        embeddings, labels, heads[0], query_embeddings, query_labels, link=link, where="tracin", finite_rows=False
    )
    members = _members(slices, len(given.asking))
    directions = np.stack(
        [
            [
                size * _asked(objective, given.asking, given.answers, own, head, link, temperature).gradient()
                for size, head in zip(sizes, heads, strict=True)
            ]
            for own in members.values()
        ]
    )
    with np.errstate(invalid="ignore", over="ignore"):  # said below, with the row
        scores = slice_products(given.rows, given.targets, heads, directions, link)
    refuse_nan(scores.sum(axis=0), where="tracin")
    return dict(zip(members, scores, strict=True))


def influence_per_slice(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    slices: Shaped[np.ndarray, " m"] | Sequence[Any],
    *,
    l2: float,
    objective: str | Objective = "nll",
    tolerance: float = 1e-6,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    leverage: bool = False,
    temperature: float = 1.0,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
) -> dict[Any, Influence]:
    """`influence` of every training example on each slice of the query examples.

    Parameters
    ----------
    slices
        ``(m,)`` the name of each query example's slice: text or numbers.

    See `influence` for the other parameters and the errors.

    Returns
    -------
    Slice → `Influence`, in the order of the names: drops and relabels by what they do to that slice.

    Examples
    --------
    >>> from yori.heads import fit_softmax
    >>> x, y = np.array([[-1.0], [-0.9], [1.0], [0.9]]), np.array([0, 0, 1, 1])
    >>> head = fit_softmax(x, y, l2=0.1)
    >>> found = influence_per_slice(x, y, head.weight, x[[0, 2]], y[[0, 2]], ["left", "right"], l2=0.1)
    >>> {name: int(each.scores.argmax()) for name, each in found.items()}
    {'left': 1, 'right': 3}
    """
    given = check_inputs(
        embeddings, labels, weight, query_embeddings, query_labels,
        sample_weight=sample_weight, link=link, where="influence",
    )  # fmt: skip
    members = _members(slices, len(given.asking))
    probs = LINKS[link].probs(logits_of(given.rows, given.head))
    if spectrum is None and leverage:
        spectrum = Spectrum.of(given.rows, exact=True)
    curvature = Curvature(given.rows, probs, given.share, l2=l2, link=link, spectrum=spectrum)
    warn_unconverged(gradient_norm(curvature, given.targets, given.head), where="influence_per_slice")
    asked = [
        _asked(objective, given.asking, given.answers, own, given.head, link, temperature) for own in members.values()
    ]
    solutions = curvature.solve_many(np.stack([each.gradient() for each in asked]), tolerance=tolerance)
    return {
        name: influence_of_solution(curvature, given.targets, each.value, solution, leverage=leverage)
        for name, each, solution in zip(members, asked, solutions, strict=True)
    }


def _asked(
    objective: str | Objective,
    asking: Float[np.ndarray, "m d"],
    answers: Num[np.ndarray, "m ..."],
    own: Bool[np.ndarray, " m"],
    head: Float[np.ndarray, "c d1"],
    link: str,
    temperature: float,
) -> Query:
    of_slice = objective if isinstance(objective, str) else objective.restricted(own)
    return query(of_slice, asking[own], answers[own], head, link=link, temperature=temperature)


def _members(slices: Shaped[np.ndarray, " m"] | Sequence[Any], m: int) -> dict[Any, Bool[np.ndarray, " m"]]:
    array = np.asarray(slices)
    check_length(array, m, name="slices", where="slices")
    if array.ndim != 1:
        raise ShapeError("slices of shape (m,)", f"shape {array.shape}", where="slices")
    array = array.astype(str) if array.dtype == object else array
    return {name.item(): array == name for name in np.unique(array)}
