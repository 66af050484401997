"""Add examples to a version: the same row twice is no change, another row under an old id is a conflict."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from yori.errors import ConflictError, SourceError, StoreError, ValuesError
from yori.store.apply_labels import apply_patches
from yori.store.commit import Change
from yori.store.examples import (
    STATE_COLUMNS,
    check_extra_types,
    count_examples,
    join_rows,
    read_patches,
    read_rows,
)
from yori.store.media import MEDIA_FOLDER, MEDIA_SOURCE
from yori.store.paths import check_name
from yori.store.rows_table import rows_table
from yori.store.tables import LabelKind, label_kind, some_ids
from yori.store.versions import Version


def prepare_rows(root: Path, head: Version, table: pa.Table, sources: Mapping[str, str]) -> Change | int:
    """The change that adds a table's new rows to a version; the number of skipped rows if none is new.

    Raises
    ------
    ConflictError
        If an id is there with another content, or a source has another root.
    ValuesError
        If a row names a source that nobody declared, or the table is not what `rows_table` asks for.
    """
    import pyarrow.compute as pc

    rows = rows_table(table, kind=head.label_kind)
    kind = head.label_kind or label_kind(rows["label"]) or label_kind(rows["verified"])
    merged = merge_sources(head.sources, sources)
    if MEDIA_SOURCE in pc.unique(rows["source"]).to_pylist():
        merged.setdefault(MEDIA_SOURCE, MEDIA_FOLDER)
    unknown = sorted(set(pc.unique(rows["source"].drop_null()).to_pylist()) - set(merged))
    if unknown:
        known = ", ".join(merged) or "none yet"
        raise ValuesError(
            f"a declared source ({known})", some_ids(unknown), where="add_rows", fix="Pass it in sources."
        )

    stored = read_rows(root, head, STATE_COLUMNS)
    there = pc.is_in(rows["example_id"], stored["example_id"].combine_chunks())
    skipped = int(pc.sum(there).as_py() or 0)
    if skipped:
        whole = read_rows(root, head)
        again = pc.is_in(whole["example_id"], rows["example_id"].combine_chunks())
        _refuse_changed(whole.filter(again), rows.filter(there), kind)
    new = rows.filter(pc.invert(there))
    if new.num_rows == 0 and merged == dict(head.sources):
        return skipped
    check_extra_types(root, head, new)
    together = join_rows([stored, new.select(STATE_COLUMNS)], kind, set(STATE_COLUMNS))
    counts = count_examples(together, apply_patches(together, read_patches(root, head, kind)))
    return Change(new.combine_chunks() if new.num_rows else None, "rows", merged, kind, counts, skipped)


def merge_sources(known: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """All sources together; a name that is there must have the same root."""
    for name, place in new.items():
        if known.get(name, place) != place:
            raise ConflictError(
                f"source {name!r} at {known[name]}",
                place,
                where="sources",
                fix="Give the new folder another name, or use move_source if the same files lie elsewhere now.",
            )
    return {**known, **new}


def stored_root(root: Path, name: str, place: str | Path) -> str:
    """A source's root as a manifest holds it: relative if inside the project, otherwise absolute.

    Raises
    ------
    SourceError
        If it is no folder.
    StoreError
        If the name is no safe file name, or the root is the project itself.
    """
    check_name(name, what="source name", where="sources")
    absolute = os.path.abspath(place)
    if not os.path.isdir(absolute):
        raise SourceError(f"a folder as root of source {name!r}", absolute, where="sources", fix="Check the path.")
    inside, target = os.path.realpath(root), os.path.realpath(absolute)
    if target == inside:
        raise StoreError("a folder inside the project, or elsewhere, as a source", "the project itself", where=name)
    stored = os.path.relpath(target, inside).replace(os.sep, "/") if target.startswith(inside + os.sep) else absolute
    if name == MEDIA_SOURCE and stored != MEDIA_FOLDER:
        raise StoreError(f"another name: {MEDIA_SOURCE!r} is {MEDIA_FOLDER} of the project", stored, where="sources")
    return stored


def _refuse_changed(stored: pa.Table, arrived: pa.Table, kind: LabelKind | None) -> None:
    """Raise `ConflictError` if a row differs from the stored row of the same id."""
    both = join_rows([stored, arrived], kind)  # by id: stored row, arrived row, …
    old, new = both.take(np.arange(0, both.num_rows, 2)), both.take(np.arange(1, both.num_rows, 2))
    different = {name: _differs(old[name], new[name]) for name in both.column_names}
    columns = [name for name, where in different.items() if where.any()]
    if columns:
        rows = np.logical_or.reduce([different[name] for name in columns])
        first = int(np.flatnonzero(rows)[0])
        name = columns[0] if different[columns[0]][first] else next(c for c in columns if different[c][first])
        raise ConflictError(
            f"the rows already stored under these ids (column {name!r}: {old[name][first].as_py()!r})",
            f"{new[name][first].as_py()!r}; {int(rows.sum())} ids differ in {', '.join(columns)}:"
            f" {some_ids(old['example_id'].filter(rows).to_pylist())}",
            where="add_rows",
            fix="Change labels with add_labels; give other examples ids of their own.",
        )


def _differs(a: pa.ChunkedArray, b: pa.ChunkedArray) -> Bool[np.ndarray, " n"]:
    """Where two columns differ; a missing value equals a missing value, NaN equals NaN."""
    if a.equals(b):
        return np.zeros(len(a), dtype=bool)
    return np.array([repr(x) != repr(y) for x, y in zip(a.to_pylist(), b.to_pylist(), strict=True)], dtype=bool)
