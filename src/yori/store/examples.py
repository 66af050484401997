"""Read the examples of a version: row files together, patches applied, sorted by id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from yori.errors import CorruptError, ValuesError
from yori.store.apply_labels import PatchedRows, apply_patches
from yori.store.hashes import sha256_bytes
from yori.store.paths import safe_join
from yori.store.tables import PATCH_COLUMNS, ROW_COLUMNS, LabelKind, is_list, label_type
from yori.store.versions import Version, VersionFile

STATE_COLUMNS = ("example_id", "label", "weight")
"""What patches can change, and the id they name."""

_FIX = "Restore this file from a backup; `Project.check` lists what else is damaged."


def read_examples(root: Path, version: Version, columns: Sequence[str] | None = None) -> pa.Table:
    """The examples of a version that are not dropped, sorted by the bytes of ``example_id``.

    Beside the columns of the row files there is ``label_original``, the label as imported; ``label`` and ``weight``
    are the current ones, and a weight nobody set is 1.

    Parameters
    ----------
    root
        The project folder.
    version
        Which version.
    columns
        The columns to return, in this order; all by default. Files are read only for these.

    Raises
    ------
    ValuesError
        If a column does not exist.
    CorruptError
        If a file is missing, truncated or damaged.
    """
    wanted = None if columns is None else {*columns, *STATE_COLUMNS} - {"label_original"}
    rows = read_rows(root, version, wanted)
    state = apply_patches(rows, read_patches(root, version))
    original = rows["label"]
    for name, column in (("label", state.label), ("weight", state.weight)):
        rows = rows.set_column(rows.column_names.index(name), name, column)
    rows = rows.add_column(rows.column_names.index("label") + 1, "label_original", original)
    if columns is not None:
        missing = [name for name in columns if name not in rows.column_names]
        if missing:
            known = ", ".join(read_rows(root, version).column_names)
            raise ValuesError(f"columns among {known}, label_original", ", ".join(missing), where="examples")
        rows = rows.select(list(columns))
    return rows.filter(~state.dropped) if state.dropped.any() else rows


def read_rows(root: Path, version: Version, columns: Iterable[str] | None = None) -> pa.Table:
    """The rows of a version as imported, dropped ones too, sorted by the bytes of ``example_id``."""
    wanted = None if columns is None else set(columns)
    files = [file for file in version.files if file.is_rows]
    return join_rows([read_parquet(root, file, wanted) for file in files], version.label_kind, wanted)


def join_rows(tables: list[pa.Table], kind: LabelKind | None, wanted: set[str] | None = None) -> pa.Table:
    """Row tables as one, sorted by id; a column that a table lacks is null there."""
    import pyarrow.compute as pc

    blank = pa.schema(
        [(name, wish or label_type(kind)) for name, wish in ROW_COLUMNS.items() if wanted is None or name in wanted]
    ).empty_table()
    together = pa.concat_tables(
        [blank, *(_with_label_type(table, kind) for table in tables)], promote_options="permissive"
    )
    extra = sorted(set(together.column_names) - set(blank.column_names))
    together = together.select([*blank.column_names, *extra])
    filled = [table for table in tables if table.num_rows]
    return together if len(filled) <= 1 else together.take(pc.sort_indices(together["example_id"]))


def check_extra_types(root: Path, version: Version, new: pa.Table) -> None:
    """Raise `ValuesError` if a column that is not ours has another type in ``new`` than in the files of a version."""
    import pyarrow.parquet as pq

    schemas = [pq.read_schema(root / file.path) for file in version.files if file.is_rows]
    extra = [pa.schema([field for field in s if field.name not in ROW_COLUMNS]) for s in [*schemas, new.schema]]
    try:
        pa.unify_schemas(extra, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        raise ValuesError(
            "columns of the same type in every import", str(error), where="rows", fix="Rename or convert the column."
        ) from error


def read_patches(root: Path, version: Version, kind: LabelKind | None = None) -> pa.Table:
    """All label patches of a version, oldest first; ``kind`` where the version has none yet."""
    tables = [read_parquet(root, file) for file in version.files if not file.is_rows]
    return join_patches(tables, version.label_kind or kind)


def join_patches(tables: list[pa.Table], kind: LabelKind | None) -> pa.Table:
    """Patch tables one after the other."""
    blank = pa.schema([(name, wish or label_type(kind)) for name, wish in PATCH_COLUMNS.items()]).empty_table()
    return pa.concat_tables([blank, *(_with_label_type(table, kind) for table in tables)])


def read_parquet(root: Path, file: VersionFile, columns: set[str] | None = None) -> pa.Table:
    """Read one file of a version, and compare its bytes to the hash in the manifest on the way.

    Page checksums of Parquet would leave out headers and footers, where a flipped bit can turn values into others.

    Raises
    ------
    CorruptError
        If it is missing, truncated or damaged.
    """
    import pyarrow.parquet as pq

    path = safe_join(root, file.path)
    try:
        content = path.read_bytes()
        if len(content) != file.bytes:
            raise CorruptError(f"{file.bytes} bytes", f"{len(content)}", where=str(path), fix=_FIX)
        if sha256_bytes(content) != file.sha256:
            raise CorruptError("the bytes that were written", "other bytes", where=str(path), fix=_FIX)
        with pq.ParquetFile(pa.BufferReader(content)) as parquet:
            names = parquet.schema_arrow.names
            return parquet.read([name for name in names if columns is None or name in columns])
    except (OSError, pa.ArrowException) as error:
        raise CorruptError("a Parquet file as it was written", str(error), where=str(path), fix=_FIX) from error


def count_examples(rows: pa.Table, state: PatchedRows) -> dict[str, Any]:
    """What a manifest says about its examples, see `yori.store.versions.Version`."""
    import pyarrow.compute as pc

    from yori.store.tables import label_keys

    kept = ~state.dropped
    label, original = state.label.filter(kept), rows["label"].filter(kept)
    now, before = label_keys(label).fill_null(""), label_keys(original).fill_null("")
    changed = pc.or_(pc.not_equal(now, before), pc.not_equal(pc.is_null(label), pc.is_null(original)))
    return {
        "examples": int(kept.sum()),
        "dropped": int(np.count_nonzero(state.dropped)),
        "relabelled": int(pc.sum(changed).as_py() or 0),
        "unlabelled": int(label.null_count),
        "classes": count_classes(label),
    }


def count_classes(label: pa.ChunkedArray) -> dict[str, int]:
    """How many examples carry each label, sorted by label; missing labels are not counted."""
    import pyarrow.compute as pc

    flat = pc.list_flatten(label) if is_list(label.type) else label.drop_null()
    counted = pc.value_counts(flat.combine_chunks() if isinstance(flat, pa.ChunkedArray) else flat)
    pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    return dict(sorted(pairs))


def _with_label_type(table: pa.Table, kind: LabelKind | None) -> pa.Table:
    """Give a label column without any label the type that the project has found since."""
    for index, name in enumerate(table.column_names):
        if name in ("label", "verified", "old", "new"):
            wanted, column = label_type(kind), table.column(index)
            if column.type != wanted:
                empty = column.null_count == len(column)
                table = table.set_column(index, name, pa.nulls(len(column), wanted) if empty else column.cast(wanted))
    return table
