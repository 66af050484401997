"""What changed between two versions, in examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from yori.store.examples import count_classes
from yori.store.tables import is_list, label_keys


@dataclass(frozen=True)
class Diff:
    """What changed from one version to another; every list is sorted by id.

    Parameters
    ----------
    added
        Ids that only the second version has: new rows and restored ones.
    removed
        Ids that only the first version has: dropped ones.
    relabelled
        Table ``example_id, old, new`` of examples in both whose label differs.
    reweighted
        Table ``example_id, old, new`` of examples in both whose weight differs.
    classes
        Label → how many examples carry it in the first and in the second version.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    relabelled: pa.Table
    reweighted: pa.Table
    classes: Mapping[str, tuple[int, int]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed that a model could see."""
        return not (self.added or self.removed or self.relabelled.num_rows or self.reweighted.num_rows)


def diff_examples(before: pa.Table, after: pa.Table) -> Diff:
    """Compare two tables of examples by ``example_id``, ``label`` and ``weight``.

    Examples
    --------
    >>> import pyarrow as pa
    >>> a = pa.table({"example_id": ["x", "y"], "label": ["dog", "cat"], "weight": [1.0, 1.0]})
    >>> b = pa.table({"example_id": ["y", "z"], "label": ["dog", "cat"], "weight": [1.0, 1.0]})
    >>> changes = diff_examples(a, b)
    >>> changes.added, changes.removed, changes.relabelled.to_pylist()
    (('z',), ('x',), [{'example_id': 'y', 'old': 'cat', 'new': 'dog'}])
    """
    import pyarrow.compute as pc

    ids_before, ids_after = before["example_id"].combine_chunks(), after["example_id"].combine_chunks()
    added = ids_after.filter(pc.invert(pc.is_in(ids_after, ids_before)))
    found = pc.index_in(ids_before, ids_after)
    stayed = pc.is_valid(found)
    old, new = before.filter(stayed), after.take(found.drop_null())
    classes_before, classes_after = count_classes(before["label"]), count_classes(after["label"])
    return Diff(
        added=tuple(sorted(added.to_pylist(), key=str.encode)),
        removed=tuple(sorted(ids_before.filter(pc.invert(stayed)).to_pylist(), key=str.encode)),
        relabelled=_changed(old, new, "label"),
        reweighted=_changed(old, new, "weight"),
        classes={
            label: (classes_before.get(label, 0), classes_after.get(label, 0))
            for label in sorted({*classes_before, *classes_after})
        },
    )


def _changed(old: pa.Table, new: pa.Table, name: str) -> pa.Table:
    import pyarrow.compute as pc

    a, b = old[name], new[name]
    if a.type != b.type:  # one of the versions has no label at all yet, so its column has the type of text
        wanted = a.type if is_list(a.type) else b.type
        a, b = (c if c.type == wanted else pa.chunked_array([pa.nulls(len(c), wanted)]) for c in (a, b))
    keys_a, keys_b = label_keys(a), label_keys(b)
    differ = pc.or_(pc.not_equal(keys_a, keys_b).fill_null(False), pc.not_equal(pc.is_null(keys_a), pc.is_null(keys_b)))
    table = pa.table({"example_id": old["example_id"], "old": a, "new": b}).filter(differ)
    return table.take(pc.sort_indices(table["example_id"])).combine_chunks()
