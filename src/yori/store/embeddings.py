"""Embeddings on disk: float32 shards of at most 1 GB that map into memory, with the ids of their rows.

``data/embeddings/<key>/`` holds ``00000.npy``, ``00001.npy``, …, ``ids.parquet`` (one id for each row, in order) and
``meta.json``. The folder appears whole or not at all and never changes. Plain ``.npy`` streams several times faster
than any column store we measured, and every tool can read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from yori.errors import AlignmentError, CorruptError, ShapeError, SourceError, StoreError, ValuesError
from yori.store.hashes import sha256_file, table_hash
from yori.store.npy import BLOCK_ROWS, open_npy
from yori.store.stages import stage_path
from yori.store.tables import some_ids
from yori.store.versions import read_json

_FIX = "Remove the folder and embed again."


@dataclass(frozen=True)
class Shard:
    """One file of embeddings: its name, how many rows it holds, its size, and the SHA-256 of its bytes."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class EmbeddingShards:
    """Embeddings of a project, opened for reading; numbers are read when they are used.

    Parameters
    ----------
    path
        The folder.
    ids
        ``(n,)`` text, the example of each row.
    n, d
        Rows and columns.
    meta
        What the writer said about them.
    shards
        The files, in the order of their rows.
    """

    path: Path
    ids: pa.StringArray = field(repr=False)
    n: int
    d: int
    meta: Mapping[str, Any]
    shards: tuple[Shard, ...] = field(repr=False)

    def blocks(self, rows: int = BLOCK_ROWS) -> Iterator[Float[np.ndarray, "rows d"]]:
        """Iterate over all rows in order as read-only views into the mapped files, at most ``rows`` rows at a time.

        A block never crosses a shard, so blocks may be smaller than asked for. Nothing is copied.
        """
        for array in self._arrays:
            for start in range(0, len(array), rows):
                yield array[start : start + rows]

    def __iter__(self) -> Iterator[Float[np.ndarray, "rows d"]]:
        return self.blocks()

    def rows(self, indices: Any) -> Float[np.ndarray, "k d"]:
        """Copy rows by number, in the order asked for; the files are read front to back.

        Parameters
        ----------
        indices
            ``(k,)`` whole numbers in ``0 … n − 1``; repeats are welcome.

        Raises
        ------
        ValuesError
            If one is outside.
        """
        wanted = np.asarray(indices)
        if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iu"):
            raise ShapeError("row numbers of shape (k,)", f"{wanted.dtype} of shape {wanted.shape}", where="rows")
        wanted = wanted.astype(np.int64)
        outside = (wanted < 0) | (wanted >= self.n)
        if outside.any():
            raise ValuesError(f"row numbers in 0 … {self.n - 1}", str(wanted[outside][0]), where="rows")
        order = np.argsort(wanted, kind="stable")
        ordered = wanted[order]
        result = np.empty((len(wanted), self.d), dtype=np.float32)
        cuts = np.searchsorted(ordered, self._starts)
        for array, start, (low, high) in zip(self._arrays, self._starts[:-1], pairwise(cuts), strict=True):
            if high > low:
                result[order[low:high]] = array[ordered[low:high] - start]
        return result

    def rows_of(self, ids: Sequence[str] | pa.Array | pa.ChunkedArray) -> Float[np.ndarray, "k d"]:
        """Copy the rows of examples, in the order of ``ids``: the way to bring embeddings in line with a table.

        Raises
        ------
        AlignmentError
            If an example has no embedding.
        """
        import pyarrow.compute as pc

        asked = ids if isinstance(ids, pa.Array | pa.ChunkedArray) else pa.array(ids, pa.string())
        found = pc.index_in(asked, self.ids)
        if found.null_count:
            missing = asked.filter(pc.is_null(found)).to_pylist()
            raise AlignmentError(
                "an embedding for every example",
                f"none for {some_ids(missing)}",
                where=str(self.path),
                fix="Embed again.",
            )
        return self.rows(found.to_numpy(zero_copy_only=False) if isinstance(found, pa.Array) else found.to_numpy())

    def check(self) -> None:
        """Read every shard again and compare it to its recorded hash; `CorruptError` names the first that differs."""
        for shard in self.shards:
            path = self.path / shard.name
            if sha256_file(path) != shard.sha256:
                raise CorruptError("the bytes that were written", "other bytes", where=str(path), fix=_FIX)

    @cached_property
    def _arrays(self) -> tuple[Float[np.ndarray, "rows d"], ...]:
        return tuple(_open_shard(self.path / shard.name, shard.rows, self.d) for shard in self.shards)

    @cached_property
    def _starts(self) -> Int[np.ndarray, " shards_plus_one"]:
        return np.concatenate([[0], np.cumsum([shard.rows for shard in self.shards], dtype=np.int64)])


def open_embeddings(root: Path, key: str) -> EmbeddingShards:
    """Open the embeddings stored under a key; every shard is opened and measured, none is read.

    Raises
    ------
    StoreError
        If there are none under this key.
    CorruptError
        If ``meta.json``, ``ids.parquet`` or a shard is missing, truncated or not what it says; the error names it.
    """
    import pyarrow.parquet as pq

    folder = stage_path(root, "data/embeddings", key)
    if not folder.is_dir():
        raise StoreError(f"embeddings under the key {key!r}", "none", where=str(root), fix="Embed first.")
    meta_path, ids_path = folder / "meta.json", folder / "ids.parquet"
    try:
        fields = read_json(meta_path.read_text(encoding="utf-8"), meta_path)
        with pq.ParquetFile(ids_path, page_checksum_verification=True) as parquet:
            ids = parquet.read()["example_id"].combine_chunks()
        if isinstance(ids, pa.ChunkedArray):
            ids = pa.concat_arrays(ids.chunks)
        shards = tuple(
            Shard(shard_name(i), int(s["rows"]), int(s["bytes"]), str(s["sha256"]))
            for i, s in enumerate(fields["shards"])
        )
        found = EmbeddingShards(folder, ids, int(fields["n"]), int(fields["d"]), fields["meta"], shards)
        rows = sum(shard.rows for shard in shards)
        agrees = found.n == len(ids) == rows and ids_hash(ids) == fields["ids_hash"]
    except (OSError, pa.ArrowException, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        arrived = f"{type(error).__name__}: {error}"
        raise CorruptError("embeddings as they were written", arrived, where=str(folder), fix=_FIX) from error
    if not agrees:
        raise CorruptError("ids that agree with meta.json", "others", where=str(ids_path), fix=_FIX)
    _ = found._arrays
    return found


def shard_name(index: int) -> str:
    """File name of a shard."""
    return f"{index:05d}.npy"


def _open_shard(path: Path, rows: int, d: int) -> Float[np.ndarray, "rows d"]:
    try:
        array = open_npy(path)
    except SourceError as error:
        raise CorruptError(error.expected, error.arrived, where=str(path), fix=_FIX) from error
    if array.shape != (rows, d) or array.dtype != np.dtype("<f4"):
        raise CorruptError(
            f"float32 of shape ({rows}, {d})", f"{array.dtype} of {array.shape}", where=str(path), fix=_FIX
        )
    return array


def ids_hash(ids: pa.StringArray) -> str:
    """Hash of ids in order."""
    return table_hash(pa.table({"example_id": ids}))
