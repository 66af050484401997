"""The exact optimum of a head, by Newton's method with conjugate gradients.

The objective is ``Σ_i w_i loss_i / Σ w_i + (l2 / 2) ‖W‖²`` with the bias inside ``W``: strictly convex, one optimum, so a fit
is a function of the data alone and not of an order, a seed or a step size. Used wherever the optimum itself is meant:
tuning, out-of-fold probabilities, influence. Arms of a proof are trained by training.py at a fixed number of steps.

References
----------
Nocedal & Wright, Numerical Optimization, 2006, algorithm 7.1 (line-search Newton–CG).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

from yori.arrays import check_finite, check_labels, check_length
from yori.errors import ConvergenceError, ShapeError, ValuesError
from yori.heads.curvature import Curvature, Spectrum, logits_of, outer_sum
from yori.heads.links import LINKS


@dataclass(frozen=True)
class Head:
    """A trained last layer.

    ``weight`` is ``(c, d+1)`` with the bias last. ``gradient_norm`` is relative to the gradient at zero: 1e-6 means
    converged, 1e-1 means hardly trained. ``products``: Hessian-vector products the fit took.
    """

    weight: Float[np.ndarray, "c d1"]
    l2: float
    link: str = "softmax"
    gradient_norm: float = float("nan")
    iterations: int = 0
    products: int = 0

    def logits(self, embeddings: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """``(n, c)`` scores before the link."""
        if embeddings.ndim != 2 or embeddings.shape[1] != self.weight.shape[1] - 1:
            raise ShapeError(
                f"embeddings of shape (n, {self.weight.shape[1] - 1})", f"shape {embeddings.shape}", where="head"
            )
        return logits_of(embeddings, self.weight)

    def probs(self, embeddings: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """``(n, c)`` probabilities."""
        result: Float[np.ndarray, "n c"] = LINKS[self.link].probs(self.logits(embeddings))
        return result


def fit_softmax(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    *,
    l2: float,
    classes: int | None = None,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    init: Float[np.ndarray, "c d1"] | None = None,
    spectrum: Spectrum | None = None,
    tolerance: float = 1e-5,
    limit: int = 100,
) -> Head:
    """Fit a softmax head (multinomial logistic regression) to its optimum.

    Parameters
    ----------
    embeddings
        Shape ``(n, d)``, float32 or float64.
    labels
        Shape ``(n,)``, classes ``0 … c−1``.
    l2
        Penalty ``(l2 / 2) ‖W‖²`` on the *mean* loss, bias included; > 0.
    classes
        ``c``; default: the largest label + 1. A class without examples is allowed.
    sample_weight
        Shape ``(n,)``, ≥ 0; 0 leaves an example out.
    init
        Warm start, shape ``(c, d+1)``.
    spectrum
        `Spectrum` of the embeddings when many heads are fitted on the same rows.
    tolerance
        Stop when the gradient is this part of the gradient at zero.

    Returns
    -------
    `Head` with ``weight`` ``(c, d+1)``, bias last.

    Raises
    ------
    ShapeError, ValuesError
        On arrays that do not fit together, NaN, ``l2 ≤ 0``, all weights zero.
    ConvergenceError
        If ``limit`` Newton steps were not enough.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-1, 1, (50, 2)), rng.normal(1, 1, (50, 2))])
    >>> y = np.repeat([0, 1], 50)
    >>> head = fit_softmax(x, y, l2=0.01)
    >>> head.weight.shape, bool((head.probs(x).argmax(axis=1) == y).mean() > 0.8)
    ((2, 3), True)
    """
    embeddings = _check_embeddings(embeddings, "fit_softmax")
    array = np.asarray(labels)
    largest = int(array.max()) + 1 if array.ndim == 1 and len(array) and array.dtype.kind in "iu" else 2
    count = max(2, largest) if classes is None else classes
    targets = check_labels(array, count, where="fit_softmax")
    check_length(targets, len(embeddings), name="labels", where="fit_softmax")
    weights = _check_weights(sample_weight, len(embeddings), "fit_softmax")
    return _newton(embeddings, targets, weights, "softmax", count, l2, init, spectrum, tolerance, limit)


def fit_sigmoid(
    embeddings: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n c"],
    *,
    l2: float,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    init: Float[np.ndarray, "c d1"] | None = None,
    spectrum: Spectrum | None = None,
    tolerance: float = 1e-5,
    limit: int = 100,
) -> Head:
    """Fit a sigmoid head (one logistic regression per class) to its optimum.

    Parameters
    ----------
    targets
        Shape ``(n, c)`` of zeros and ones: several labels per example.

    See `fit_softmax` for the other parameters, results and errors.
    """
    embeddings = _check_embeddings(embeddings, "fit_sigmoid")
    matrix = np.asarray(targets)
    if matrix.ndim != 2 or matrix.shape[1] < 1:
        raise ShapeError("targets of shape (n, c)", f"shape {matrix.shape}", where="fit_sigmoid")
    check_length(matrix, len(embeddings), name="targets", where="fit_sigmoid")
    if not np.isin(matrix, (0, 1)).all():
        raise ValuesError("targets of 0 and 1", f"{matrix[~np.isin(matrix, (0, 1))][0]!r}", where="fit_sigmoid")
    weights = _check_weights(sample_weight, len(embeddings), "fit_sigmoid")
    cast = matrix.astype(embeddings.dtype)
    return _newton(embeddings, cast, weights, "sigmoid", matrix.shape[1], l2, init, spectrum, tolerance, limit)


def _check_embeddings(embeddings: Shaped[np.ndarray, "..."], where: str) -> Float[np.ndarray, "n d"]:
    array = np.asarray(embeddings)
    if array.ndim != 2 or 0 in array.shape:
        raise ShapeError("embeddings of shape (n, d), n ≥ 1, d ≥ 1", f"shape {array.shape}", where=where)
    check_finite(array, name="embeddings", where=where)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32)
    return array


def _check_weights(sample_weight: Num[np.ndarray, " n"] | None, n: int, where: str) -> Float[np.ndarray, " n"]:
    if sample_weight is None:
        return np.full(n, 1 / n)
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.ndim != 1:
        raise ShapeError("sample_weight of shape (n,)", f"shape {weights.shape}", where=where)
    check_length(weights, n, name="sample_weight", where=where)
    check_finite(weights, name="sample_weight", where=where)
    if (weights < 0).any() or weights.sum() <= 0:
        raise ValuesError("sample_weight ≥ 0 with a positive sum", f"a sum of {weights.sum():g}", where=where)
    normalised: Float[np.ndarray, " n"] = weights / weights.sum()
    return normalised


def _newton(
    embeddings: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n ..."],
    sample_weight: Float[np.ndarray, " n"],
    link_name: str,
    classes: int,
    l2: float,
    init: Float[np.ndarray, "c d1"] | None,
    spectrum: Spectrum | None,
    tolerance: float,
    limit: int,
) -> Head:
    if not l2 > 0 or not np.isfinite(l2):
        raise ValuesError("l2 > 0", str(l2), where="fit", fix="Without a penalty separable data have no optimum.")
    link = LINKS[link_name]
    spectrum = Spectrum.of(embeddings) if spectrum is None else spectrum
    one_hot = link.one_hot(targets, classes).astype(embeddings.dtype, copy=False)
    row_weight = sample_weight.astype(embeddings.dtype)
    weight = np.zeros((classes, embeddings.shape[1] + 1)) if init is None else np.array(init, dtype=np.float64)
    if weight.shape != (classes, embeddings.shape[1] + 1):
        raise ShapeError(f"init of shape {(classes, embeddings.shape[1] + 1)}", f"shape {weight.shape}", where="fit")

    def value_of(candidate: Float[np.ndarray, "c d1"], logits: Float[np.ndarray, "n c"]) -> float:
        losses = link.losses(logits, targets).astype(np.float64)
        return float(losses @ sample_weight) + 0.5 * l2 * float((candidate * candidate).sum())

    at_zero = link.probs(np.zeros((1, classes), dtype=embeddings.dtype))
    start = outer_sum((at_zero - one_hot) * row_weight[:, None], embeddings)
    reference = max(float(np.linalg.norm(start)), np.finfo(np.float64).tiny)
    logits = logits_of(embeddings, weight)
    value = value_of(weight, logits)
    norm = np.inf
    products = 0
    for iteration in range(limit):
        probs = link.probs(logits)
        gradient = outer_sum((probs - one_hot) * row_weight[:, None], embeddings) + l2 * weight
        norm = float(np.linalg.norm(gradient)) / reference
        if norm <= tolerance:
            return Head(weight, l2, link_name, norm, iteration, products)
        curvature = Curvature(embeddings, probs, row_weight, l2=l2, link=link_name, spectrum=spectrum)
        # A loose solve far from the optimum, a tight one near it: superlinear convergence at the least cost.
        forcing = min(0.1, max(float(np.sqrt(norm)) * 0.1, 0.5 * tolerance / norm))
        direction = -curvature.solve(gradient, tolerance=forcing, limit=200, strict=False)
        products += curvature.products
        slope = float((gradient * direction).sum())
        step = 1.0
        for _ in range(30):
            candidate = weight + step * direction
            new_logits = logits_of(embeddings, candidate)
            new_value = value_of(candidate, new_logits)
            if new_value <= value + 1e-4 * step * slope:
                break
            step /= 2
        else:
            break  # no decrease: the precision of the data is reached
        weight, logits, value = candidate, new_logits, new_value
    if norm <= max(tolerance, _precision(embeddings.dtype)):
        return Head(weight, l2, link_name, norm, limit, products)
    # Where a zero head is the optimum, as for embeddings that say nothing of classes of one size, its gradient is rounding.
    typical = float(np.sqrt(spectrum.values.sum()))
    if norm * reference <= np.finfo(embeddings.dtype).eps * typical:
        return Head(weight, l2, link_name, norm * reference / typical, limit, products)
    raise ConvergenceError(
        f"a gradient of {tolerance:g} of its start",
        f"{norm:.2g}",
        where="head fit",
        fix="Raise l2, scale the embeddings, or pass float64.",
    )


def _precision(dtype: np.dtype[np.floating]) -> float:
    """Gradient norms below this cannot be told from rounding."""
    return 2e-4 if dtype == np.float32 else 1e-8
