"""Reading a memory-mapped array from front to back without keeping its pages."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from yori.heads.curvature import row_blocks

RELEASE_BYTES = 64 << 20
"""Pages are given back after so many bytes."""


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
    owner: object = rows
    while isinstance(owner, np.ndarray):
        mapped = getattr(owner, "_mmap", None)
        # Only a mapping that nobody writes to: what is not on disk yet would be lost with its page.
        if isinstance(mapped, mmap.mmap) and isinstance(owner, np.memmap) and owner.mode == "r":
            if hasattr(mapped, "madvise"):
                mapped.madvise(mmap.MADV_DONTNEED)
            return
        owner = owner.base
