"""What a table of examples must look like, and the one form it is written in."""

from __future__ import annotations

import pyarrow as pa

from yori.errors import PathEscapeError
from yori.store.columns import at_least, check_columns, check_ids, conform, decoded, refuse, settle_kind
from yori.store.tables import ROW_COLUMNS, TEXT, LabelKind

SPLITS = ("train", "validation", "test")
RESERVED = ("label_original",)

_ESCAPES = r"^/|\\|\x00|(^|/)\.\.(/|$)|^[./]*$"


def rows_table(table: pa.Table, *, kind: LabelKind | None) -> pa.Table:
    """Check a table of examples and put it into the form of a row file, sorted by ``example_id``.

    Missing columns of `ROW_COLUMNS` are added as null, whole numbers in text columns become text, several labels are
    sorted and made unique; any other column is kept as it is, behind the known ones.

    Parameters
    ----------
    table
        One row for each example; only ``example_id`` is required.
    kind
        The kind of label the project already has.

    Raises
    ------
    AlignmentError
        If an id is missing or occurs twice.
    PathEscapeError
        If a uri is absolute or leaves its source.
    ValuesError
        If a column cannot be what it should be.
    """
    import pyarrow.compute as pc

    where = "add_rows"
    check_columns(table, required=("example_id",), refused=RESERVED, where=where)
    kind = settle_kind(table, ("label", "verified"), kind, where)
    extra = sorted(set(table.column_names) - set(ROW_COLUMNS))
    rows = conform(table, ROW_COLUMNS, kind, where)
    for name in extra:
        column = table[name]
        rows = rows.append_column(name, column.cast(TEXT) if pa.types.is_null(column.type) else decoded(column))
    check_ids(rows, where=where)
    refuse(
        rows,
        "uri",
        pc.match_substring_regex(rows["uri"], _ESCAPES),
        "a path relative to its source, with forward slashes",
        where,
        PathEscapeError,
        fix="Give the folder above it as the root of a source, and the path below it as uri.",
    )
    without = pc.and_(pc.is_valid(rows["uri"]), pc.is_null(rows["source"]))
    refuse(rows, "uri", without, "a source for every uri", where)
    stray = pc.and_(pc.is_valid(rows["split"]), pc.invert(pc.is_in(rows["split"], pa.array(SPLITS))))
    refuse(rows, "split", stray, "train, validation or test", where)
    for name, smallest in (("start", 0.0), ("weight", 0.0), ("duration", 5e-324)):
        wish = "a finite number > 0" if name == "duration" else "a finite number ≥ 0"
        refuse(rows, name, pc.invert(at_least(rows[name], smallest)), wish, where)
    no_hash = pc.invert(pc.match_substring_regex(rows["sha256"], "^[0-9a-f]{64}$"))
    refuse(rows, "sha256", no_hash, "64 lower-case hexadecimal digits", where)
    return rows.take(pc.sort_indices(rows["example_id"])).combine_chunks()
