"""Exact influence of training examples on a head: every edit of every example from one solve.

With ``H`` the Hessian of the training loss (mean over the examples, plus ``l2``) and ``G`` the gradient of a validation
objective, solve ``H Q = G`` once. For an example with embedding ``h`` (1 appended), probabilities ``p`` and target ``t``, let
``s = Q h (c,)``. To first order, with ``w`` the example's share of the training loss,

    dropping it       changes the objective by  +w ⟨p − t, s⟩
    relabelling a → b                           +w (s_b − s_a)
    reweighting by 1 + δ                        −w δ ⟨p − t, s⟩.

Dropping also takes the example's own curvature out of the Hessian, which matters where leverage is high, as it is for the
mislabelled; leverage.py corrects for it in all examples at once. Without it the order is right and the size too small, by a
factor of 5 where an example's own term is most of what the head knows about its class. group_influence.py and
leave_one_out.py refit instead of predicting, for the few edits that matter.

Departure from Koh & Liang: the objective may be any functional of the validation predictions, not only their loss.

References
----------
Koh & Liang, ICML 2017 (arXiv 1703.04730). Cook & Weisberg, Residuals and Influence in Regression, 1982. Rad & Maleki,
JRSS-B 82, 2020 (approximate leave-one-out).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from yori.attribution.convergence import UnconvergedWarning as UnconvergedWarning
from yori.attribution.convergence import gradient_norm, warn_unconverged
from yori.attribution.group_influence import Change, group_effect
from yori.attribution.inputs import check_inputs
from yori.attribution.leverage import Leverage, logits_from, residual_after, sensitivity_without
from yori.attribution.objectives import Objective, Query, query
from yori.attribution.tensor_influence import solved_on_device
from yori.attribution.tensors import Tensor, stand_in, to_array
from yori.errors import ValuesError
from yori.heads import LINKS
from yori.heads.curvature import Curvature, Spectrum, logits_of


@dataclass(frozen=True)
class Influence:
    """Predicted effects of every edit of every training example on one objective (lower is better).

    ``scores (n,)``: change of the objective if the example's loss is taken away; **positive = the example helps**.
    ``sensitivity (n, c)``: ``w_i s_i``, the change of the objective per unit of probability moved *to* each class in the
    example's target. ``share (n,)``: each example's share ``w_i`` of the training loss. ``scale_effect``: derivative of the
    objective if all examples lose weight against the penalty, the sum of the scores to first order. ``logits`` and
    ``own_leverage`` only with ``leverage=True``; ``sensitivity`` is then that without the example. ``gradient_norm``: of the
    training loss at the head, in units of that of a zero head; far above 0 the head is not at its optimum.
    """

    scores: Float[np.ndarray, " n"]
    sensitivity: Float[np.ndarray, "n c"]
    share: Float[np.ndarray, " n"]
    targets: Num[np.ndarray, "n ..."]
    link: str
    objective_value: float
    scale_effect: float
    logits: Float[np.ndarray, "n c"] | None = None
    own_leverage: Leverage | None = None
    gradient_norm: float = float("nan")

    def drop_effect(self) -> Float[np.ndarray, " n"]:
        """``(n,)`` predicted change of the objective on a refit without the example.

        The training loss is a mean: what one example loses in weight all others gain, so the scores are taken against
        their weighted mean. The order is that of ``scores`` where all examples weigh the same.
        """
        rest = 1 - self.share
        alone = rest <= 0
        effect: Float[np.ndarray, " n"] = self.scores - self.share * self.scale_effect
        effect /= np.where(alone, 1, rest)  # an only example has no others to pass its weight on to
        effect[alone] = self.scores[alone]
        return effect

    def relabel_effect(self, only: Bool[np.ndarray, "n c"] | None = None) -> Float[np.ndarray, "n c"]:
        """``(n, c)`` predicted change of the objective for each new label; 0 for the label the example has.

        For several labels per example: the effect of flipping that one class. With ``leverage=True`` the example's own
        prediction follows its new label, which takes most of the effect back where leverage is high; each such effect is a
        small system of equations, so ``only`` says which are wanted, and the others are 0.
        """
        if self.own_leverage is not None and self.logits is not None:
            return self._relabel_with_leverage(self.own_leverage, self.logits, only)
        if self.link == "softmax":
            own = self.sensitivity[np.arange(len(self.targets)), self.targets]
            return self.sensitivity - own[:, None]
        flipped: Float[np.ndarray, "n c"] = self.sensitivity * (1 - 2 * self.targets)
        return flipped

    def reweight_effect(self, change: float) -> Float[np.ndarray, " n"]:
        """``(n,)`` predicted change of the objective if each example's weight is multiplied by ``1 + change``."""
        return -change * (self.scores - self.share * self.scale_effect)

    def _relabel_with_leverage(
        self, leverage: Leverage, all_logits: Float[np.ndarray, "n c"], only: Bool[np.ndarray, "n c"] | None
    ) -> Float[np.ndarray, "n c"]:
        link = LINKS[self.link]
        classes = self.sensitivity.shape[1]
        effect = np.zeros_like(self.sensitivity)
        for label in range(classes):
            wanted_rows = np.arange(len(effect)) if only is None else np.flatnonzero(only[:, label])
            if self.link == "softmax":
                wanted_rows = wanted_rows[self.targets[wanted_rows] != label]
            size = max(1, (1 << 19) // classes**2)
            for start in range(0, len(wanted_rows), size):
                rows = wanted_rows[start : start + size]
                own, logits = leverage.rows(rows), all_logits[rows]
                hot = link.one_hot(self.targets[rows], classes).astype(np.float64)
                residual = link.probs(logits.copy()) - hot
                wanted = hot.copy()
                if self.link == "softmax":
                    wanted[:] = 0
                    wanted[:, label] = 1
                else:
                    wanted[:, label] = 1 - hot[:, label]
                changed = residual - residual_after(own, logits + own.times(residual), wanted, self.link)
                effect[rows, label] = (changed * self.sensitivity[rows]).sum(axis=1)
        return effect


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
    sensitivity = logits_of(curvature.embeddings, solution)
    found = Leverage.of(curvature) if leverage else None
    return influence_of_sensitivity(
        curvature.probs, targets, curvature.sample_weight, sensitivity, value, found, curvature.link
    )


def influence_of_sensitivity(
    probs: Float[np.ndarray, "n c"],
    targets: Num[np.ndarray, "n ..."],
    share: Float[np.ndarray, " n"],
    sensitivity: Float[np.ndarray, "n c"],
    value: float,
    found: Leverage | None,
    link: str,
) -> Influence:
    """Scores from ``s_i = Q h_i``, with leverage where it is given."""
    residual = probs - LINKS[link].one_hot(targets, probs.shape[1]).astype(probs.dtype, copy=False)
    plain = (residual * sensitivity).sum(axis=1) * share
    logits: Float[np.ndarray, "n c"] | None = None
    own: Leverage | None = None
    drop = plain
    if found is not None:
        sensitivity = sensitivity_without(found, probs, share, sensitivity, link)
        drop = (residual * sensitivity).sum(axis=1) * share
        scaled = found.scaled(share)
        own = Leverage(scaled.basis.astype(np.float64), scaled.spread.astype(np.float64))
        logits = logits_from(probs, link)
    return Influence(
        scores=drop.astype(np.float64),
        sensitivity=(sensitivity * share[:, None]).astype(np.float64),
        share=share.astype(np.float64),
        targets=targets,
        link=link,
        objective_value=value,
        scale_effect=float(plain.sum(dtype=np.float64)),
        logits=logits,
        own_leverage=own,
    )


def influence(
    embeddings: Num[np.ndarray, "n d"] | Tensor,
    labels: Int[np.ndarray, "n ..."] | Tensor,
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Num[np.ndarray, "m d"] | Tensor,
    query_labels: Int[np.ndarray, "m ..."] | Tensor,
    *,
    l2: float,
    objective: str | Objective = "nll",
    tolerance: float = 1e-6,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    leverage: bool = False,
    refine: int = 0,
    temperature: float = 1.0,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
) -> Influence:
    """Influence of every training example on an objective over query examples.

    Parameters
    ----------
    embeddings, labels
        Training examples, ``(n, d)`` and ``(n,)`` (``link="sigmoid"``: multi-hot ``(n, c)``). Torch tensors stay where they
        are, on a GPU too; results are arrays (tensors.py).
    weight
        ``(c, d+1)`` of the head, bias last, at the optimum of its training loss with this ``l2`` (`fit_softmax`).
    query_embeddings, query_labels
        What asks, ``(m, d)`` and ``(m,)``.
    l2
        The penalty the head was trained with, > 0.
    objective
        A key of `OBJECTIVES`, or an objective of weighted_objectives.py; lower is better.
    tolerance
        Relative residual of the solve.
    sample_weight
        ``(n,)`` weights the head was trained with.
    leverage
        Correct for each example's own curvature (approximate leave-one-out): the size is then that of a refit, and so is the
        order of relabels against drops.
    refine
        Refit without each of so many examples, those of the largest influence, and put what the refit says in the place of
        their score (`leave_one_out`). It costs some 20 products for each; the whole solve costs about as much once.
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

    Warns
    -----
    UnconvergedWarning
        If the gradient of the training loss says that the head is not at its optimum.

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
    if isinstance(embeddings, Tensor):
        if refine > 0:
            raise ValuesError("refine=0 with tensors", str(refine), where="influence", fix="Pass NumPy arrays.")
        probs, targets, share, sensitivity, value, own, norm = solved_on_device(
            embeddings, labels, weight, query_embeddings, query_labels, l2=l2, objective=objective,
            tolerance=tolerance, sample_weight=sample_weight, leverage=leverage, temperature=temperature, link=link,
            spectrum=spectrum,
        )  # fmt: skip
        warn_unconverged(norm, where="influence")
        solved = influence_of_sensitivity(probs, targets, share, sensitivity, value, own, link)
        return replace(solved, gradient_norm=norm)
    given = check_inputs(
        *stand_in(embeddings, labels), weight, to_array(query_embeddings), to_array(query_labels),
        sample_weight=sample_weight, link=link, where="influence",
    )  # fmt: skip
    probs = LINKS[link].probs(logits_of(given.rows, given.head))
    if spectrum is None:
        # The solver bears a sample of the rows and single precision; a leverage is read off it.
        read = leverage or refine > 0
        spectrum = Spectrum.of(given.rows, exact=read, single=given.rows.dtype == np.float32 and not read)
    curvature = Curvature(given.rows, probs, given.share, l2=l2, link=link, spectrum=spectrum)
    asked = query(objective, given.asking, given.answers, given.head, link=link, temperature=temperature)
    found = influence_from(curvature, given.targets, asked, leverage=leverage or refine > 0, tolerance=tolerance)
    found = replace(found, gradient_norm=gradient_norm(curvature, given.targets, given.head))
    warn_unconverged(found.gradient_norm, where="influence")
    if refine <= 0 or len(given.rows) == 1:
        return found
    rows = np.argsort(-np.abs(found.scores), kind="stable")[:refine]
    refitted = group_effect(
        given.rows, given.targets, given.head, given.asking, given.answers, [Change(dropped=[int(row)]) for row in rows],
        l2=l2, objective=objective, sample_weight=given.share, temperature=temperature, link=link,
        spectrum=curvature.spectrum,
    )  # fmt: skip
    scores, share = found.scores.copy(), found.share[rows]
    scores[rows] = refitted * (1 - share) + share * found.scale_effect
    return replace(found, scores=scores)
