"""Reading a memory-mapped array from front to back without keeping its pages.

Where the mapped file is at hand it is read rather than touched page by page: half the time, no pages to give back, and a file
that is cut short meanwhile ends in a sentence and not in a bus error.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float

from yori.errors import CorruptError
from yori.heads.curvature import row_blocks

RELEASE_BYTES = 64 << 20
"""Pages are given back after so many bytes."""


def streamed_rows(
    rows: Float[np.ndarray, "n d"], size: int | None = None
) -> Iterator[tuple[slice, Float[np.ndarray, "b d"]]]:
    """Cache-sized slices over the rows, or of ``size``, with what they hold; a block is valid until the next one.

    Raises
    ------
    CorruptError
        If a mapped file is shorter than it was.
    """
    file = _opened(rows)
    if file is None:
        for block in streamed_blocks(rows, size):
            yield block, rows[block]
        return
    with file:
        buffer = np.empty((0, rows.shape[1]), dtype=rows.dtype)
        for block in row_blocks(rows, size):
            count = block.stop - block.start
            if len(buffer) < count:
                buffer = np.empty((count, rows.shape[1]), dtype=rows.dtype)
            part = buffer[:count]
            if file.readinto(part.data.cast("B")) != part.nbytes:  # type: ignore[attr-defined]
                raise CorruptError(
                    f"{len(rows)} rows", f"the end of the file before row {block.stop}", where=file.name,
                    fix="Copy the file again.",
                )  # fmt: skip
            yield block, part


def streamed_blocks(rows: Float[np.ndarray, "n d"], size: int | None = None) -> Iterator[slice]:
    """Cache-sized slices over the rows, or of ``size``; pages of a memory-mapped file are given back on the way."""
    done = 0
    for block in row_blocks(rows, size):
        yield block
        done += (block.stop - block.start) * rows.shape[1] * rows.itemsize
        if done >= RELEASE_BYTES:
            release(rows)
            done = 0
    release(rows)


def release(rows: Float[np.ndarray, "n d"]) -> None:
    """Give back the pages of a memory-mapped array, if it is one; they are read again when needed."""
    owner = _mapped(rows)
    mapped = getattr(owner, "_mmap", None)
    if isinstance(mapped, mmap.mmap) and hasattr(mapped, "madvise"):
        mapped.madvise(mmap.MADV_DONTNEED)


def _mapped(rows: Float[np.ndarray, "n d"]) -> np.memmap | None:
    """The mapping behind an array, if there is one that nobody writes to: what is not on disk yet must not be lost."""
    found: np.memmap | None = None
    owner: object = rows
    while isinstance(owner, np.ndarray):
        if isinstance(owner, np.memmap) and isinstance(getattr(owner, "_mmap", None), mmap.mmap):
            found = owner  # the last one in the chain is the whole file
        owner = owner.base
    return found if found is not None and found.mode == "r" else None


def _opened(rows: Float[np.ndarray, "n d"]) -> BinaryIO | None:
    """The mapped file, opened where the rows begin; None if it is not there any more, or another one."""
    whole = _mapped(rows)
    if whole is None or whole.filename is None or not rows.flags.c_contiguous or len(rows) == 0:
        return None
    start = whole.offset + rows.ctypes.data - whole.ctypes.data
    try:
        file = Path(str(whole.filename)).open("rb", buffering=0)  # noqa: SIM115 - the caller closes it
    except OSError:
        return None
    file.seek(start)
    first = file.read(rows.shape[1] * rows.itemsize)
    whole_row = len(first) == rows.shape[1] * rows.itemsize  # else the file is cut short: the caller says so
    if whole_row and first != rows[0].tobytes():
        file.close()
        return None
    file.seek(start)
    return file
