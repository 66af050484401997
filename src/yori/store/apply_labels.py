"""Label patches on top of rows: what an example's label, weight and presence are after every patch, in order.

The last word wins. ``restore`` makes an example again what it was when it was imported; of the patches after the last
restore, the last relabel gives the label, the last reweight the weight, and any drop leaves the example out. So
nothing has to be replayed row by row: three scatter-maxima over the patches, then one gather.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int, Shaped

from yori.errors import AlignmentError, ConflictError
from yori.store.tables import label_keys, some_ids


@dataclass(frozen=True)
class PatchedRows:
    """Rows after patches.

    Parameters
    ----------
    label
        ``(n,)`` current labels.
    weight
        ``(n,)`` current weights.
    dropped
        ``(n,)`` True where the example is left out.
    """

    label: pa.ChunkedArray
    weight: pa.ChunkedArray
    dropped: Bool[np.ndarray, " n"]


def apply_patches(rows: pa.Table, patches: pa.Table) -> PatchedRows:
    """Apply patches to rows that hold ``example_id``, ``label`` and ``weight``, in any order of rows.

    Parameters
    ----------
    rows
        Rows as imported, each id once. A missing weight counts as 1.
    patches
        Patch files one after the other, oldest first, in the form of `yori.store.patch_table.patch_table`.

    Raises
    ------
    AlignmentError
        If a patch names an example that no row has.
    """
    import pyarrow.compute as pc

    n = rows.num_rows
    row = _rows_of(patches["example_id"], rows["example_id"])
    action = patches["action"].to_numpy()
    order = np.arange(len(row))

    def last(chosen: Bool[np.ndarray, " p"]) -> Int[np.ndarray, " n"]:
        latest = np.full(n, -1, dtype=np.int64)
        np.maximum.at(latest, row[chosen], order[chosen])
        return latest

    restored = last(action == "restore")
    holds = order > restored[row]
    relabel, reweight = last(holds & (action == "relabel")), last(holds & (action == "reweight"))
    own = np.arange(n)
    label_from = np.where(relabel >= 0, n + relabel, own)
    weight_from = np.where(reweight >= 0, n + reweight, own)
    weights = pc.fill_null(rows["weight"], 1.0)
    return PatchedRows(
        label=pa.chunked_array(rows["label"].chunks + patches["new"].chunks, rows["label"].type).take(label_from),
        weight=pa.chunked_array(weights.chunks + patches["weight"].chunks, pa.float64()).take(weight_from),
        dropped=last(holds & (action == "drop")) >= 0,
    )


def needed_patches(rows: pa.Table, patches: pa.Table, proposed: pa.Table) -> Bool[np.ndarray, " p"]:
    """Check a proposed patch against the current state, and say which of its rows change something.

    What is fulfilled already (a relabel to the label the example has, a drop of a dropped one, several rows that
    together lead to what is there) is not needed, so the same patch can be handed in twice. Otherwise several rows for
    one example are judged one after the other.

    Parameters
    ----------
    rows, patches
        The current version, as for `apply_patches`.
    proposed
        The new patch, in the form of `yori.store.patch_table.patch_table`.

    Returns
    -------
    True where a row of ``proposed`` is needed.

    Raises
    ------
    AlignmentError
        If the patch names an example that no row has.
    ConflictError
        If ``old`` is not the current label, or a dropped example is relabelled or reweighted. For a relabel a
        missing ``old`` means that the example has no label now; for the other actions it means that the label does
        not matter.
    """
    n, p = rows.num_rows, proposed.num_rows
    now = apply_patches(rows, patches)
    codes = _codes(rows["label"], now.label, proposed["old"], proposed["new"])
    own_label, label, old, new = np.split(codes, [n, 2 * n, 2 * n + p])
    imported = _State(own_label, rows["weight"].fill_null(1.0).to_numpy(), np.zeros(n, dtype=bool))
    current = _State(label, now.weight.to_numpy(), now.dropped)
    row = _rows_of(proposed["example_id"], rows["example_id"])
    edits = _Edits(row, proposed["action"].to_numpy().astype(str), old, new, proposed["weight"].to_numpy())
    waves = _waves(row)

    # Where the patch as a whole leads to what is there already, nothing is needed and nothing conflicts.
    outcome = current.copy()
    for wave in waves:
        outcome.apply(edits, wave, imported)
    wants_presence, wants_absence = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    wants_presence[row[np.isin(edits.action, ("relabel", "reweight"))]] = True
    wants_absence[row[edits.action == "drop"]] = True
    needed = (outcome.differs(current) | (outcome.dropped & wants_presence & ~wants_absence))[row]

    conflict = np.zeros(p, dtype=bool)
    state = current.copy()
    for wave in waves:
        wave = wave[needed[wave]]
        fulfilled, refused = state.judge(edits, wave, imported)
        needed[wave], conflict[wave] = ~fulfilled, refused
        state.apply(edits, wave[~fulfilled & ~refused], imported)
    if conflict.any():
        first = int(np.flatnonzero(conflict)[0])
        found = "dropped" if now.dropped[row[first]] else f"labelled {now.label[int(row[first])].as_py()!r}"
        raise ConflictError(
            f"examples that are as the patch says ({proposed['action'][first]} of {proposed['old'][first].as_py()!r})",
            f"{int(conflict.sum())} that are not: {some_ids(proposed['example_id'].filter(conflict).to_pylist())};"
            f" the first is {found}",
            where="add_labels",
            fix="Make the patch again from the latest version.",
        )
    return needed


@dataclass(frozen=True)
class _Edits:
    """A proposed patch in numbers: row of the example, action, codes of the old and new label, new weight."""

    row: Int[np.ndarray, " p"]
    action: Shaped[np.ndarray, " p"]
    old: Int[np.ndarray, " p"]
    new: Int[np.ndarray, " p"]
    weight: Float[np.ndarray, " p"]


@dataclass(frozen=True)
class _State:
    """Label codes, weights and presence of all examples; only `apply` changes them, in place."""

    label: Int[np.ndarray, " n"]
    weight: Float[np.ndarray, " n"]
    dropped: Bool[np.ndarray, " n"]

    def copy(self) -> _State:
        return _State(self.label.copy(), self.weight.copy(), self.dropped.copy())

    def apply(self, edits: _Edits, chosen: Int[np.ndarray, " w"], imported: _State) -> None:
        """Carry out some edits, no two for the same example."""
        row, action = edits.row[chosen], edits.action[chosen]
        relabel, reweight, restore = (action == name for name in ("relabel", "reweight", "restore"))
        self.label[row[relabel]] = edits.new[chosen][relabel]
        self.weight[row[reweight]] = edits.weight[chosen][reweight]
        self.dropped[row[action == "drop"]] = True
        back = row[restore]
        self.label[back], self.weight[back], self.dropped[back] = imported.label[back], imported.weight[back], False

    def differs(self, other: _State) -> Bool[np.ndarray, " n"]:
        """Where an example is not what it is in the other state; what a dropped one is labelled counts too."""
        return (self.label != other.label) | (self.weight != other.weight) | (self.dropped != other.dropped)

    def judge(
        self, edits: _Edits, chosen: Int[np.ndarray, " w"], imported: _State
    ) -> tuple[Bool[np.ndarray, " w"], Bool[np.ndarray, " w"]]:
        """Which edits are fulfilled already, and which cannot be carried out; no two for the same example."""
        row, action, old = edits.row[chosen], edits.action[chosen], edits.old[chosen]
        relabel, drop, reweight, restore = (action == name for name in ("relabel", "drop", "reweight", "restore"))
        label, weight, dropped = self.label[row], self.weight[row], self.dropped[row]
        as_imported = (label == imported.label[row]) & (weight == imported.weight[row])
        fulfilled = (drop & dropped) | ~dropped & (
            (relabel & (label == edits.new[chosen]))
            | (reweight & (weight == edits.weight[chosen]))
            | (restore & as_imported)
        )
        stale = (relabel | (old >= 0)) & (old != label)
        return fulfilled, ~fulfilled & (stale | (dropped & (relabel | reweight)))


def _rows_of(ids: pa.ChunkedArray, known: pa.ChunkedArray) -> Int[np.ndarray, " p"]:
    """Which row each id stands in."""
    import pyarrow.compute as pc

    found = pc.index_in(ids, known.combine_chunks())
    if found.null_count:
        unknown = ids.filter(pc.is_null(found)).to_pylist()
        raise AlignmentError("patches for examples of this project", f"unknown ids {some_ids(unknown)}", where="labels")
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _codes(*columns: pa.ChunkedArray) -> Int[np.ndarray, " total"]:
    """One number for each distinct label over all columns, −1 for none."""
    keys = [chunk for column in columns for chunk in label_keys(column).chunks]
    encoded = pa.chunked_array(keys, pa.string()).combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.fill_null(-1), dtype=np.int64)


def _waves(row: Int[np.ndarray, " p"]) -> list[Int[np.ndarray, " w"]]:
    """Cut a patch so that each piece names an example at most once: first occurrences, second occurrences, …"""
    order = np.argsort(row, kind="stable")
    ordered = row[order]
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if len(row) else np.zeros(0, dtype=bool)
    start = np.maximum.accumulate(np.where(first, np.arange(len(row)), 0))
    occurrence = np.empty(len(row), dtype=np.int64)
    occurrence[order] = np.arange(len(row)) - start
    return [np.flatnonzero(occurrence == k) for k in range(int(occurrence.max(initial=-1)) + 1)]
