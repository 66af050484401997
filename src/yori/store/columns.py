"""Checks and casts of the columns of a table that somebody hands over; every refusal names the row and the example."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from yori.errors import AlignmentError, PathEscapeError, ValuesError
from yori.store.tables import REAL, TEXT, LabelKind, is_list, label_kind, label_type, some_ids

_CONTROL = r"[\x00-\x1f\x7f]"


def check_columns(
    table: pa.Table,
    *,
    required: tuple[str, ...],
    where: str,
    allowed: tuple[str, ...] | None = None,
    refused: tuple[str, ...] = (),
) -> None:
    """Raise `ValuesError` unless the required columns are there, each name once, and nothing that is refused."""
    names = table.column_names
    for name in required:
        if name not in names:
            raise ValuesError(f"a column {name!r}", f"columns {', '.join(names) or 'none'}", where=where)
    for name in names:
        if names.count(name) > 1:
            raise ValuesError("column names that occur once", f"{name!r} twice", where=where)
        if name in refused:
            raise ValuesError(f"no column {name!r}: yori makes it", "one", where=where, fix="Rename or remove it.")
        if allowed is not None and name not in allowed:
            raise ValuesError(f"only the columns {', '.join(allowed)}", repr(name), where=where, fix="Remove it.")


def settle_kind(table: pa.Table, names: tuple[str, ...], kind: LabelKind | None, where: str) -> LabelKind | None:
    """The kind of label the project has once these columns are in."""
    for name in names:
        arrived = label_kind(table[name]) if name in table.column_names else None
        if kind is not None and arrived is not None and arrived != kind:
            raise ValuesError(f"{kind} label(s) for each example in {name!r}", f"{table[name].type}", where=where)
        kind = kind or arrived
    return kind


def conform(table: pa.Table, schema: dict[str, pa.DataType | None], kind: LabelKind | None, where: str) -> pa.Table:
    """A table with exactly the columns of a schema, cast to its types; a missing column is null."""
    columns = {}
    for name, wanted in schema.items():
        wanted = wanted or label_type(kind)
        if name not in table.column_names:
            columns[name] = pa.nulls(table.num_rows, wanted)
        elif is_list(wanted):
            columns[name] = _label_sets(table[name], name, where)
        else:
            columns[name] = _cast(table[name], wanted, name, where)
            if wanted == TEXT and name not in ("uri", "why"):
                _check_text(columns[name], name, where)
    return pa.table(columns)


def _cast(column: pa.ChunkedArray, wanted: pa.DataType, name: str, where: str) -> pa.ChunkedArray:
    column = decoded(column)
    kind = column.type
    number = pa.types.is_integer(kind) or (pa.types.is_floating(kind) and wanted == REAL)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view()
    if not (number or pa.types.is_null(kind) or (wanted == TEXT and (text or pa.types.is_temporal(kind)))):
        raise ValuesError(f"{'text' if wanted == TEXT else 'numbers'} in column {name!r}", f"{kind}", where=where)
    return column.cast(wanted)


def decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A dictionary-encoded (categorical) column as plain values."""
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column


def _label_sets(column: pa.ChunkedArray, name: str, where: str) -> pa.ChunkedArray:
    """Lists of labels, each sorted and without repeats, so that equal sets are equal."""
    cells: list[Any] = column.to_pylist()
    for row, cell in enumerate(cells):
        if cell is not None and not (isinstance(cell, list) and all(isinstance(one, str) and one for one in cell)):
            raise ValuesError(f"a list of texts in column {name!r}", f"{cell!r} in row {row}", where=where)
    sets = pa.array([None if cell is None else sorted(set(cell)) for cell in cells], pa.list_(TEXT))
    _check_text(pa.chunked_array([sets.flatten()]), name, where)
    return pa.chunked_array([sets])


def _check_text(column: pa.ChunkedArray, name: str, where: str) -> None:
    import pyarrow.compute as pc

    empty = pc.equal(column, "") if name not in ("who", "action") else pa.array([False] * len(column))
    bad = pc.or_(empty, pc.match_substring_regex(column, _CONTROL)).fill_null(False)
    if pc.any(bad).as_py():
        row = pc.index(bad, True).as_py()
        raise ValuesError(
            f"text without control characters in column {name!r}",
            f"{column[row].as_py()!r} in row {row}",
            where=where,
            fix="Leave a missing value null, not empty.",
        )


def check_ids(table: pa.Table, *, where: str, unique: bool = True) -> None:
    """Raise `AlignmentError` if an id is missing, or occurs twice where it may not."""
    import pyarrow.compute as pc

    ids = table["example_id"]
    if ids.null_count:
        row = pc.index(pc.is_null(ids), True).as_py()
        raise AlignmentError("an example_id in every row", f"none in row {row}", where=where)
    if unique:
        counts = pc.value_counts(ids.combine_chunks())
        twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1)).to_pylist()
        if twice:
            raise AlignmentError("ids that occur once", f"more than one row for {some_ids(twice)}", where=where)


def at_least(column: pa.ChunkedArray, smallest: float) -> pa.ChunkedArray:
    """Where numbers are finite and at least so large; null where a number is missing."""
    import pyarrow.compute as pc

    return pc.and_(pc.is_finite(column), pc.greater_equal(column, smallest))


def refuse(
    table: pa.Table,
    name: str,
    bad: Any,
    wish: str,
    where: str,
    error: type[ValuesError] | type[PathEscapeError] = ValuesError,
    *,
    fix: str = "",
) -> None:
    """Raise if a row of a column is marked as bad, naming the first such row and its example; null is not bad."""
    import pyarrow.compute as pc

    bad = bad.fill_null(False)
    if pc.any(bad).as_py():
        row = pc.index(bad, True).as_py()
        example = table["example_id"][row].as_py()
        arrived = f"{table[name][row].as_py()!r} in row {row} (example {example!r}), column {name!r}"
        raise error(wish, arrived, where=where, fix=fix)
