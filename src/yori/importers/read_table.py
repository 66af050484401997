"""Read a CSV or Parquet file as an Arrow table without guessing: cells of a CSV file are text until somebody asks."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pyarrow as pa

from yori.errors import SourceError

SEPARATORS = (",", ";", "\t")

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?")


def read_table(path: str | Path) -> pa.Table:
    """Read a table with a header.

    CSV is UTF-8, separated by comma, semicolon or tab (whichever the header has most of), quoted with ``"``. Cells are
    text without blanks around it, empty cells are null, blank lines are skipped, a column without a name is called
    ``column_1``, ``column_2``, … by its place.

    Raises
    ------
    SourceError
        If the file is missing, empty, damaged, not UTF-8, has a row of another length than the header, or a column name
        that occurs twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "rows.csv"
    ...     _ = path.write_text("path;label;take\\na.wav;dog;1\\nb.wav;;2\\n")
    ...     read_table(path).to_pydict()
    {'path': ['a.wav', 'b.wav'], 'label': ['dog', None], 'take': ['1', '2']}
    """
    path = Path(path)
    if not path.is_file():
        raise SourceError("a table", "no file", where=str(path), fix="Check the path.")
    table = _read_parquet(path) if is_parquet(path) else _read_csv(path)
    twice = [name for name in dict.fromkeys(table.column_names) if table.column_names.count(name) > 1]
    if twice:
        arrived = f"{twice[0]!r} twice"
        raise SourceError("column names that occur once", arrived, where=str(path), fix="Rename the columns.")
    return table


def is_parquet(path: str | Path) -> bool:
    """Whether a file is Parquet by its name."""
    return Path(path).suffix.lower() in (".parquet", ".pq")


def plain_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A text column as numbers if every cell is one in plain notation, otherwise as it is: ``007`` stays text.

    Examples
    --------
    >>> plain_numbers(pa.chunked_array([["1", None, "-3"]])).to_pylist()
    [1, None, -3]
    >>> plain_numbers(pa.chunked_array([["007", "12"]])).to_pylist()
    ['007', '12']
    """
    if column.type != pa.string() or column.null_count == len(column):
        return column
    values = column.to_pylist()
    given = [value for value in values if value is not None]
    if all(_INTEGER.fullmatch(value) for value in given):
        return pa.chunked_array([pa.array([None if value is None else int(value) for value in values], pa.int64())])
    if all(_NUMBER.fullmatch(value) for value in given):
        return pa.chunked_array([pa.array([None if value is None else float(value) for value in values], pa.float64())])
    return column


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return file.read()
    except (OSError, pa.ArrowException) as error:
        raise SourceError("a Parquet file", str(error), where=str(path), fix="Write or copy the file again.") from error


def _read_csv(path: Path) -> pa.Table:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SourceError("a file that can be read", error.strerror or str(error), where=str(path)) from error
    except UnicodeDecodeError as error:
        arrived = f"byte {error.start} that is none"
        raise SourceError("a CSV file in UTF-8", arrived, where=str(path), fix="Save it as UTF-8.") from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(SEPARATORS, key=first.count), strict=True)
    header: list[str] = []
    cells: list[list[str]] = []
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if not header:
                header = row
            elif len(row) == len(header):
                cells.append(row)
            else:
                raise SourceError(
                    f"{len(header)} cells in every row",
                    str(len(row)),
                    where=f"{path}:{rows.line_num}",
                    fix="Repair this row.",
                )
    except csv.Error as error:
        raise SourceError("a CSV file", str(error), where=f"{path}:{rows.line_num}", fix="Repair this row.") from error
    if not header:
        raise SourceError("a table with a header", "an empty file", where=str(path))
    names = [name.strip() or f"column_{number}" for number, name in enumerate(header, start=1)]
    columns = [pa.array([row[place].strip() or None for row in cells], pa.string()) for place in range(len(header))]
    return pa.Table.from_arrays(columns, names=names)
