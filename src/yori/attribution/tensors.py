"""The same kernels on tensors: the training side stays on its device, a GPU too, and only ``(n, c)`` results come back.

Written against the array API standard (array-api-compat), so the same lines run on torch tensors of any device and on NumPy
arrays; tests run them on both. What is small, such as the query side, heads and the solver, is the code that arrays use, in
float64, whatever the device; a Hessian-vector product sends ``(c, d+1)`` there and takes as much back.

NumPy arrays themselves go through tracin.py and heads/curvature.py, which do the same steps in place and in one product for
all checkpoints: 1.2 to 1.8 times as fast on a processor, which the standard has no words for.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Num

from yori.attribution.inputs import check_targets
from yori.errors import MissingExtraError, ShapeError, ValuesError
from yori.heads.curvature import SPECTRUM_ROWS_PER_DIMENSION, Curvature, Spectrum

HOST_BYTES, DEVICE_BYTES = 4 << 20, 256 << 20
"""Blocks of rows: what stays in a processor's cache; what keeps a GPU busy."""


@runtime_checkable
class Tensor(Protocol):
    """A torch tensor, told from an array by what arrays do not have."""

    requires_grad: bool
    shape: Any
    dtype: Any
    device: Any

    def detach(self) -> Any:
        """The same numbers without their history."""


def stand_in(
    embeddings: Num[np.ndarray, "n d"] | Tensor, labels: Num[np.ndarray, "n ..."] | Tensor
) -> tuple[Num[np.ndarray, "..."], Num[np.ndarray, "..."]]:
    """Arrays themselves; of tensors one row, for checks that ask for shapes and kinds only."""
    if isinstance(embeddings, Tensor):
        own = np.asarray(to_array(labels))
        return np.zeros((1, *embeddings.shape[1:]), dtype=np.float32), own[:1]
    return embeddings, to_array(labels)


def tensor_products(
    rows: Any,
    targets: Any,
    heads: Float[np.ndarray, "k c d1"],
    directions: Float[np.ndarray, "k c d1"],
    link: str,
) -> Float[np.ndarray, " n"]:
    """`gradient_products` of tensors: ``Σ_k ⟨p_i − t_i, D_k h_i⟩``, as an array."""
    xp = _namespace(rows)
    rows, targets = _checked(xp, rows, targets, heads[0], link, "tracin")
    scores = np.empty(rows.shape[0])
    both = np.concatenate([heads, directions], axis=1)
    classes = heads.shape[1]
    for block in _blocks(rows):
        total = None
        for each in both:
            joint = _affine(xp, rows[block], each)
            found = _residual_product(xp, joint[:, :classes], joint[:, classes:], targets[block], link)
            total = found if total is None else total + found
        scores[block] = _to_numpy(total)
    return scores


def spectrum_of_all(rows: Any) -> Spectrum:
    """`Spectrum.of` all rows, the moment taken on their device; of zeros where a number is not finite (the caller says so)."""
    n, d = rows.shape
    xp, moment = _namespace(rows), np.zeros((d + 1, d + 1))
    for block in _blocks(rows):
        moment[:-1, :-1] += _to_numpy(rows[block].T @ rows[block])
        moment[-1, :-1] += _to_numpy(xp.sum(rows[block], axis=0))
    moment /= n
    moment[:-1, -1], moment[-1, -1] = moment[-1, :-1], 1
    return Spectrum.of_moment(moment if np.isfinite(moment).all() else np.zeros_like(moment))


class TensorCurvature(Curvature):
    """A `Curvature` whose rows are a tensor: products run on its device, the solver here."""

    def __init__(
        self,
        rows: Any,
        head: Float[np.ndarray, "c d1"],
        share: Float[np.ndarray, " n"],
        *,
        l2: float,
        link: str,
        spectrum: Spectrum | None,
    ) -> None:
        xp = _namespace(rows)
        n, d = rows.shape
        most = SPECTRUM_ROWS_PER_DIMENSION * (d + 1)
        some = np.arange(n) if n <= 2 * most else np.linspace(0, n - 1, most).astype(np.int64)
        sample = _to_numpy(rows[_on(xp, some, rows)]).astype(np.float64)
        if not np.isfinite(sample).all():  # the caller sees it in the probabilities
            sample = np.zeros_like(sample)
        self.xp, self.rows = xp, rows
        self.row_probs = xp.concat([_probs(xp, _affine(xp, rows[block], head), link) for block in _blocks(rows)])
        probs = np.nan_to_num(_to_numpy(self.row_probs).astype(np.float64))
        unused = np.broadcast_to(sample[:1], (n, d))  # products see the tensor
        super().__init__(unused, probs, share, l2=l2, link=link, spectrum=spectrum or Spectrum.of(sample, exact=True))
        self.row_share = _on(xp, share.astype(_precision(rows)), rows)[:, None]

    def product(self, direction: Float[np.ndarray, "c d1"]) -> Float[np.ndarray, "c d1"]:
        """Hessian times ``direction``."""
        self.products += 1
        xp, total = self.xp, np.zeros(direction.shape)
        for block in _blocks(self.rows):
            rows, probs = self.rows[block], self.row_probs[block]
            bent = probs * _affine(xp, rows, direction)
            shared = xp.sum(bent, axis=1, keepdims=True) if self.link == "softmax" else bent
            bent = (bent - probs * shared) * self.row_share[block]
            total[:, :-1] += _to_numpy(bent.T @ rows)
            total[:, -1] += _to_numpy(xp.sum(bent, axis=0))
        return total + self.l2 * direction

    def gradient_sums(self, targets: Num[np.ndarray, "n ..."]) -> Float[np.ndarray, "two c d1"]:
        """That of convergence.py, over all rows."""
        xp, dtype, classes = self.xp, self.rows.dtype, self.row_probs.shape[1]
        own, total = _on(xp, targets, self.rows), np.zeros((2 * classes, self.rows.shape[1] + 1))
        names = xp.arange(classes, device=self.rows.device)
        at_zero = 1 / classes if self.link == "softmax" else 0.5
        for block in _blocks(self.rows):
            hot = xp.astype(own[block][:, None] == names if self.link == "softmax" else own[block], dtype)
            both = xp.concat([self.row_probs[block] - hot, at_zero - hot], axis=1) * self.row_share[block]
            total[:, :-1] += _to_numpy(both.T @ self.rows[block])
            total[:, -1] += _to_numpy(xp.sum(both, axis=0))
        return total.reshape(2, classes, -1)

    def spread(self) -> Float[np.ndarray, "n c"]:
        """That of `Leverage`, of every row."""
        basis, inverse = self.spectrum.basis.T, 1 / self.scale  # rows of basis: eigenvectors, bias last
        parts = []
        for block in _blocks(self.rows):
            turned = _affine(self.xp, self.rows[block], basis)
            parts.append(
                _to_numpy((turned * turned) @ _on(self.xp, inverse.T.astype(_precision(self.rows)), self.rows))
            )
        return np.concatenate(parts)


def checked_rows(
    rows: Any, targets: Any, head: Float[np.ndarray, "c d1"], link: str, where: str
) -> tuple[Any, Num[np.ndarray, "n ..."]]:
    """A floating tensor ``(n, d)`` and its targets as an array."""
    xp = _namespace(rows)
    rows, own = _checked(xp, rows, targets, head, link, where)
    return rows, _to_numpy(own)


def sensitivity_of(rows: Any, solution: Float[np.ndarray, "c d1"]) -> Float[np.ndarray, "n c"]:
    """``Q h_i`` of every row, as an array."""
    xp = _namespace(rows)
    return np.concatenate([_to_numpy(_affine(xp, rows[block], solution)) for block in _blocks(rows)])


def to_array(values: Any) -> Num[np.ndarray, "..."]:
    """A tensor as an array; arrays stay as they are.

    Raises
    ------
    ValuesError
        If the tensor has no numbers that can be copied to this processor: of a device without data, or sparse.
    """
    if not isinstance(values, Tensor):
        return values
    try:
        return _to_numpy(values)
    except (NotImplementedError, RuntimeError, TypeError) as error:
        raise ValuesError(
            "a dense tensor on a device that can be read, such as cpu or cuda",
            f"{getattr(values, 'layout', 'another layout')} on {values.device} ({str(error).splitlines()[0]})",
            where="attribution", fix="Pass tensor.to_dense().cpu(), or an array.",
        ) from error  # fmt: skip


def _namespace(rows: Any) -> Any:
    try:
        return importlib.import_module("array_api_compat").array_namespace(rows)
    except ImportError:
        raise MissingExtraError("attribution of tensors", "torch") from None


def _checked(xp: Any, rows: Any, targets: Any, head: Any, link: str, where: str) -> tuple[Any, Any]:
    rows = rows.detach() if isinstance(rows, Tensor) else rows
    if rows.ndim != 2 or rows.shape[1] != head.shape[1] - 1:
        raise ShapeError(f"embeddings of shape (n, {head.shape[1] - 1})", f"shape {tuple(rows.shape)}", where=where)
    dense = str(getattr(rows, "layout", "strided")).endswith("strided")
    to_array(rows[:1] if dense else rows)  # what cannot be read is refused here
    if xp.isdtype(rows.dtype, "complex floating"):
        raise ValuesError("embeddings of real numbers", str(rows.dtype), where=where)
    if not xp.isdtype(rows.dtype, "real floating") or xp.finfo(rows.dtype).bits < 32:
        rows = xp.astype(rows, xp.float32)
    own = check_targets(to_array(targets), rows.shape[0], head.shape[0], link, name="labels", where=where)
    own = _on(xp, own.astype(np.int64), rows)
    return rows, own


def _on(xp: Any, array: Any, rows: Any) -> Any:
    return xp.asarray(np.ascontiguousarray(array), device=rows.device)


def _affine(xp: Any, rows: Any, weight: Float[np.ndarray, "c d1"]) -> Any:
    matrix = _on(xp, weight.astype(_precision(rows)), rows)  # cast here: not every device has float64
    return rows @ matrix[:, :-1].T + matrix[:, -1]


def _probs(xp: Any, logits: Any, link: str) -> Any:
    if link == "sigmoid":
        return 1 / (1 + xp.exp(-logits))
    raised = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
    return raised / xp.sum(raised, axis=1, keepdims=True)


def _residual_product(xp: Any, logits: Any, moved: Any, targets: Any, link: str) -> Any:
    probs = _probs(xp, logits, link)
    if link == "sigmoid":
        return xp.sum((probs - xp.astype(targets, probs.dtype)) * moved, axis=1)
    return xp.sum(probs * moved, axis=1) - xp.take_along_axis(moved, targets[:, None], axis=1)[:, 0]


def _blocks(rows: Any) -> Iterator[slice]:
    n, d = rows.shape
    on_host = str(rows.device).startswith("cpu")
    size = max(256, (HOST_BYTES if on_host else DEVICE_BYTES) // max(1, d * 4))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def _precision(rows: Any) -> str:
    """Name of the rows' type, which NumPy has, too."""
    return str(rows.dtype).rpartition(".")[2]


def _to_numpy(tensor: Any) -> Any:
    if not isinstance(tensor, Tensor):
        return np.asarray(tensor)
    host = tensor.detach().cpu()
    return (host.float() if str(host.dtype).endswith("bfloat16") else host).numpy()
