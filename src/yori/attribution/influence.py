"""Exact influence of training examples on a head: every edit of every example from one solve.

With ``H`` the Hessian of the training loss (mean over the examples, plus ``l2``) and ``G`` the gradient of a validation
objective, solve ``H Q = G`` once. For an example with embedding ``h`` (1 appended), probabilities ``p`` and target ``t``, let
``s = Q h (c,)``. To first order, with ``w`` the example's share of the training loss,

    dropping it       changes the objective by  +w ⟨p − t, s⟩
    relabelling a → b                           +w (s_b − s_a)
    reweighting by 1 + δ                        −w δ ⟨p − t, s⟩.

Dropping also takes the example's own curvature out of the Hessian, which matters where leverage is high, as it is for the
mislabelled. Woodbury's identity gives that exactly once the ``(c, c)`` block ``(I ⊗ hᵀ) H⁻¹ (I ⊗ h)`` is known; it is taken
from the Kronecker approximation of ``H``, which costs one product with the eigenbasis for all examples.

Departure from Koh & Liang: the objective may be any functional of the validation predictions, not only their loss.

References
----------
Koh & Liang, ICML 2017 (arXiv 1703.04730). Cook & Weisberg, Residuals and Influence in Regression, 1982. Rad & Maleki,
JRSS-B 82, 2020 (approximate leave-one-out).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num

from yori.arrays import check_finite, check_labels, check_length
from yori.attribution.objectives import Query, query
from yori.errors import ShapeError
from yori.heads import LINKS
from yori.heads.curvature import Curvature, Spectrum, logits_of, row_blocks


@dataclass(frozen=True)
class Influence:
    """Predicted effects of every edit of every training example on one objective (lower is better).

    ``scores (n,)``: change of the objective if the example's loss is taken away; **positive = the example helps**.
    ``sensitivity (n, c)``: ``w_i s_i``, the change of the objective per unit of probability moved *to* each class in the
    example's target. ``share (n,)``: each example's share ``w_i`` of the training loss.
    """

    scores: Float[np.ndarray, " n"]
    sensitivity: Float[np.ndarray, "n c"]
    share: Float[np.ndarray, " n"]
    targets: Num[np.ndarray, "n ..."]
    link: str
    objective_value: float

    def drop_effect(self) -> Float[np.ndarray, " n"]:
        """``(n,)`` predicted change of the objective on a refit without the example.

        The training loss is a mean: what one example loses in weight all others gain, so the scores are taken against
        their weighted mean. The order is that of ``scores``.
        """
        effect: Float[np.ndarray, " n"] = (self.scores - self.share * self.scores.sum()) / (1 - self.share)
        return effect

    def relabel_effect(self) -> Float[np.ndarray, "n c"]:
        """``(n, c)`` predicted change of the objective for each new label; 0 for the label the example has.

        For several labels per example: the effect of flipping that one class.
        """
        if self.link == "softmax":
            own = self.sensitivity[np.arange(len(self.targets)), self.targets]
            return self.sensitivity - own[:, None]
        flipped: Float[np.ndarray, "n c"] = self.sensitivity * (1 - 2 * self.targets)
        return flipped

    def reweight_effect(self, change: float) -> Float[np.ndarray, " n"]:
        """``(n,)`` predicted change of the objective if each example's weight is multiplied by ``1 + change``."""
        return -change * (self.scores - self.share * self.scores.sum())


def leverage_correction(
    embeddings: Float[np.ndarray, "n d"],
    probs: Float[np.ndarray, "n c"],
    residual: Float[np.ndarray, "n c"],
    curvature: Curvature,
) -> Float[np.ndarray, "n c"]:
    """Residuals as they act once the example's own curvature is gone: ``(I − w C B)⁻¹ (p − t)``.

    ``C`` is the example's logit Hessian, ``B`` its ``(c, c)`` leverage block. Returns ``(n, c)``.
    """
    link = LINKS[curvature.link]
    basis = curvature.spectrum.basis.astype(embeddings.dtype)
    spread = (1 / curvature.scale.T).astype(embeddings.dtype)  # (d+1, c)
    turned = curvature.class_basis.astype(embeddings.dtype)
    corrected = np.empty_like(residual)
    identity = np.eye(probs.shape[1], dtype=embeddings.dtype)
    for block in row_blocks(embeddings, max(256, (1 << 22) // embeddings.shape[1])):
        projected = embeddings[block] @ basis[:-1]
        projected += basis[-1]
        diagonal = (projected * projected) @ spread  # (b, c): leverage in the eigenbasis of the classes
        leverage = np.einsum("ck,bk,dk->bcd", turned, diagonal, turned, optimize=True)
        own = link.curvature_blocks(probs[block]) * curvature.sample_weight[block, None, None]
        system = identity - own @ leverage
        corrected[block] = np.linalg.solve(system, residual[block][:, :, None])[:, :, 0]
    return corrected


def influence_from(
    curvature: Curvature,
    targets: Num[np.ndarray, "n ..."],
    asked: Query,
    *,
    leverage: bool = True,
    tolerance: float = 1e-6,
    strict: bool = True,
) -> Influence:
    """Influence when the curvature at the head is already at hand: what curation calls in rounds."""
    solution = curvature.solve(asked.gradient(), tolerance=tolerance, strict=strict)
    return influence_of_solution(curvature, targets, asked.value, solution, leverage=leverage)


def influence_of_solution(
    curvature: Curvature,
    targets: Num[np.ndarray, "n ..."],
    value: float,
    solution: Float[np.ndarray, "c d1"],
    *,
    leverage: bool,
) -> Influence:
    """Scores from ``Q = H⁻¹ G``; linear in ``Q``, so scores of a mixture of objectives are the mixture of scores."""
    link = LINKS[curvature.link]
    embeddings, probs = curvature.embeddings, curvature.probs
    scores_of = logits_of(embeddings, solution)
    residual = probs - link.one_hot(targets, probs.shape[1]).astype(probs.dtype, copy=False)
    acting = leverage_correction(embeddings, probs, residual, curvature) if leverage else residual
    share = curvature.sample_weight
    drop = (acting * scores_of).sum(axis=1) * share
    return Influence(
        scores=drop.astype(np.float64),
        sensitivity=(scores_of * share[:, None]).astype(np.float64),
        share=share.astype(np.float64),
        targets=targets,
        link=curvature.link,
        objective_value=value,
    )


def influence(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, "n ..."],
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Int[np.ndarray, "m ..."],
    *,
    l2: float,
    objective: str = "nll",
    tolerance: float = 1e-6,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    leverage: bool = False,
    temperature: float = 1.0,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
) -> Influence:
    """Influence of every training example on an objective over query examples.

    Parameters
    ----------
    embeddings, labels
        Training examples, ``(n, d)`` and ``(n,)`` (``link="sigmoid"``: multi-hot ``(n, c)``).
    weight
        ``(c, d+1)`` of the head, bias last, at the optimum of its training loss with this ``l2`` (`fit_softmax`).
    query_embeddings, query_labels
        What asks, ``(m, d)`` and ``(m,)``.
    l2
        The penalty the head was trained with, > 0.
    objective
        A key of `OBJECTIVES`; lower is better.
    tolerance
        Relative residual of the solve.
    sample_weight
        ``(n,)`` weights the head was trained with.
    leverage
        Correct for each example's own curvature (approximate leave-one-out): nearer to an exact refit, above all for
        examples that move the fit most.
    temperature
        Divides the query logits.

    Returns
    -------
    `Influence`: ``.scores (n,)``, positive = helps, in units of the objective; ``.relabel_effect()`` ``(n, c)``.

    Raises
    ------
    ShapeError, ValuesError
        On arrays that do not fit together, NaN, ``l2 ≤ 0``, unknown objectives.
    ConvergenceError
        If the solve stalls above ``tolerance``.

    Examples
    --------
    >>> from yori.heads import fit_softmax
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-1, 1, (50, 2)), rng.normal(1, 1, (50, 2))])
    >>> y = np.repeat([0, 1], 50)
    >>> wrong = y.copy()
    >>> wrong[0] = 1
    >>> head = fit_softmax(x, wrong, l2=0.01)
    >>> result = influence(x, wrong, head.weight, x, y, l2=0.01)
    >>> int(result.scores.argmin()), bool(result.relabel_effect()[0, 0] < 0)
    (0, True)
    """
    rows = _check_matrix(embeddings, "embeddings")
    asking = _check_matrix(query_embeddings, "query_embeddings")
    head = np.asarray(weight, dtype=np.float64)
    if head.ndim != 2 or head.shape[1] != rows.shape[1] + 1 or asking.shape[1] != rows.shape[1]:
        raise ShapeError(
            f"weight of shape (c, {rows.shape[1] + 1}) and query_embeddings of shape (m, {rows.shape[1]})",
            f"shapes {head.shape} and {asking.shape}",
            where="influence",
        )
    check_finite(head, name="weight", where="influence")
    targets = _check_targets(labels, len(rows), len(head), link, "labels")
    answers = _check_targets(query_labels, len(asking), len(head), link, "query_labels")
    share = np.full(len(rows), 1 / len(rows), dtype=rows.dtype)
    if sample_weight is not None:
        check_length(np.asarray(sample_weight), len(rows), name="sample_weight", where="influence")
        given = np.asarray(sample_weight, dtype=np.float64)
        share = (given / given.sum()).astype(rows.dtype)
    probs = LINKS[link].probs(logits_of(rows, head))
    curvature = Curvature(rows, probs, share, l2=l2, link=link, spectrum=spectrum)
    asked = query(objective, asking, answers, head, link=link, temperature=temperature)
    return influence_from(curvature, targets, asked, leverage=leverage, tolerance=tolerance)


def _check_matrix(array: Num[np.ndarray, "..."], name: str) -> Float[np.ndarray, "n d"]:
    matrix = np.asarray(array)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ShapeError(f"{name} of shape (n, d)", f"shape {matrix.shape}", where="influence")
    check_finite(matrix, name=name, where="influence")
    return matrix if matrix.dtype in (np.float32, np.float64) else matrix.astype(np.float32)


def _check_targets(
    labels: Num[np.ndarray, "n ..."], n: int, classes: int, link: str, name: str
) -> Num[np.ndarray, "n ..."]:
    array = np.asarray(labels)
    check_length(array, n, name=name, where="influence")
    if link == "softmax":
        return check_labels(array, classes, name=name, where="influence")
    if array.shape != (n, classes):
        raise ShapeError(f"{name} of shape {(n, classes)}", f"shape {array.shape}", where="influence")
    return array
