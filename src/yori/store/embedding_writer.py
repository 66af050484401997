"""Write embeddings shard by shard, so that an interrupted writing goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Shaped

from yori.errors import AlignmentError, ConflictError, ShapeError, SourceError, ValuesError
from yori.store import atomic
from yori.store.content_key import canonical_json
from yori.store.embeddings import EmbeddingShards, Shard, ids_hash, open_embeddings, shard_name
from yori.store.hashes import sha256_file
from yori.store.npy import BLOCK_ROWS, HEADER_BYTES, as_float32, npy_header, open_npy
from yori.store.stages import publish_folder, stage_path
from yori.store.tables import some_ids
from yori.store.versions import FORMAT
from yori.store.work import workspace

SHARD_BYTES = 1_000_000_000
"""Largest size of a shard file."""


def write_embeddings(
    root: Path,
    key: str,
    blocks: Callable[[int], Iterable[Any]] | Iterable[Any],
    ids: Sequence[str] | pa.Array | pa.ChunkedArray,
    meta: Mapping[str, Any] | None = None,
    *,
    shard_bytes: int = SHARD_BYTES,
) -> EmbeddingShards:
    """Write embeddings block by block; memory stays at one block, and an interrupted writing goes on where it stopped.

    Parameters
    ----------
    root
        The project folder.
    key
        What they are stored under, best made with `yori.store.content_key`. If the key is there already nothing is
        written.
    blocks
        Either a function that gets a row number and yields arrays ``(k, d)`` from that row on, or an iterable of
        such arrays from row 0 on, or one array ``(n, d)``. Only the function saves work when a writing is resumed; of an
        iterable the finished rows are skipped.
    ids
        ``(n,)`` the example of each row.
    meta
        Anything that JSON can hold: backbone, settings, data version.
    shard_bytes
        Largest size of a shard file.

    Raises
    ------
    AlignmentError
        If ids are missing, repeated, or not as many as rows.
    ShapeError, ValuesError
        If a block has another width than those before, or holds something that is no finite number; the row is named.
    ConflictError
        If another process writes the same key now, or other ids are stored under it.
    StoreError
        If the disk is full or cannot be written; finished shards are kept for the next attempt.
    """
    names = _check_ids(ids)
    if isinstance(blocks, np.ndarray):
        blocks = _cut(blocks)
    said = _check_meta(dict(meta or {}))
    final = stage_path(root, "data/embeddings", key)
    if not final.is_dir():
        with (
            atomic.disk_errors(final),
            workspace(root, f"embeddings-{key}", keep_on_error=True) as folder,
        ):
            if not final.is_dir():  # nobody finished while we came in
                _write(folder, blocks, names, said, shard_bytes)
                publish_folder(folder, final)
    stored = open_embeddings(root, key)
    if not stored.ids.equals(names):
        raise ConflictError(
            f"the {stored.n} ids already stored under this key",
            f"{len(names)} others",
            where=str(final),
            fix="Make the key depend on the data version.",
        )
    return stored


def _write(folder: Path, blocks: Any, ids: pa.StringArray, meta: dict[str, Any], shard_bytes: int) -> None:
    import pyarrow.parquet as pq

    plan_path = folder.parent / "plan.json"
    plan = canonical_json({"ids": ids_hash(ids), "meta": meta, "shard_bytes": shard_bytes})
    if not plan_path.is_file() or plan_path.read_text(encoding="utf-8") != plan:
        atomic.remove_file(plan_path)
        for path in folder.iterdir():
            atomic.remove_file(path)
        atomic.write_new(folder.parent / "plan.json", [plan.encode()])
    shards, d = _finished(folder, len(ids), shard_bytes)
    for path in folder.iterdir():
        if path.name not in {shard.name for shard in shards}:
            atomic.remove_file(path)
    done = sum(shard.rows for shard in shards)
    skip = 0 if callable(blocks) else done
    source = _Rows(blocks(done) if callable(blocks) else blocks, n=len(ids), first=done - skip, skip=skip, d=d)
    while done < len(ids):
        width = source.width()
        rows = min(_rows_per_shard(shard_bytes, width), len(ids) - done)
        name = shard_name(len(shards))
        aside = folder / f"{name}.part"
        try:
            sha256 = atomic.write_new(aside, _shard_bytes(source, rows, width))
            atomic.put_in_place(aside, folder / name)
        except BaseException:
            atomic.remove_file(aside)
            raise
        size = (folder / name).stat().st_size
        shards.append(Shard(name, rows, size, sha256))
        done += rows
        d = width
    source.must_be_empty()
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"example_id": ids}), sink, compression="zstd", write_page_checksum=True)
    atomic.write_new(folder / "ids.parquet", [memoryview(sink.getvalue())])
    fields = {
        "format": FORMAT,
        "n": len(ids),
        "d": d,
        "dtype": "float32",
        "ids_hash": ids_hash(ids),
        "shards": [vars(s) for s in shards],
    }
    text = json.dumps({**fields, "meta": meta}, indent=1, ensure_ascii=False)
    atomic.write_new(folder / "meta.json", [text.encode()])


def _cut(array: Shaped[np.ndarray, "..."]) -> Callable[[int], Iterable[Any]]:
    return lambda start: (array[row : row + BLOCK_ROWS] for row in range(start, len(array), BLOCK_ROWS))


def _check_meta(meta: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(meta, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValuesError("meta that JSON can hold", str(error), where="embeddings") from error
    return meta


class _Rows:
    """Blocks of any size, handed out as pieces of at most so many rows."""

    def __init__(self, blocks: Iterable[Any], *, n: int, first: int, skip: int, d: int | None) -> None:
        self._blocks, self._n, self._row, self._skip, self._d = iter(blocks), n, first, skip, d
        self._rest: Float[np.ndarray, "rows d"] | None = None

    def width(self) -> int:
        """Columns; looks at the first block if no shard told before."""
        if self._rest is None and not self._fill():
            raise self._too_few()
        return self._d or 0

    def take(self, rows: int) -> Float[np.ndarray, "rows d"]:
        """The next rows, at most as many as asked for, at least one."""
        if self._rest is None and not self._fill():
            raise self._too_few()
        piece, rest = self._rest[:rows], self._rest[rows:]  # type: ignore[index]
        self._rest = rest if len(rest) else None
        return piece

    def must_be_empty(self) -> None:
        """Raise if there are more rows than ids."""
        if self._rest is not None or self._fill():
            raise AlignmentError(f"{self._n} rows, one for each id", "more", where="embeddings")

    def _too_few(self) -> AlignmentError:
        return AlignmentError(f"{self._n} rows, one for each id", f"{self._row}", where="embeddings")

    def _fill(self) -> bool:
        for raw in self._blocks:
            block = as_float32(raw, first_row=self._row, where="embeddings")
            if self._d is not None and block.shape[1] != self._d:
                arrived = f"{block.shape[1]} from row {self._row} on"
                raise ShapeError(f"{self._d} columns in every block", arrived, where="embeddings")
            self._d = block.shape[1]
            self._row += len(block)
            skipped = min(self._skip, len(block))
            self._skip -= skipped
            if skipped < len(block):
                self._rest = block[skipped:]
                return True
        return False


def _shard_bytes(source: _Rows, rows: int, d: int) -> Iterator[bytes | memoryview]:
    yield npy_header(rows, d)
    left = rows
    while left:
        piece = source.take(left)
        left -= len(piece)
        yield memoryview(piece).cast("B")  # type: ignore[arg-type]


def _finished(folder: Path, n: int, shard_bytes: int) -> tuple[list[Shard], int | None]:
    """Shards that an interrupted writing finished, in order, and their width."""
    shards: list[Shard] = []
    d, done = None, 0
    while done < n:
        path = folder / shard_name(len(shards))
        try:
            array = open_npy(path)
        except SourceError:
            break
        d = d or array.shape[1]
        rows = min(_rows_per_shard(shard_bytes, d), n - done)
        if array.shape != (rows, d) or path.stat().st_size != len(npy_header(rows, d)) + rows * d * 4:
            break
        shards.append(Shard(path.name, rows, path.stat().st_size, sha256_file(path)))
        done += rows
    return shards, d


def _rows_per_shard(shard_bytes: int, d: int) -> int:
    return max(1, (shard_bytes - HEADER_BYTES) // (4 * d))


def _check_ids(ids: Sequence[str] | pa.Array | pa.ChunkedArray) -> pa.StringArray:
    import pyarrow.compute as pc

    if not isinstance(ids, pa.Array | pa.ChunkedArray):
        ids = pa.array(ids, pa.string())
    names = (
        pa.concat_arrays(ids.cast(pa.string()).chunks) if isinstance(ids, pa.ChunkedArray) else ids.cast(pa.string())
    )
    if len(names) == 0 or names.null_count:
        arrived = f"{len(names)} ids, {names.null_count} of them missing"
        raise AlignmentError("an id for every row, and at least one row", arrived, where="embeddings")
    counts = pc.value_counts(names)
    twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1)).to_pylist()
    if twice:
        raise AlignmentError("ids that occur once", f"more than one row for {some_ids(twice)}", where="embeddings")
    return names
