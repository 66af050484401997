"""Layout ``arrays``: bring-your-own embeddings, ``X.npy`` beside a table; any modality."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int, Shaped

from yori.errors import AlignmentError, ShapeError, SourceError, ValuesError
from yori.importers.column_roles import check_unique, find_roles, texts
from yori.importers.read_table import is_parquet, read_table
from yori.importers.recording import LeftOut, Listing, Recording
from yori.importers.table import extra_columns, inside, plain_uri, read_roles
from yori.store.npy import as_float32, open_npy
from yori.store.tables import some_ids

BLOCK_ROWS = 16_384

_DTYPES = ("float16", "float32", "float64", "int8")


@dataclass(frozen=True)
class GivenEmbeddings:
    """Embeddings in a ``.npy`` file, in the order of the examples; numbers are read when they are asked for.

    Parameters
    ----------
    path
        The file.
    order
        ``(n,)`` the row of the file for each example.
    n, d
        Examples and dimensions.
    """

    path: Path
    order: Int[np.ndarray, " n"]
    n: int
    d: int

    def blocks(self, first: int = 0, *, rows: int = BLOCK_ROWS) -> Iterator[Float32[np.ndarray, "rows d"]]:
        """Yield float32 blocks of at most ``rows`` rows from example ``first`` on, as `Project.write_embeddings` asks for."""
        array = open_npy(self.path)
        for start in range(first, self.n, rows):
            yield as_float32(array[self.order[start : start + rows]], first_row=start, where=str(self.path))

    def select(self, positions: Int[np.ndarray, " k"]) -> GivenEmbeddings:
        """The embeddings of some of the examples, in the order asked for."""
        chosen = self.order[np.asarray(positions, dtype=np.int64)]
        return replace(self, order=chosen, n=len(chosen))


@dataclass(frozen=True)
class ArraysListing(Listing):
    """A listing whose examples are rows of embeddings; ``uri`` is empty where there is no audio.

    Parameters
    ----------
    embeddings
        Aligned with ``recordings``.
    hashes
        SHA-256 of each embedding as float32, aligned with ``recordings``.
    """

    embeddings: GivenEmbeddings = field(kw_only=True)
    hashes: tuple[str, ...] = field(kw_only=True)


def list_arrays(
    embeddings: str | Path,
    *,
    table: str | Path,
    ids: str | Path | None = None,
    root: str | Path | None = None,
    columns: Mapping[str, str | None] | None = None,
    label_separator: str | None = None,
) -> ArraysListing:
    """List examples of which the embeddings are given.

    The file is mapped, never read whole, and every block of it is checked once. Ids come from the table: its column
    ``id`` or ``example_id``, or one that ``columns`` names; without one, examples are called by their row number.

    Parameters
    ----------
    embeddings
        ``.npy`` of shape ``(n, d)``, float16, float32, float64 or int8, every number finite.
    table
        CSV or Parquet with a row for each embedding, or a ``.npy`` file with one label for each.
    ids
        ``.npy`` with the id of each row of ``embeddings``. The table may then have another order, but the same ids.
    root
        Folder of the audio, if the table has a column of paths; it is not opened here.
    columns, label_separator
        As for `yori.importers.table.list_table`; no column of paths is needed.

    Raises
    ------
    SourceError
        If a file is missing, damaged, or holds Python objects (a pickle, which could run any program).
    ShapeError
        If the embeddings are not ``(n, d)``, or the table has another number of rows.
    ValuesError
        If a number is not finite, or the type is none of the above.
    AlignmentError
        If ids repeat, or those of the table and of ``ids`` differ.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(Path(folder) / "X.npy", np.eye(3, dtype=np.float32))
    ...     _ = (Path(folder) / "rows.csv").write_text("id,label\\na,dog\\nb,cat\\nc,dog\\n")
    ...     found = list_arrays(Path(folder) / "X.npy", table=Path(folder) / "rows.csv")
    ...     rows = [block.shape for block in found.embeddings.blocks()]
    >>> [(one.example_id, one.label) for one in found.recordings], rows
    ([('a', 'dog'), ('b', 'cat'), ('c', 'dog')], [(3, 3)])
    """
    path, table_path = Path(embeddings), Path(table)
    n, d = _check_array(path)
    rows = _labels_array(table_path) if table_path.suffix.lower() == ".npy" else read_table(table_path)
    where = str(table_path)
    if rows.num_rows != n:
        fix = "Give a row for each embedding, in the same order, or pass ids."
        raise ShapeError(f"{n} rows, as many as {path.name} has", str(rows.num_rows), where=where, fix=fix)
    if root is None:  # paths that lead nowhere are a column like any other
        columns = {"uri": None, **(columns or {})}
    roles = find_roles(rows.column_names, columns, where=where)
    fields = read_roles(rows, roles, label_separator, where=where)
    extra = extra_columns(rows, roles, plain=not is_parquet(table_path))
    fields["example_id"] = _names(fields["example_id"], "id" in roles, n, where)
    fields["uri"] = [_checked_uri(uri, root, f"row {row} of {where}") for row, uri in enumerate(fields["uri"], start=1)]
    order = np.arange(n) if ids is None else _match(fields["example_id"], Path(ids), n)
    file_hashes, zeros = _hash_rows(path)
    recordings = [
        Recording(
            extra={name: cells[row] for name, cells in extra.items()},
            **{name: cells[row] for name, cells in fields.items()},
        )
        for row in range(n)
    ]
    left_out = [
        LeftOut(recordings[row].example_id or "", "zero vector", f"row {order[row]} of {path.name}", "kept")
        for row in np.flatnonzero(zeros[order]).tolist()
    ]
    return ArraysListing(
        root=None if root is None else Path(root),
        recordings=tuple(recordings),
        left_out=tuple(left_out),
        embeddings=GivenEmbeddings(path, order, n, d),
        hashes=tuple(file_hashes[row] for row in order.tolist()),
    )


def _check_array(path: Path) -> tuple[int, int]:
    array = open_npy(path)
    if array.ndim != 2 or 0 in array.shape:
        raise ShapeError("embeddings of shape (n, d), n and d ≥ 1", f"shape {array.shape}", where=str(path))
    if array.dtype.name not in _DTYPES:
        raise ValuesError(
            f"embeddings of type {', '.join(_DTYPES)}",
            array.dtype.name,
            where=str(path),
            fix="Save them as float32: np.save(path, X.astype(np.float32)).",
        )
    return int(array.shape[0]), int(array.shape[1])


def _hash_rows(path: Path) -> tuple[list[str], Shaped[np.ndarray, " n"]]:
    """SHA-256 of every row as float32, and which rows are all zeros; checks that every number is finite on the way."""
    array = open_npy(path)
    hashes: list[str] = []
    zeros = []
    for start in range(0, len(array), BLOCK_ROWS):
        block = as_float32(array[start : start + BLOCK_ROWS], first_row=start, where=str(path)) + np.float32(
            0
        )  # −0 = 0
        hashes += [hashlib.sha256(row).hexdigest() for row in block]
        zeros.append(~block.any(axis=1))
    return hashes, np.concatenate(zeros)


def _labels_array(path: Path) -> pa.Table:
    array = _vector(path)
    if array.dtype.kind == "f":
        raise ValuesError("labels as text or whole numbers", array.dtype.name, where=str(path))
    return pa.table({"label": pa.array([str(one) for one in array.tolist()], pa.string())})


def _vector(path: Path) -> Shaped[np.ndarray, " n"]:
    array = open_npy(path)
    if array.ndim != 1 or array.dtype.kind not in "iufU":
        arrived = f"{array.dtype} of shape {array.shape}"
        raise SourceError("one text or whole number for each row", arrived, where=str(path))
    return array


def _names(given: list[Any], has_column: bool, n: int, where: str) -> list[str]:
    if not has_column:
        width = len(str(n - 1))
        return [f"{row:0{width}d}" for row in range(n)]
    missing = [row for row, one in enumerate(given, start=1) if one is None]
    if missing:
        raise AlignmentError("an id in every row", f"none in row {missing[0]}", where=where, fix="Fill in the ids.")
    check_unique(given, what="ids", where=where)
    return given


def _match(names: list[str], path: Path, n: int) -> Int[np.ndarray, " n"]:
    """Row of the file for each id of the table."""
    array = _vector(path)
    if len(array) != n:
        raise ShapeError(f"{n} ids, one for each embedding", str(len(array)), where=str(path))
    given = texts(pa.chunked_array([pa.array(array.tolist())]), name="ids", where=str(path))
    check_unique(given, what="ids", where=str(path))
    row_of = {one: row for row, one in enumerate(given)}
    unknown = [one for one in names if one not in row_of]
    if unknown:
        known = set(names)
        other = [str(one) for one in given if one not in known]
        raise AlignmentError(
            "the same ids in the table and beside the embeddings",
            f"only in the table: {some_ids(unknown)}; only beside the embeddings: {some_ids(other)}",
            where=str(path),
            fix="Export both again from the same place.",
        )
    return np.array([row_of[one] for one in names], dtype=np.int64)


def _checked_uri(uri: str | None, root: str | Path | None, where: str) -> str:
    if uri is None or root is None:
        return ""
    inside(Path(root), uri, where)
    return plain_uri(uri)
