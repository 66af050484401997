"""Leave-one-out by refit: what the objective becomes without each example, for as many examples as one can afford.

The truth that influence predicts. For a head on frozen embeddings it is affordable: from the old optimum, a few Newton steps
of the loss without the example end at the new one (group_influence.py).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Num

from yori.attribution.group_influence import STEPS, TOLERANCE, Change, group_effect
from yori.attribution.inputs import check_matrix
from yori.attribution.objectives import Objective
from yori.heads.curvature import Spectrum


def leave_one_out(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Float[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    *,
    l2: float,
    objective: str | Objective = "nll",
    rows: Int[np.ndarray, " k"] | None = None,
    new_labels: Int[np.ndarray, " k"] | None = None,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    temperature: float = 1.0,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
    steps: int = STEPS,
    tolerance: float = TOLERANCE,
) -> Float[np.ndarray, " k"]:
    """Change of the objective on a refit without each example (or with a new label for each).

    Parameters
    ----------
    rows
        Which examples; by default all. The candidates of `influence`, say.
    new_labels
        ``(k,)``: relabel ``rows[j]`` to ``new_labels[j]`` instead of dropping it.
    steps, tolerance
        As for `group_effect`: ``steps=1`` predicts to second order.

    See `influence` for the other parameters and the errors.

    Returns
    -------
    ``(k,)``. Dropped: **positive = the example helps**. Relabelled: negative = the new label helps. Compare with
    `Influence.drop_effect` and `Influence.relabel_effect`.

    Notes
    -----
    15 to 40 Hessian-vector products per example. An only example cannot be left out and scores 0.

    Examples
    --------
    >>> from yori.heads import fit_softmax
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-1, 1, (50, 2)), rng.normal(1, 1, (50, 2))])
    >>> y = np.repeat([0, 1], 50)
    >>> wrong = y.copy()
    >>> wrong[0] = 1
    >>> head = fit_softmax(x, wrong, l2=0.01)
    >>> scores = leave_one_out(x, wrong, head.weight, x, y, l2=0.01)
    >>> int(scores.argmin()), scores.shape
    (0, (100,))
    """
    matrix = check_matrix(embeddings, name="embeddings", where="leave_one_out")
    positions = np.arange(len(matrix)) if rows is None else np.asarray(rows)
    if new_labels is None:
        if len(matrix) == 1:
            return np.zeros(len(positions))
        changes = [Change(dropped=[int(row)]) for row in positions]
    else:
        changes = [
            Change(relabelled=[int(row)], new_targets=np.asarray([label]))
            for row, label in zip(positions, new_labels, strict=True)
        ]
    return group_effect(
        matrix, labels, weight, query_embeddings, query_labels, changes,
        l2=l2, objective=objective, sample_weight=sample_weight, temperature=temperature, link=link,
        spectrum=spectrum, steps=steps, tolerance=tolerance,
    )  # fmt: skip
