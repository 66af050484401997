r"""Vector scaling: a scale and a shift for each class's logit.

Logits :math:`z_k` become :math:`w_k z_k + b_k`. With 2c numbers to fit it needs more validation rows than a temperature,
it can change the predicted class, and on separable rows the likelihood alone has no minimum. The fit here is drawn towards
the identity by a small ridge, so that it always has exactly one solution.

References
----------
Guo et al., "On calibration of modern neural networks", ICML 2017, arXiv:1706.04599. Departure: the ridge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.arrays import Labels, Logits
from yori.errors import ConvergenceError, ValuesError
from yori.metrics.temperature import check_logits, fit_temperature

_STEPS = 100
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class VectorScaling:
    """A fitted scale and shift per class.

    Attributes
    ----------
    scale, shift
        Shape ``(c,)`` each. The identity is all ones and all zeros.
    """

    scale: Float[np.ndarray, " c"]
    shift: Float[np.ndarray, " c"]

    def apply(self, logits: Logits) -> Logits:
        """Return ``logits * scale + shift``, shape ``(n, c)``."""
        return np.asarray(logits, dtype=np.float64) * self.scale + self.shift


def fit_vector_scaling(logits: Logits, labels: Labels, *, l2: float = 1e-3) -> VectorScaling:
    """Return the scale and shift that minimise the mean negative log-likelihood plus a ridge towards the identity.

    The objective is ``nll + l2/2 · (|scale − 1|² + |shift|²)``: strictly convex, so the answer does not depend on a start,
    and a class without rows keeps its scale. Fit on validation rows only.

    Parameters
    ----------
    logits
        Shape ``(n, c)`` with ``c ≥ 2``.
    labels
        Shape ``(n,)``. Classes ``0 … c − 1``.
    l2
        Weight of the ridge, above 0.

    Raises
    ------
    ShapeError, ValuesError
        If an array is empty or misshapen, a logit is not finite, a label is no class, or ``l2`` is not above 0.
    ConvergenceError
        If Newton's method does not reach a gradient of 1e-9 in 100 steps.

    Notes
    -----
    Damped Newton; a step costs O(n c²) for the curvature and O(c³) for the solve.

    Examples
    --------
    >>> logits = np.array([[2.0, 0.0]] * 3 + [[0.0, 2.0]])
    >>> found = fit_vector_scaling(logits, np.array([0, 0, 1, 1]))
    >>> found.scale.round(3), found.shift.round(3)
    (array([1.002, 2.314]), array([-0.656,  0.656]))
    """
    where = "fit_vector_scaling"
    z, classes = check_logits(logits, labels, where=where)
    if not 0 < l2 < np.inf:
        raise ValuesError("l2 above 0", f"{l2}", where=where, fix="Without it separable rows have no solution.")
    c = z.shape[1]
    # Far from the solution a softmax of large logits is nearly flat or kinked, and Newton crawls; a temperature brings
    # the logits to the right size first.
    starts = [np.repeat([scale, 0.0], c) for scale in (1.0, 1 / fit_temperature(z, classes))]
    objective, found = min(((_objective(z, classes, start, l2), start) for start in starts), key=lambda pair: pair[0])
    for _ in range(_STEPS):
        gradient, curvature = _derivatives(z, classes, found, l2)
        if np.abs(gradient).max() <= _TOLERANCE * max(1.0, float(np.abs(z).mean())):
            return VectorScaling(found[:c], found[c:])
        step = np.linalg.solve(curvature, gradient)
        decrease = float(gradient @ step)
        size = 1.0
        while True:
            tried = found - size * step
            value = _objective(z, classes, tried, l2)
            if value <= objective - 1e-4 * size * decrease + 1e-14 * abs(objective) or size < 1e-8:
                break
            size /= 2
        found, objective = tried, value
    raise ConvergenceError(
        f"a gradient of at most {_TOLERANCE}",
        f"{np.abs(gradient).max():.1e} after {_STEPS} steps",
        where=where,
        fix="Raise l2, or divide the logits by their spread.",
    )


def _objective(z: Logits, labels: Labels, parameters: Float[np.ndarray, " q"], l2: float) -> float:
    c = z.shape[1]
    scaled = z * parameters[:c] + parameters[c:]
    top = scaled.max(axis=1)
    total = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
    away = parameters - np.repeat([1.0, 0.0], c)
    return float((total - scaled[np.arange(len(z)), labels]).mean() + l2 / 2 * (away @ away))


def _derivatives(
    z: Logits, labels: Labels, parameters: Float[np.ndarray, " q"], l2: float
) -> tuple[Float[np.ndarray, " q"], Float[np.ndarray, "q q"]]:
    n, c = z.shape
    scaled = z * parameters[:c] + parameters[c:]
    p = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    off = p.copy()
    off[np.arange(n), labels] -= 1
    away = parameters - np.repeat([1.0, 0.0], c)
    gradient = np.concatenate([(off * z).mean(axis=0), off.mean(axis=0)]) + l2 * away
    both = np.concatenate([p * z, p], axis=1)
    curvature = -(both.T @ both) / n
    each = np.arange(c)
    cross = (p * z).mean(axis=0)
    curvature[each, each] += (p * z**2).mean(axis=0)
    curvature[each, c + each] += cross
    curvature[c + each, each] += cross
    curvature[c + each, c + each] += p.mean(axis=0)
    curvature[np.arange(2 * c), np.arange(2 * c)] += l2
    return gradient, curvature
