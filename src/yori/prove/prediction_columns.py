"""The columns of a file of predictions as NumPy arrays, whatever the format: Parquet, CSV or npz.

Text stays text, a missing cell is None, a list column is a matrix. Nothing is guessed, unpickled or evaluated.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int, Shaped

from yori.errors import ShapeError, SourceError, ValuesError
from yori.importers.read_table import is_parquet, read_table

CSV = (".csv", ".tsv", ".txt")


def read_columns(path: str | Path) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Read every column of a file of predictions.

    Parameters
    ----------
    path
        ``.parquet`` or ``.pq``; ``.csv``, ``.tsv`` or ``.txt`` (UTF-8, with a header); ``.npz``.

    Returns
    -------
    Arrays by column name, in the order of the file: ``(n,)``, or ``(n, c)`` for a list column. Text is an object array of
    ``str`` with None where a cell is missing.

    Raises
    ------
    SourceError
        If the file is missing, damaged, or of another kind; an array of npz holds Python objects.
    ShapeError, ValuesError
        If the lists of a column differ in length or hold something other than numbers.
    """
    path = Path(path)
    if path.suffix.lower() == ".npz":
        return _npz(path)
    if not is_parquet(path) and path.suffix.lower() not in CSV:
        raise SourceError(
            "a file of predictions: .parquet, .csv or .npz",
            repr(path.suffix or path.name),
            where=str(path),
            fix="Save the predictions in one of these formats.",
        )
    table = read_table(path)
    return {name: _from_arrow(table[name], name, str(path)) for name in table.column_names}


def numbers(column: Shaped[np.ndarray, "..."], name: str, where: str) -> Float[np.ndarray, "..."]:
    """Return a column as float64, or name the first cell that is no number. Shape is kept.

    Examples
    --------
    >>> numbers(np.array(["0.5", "1e-3"], dtype=object), "prob_0", "rows.csv")
    array([0.5  , 0.001])
    """
    if column.dtype.kind in "fiub":
        return column.astype(np.float64)
    result = np.empty(column.shape)
    for place in np.ndindex(column.shape):
        try:
            result[place] = float(column[place])
        except (TypeError, ValueError):
            cell = "an empty cell" if column[place] is None else repr(column[place])
            raise ValuesError(
                f"a number in every row of column {name!r}",
                f"{cell} in row {place[0]}",
                where=where,
                fix="Fill or remove these rows.",
            ) from None
    return result


def words(column: Shaped[np.ndarray, "..."], name: str, where: str) -> Shaped[np.ndarray, " n"]:
    """Return a column ``(n,)`` as text, whole numbers without a point, or name the first cell that is missing.

    Examples
    --------
    >>> words(np.array([3.0, 10.0]), "label", "rows.npz").tolist()
    ['3', '10']
    """
    if column.ndim != 1:
        raise ShapeError(f"one value per row in column {name!r}", f"shape {column.shape}", where=where)
    if column.dtype.kind == "f":
        finite = np.isfinite(column)
        if finite.all() and (column == np.round(column)).all():
            return column.astype(np.int64).astype(np.str_)
        column = column.astype(object)
        column[~finite] = None
    if column.dtype.kind == "S":
        return np.char.decode(column, "utf-8")
    if column.dtype.kind == "O":
        missing = np.flatnonzero([cell is None or cell == "" for cell in column])
        if len(missing):
            raise ValuesError(
                f"a value in every row of column {name!r}",
                f"{len(missing)} empty, first in row {missing[0]}",
                where=where,
                fix="Fill or remove these rows.",
            )
        return np.array([str(cell) for cell in column], dtype=np.str_)
    return column.astype(np.str_)


def _npz(path: Path) -> dict[str, Shaped[np.ndarray, "..."]]:
    if not path.is_file():
        raise SourceError("a file of predictions", "no file", where=str(path), fix="Check the path.")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, AttributeError) as error:
        arrived = "arrays of Python objects" if "allow_pickle" in str(error) else f"a damaged file ({error})"
        raise SourceError(
            "an npz file of plain arrays", arrived, where=str(path), fix="Save numbers and strings with np.savez."
        ) from error


def _from_arrow(column: pa.ChunkedArray, name: str, where: str) -> Shaped[np.ndarray, "..."]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _from_arrow(column.cast(kind.value_type), name, where)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _matrix(column, name, where)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        cells = column.to_pylist()
        if cells and all(cell is not None and cell.startswith("[") for cell in cells):
            return _matrix_of_text(cells, name, where)
        return np.array(cells, dtype=object)
    if column.null_count or not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        return np.array(column.to_pylist(), dtype=object)
    return np.asarray(column.to_numpy())


def _matrix(column: pa.ChunkedArray, name: str, where: str) -> Shaped[np.ndarray, "..."]:
    import pyarrow.compute as pc

    if column.null_count:
        row = int(pc.index(pc.is_null(column), pa.scalar(True)).as_py())
        raise ValuesError(f"a list in every row of {name!r}", f"none in row {row}", where=where, fix="Remove this row.")
    if not (pa.types.is_integer(column.type.value_type) or pa.types.is_floating(column.type.value_type)):
        # Several labels per row are a list of text; whoever reads the column says what it should have been.
        cells = np.empty(len(column), dtype=object)
        cells[:] = column.to_pylist()
        return cells
    length = np.asarray(pc.list_value_length(column).to_numpy(), dtype=np.int64)
    values = pc.list_flatten(column)
    if values.null_count:
        row = int(
            np.searchsorted(np.cumsum(length), int(pc.index(pc.is_null(values), pa.scalar(True)).as_py()), "right")
        )
        raise ValuesError(f"numbers in the lists of {name!r}", f"an empty one in row {row}", where=where)
    _same_length(length, name, where)
    return np.asarray(values.to_numpy()).reshape(len(length), int(length[0]) if len(length) else 0)


def _matrix_of_text(cells: list[str], name: str, where: str) -> Shaped[np.ndarray, "..."]:
    """Lists in the cells of a CSV file, such as ``[0.9, 0.1]``."""
    rows: list[list[float]] = []
    for row, cell in enumerate(cells):
        try:
            found = json.loads(cell)
            rows.append([float(value) for value in found])
        except (ValueError, TypeError, RecursionError):
            raise ValuesError(
                f"a list of numbers such as [0.9, 0.1] in every row of {name!r}",
                f"{cell[:40]!r} in row {row}",
                where=where,
            ) from None
    _same_length(np.array([len(row) for row in rows]), name, where)
    return np.array(rows)


def _same_length(length: Int[np.ndarray, "..."], name: str, where: str) -> None:
    odd = np.flatnonzero(length != length[:1])
    if len(odd):
        raise ShapeError(
            f"lists of one length in {name!r}",
            f"{length[0]} values in row 0 and {length[odd[0]]} in row {odd[0]}",
            where=where,
        )
