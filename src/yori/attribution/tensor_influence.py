"""`influence` where the training embeddings are a torch tensor; called by it."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Num

from yori.attribution.convergence import relative_gradient
from yori.attribution.inputs import check_inputs, check_share, refuse_nan
from yori.attribution.leverage import Leverage
from yori.attribution.objectives import Objective, query
from yori.attribution.tensors import TensorCurvature, checked_rows, sensitivity_of, spectrum_of_all, to_array
from yori.heads.curvature import Spectrum


def solved_on_device(
    embeddings: Any,
    labels: Any,
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Any,
    query_labels: Any,
    *,
    l2: float,
    objective: str | Objective,
    tolerance: float,
    sample_weight: Num[np.ndarray, " n"] | None,
    leverage: bool,
    temperature: float,
    link: str,
    spectrum: Spectrum | None,
) -> tuple[
    Float[np.ndarray, "n c"],
    Num[np.ndarray, "n ..."],
    Float[np.ndarray, " n"],
    Float[np.ndarray, "n c"],
    float,
    Leverage | None,
    float,
]:
    """What `influence_of_sensitivity` asks for, as arrays: probabilities, targets, shares, sensitivities, value, leverage;
    and the norm of the gradient at the head (convergence.py).
    """
    asking, answers = to_array(query_embeddings), to_array(query_labels)
    given = check_inputs(asking[:1], answers[:1], weight, asking, answers, link=link, where="influence")
    rows, targets = checked_rows(embeddings, labels, given.head, link, "influence")
    share = check_share(sample_weight, len(targets), where="influence")
    if spectrum is None and leverage:
        spectrum = spectrum_of_all(rows)
    curvature = TensorCurvature(rows, given.head, share, l2=l2, link=link, spectrum=spectrum)
    probs = to_array(curvature.row_probs)
    with np.errstate(invalid="ignore"):
        refuse_nan(probs.sum(axis=1).astype(np.float64), where="influence")
    asked = query(objective, given.asking, given.answers, given.head, link=link, temperature=temperature)
    solution = curvature.solve(asked.gradient(), tolerance=tolerance)
    sensitivity = sensitivity_of(rows, solution)
    found = Leverage(curvature.class_basis.astype(probs.dtype), curvature.spread()) if leverage else None
    norm = relative_gradient(curvature.gradient_sums(targets), given.head, l2=l2)
    return probs, targets, share.astype(probs.dtype), sensitivity, asked.value, found, norm
