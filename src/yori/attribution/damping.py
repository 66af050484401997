"""Influence along a path of dampings, all of it from one subspace, and the damping that validation chooses.

Scores ask for ``Q(λ) = (H₀ + λ)⁻¹ G`` with ``H₀`` the Hessian of the data term. ``λ = l2`` is the influence of the head as it
was trained; a large λ tends to TracIn at one checkpoint. What lies between decides the ranking: a small λ trusts directions in
which the head is hardly determined.

The whole path shares its work. Directions ``u_1, u_2 …`` are collected, orthonormal, with their products ``H₀ u``; within
their span the solution for *every* λ follows from one small eigendecomposition, because a damping only shifts the eigenvalues.
Where the worst residual of the path is still too large, it is preconditioned for its own λ and becomes the next direction.
For one λ these are the iterates of preconditioned conjugate gradients; for a path of nine it takes little more than the one at
the smallest λ. Where the Hessian is a Kronecker product (all examples have the same class probabilities) the first direction
of each λ is already its solution.

`choose_damping` chooses by what the scores are for: the lowest are left out, the head is refitted (warm), and the objective is
read on query examples that had no part in the scores.

References
----------
Saad, Iterative Methods for Sparse Linear Systems, 2003, chapter 6 (Galerkin projection, full orthogonalisation). Parks et al.,
SIAM J. Sci. Comput. 28, 2006 (recycling of subspaces).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num, Shaped

from yori.arrays import check_length
from yori.attribution.convergence import gradient_norm, warn_unconverged
from yori.attribution.group_influence import Change, group_effect
from yori.attribution.inputs import Inputs, check_inputs
from yori.attribution.objectives import Objective, Query, query
from yori.attribution.tracin import slice_products
from yori.errors import ConvergenceError, ShapeError, ValuesError
from yori.heads import LINKS
from yori.heads.curvature import Curvature, Spectrum, logits_of

STEPS = 9
"""Dampings of a default path, evenly spaced on a logarithmic scale."""

LIMIT = 1000
"""Most directions."""

SHARE = 0.01
FOLDS = 2


@dataclass(frozen=True)
class DampingPath:
    """``dampings (k,)`` ascending, ``scores (k, n)`` (positive helps), ``solutions (k, c, d+1)``; ``products`` it all took."""

    dampings: Float[np.ndarray, " k"]
    scores: Float[np.ndarray, "k n"]
    solutions: Float[np.ndarray, "k c d1"]
    products: int

    def overlap(self, share: float = SHARE) -> Float[np.ndarray, "k k"]:
        """Jaccard overlap of the lowest ``share`` of the examples at any two dampings: how much the choice matters."""
        count = max(1, round(share * self.scores.shape[1]))
        lowest = [set(np.argsort(scores, kind="stable")[:count].tolist()) for scores in self.scores]
        return np.array([[len(one & two) / len(one | two) for two in lowest] for one in lowest])


@dataclass(frozen=True)
class DampingChoice:
    """``gains (k,)``: change of the objective on the judging folds when the lowest scores are left out, negative = better;
    ``chosen``: position of the lowest; ``path``: scores with all query examples asking.
    """

    gains: Float[np.ndarray, " k"]
    chosen: int
    path: DampingPath

    @property
    def damping(self) -> float:
        """The chosen damping."""
        return float(self.path.dampings[self.chosen])

    @property
    def scores(self) -> Float[np.ndarray, " n"]:
        """``(n,)`` at the chosen damping; positive helps."""
        return self.path.scores[self.chosen]


def damping_path(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    *,
    l2: float,
    dampings: Sequence[float] | Float[np.ndarray, " k"] | None = None,
    objective: str | Objective = "nll",
    tolerance: float = 1e-6,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    temperature: float = 1.0,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
) -> DampingPath:
    """Influence scores at every damping of a path.

    Parameters
    ----------
    dampings
        ``(k,)`` > 0, in the place of ``l2`` in the Hessian; by default nine from ``l2`` to the largest eigenvalue.

    See `influence` for the other parameters.

    Returns
    -------
    `DampingPath`. The row at damping ``l2`` is ``influence(...).scores``.

    Raises
    ------
    ShapeError, ValuesError
        As `influence`; also on dampings ≤ 0.
    ConvergenceError
        If the subspace stops growing above ``tolerance``.

    Notes
    -----
    Memory: ``2 c (d+1)`` float64 per product.

    Examples
    --------
    >>> from yori.heads import fit_softmax
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    >>> head = fit_softmax(x, y, l2=0.01)
    >>> path = damping_path(x, y, head.weight, x[:9], y[:9], l2=0.01, dampings=[0.01, 0.1, 1.0])
    >>> path.scores.shape, path.overlap(0.1).shape
    ((3, 60), (3, 3))
    """
    given = check_inputs(
        embeddings, labels, weight, query_embeddings, query_labels,
        sample_weight=sample_weight, link=link, where="damping_path",
    )  # fmt: skip
    curvature = _curvature(given, l2, spectrum)
    warn_unconverged(gradient_norm(curvature, given.targets, given.head), where="damping_path")
    chosen = _checked(dampings, curvature)
    asked = query(objective, given.asking, given.answers, given.head, link=link, temperature=temperature)
    solutions = solve_damped(curvature, asked.gradient()[None], chosen, tolerance=tolerance)[:, 0]
    return _scored(given, chosen, solutions, curvature.products)


def choose_damping(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    *,
    l2: float,
    rng: np.random.Generator,
    dampings: Sequence[float] | Float[np.ndarray, " k"] | None = None,
    share: float = SHARE,
    folds: int = FOLDS,
    query_groups: Shaped[np.ndarray, " m"] | None = None,
    objective: str | Objective = "nll",
    tolerance: float = 1e-4,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    temperature: float = 1.0,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
) -> DampingChoice:
    """The damping at which leaving out the lowest scores helps query examples most that had no part in the scores.

    Parameters
    ----------
    rng
        Deals the query examples into folds.
    share
        Part of the training examples that is left out to judge a damping.
    folds
        Each judges once what the others asked for, ≥ 2.
    query_groups
        ``(m,)`` what no fold may cut, such as the recording of a clip.

    See `damping_path` for the other parameters and the errors.

    Returns
    -------
    `DampingChoice`. Of equal gains the smaller damping.

    Notes
    -----
    ``folds · k`` warm refits, 20 to 60 Hessian-vector products each.

    Examples
    --------
    >>> from yori.heads import fit_softmax
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(80, 3)), np.arange(80) % 2
    >>> head = fit_softmax(x, y, l2=0.01)
    >>> choice = choose_damping(x, y, head.weight, x[:20], y[:20], l2=0.01, rng=rng)
    >>> choice.gains.shape, bool(choice.damping == choice.path.dampings[choice.gains.argmin()])
    ((9,), True)
    """
    given = check_inputs(
        embeddings, labels, weight, query_embeddings, query_labels,
        sample_weight=sample_weight, link=link, where="choose_damping",
    )  # fmt: skip
    if not 0 < share < 1 or not 2 <= folds <= len(given.asking):
        raise ValuesError(
            f"0 < share < 1 and 2 to {len(given.asking)} folds", f"{share:g} and {folds}", where="choose_damping"
        )
    curvature = _curvature(given, l2, spectrum)
    chosen = _checked(dampings, curvature)
    fold = _fold_of(len(given.asking), folds, query_groups, rng)

    def asked(taking: Shaped[np.ndarray, " m"], of: str | Objective) -> Query:
        rows, answers = given.asking[taking], given.answers[taking]
        return query(of, rows, answers, given.head, link=link, temperature=temperature)

    everyone = asked(np.ones(len(fold), dtype=np.bool_), objective)
    parts = [asked(fold != each, _restricted(objective, fold != each)) for each in range(folds)]
    rights = np.stack([everyone.gradient(), *(part.gradient() for part in parts)])
    solutions = solve_damped(curvature, rights, chosen, tolerance=tolerance)
    count = max(1, round(share * len(given.rows)))
    gains = np.zeros(len(chosen))
    for each in range(folds):
        scores = _scored(given, chosen, solutions[:, each + 1], 0).scores
        changes = [Change(dropped=np.argsort(row, kind="stable")[:count]) for row in scores]
        judging = fold == each
        gains += group_effect(
            given.rows, given.targets, given.head, given.asking[judging], given.answers[judging], changes, l2=l2,
            objective=_restricted(objective, judging), sample_weight=given.share, temperature=temperature, link=link,
            spectrum=curvature.spectrum,
        ) / folds  # fmt: skip
    return DampingChoice(gains, int(gains.argmin()), _scored(given, chosen, solutions[:, 0], curvature.products))


def solve_damped(
    curvature: Curvature,
    rights: Float[np.ndarray, "r c d1"],
    dampings: Float[np.ndarray, " k"],
    *,
    tolerance: float,
) -> Float[np.ndarray, "k r c d1"]:
    """``(H₀ + λ)⁻¹`` times each right-hand side at each damping, from one growing subspace.

    Raises
    ------
    ConvergenceError
        If the subspace stops growing, or reaches `LIMIT` directions, above ``tolerance``.
    """
    shape = rights.shape[1:]
    flat = rights.reshape(len(rights), -1).astype(np.float64).T  # (p, r)
    sizes = np.linalg.norm(flat, axis=0)
    asked = sizes > 0
    basis, curved = np.empty((flat.shape[0], 0)), np.empty((flat.shape[0], 0))
    used = 0
    coefficients = np.zeros((len(dampings), 0, flat.shape[1]))
    while True:
        found, images = basis[:, :used], curved[:, :used]
        if used:
            values, vectors = np.linalg.eigh(found.T @ images)
            turned = vectors.T @ (found.T @ flat)
            coefficients = np.stack([vectors @ (turned / (np.maximum(values, 0)[:, None] + each)) for each in dampings])
        residuals = np.stack(
            [flat - images @ z - each * (found @ z) for each, z in zip(dampings, coefficients, strict=True)]
        ) if used else np.broadcast_to(flat, (len(dampings), *flat.shape))  # fmt: skip
        relative = np.linalg.norm(residuals, axis=1) / np.where(asked, sizes, 1)
        worst = np.unravel_index(int(relative.argmax()), relative.shape)
        if relative[worst] <= tolerance:
            return (
                np.stack([(found @ z).T for z in coefficients]).reshape(len(dampings), *rights.shape)
                if used
                else (np.zeros((len(dampings), *rights.shape)))
            )
        direction = curvature.precondition(
            residuals[worst[0]][:, worst[1]].reshape(shape), damping=float(dampings[worst[0]])
        ).ravel()
        before = float(np.linalg.norm(direction))
        for _ in range(2):  # once more, because the first pass leaves rounding behind
            direction = direction - found @ (found.T @ direction)
        length = float(np.linalg.norm(direction))
        if length <= 1e-10 * before or used == LIMIT:
            raise ConvergenceError(
                f"a residual of {tolerance:g} on the whole path", f"{relative[worst]:.2g} after {used} products",
                where="damping path", fix="Raise the smallest damping or the tolerance, or pass float64 embeddings.",
            )  # fmt: skip
        direction /= length
        if used == basis.shape[1]:
            more = np.empty((len(direction), max(16, used)))
            basis, curved = np.concatenate([basis, more], axis=1), np.concatenate([curved, more], axis=1)
        matrix = direction.reshape(shape)
        basis[:, used] = direction
        curved[:, used] = (curvature.product(matrix) - curvature.l2 * matrix).ravel()
        used += 1


def _curvature(given: Inputs, l2: float, spectrum: Spectrum | None) -> Curvature:
    probs = LINKS[given.link].probs(logits_of(given.rows, given.head))
    return Curvature(given.rows, probs, given.share, l2=l2, link=given.link, spectrum=spectrum)


def _checked(
    dampings: Sequence[float] | Float[np.ndarray, " k"] | None, curvature: Curvature
) -> Float[np.ndarray, " k"]:
    if dampings is None:
        largest = max(float(curvature.scale.max()), 10 * curvature.l2)
        return np.geomspace(curvature.l2, largest, STEPS)
    chosen = np.sort(np.asarray(dampings, dtype=np.float64))
    if chosen.ndim != 1 or len(chosen) == 0:
        raise ShapeError("dampings of shape (k,)", f"shape {chosen.shape}", where="damping path")
    if not (np.isfinite(chosen).all() and (chosen > 0).all()):
        raise ValuesError("dampings > 0", f"{chosen[0]:g}", where="damping path")
    return chosen


def _scored(
    given: Inputs, dampings: Float[np.ndarray, " k"], solutions: Float[np.ndarray, "k c d1"], products: int
) -> DampingPath:
    scores = slice_products(given.rows, given.targets, given.head[None], solutions[:, None], given.link) * given.share
    return DampingPath(dampings, scores, solutions, products)


def _restricted(objective: str | Objective, taking: Shaped[np.ndarray, " m"]) -> str | Objective:
    return objective if isinstance(objective, str) else objective.restricted(taking)


def _fold_of(
    m: int, folds: int, groups: Shaped[np.ndarray, " m"] | None, rng: np.random.Generator
) -> Shaped[np.ndarray, " m"]:
    number = np.arange(m)
    if groups is not None:
        check_length(np.asarray(groups), m, name="query_groups", where="choose_damping")
        _, number = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    count = int(number.max()) + 1
    if count < folds:
        raise ValuesError(f"at least {folds} groups of query examples", str(count), where="choose_damping")
    dealt = np.empty(count, dtype=np.int64)
    dealt[rng.permutation(count)] = np.arange(count) % folds
    return dealt[number]
