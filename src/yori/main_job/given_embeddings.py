"""Bring-your-own embeddings in the project: what the backbone ``given`` opens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import Float32

from yori.backbones.given import GIVEN, given_parts
from yori.errors import AlignmentError, ShapeError, StoreError
from yori.importers import GivenEmbeddings
from yori.store import EmbeddingShards, Project, content_key
from yori.store.tables import some_ids


def write_given(project: Project, rows: pa.Table, embeddings: GivenEmbeddings) -> EmbeddingShards:
    """Store the embeddings of new rows, in their order.

    Parameters
    ----------
    project
        The project.
    rows
        ``(n,)`` with ``example_id`` and ``sha256``, as `yori.importers.take_in` returns them.
    embeddings
        ``(n, d)``, aligned with ``rows``.

    Raises
    ------
    ShapeError
        If ``d`` differs from that of the embeddings stored before.
    """
    ids = rows["example_id"].to_pylist()
    there = given_parts(project)
    if there and there[0].d != embeddings.d:
        fix = "Import embeddings of the same backbone, or make a project of their own."
        raise ShapeError(f"{there[0].d} dimensions, as before", str(embeddings.d), where=str(embeddings.path), fix=fix)
    key = f"{GIVEN}-{content_key(ids=ids, content=rows['sha256'].to_pylist())[:32]}" if there else GIVEN
    return project.write_embeddings(key, embeddings.blocks, ids, {"backbone": GIVEN, "file": embeddings.path.name})


def read_given(project: Project, ids: Sequence[str]) -> Float32[np.ndarray, "n d"]:
    """Embeddings of examples, in the order of ``ids``.

    Parameters
    ----------
    ids
        ``(n,)``.

    Raises
    ------
    StoreError
        If no embeddings were given.
    AlignmentError
        If an example has none.
    """
    import pyarrow.compute as pc

    parts = given_parts(project)
    if not parts:
        fix = "Import with the layout arrays, or choose another backbone in task.yaml."
        raise StoreError("embeddings that were given", "none", where=str(project.path), fix=fix)
    asked = pa.array(ids, pa.string())
    found = np.empty((len(asked), parts[0].d), dtype=np.float32)
    missing = np.ones(len(asked), dtype=bool)
    for part in parts:
        here = np.asarray(pc.is_in(asked, part.ids)) & missing
        if here.any():
            found[here] = part.rows_of(asked.filter(pa.array(here)))
            missing &= ~here
    if missing.any():
        lacking = asked.filter(pa.array(missing)).to_pylist()
        raise AlignmentError(
            "an embedding for every example",
            f"none for {some_ids(lacking)}",
            where=str(project.path),
            fix="Import the examples together with their embeddings.",
        )
    return found
