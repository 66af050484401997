"""Influence with memory that does not grow with the embeddings: for a memory-mapped file larger than memory.

`influence` keeps the head's probabilities, ``(n, c)``, and answers for every edit of every example. Here only ``(n,)`` vectors
are kept: every product reads the rows once, block by block, computes their probabilities again (half a product more), and the
drop scores come from one more reading. A ``np.memmap`` gives the pages it has read back as it goes.

Results do not depend on the size of the blocks beyond rounding. The solver is that of heads/curvature.py.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num

from yori.attribution.convergence import gradient_sums, relative_gradient, warn_unconverged
from yori.attribution.inputs import check_inputs, check_matrix
from yori.attribution.objectives import Objective, query
from yori.attribution.paging import release, streamed_rows
from yori.attribution.tracin import gradient_products
from yori.errors import ValuesError
from yori.heads import LINKS
from yori.heads.curvature import Curvature, Spectrum, logits_of

STRETCHES, STRETCH = 64, 512
"""The preconditioner's mean class curvature is taken on so many evenly spaced stretches of so many rows.

Stretches, because single rows far apart would fetch a page each, and its neighbours with it.
"""


def streamed_influence(
    embeddings: Num[np.ndarray, "n d"],
    labels: Num[np.ndarray, "n ..."],
    weight: Float[np.ndarray, "c d1"],
    query_embeddings: Num[np.ndarray, "m d"],
    query_labels: Num[np.ndarray, "m ..."],
    *,
    l2: float,
    objective: str | Objective = "nll",
    tolerance: float = 1e-5,
    sample_weight: Num[np.ndarray, " n"] | None = None,
    temperature: float = 1.0,
    link: str = "softmax",
    spectrum: Spectrum | None = None,
) -> Float[np.ndarray, " n"]:
    """`influence(...).scores` of embeddings that may be larger than memory.

    Parameters
    ----------
    embeddings
        ``(n, d)``: an array or ``np.load(path, mmap_mode="r")``.

    See `influence` for the other parameters and the errors.

    Returns
    -------
    ``(n,)`` float64; **positive = the example helps**.

    Notes
    -----
    Memory: three ``(n,)`` vectors, a ``(d+1, d+1)`` eigenbasis and a block. Reads the embeddings once per product and twice
    more.

    Examples
    --------
    >>> from yori.attribution import influence
    >>> from yori.heads import fit_softmax
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    >>> weight = fit_softmax(x, y, l2=0.1).weight
    >>> one = streamed_influence(x, y, weight, x[:9], y[:9], l2=0.1, tolerance=1e-8)
    >>> bool(np.allclose(one, influence(x, y, weight, x[:9], y[:9], l2=0.1, tolerance=1e-8).scores))
    True
    """
    given = check_inputs(
        embeddings, labels, weight, query_embeddings, query_labels,
        sample_weight=sample_weight, link=link, where="streamed_influence", finite_rows=False,
    )  # fmt: skip
    curvature = StreamedCurvature(
        given.rows, given.head, None if sample_weight is None else given.share, l2=l2, link=link, spectrum=spectrum
    )
    norm = relative_gradient(curvature.gradient_sums(given.targets), given.head, l2=l2)
    warn_unconverged(norm, where="streamed_influence")
    asked = query(objective, given.asking, given.answers, given.head, link=link, temperature=temperature)
    solution = curvature.solve(asked.gradient(), tolerance=tolerance)
    scores = gradient_products(given.rows, given.targets, given.head[None], solution[None], link)
    scores *= given.share
    return scores


class StreamedCurvature(Curvature):
    """A `Curvature` that keeps no probabilities: it knows the head and computes them block by block.

    Parameters
    ----------
    sample_weight
        ``(n,)``, sums to 1; None = equal.
    """

    def __init__(
        self,
        embeddings: Float[np.ndarray, "n d"],
        head: Float[np.ndarray, "c d1"],
        sample_weight: Float[np.ndarray, " n"] | None,
        *,
        l2: float,
        link: str = "softmax",
        spectrum: Spectrum | None = None,
    ) -> None:
        n = len(embeddings)
        stretches = [slice(0, n)]
        if n > STRETCHES * STRETCH:
            stretches = [slice(start, start + STRETCH) for start in np.linspace(0, n - STRETCH, STRETCHES).astype(int)]
        probs = np.concatenate([LINKS[link].probs(logits_of(embeddings[each], head)) for each in stretches])
        share = np.ones(len(probs), dtype=embeddings.dtype)
        if sample_weight is not None:
            given = np.concatenate([sample_weight[each] for each in stretches])
            share = given if given.sum() > 0 else share
        release(embeddings)
        if not np.isfinite(probs).all():
            _refuse_rows(embeddings)
        spectrum = Spectrum.of(embeddings) if spectrum is None else spectrum
        # Everything that the solver asks for but products; those see all rows.
        super().__init__(embeddings[: len(probs)], probs, share / share.sum(), l2=l2, link=link, spectrum=spectrum)
        self.embeddings, self.probs = embeddings, probs[:0]
        self.head, self.weights_of_rows = head, sample_weight
        release(embeddings)

    def product(self, direction: Float[np.ndarray, "c d1"]) -> Float[np.ndarray, "c d1"]:
        """Hessian times ``direction``: three matrix products over each block of the embeddings."""
        self.products += 1
        functions, dtype, n = LINKS[self.link], self.embeddings.dtype, len(self.embeddings)
        classes = len(direction)
        both = np.concatenate([self.head, direction]).astype(dtype)
        weights, bias = np.ascontiguousarray(both[:, :-1].T), both[:, -1]
        total = np.zeros(direction.shape)
        for block, rows in streamed_rows(self.embeddings):
            joint = rows @ weights
            joint += bias
            bent = functions.curvature_product(
                functions.probs(np.ascontiguousarray(joint[:, :classes])), joint[:, classes:]
            )
            if self.weights_of_rows is not None:
                bent *= self.weights_of_rows[block, None]
            total[:, :-1] += bent.T @ rows
            total[:, -1] += bent.sum(axis=0, dtype=np.float64)
        if not np.isfinite(total).all():
            _refuse_rows(self.embeddings)
        if self.weights_of_rows is None:
            total /= n
        return total + self.l2 * direction

    def gradient_sums(self, targets: Num[np.ndarray, "n ..."]) -> Float[np.ndarray, "two c d1"]:
        """That of convergence.py, over all rows, with weights that sum to 1."""
        total = np.zeros((2, *self.head.shape))
        weights = self.weights_of_rows
        for block, rows in streamed_rows(self.embeddings):
            own = None if weights is None else weights[block]
            total += gradient_sums(rows, targets[block], own, self.head, self.link)
        if not np.isfinite(total).all():
            _refuse_rows(self.embeddings)
        return total / len(self.embeddings) if weights is None else total


def _refuse_rows(rows: Float[np.ndarray, "n d"]) -> None:
    check_matrix(rows, name="embeddings", where="streamed_influence")
    raise ValuesError(
        "embeddings and a head whose products fit their precision", "overflow", where="streamed_influence"
    )
