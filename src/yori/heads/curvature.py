"""The Hessian of a head's training loss: products, a preconditioner, and a solver.

For embeddings with a 1 appended, ``h_i``, and sample weights ``w_i`` that sum to 1, the Hessian of
``Σ_i w_i loss_i + (l2 / 2) ‖W‖²`` applied to a matrix ``V (c, d+1)`` is two matrix products over the embeddings:

    A = H Vᵀ,   B_i = w_i (diag p_i − p_i p_iᵀ) A_i,   product = Bᵀ H + l2 V.

Nothing of size (c·d)² is ever made. The preconditioner is the Kronecker product of the second moment of the embeddings
and the mean curvature of the classes, inverted exactly together with ``l2`` in its eigenbasis.

References
----------
Nocedal & Wright, Numerical Optimization, 2006, chapters 5 and 7. Martens & Grosse, ICML 2015 (Kronecker factors).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh

from yori.errors import ConvergenceError, ValuesError
from yori.heads.links import LINKS

BLOCK_BYTES = 4 << 20
"""Embeddings pass through in blocks of about this size, so that the second product finds the block still in cache."""

LANES = 4
"""A product with a multiple of so many columns is faster than one with a few less: the rest is zeros."""

SPECTRUM_ROWS_PER_DIMENSION = 8
"""The preconditioner's second moment is taken on at most this many rows per dimension; it need not be exact."""


def row_blocks(embeddings: Float[np.ndarray, "n d"], rows: int | None = None) -> Iterator[slice]:
    """Slices that walk over the rows in cache-sized blocks."""
    size = rows or max(256, BLOCK_BYTES // max(1, embeddings.shape[1] * embeddings.itemsize))
    for start in range(0, len(embeddings), size):
        yield slice(start, min(start + size, len(embeddings)))


def logits_of(embeddings: Float[np.ndarray, "n d"], weight: Float[np.ndarray, "c d1"]) -> Float[np.ndarray, "n c"]:
    """``H Wᵀ`` with the bias in the last column of ``weight``, in the precision of the embeddings."""
    cast = weight.astype(embeddings.dtype, copy=False)
    result: Float[np.ndarray, "n c"] = embeddings @ np.ascontiguousarray(cast[:, :-1].T)
    result += cast[:, -1]
    return result


def outer_sum(residuals: Float[np.ndarray, "n c"], embeddings: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "c d1"]:
    """``Σ_i r_i (h_i, 1)ᵀ`` in float64, accumulated block by block."""
    total = np.zeros((residuals.shape[1], embeddings.shape[1] + 1))
    for block in row_blocks(embeddings):
        total[:, :-1] += residuals[block].T @ embeddings[block]
    total[:, -1] = residuals.sum(axis=0, dtype=np.float64)
    return total


@dataclass(frozen=True)
class Spectrum:
    """Eigen-decomposition of the embeddings' second moment, bias included: ``HᵀH / n = basis diag(values) basisᵀ``.

    It belongs to the data, not to a head: compute it once, use it for every fit, solve and leverage.
    """

    values: Float[np.ndarray, " d1"]
    basis: Float[np.ndarray, "d1 d1"]

    @classmethod
    def of(cls, embeddings: Float[np.ndarray, "n d"], *, exact: bool = False, single: bool = False) -> Spectrum:
        """Decompose; on evenly spaced rows when there are many, unless ``exact``.

        A solve reaches the same solution either way. A leverage is read off the decomposition itself and asks for ``exact``:
        from a sample it depends on the order of the rows.

        ``single``: in single precision, twice as fast; enough for a preconditioner that is used once.
        """
        n, d = embeddings.shape
        most = SPECTRUM_ROWS_PER_DIMENSION * (d + 1)
        rows = embeddings if exact or n <= 2 * most else embeddings[np.linspace(0, n - 1, most).astype(np.int64)]
        moment = np.empty((d + 1, d + 1))
        moment[:-1, :-1] = 0
        for block in row_blocks(rows, max(d, 4096)):
            moment[:-1, :-1] += rows[block].T @ rows[block]
        moment[:-1, :-1] /= len(rows)
        moment[:-1, -1] = moment[-1, :-1] = rows.mean(axis=0, dtype=np.float64)
        moment[-1, -1] = 1
        return cls.of_moment(moment, single=single)

    @classmethod
    def of_moment(cls, moment: Float[np.ndarray, "d1 d1"], *, single: bool = False) -> Spectrum:
        """Decompose a second moment, bias included."""
        if single:
            found = eigh(moment.astype(np.float32), driver="evd", check_finite=False)
            values, basis = (part.astype(np.float64) for part in found)
        else:
            values, basis = np.linalg.eigh(moment)
        return cls(np.maximum(values, 0), basis)


class Curvature:
    """The Hessian at one head, ready for products and solves.

    Parameters
    ----------
    embeddings
        ``(n, d)``, float32 or float64; a float32 product sums in float32 within a block and in float64 across blocks.
    probs
        ``(n, c)`` the head's probabilities of these rows.
    sample_weight
        ``(n,)``, sums to 1.
    l2
        Strength of the penalty ``(l2 / 2) ‖W‖²``, bias included.
    """

    def __init__(
        self,
        embeddings: Float[np.ndarray, "n d"],
        probs: Float[np.ndarray, "n c"],
        sample_weight: Float[np.ndarray, " n"],
        *,
        l2: float,
        link: str = "softmax",
        spectrum: Spectrum | None = None,
    ) -> None:
        if not l2 > 0:
            raise ValuesError("l2 > 0", str(l2), where="Hessian", fix="Without it the problem is singular.")
        self.embeddings, self.probs, self.sample_weight, self.l2, self.link = embeddings, probs, sample_weight, l2, link
        self.spectrum = spectrum if spectrum is not None else Spectrum.of(embeddings)
        weighted = probs * sample_weight[:, None]
        if link == "softmax":
            mean = np.diag(weighted.sum(axis=0, dtype=np.float64)) - (weighted.T @ probs).astype(np.float64)
        else:
            mean = np.diag((weighted * (1 - probs)).sum(axis=0, dtype=np.float64))
        values, self.class_basis = np.linalg.eigh(mean)
        self.class_values = np.maximum(values, 0)
        self.scale = self.class_values[:, None] * self.spectrum.values[None, :] + l2
        # The solver reads this between two readings of the embeddings, from memory: half of it is half the time.
        self._basis = self.spectrum.basis.astype(embeddings.dtype, copy=False)
        self.products = 0

    def product(self, direction: Float[np.ndarray, "c d1"]) -> Float[np.ndarray, "c d1"]:
        """Hessian times ``direction``: two matrix products over the embeddings."""
        self.products += 1
        link, dtype = LINKS[self.link], self.embeddings.dtype
        cast = direction.astype(dtype)
        weights, bias = np.ascontiguousarray(cast[:, :-1].T), cast[:, -1]
        total = self.l2 * direction
        classes = len(direction)
        room = np.zeros((0, 0), dtype=dtype)
        for block in row_blocks(self.embeddings):
            rows = self.embeddings[block]
            change = rows @ weights
            change += bias
            if len(room) < len(rows):
                room = np.zeros((len(rows), -(-classes // LANES) * LANES), dtype=dtype)
            bent = room[: len(rows)]
            own = link.curvature_product(self.probs[block], change)
            np.multiply(own, self.sample_weight[block, None], out=bent[:, :classes])
            total[:, :-1] += (bent.T @ rows)[:classes]
            total[:, -1] += bent.sum(axis=0, dtype=np.float64)[:classes]
        return total

    def product_many(self, directions: Float[np.ndarray, "k c d1"]) -> Float[np.ndarray, "k c d1"]:
        """Hessian times each of several directions, in one reading of the embeddings."""
        self.products += len(directions)
        link, dtype = LINKS[self.link], self.embeddings.dtype
        count, classes, width = directions.shape
        stacked = directions.reshape(count * classes, width).astype(dtype)
        weights, bias = np.ascontiguousarray(stacked[:, :-1].T), stacked[:, -1]
        total = np.zeros((count * classes, width))
        for block in row_blocks(self.embeddings):
            rows, probs = self.embeddings[block], self.probs[block]
            share = self.sample_weight[block, None]
            change = rows @ weights
            change += bias
            for start in range(0, count * classes, classes):
                own = change[:, start : start + classes]
                own[:] = link.curvature_product(probs, own)
                own *= share
            total[:, :-1] += change.T @ rows
            total[:, -1] += change.sum(axis=0, dtype=np.float64)
        return total.reshape(directions.shape) + self.l2 * directions

    def precondition(
        self, gradient: Float[np.ndarray, "*k c d1"], *, damping: float | None = None
    ) -> Float[np.ndarray, "*k c d1"]:
        """The Kronecker approximation of the inverse Hessian, applied; ``damping`` in the place of ``l2``."""
        scale = self.scale if damping is None else self.scale + (damping - self.l2)
        inner = (self.class_basis.T @ gradient).astype(self._basis.dtype) @ self._basis
        result: Float[np.ndarray, "*k c d1"] = self.class_basis @ ((inner / scale).astype(inner.dtype) @ self._basis.T)
        return result

    def solve(
        self, right: Float[np.ndarray, "c d1"], *, tolerance: float = 1e-6, limit: int = 500, strict: bool = True
    ) -> Float[np.ndarray, "c d1"]:
        """``Hessian⁻¹ right`` by preconditioned conjugate gradients.

        Parameters
        ----------
        tolerance
            Stop when the residual's norm is this part of ``right``'s.
        strict
            Raise when the tolerance is not reached; otherwise return the best solution so far.

        Raises
        ------
        ConvergenceError
            If ``strict`` and ``limit`` products were not enough, or the iteration stalls at the precision of the data.
        """
        goal = tolerance * float(np.linalg.norm(right))
        solution = np.zeros_like(right, dtype=np.float64)
        residual = right.astype(np.float64)
        size = float(np.linalg.norm(residual))
        if size == 0:
            return solution
        best, best_size, since_best = solution.copy(), size, 0
        conditioned = self.precondition(residual)
        direction = conditioned.copy()
        inner = float((residual * conditioned).sum())
        for _ in range(limit):
            curved = self.product(direction)
            bend = float((direction * curved).sum())
            if bend <= 0:
                break
            step = inner / bend
            solution += step * direction
            residual -= step * curved
            size = float(np.linalg.norm(residual))
            if size < best_size:
                best, best_size, since_best = solution.copy(), size, 0
            else:
                since_best += 1
            if size <= goal:
                return solution
            if since_best > 40:
                break
            conditioned = self.precondition(residual)
            new_inner = float((residual * conditioned).sum())
            direction = conditioned + (new_inner / inner) * direction
            inner = new_inner
        if strict:
            raise _stalled(tolerance, best_size / float(np.linalg.norm(right)), self.products)
        return best

    def solve_many(
        self, rights: Float[np.ndarray, "k c d1"], *, tolerance: float = 1e-6, limit: int = 500
    ) -> Float[np.ndarray, "k c d1"]:
        """``Hessian⁻¹`` times each of several right-hand sides: `solve` side by side, sharing every reading of the embeddings.

        Raises
        ------
        ConvergenceError
            As `solve`.
        """
        sizes = np.sqrt((rights**2).sum(axis=(1, 2)))
        solutions, residuals = np.zeros(rights.shape), rights.astype(np.float64)
        conditioned = self.precondition(residuals)
        directions, inner = conditioned.copy(), (residuals * conditioned).sum(axis=(1, 2))
        open_, best, since_best = np.flatnonzero(sizes > 0), sizes.copy(), 0
        for _ in range(limit):
            if not len(open_):
                return solutions
            curved = self.product_many(directions[open_])
            bend = (directions[open_] * curved).sum(axis=(1, 2))
            if (bend <= 0).any() or since_best > 40:
                break
            step = (inner[open_] / bend)[:, None, None]
            solutions[open_] += step * directions[open_]
            residuals[open_] -= step * curved
            reached = np.sqrt((residuals[open_] ** 2).sum(axis=(1, 2)))
            since_best = 0 if (reached < best[open_]).any() else since_best + 1
            best[open_] = np.minimum(best[open_], reached)
            open_ = open_[reached > tolerance * sizes[open_]]
            conditioned = self.precondition(residuals[open_])
            new_inner = (residuals[open_] * conditioned).sum(axis=(1, 2))
            directions[open_] = conditioned + (new_inner / inner[open_])[:, None, None] * directions[open_]
            inner[open_] = new_inner
        raise _stalled(tolerance, float((best / np.maximum(sizes, np.finfo(np.float64).tiny)).max()), self.products)


def _stalled(tolerance: float, reached: float, products: int) -> ConvergenceError:
    return ConvergenceError(
        f"a residual of {tolerance:g}",
        f"{reached:.2g} after {products} products",
        where="conjugate gradients",
        fix="Raise l2 or the tolerance, or pass float64 embeddings.",
    )
