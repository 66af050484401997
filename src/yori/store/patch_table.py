"""What a table of label patches must look like, and the one form it is written in."""

from __future__ import annotations

import pyarrow as pa

from yori.store.columns import at_least, check_columns, check_ids, conform, refuse, settle_kind
from yori.store.tables import PATCH_COLUMNS, LabelKind

ACTIONS = ("relabel", "drop", "reweight", "restore")


def patch_table(table: pa.Table, *, kind: LabelKind | None, now: str) -> pa.Table:
    """Check a table of label patches and put it into the form of a patch file; the order of rows is kept.

    Cells that an action does not use (``new`` of a drop, ``weight`` of a relabel) are cleared.

    Parameters
    ----------
    table
        Columns ``example_id``, ``action`` and ``who`` are required; ``old``, ``new``, ``weight``, ``when``, ``why``
        as needed.
    kind
        The kind of label the project has.
    now
        What ``when`` becomes where it is missing.

    Raises
    ------
    ValuesError
        If an action is unknown, a relabel has no new label, a reweight no finite weight ≥ 0, or nobody signs for a
        row.
    """
    import pyarrow.compute as pc

    where = "add_labels"
    check_columns(table, required=("example_id", "action", "who"), allowed=tuple(PATCH_COLUMNS), where=where)
    kind = settle_kind(table, ("old", "new"), kind, where)
    patch = conform(table, PATCH_COLUMNS, kind, where)
    check_ids(patch, where=where, unique=False)
    action = patch["action"].fill_null("")
    unknown = pc.invert(pc.is_in(action, pa.array(ACTIONS)))
    wish = f"one of {', '.join(ACTIONS)} (a review changes nothing by itself)"
    refuse(patch.set_column(1, "action", action), "action", unknown, wish, where)
    patch = patch.set_column(patch.column_names.index("when"), "when", patch["when"].fill_null(now))
    refuse(patch, "who", pc.equal(patch["who"].fill_null(""), ""), "who made the change, in every row", where)
    for name, user in (("new", "relabel"), ("weight", "reweight")):
        column = pc.if_else(pc.equal(action, user), patch[name], pa.scalar(None, patch[name].type))
        patch = patch.set_column(patch.column_names.index(name), name, column)
    relabel, reweight = pc.equal(action, "relabel"), pc.equal(action, "reweight")
    unlabelled = pc.and_(relabel, pc.is_null(patch["new"]))
    refuse(patch, "new", unlabelled, "a new label for every relabel", where, fix="To leave it out, drop it.")
    weightless = pc.and_(reweight, pc.invert(at_least(patch["weight"], 0.0).fill_null(False)))
    refuse(patch, "weight", weightless, "a finite weight ≥ 0 for every reweight", where)
    return patch.combine_chunks()
