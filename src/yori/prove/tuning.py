"""Choose the penalty of the *before* head on validation; every arm then uses it.

A path of exact fits from the strongest penalty to the weakest, each started at the one before. ``id``: validation loss.
Leave-one-domain-out: a penalty that is right for other clips of the training domains is too weak for a new domain (.72
instead of .80 accuracy on spoken digits by unseen speakers), so each training domain is left out in turn and its validation
examples are predicted by a head that has not heard it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num, Shaped

from yori.heads import LINKS, Spectrum, fit_sigmoid, fit_softmax
from yori.metrics import aurc, fit_sigmoid_temperature, fit_temperature

GRID = tuple(10.0 ** (exponent / 2) for exponent in range(0, -10, -1))
"""Penalties from strong to weak, in units of the mean squared embedding value."""
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Tuned:
    """``l2``: the chosen penalty. One row per candidate: its validation NLL as is and at its best temperature, and the
    validation AURC; ``other_l2``: what the other criterion would have chosen. ``products``: Hessian-vector products.
    """

    l2: float
    other_l2: float
    candidates: tuple[dict[str, float], ...]
    products: int

    def aurc_at(self, l2: float) -> float:
        """Validation AURC of a candidate."""
        return next(each["aurc"] for each in self.candidates if each["l2"] == l2)


def outcomes(
    logits: Float[np.ndarray, "n c"], targets: Num[np.ndarray, "n ..."]
) -> tuple[Float[np.ndarray, " n"], np.ndarray]:
    """``(confidence, correct)`` of raw predictions; several labels count as right only all together."""
    if targets.ndim == 1:
        probs = LINKS["softmax"].probs(logits.astype(np.float64))
        return probs.max(axis=1), probs.argmax(axis=1) == targets
    probs = LINKS["sigmoid"].probs(logits.astype(np.float64))
    right = ((probs >= 0.5) == (targets > 0)).all(axis=1)
    return np.maximum(probs, 1 - probs).prod(axis=1), right


def temperature_of(logits: Float[np.ndarray, "n c"], targets: Num[np.ndarray, "n ..."]) -> float:
    """Temperature that minimises the NLL, for either kind of head."""
    fit = fit_temperature if targets.ndim == 1 else fit_sigmoid_temperature
    return fit(logits.astype(np.float64), targets if targets.ndim == 1 else targets.astype(np.int64))


def tune(
    embeddings: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, " n"],
    validation: Float[np.ndarray, "m d"],
    validation_targets: Num[np.ndarray, "m ..."],
    *,
    classes: int,
    criterion: str,
    spectrum: Spectrum,
    domains: Shaped[np.ndarray, " n"] | None = None,
    validation_domains: Shaped[np.ndarray, " m"] | None = None,
) -> Tuned:
    """Choose ``l2``.

    Parameters
    ----------
    criterion
        ``nll`` or ``nll_after_temperature``.
    domains, validation_domains
        Domain of each training and validation example, for leave-one-domain-out; None for ``id``.
    """
    link = "softmax" if targets.ndim == 1 else "sigmoid"
    scale = float(np.mean(np.square(embeddings[:: max(1, len(embeddings) // 4096)], dtype=np.float64)))
    parts = _parts(targets, domains, validation_domains)
    starts: list[Float[np.ndarray, "c d1"] | None] = [None] * len(parts)
    candidates: list[dict[str, float]] = []
    products = 0
    for ratio in GRID:
        l2 = ratio * scale
        logits = np.empty((len(validation), classes))
        for number, (rows, asked) in enumerate(parts):
            if link == "softmax":
                head = fit_softmax(
                    embeddings[rows], targets[rows], classes=classes, l2=l2, sample_weight=weight[rows],
                    init=starts[number], spectrum=spectrum, tolerance=TOLERANCE,
                )  # fmt: skip
            else:
                head = fit_sigmoid(
                    embeddings[rows], targets[rows], l2=l2, sample_weight=weight[rows], init=starts[number],
                    spectrum=spectrum, tolerance=TOLERANCE,
                )  # fmt: skip
            starts[number] = head.weight
            products += head.products
            logits[asked] = head.logits(validation[asked])
        candidates.append({"l2": l2, **_judge(logits, validation_targets)})
        # Far past the optimum nothing is to be found, and weak penalties are the slow fits.
        if len(candidates) >= 3 and all(
            candidates[-1][name] > 1.25 * min(each[name] for each in candidates) + 1e-3
            and candidates[-1][name] >= candidates[-2][name] >= candidates[-3][name]
            for name in ("nll", "nll_after_temperature")
        ):
            break
    best = {name: min(candidates, key=lambda each: each[name])["l2"] for name in ("nll", "nll_after_temperature")}
    other = "nll_after_temperature" if criterion == "nll" else "nll"
    return Tuned(best[criterion], best[other], tuple(candidates), products)


def _parts(
    targets: Num[np.ndarray, "n ..."],
    domains: Shaped[np.ndarray, " n"] | None,
    validation_domains: Shaped[np.ndarray, " m"] | None,
) -> list[tuple[np.ndarray | slice, np.ndarray | slice]]:
    """Which training rows predict which validation rows."""
    if domains is None or validation_domains is None:
        return [(slice(None), slice(None))]
    names = np.unique(np.concatenate([domains, validation_domains]).astype(str))
    if len(names) < 2:
        return [(slice(None), slice(None))]
    parts: list[tuple[np.ndarray | slice, np.ndarray | slice]] = []
    for name in names:
        rows = np.flatnonzero(domains.astype(str) != name)
        asked = np.flatnonzero(validation_domains.astype(str) == name)
        lacking = targets.ndim == 1 and len(np.unique(targets[rows])) < len(np.unique(targets))
        if len(asked):
            parts.append((slice(None) if lacking or len(rows) == 0 else rows, asked))
    return parts


def _judge(logits: Float[np.ndarray, "m c"], targets: Num[np.ndarray, "m ..."]) -> dict[str, float]:
    link = LINKS["softmax" if targets.ndim == 1 else "sigmoid"]
    temperature = temperature_of(logits, targets)
    confidence, correct = outcomes(logits, targets)
    return {
        "nll": float(link.losses(logits, targets).mean()),
        "nll_after_temperature": float(link.losses(logits / temperature, targets).mean()),
        "aurc": aurc(confidence, correct),
        "error": float(1 - correct.mean()),
    }
