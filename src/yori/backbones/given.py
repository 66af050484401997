"""The backbone that was brought along: embeddings stored by each import, opened as one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32

from yori.errors import StoreError
from yori.store import EmbeddingShards, Project, content_key

GIVEN = "given"
"""Key of the embeddings of the first import. A later import adds ``given-<hash>``, because stored embeddings never change."""


def given_parts(project: Project) -> list[EmbeddingShards]:
    """The embeddings of every import, the first import first."""
    folder = project.stage_path("data/embeddings", GIVEN).parent
    names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    keys = sorted(name for name in names if name == GIVEN or name.startswith(f"{GIVEN}-"))
    return [project.open_embeddings(key) for key in keys]


def open_given(project: Project) -> EmbeddingShards:
    """The embeddings of all imports together; those of several imports are joined once and kept.

    Raises
    ------
    StoreError
        If there are none.
    """
    parts = given_parts(project)
    if not parts:
        raise StoreError(
            "embeddings in the project", "none", where="backbone.name: given",
            fix="Import them: yori init DIR --layout arrays --embeddings X.npy --table rows.parquet",
        )  # fmt: skip
    if len(parts) == 1:
        return parts[0]
    key = f"all-given-{content_key(parts=[part.path.name for part in parts])[:32]}"
    if not project.has_stage("data/embeddings", key):
        ids = [str(each) for part in parts for each in part.ids.to_pylist()]

        def blocks(start: int) -> Iterator[Float32[np.ndarray, "n d"]]:
            seen = 0
            for part in parts:
                for block in part.blocks():
                    if seen + len(block) > start:
                        yield block[max(0, start - seen) :]
                    seen += len(block)

        project.write_embeddings(key, blocks, ids, {"backbone": GIVEN, "parts": [part.path.name for part in parts]})
    return project.open_embeddings(key)
