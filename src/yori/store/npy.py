"""NumPy's ``.npy`` files, opened without trust: never a pickle, never a shape that the file cannot hold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from yori.errors import ShapeError, SourceError, ValuesError

HEADER_BYTES = 128
"""What NumPy needs before the numbers of a two-dimensional float32 file."""


BLOCK_ROWS = 65_536
"""Rows that are looked at together when an array is larger than memory."""


def open_npy(path: str | Path) -> Shaped[np.ndarray, "..."]:
    """Map a ``.npy`` file of numbers into memory, read-only; nothing is read until it is used.

    Raises
    ------
    SourceError
        If the file is missing, truncated, no ``.npy`` file, or holds Python objects instead of numbers. Such a file
        is a pickle, and opening a pickle can run any program.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(Path(folder) / "x.npy", np.ones((2, 3), np.float32))
    ...     open_npy(Path(folder) / "x.npy").shape
    (2, 3)
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            shape, dtype = _read_header(file)
            left = path.stat().st_size - file.tell()
    except OSError as error:
        raise SourceError("a file that can be read", error.strerror or str(error), where=str(path)) from error
    except Exception as error:  # the header is parsed as Python, which fails in every way a text can be wrong
        raise SourceError("a .npy file", f"something else ({error})", where=str(path)) from error
    if dtype.hasobject:
        raise SourceError(
            "an array of numbers",
            "Python objects, which can run any program when they are opened",
            where=str(path),
            fix="Save it again as numbers: np.save(path, np.asarray(array, dtype=np.float32)).",
        )
    promised = dtype.itemsize * math.prod(shape)  # in Python numbers, which do not overflow
    if min(shape, default=1) < 0 or promised > left:
        arrived = f"{left}: the file is truncated"
        raise SourceError(f"{promised} bytes of numbers", arrived, where=str(path), fix="Copy the file again.")
    if promised == 0:  # nothing that could be mapped
        return np.empty(shape, dtype)
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise SourceError("a .npy file that can be mapped", str(error), where=str(path)) from error


def npy_header(rows: int, d: int) -> bytes:
    """The header of a C-ordered little-endian float32 array ``(rows, d)``."""
    import io

    sink = io.BytesIO()
    np.lib.format.write_array_header_1_0(sink, {"descr": "<f4", "fortran_order": False, "shape": (rows, d)})
    return sink.getvalue()


def float_blocks(array: Shaped[np.ndarray, "n d"], *, rows: int = BLOCK_ROWS) -> Iterator[Float[np.ndarray, "rows d"]]:
    """Cut a large array into float32 blocks of ``rows`` rows, in order, at constant memory."""
    for start in range(0, len(array), rows):
        yield as_float32(array[start : start + rows], first_row=start, where="embeddings")


def as_float32(block: Any, *, first_row: int, where: str) -> Float[np.ndarray, "rows d"]:
    """Return a block of embeddings as C-ordered float32 of shape ``(rows, d)``, or say which row is not usable.

    Raises
    ------
    ShapeError
        If it is not two-dimensional.
    ValuesError
        If it does not hold real numbers, or a number is not finite, also after rounding to float32.
    """
    array = np.asarray(block)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ShapeError("embeddings of shape (n, d)", f"shape {array.shape} from row {first_row}", where=where)
    if array.dtype.kind not in "fiub":
        kind = "Python objects" if array.dtype == object else f"dtype {array.dtype}"
        raise ValuesError("real numbers", kind, where=where, fix="Convert the embeddings to float32.")
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(array, dtype="<f4")
    finite = np.isfinite(single).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        value = array[row][~np.isfinite(single[row])][0]
        raise ValuesError(
            "finite embeddings", f"{value!s} in row {first_row + row}", where=where, fix="Remove or recompute this row."
        )
    return single


def _read_header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return tuple(map(int, shape)), dtype
