"""Reading a shard from front to back without mapping it: a file that is cut short under our hands ends in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from yori.errors import CorruptError, SourceError

BLOCK_BYTES = 4 << 20
"""A block of rows and its products stay in cache."""


def shard_blocks(path: Path, rows: int | None = None) -> Iterator[tuple[int, Float[np.ndarray, "b d"]]]:
    """Yield ``(first row, block)`` of a ``.npy`` file from front to back; the block is overwritten by the next one.

    float32 and float64 stay as they are; other numbers become float32.

    Raises
    ------
    SourceError, CorruptError
        If the file is missing, no ``.npy`` file, or ends before its last row.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceError("a shard that can be read", error.strerror or str(error), where=str(path)) from error
    with file:
        try:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            (n, d), fortran, dtype = header(file)
        except Exception as error:  # the header is parsed as Python, which fails in every way a text can be wrong
            raise SourceError("a .npy file (rows, d)", f"something else ({error})", where=str(path)) from error
        if fortran or dtype.hasobject or dtype.kind not in "fiu":
            raise SourceError("numbers row by row", f"{dtype}, column by column: {fortran}", where=str(path))
        size = rows or max(256, BLOCK_BYTES // max(1, d * dtype.itemsize))
        buffer = np.empty((min(size, n), d), dtype=dtype)
        for start in range(0, n, size):
            block = buffer[: min(size, n - start)]
            got = file.readinto(block.data.cast("B"))
            if got != block.nbytes:
                at = start + max(0, int(got)) // max(1, d * dtype.itemsize)
                raise CorruptError(
                    f"{n} rows", f"the end of the file in row {at}", where=str(path),
                    fix="Copy the file again, then repeat: finished shards are kept.",
                )  # fmt: skip
            yield start, block if dtype in (np.float32, np.float64) else block.astype(np.float32)
