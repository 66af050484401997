"""Self-influence: how much of its own prediction an example owes to itself.

``w (p − t)ᵀ B (p − t)`` with ``B`` the example's leverage block, from the Kronecker approximation that leverage.py uses: to
first order, how much the example's own loss rises if it is left out. Large where the head learned an example by heart: the
mislabelled, the rare, the odd. It asks no validation set and so does not know which of them help.

Departure: the papers take the Hessian with the example in it, or gradient norms over checkpoints (TracIn); here it is without.

References
----------
Feldman & Zhang, "What neural networks memorize and why", NeurIPS 2020. Koh & Liang, ICML 2017.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num

from yori.attribution.convergence import gradient_norm, warn_unconverged
from yori.attribution.inputs import check_inputs
from yori.attribution.leverage import Leverage
from yori.heads import LINKS
from yori.heads.curvature import Curvature, Spectrum, logits_of


def self_influence(
    embeddings: Float[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, "c d1"],
    *,
    l2: float,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
) -> Float[np.ndarray, " n"]:
    """How much each example's own loss rises if it is left out, to first order.

    Parameters
    ----------
    embeddings, labels, weight, l2, sample_weight, link
        As for `influence`.

    Returns
    -------
    ``(n,)`` float64 ≥ 0, in units of the loss. **Large = learned by heart**, not: helps.

    Raises
    ------
    ShapeError, ValuesError
        As `influence`.

    Examples
    --------
    >>> from yori.heads import fit_softmax
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(-2, 1, (50, 2)), rng.normal(2, 1, (50, 2))])
    >>> y = np.repeat([0, 1], 50)
    >>> y[0] = 1
    >>> head = fit_softmax(x, y, l2=0.01)
    >>> int(self_influence(x, y, head.weight, l2=0.01).argmax())
    0
    """
    given = check_inputs(
        embeddings, labels, weight, embeddings[:1], labels[:1],
        sample_weight=sample_weight, link=link, where="self_influence",
    )  # fmt: skip
    probs = LINKS[link].probs(logits_of(given.rows, given.head))
    spectrum = Spectrum.of(given.rows, exact=True) if spectrum is None else spectrum
    curvature = Curvature(given.rows, probs, given.share, l2=l2, link=link, spectrum=spectrum)
    warn_unconverged(gradient_norm(curvature, given.targets, given.head), where="self_influence")
    residual = probs - LINKS[link].one_hot(given.targets, len(given.head)).astype(probs.dtype, copy=False)
    own = (residual * Leverage.of(curvature).times(residual)).sum(axis=1) * given.share
    return own.astype(np.float64)
