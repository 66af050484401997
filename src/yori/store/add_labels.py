"""Add label patches to a version: the rows of a patch that change something, if the labels are still what it says."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from yori.store.apply_labels import apply_patches, needed_patches
from yori.store.commit import Change
from yori.store.examples import STATE_COLUMNS, count_examples, join_patches, join_rows, read_patches, read_rows
from yori.store.patch_table import patch_table
from yori.store.tables import label_kind
from yori.store.versions import Version


def prepare_labels(root: Path, head: Version, patch: pa.Table, now: str) -> Change | int:
    """The change that puts a patch on top of a version; the number of skipped rows if every wish is fulfilled already.

    Raises
    ------
    ConflictError
        If a label is not the ``old`` one any more.
    AlignmentError, ValuesError
        If the patch names unknown examples or is not what `patch_table` asks for.
    """
    proposed = patch_table(patch, kind=head.label_kind, now=now)
    kind = head.label_kind or label_kind(proposed["new"]) or label_kind(proposed["old"])
    rows = join_rows([read_rows(root, head, STATE_COLUMNS)], kind, set(STATE_COLUMNS))
    patches = read_patches(root, head, kind)
    needed = needed_patches(rows, patches, proposed)
    skipped = int((~needed).sum())
    if not needed.any():
        return skipped
    new = proposed.filter(needed).combine_chunks()
    counts = count_examples(rows, apply_patches(rows, join_patches([patches, new], kind)))
    return Change(new, "labels", head.sources, kind, counts, skipped)
