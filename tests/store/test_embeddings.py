"""Reading embeddings: rows, blocks, alignment with ids, and every kind of damage."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import AlignmentError, CorruptError, NewerVersionError, ShapeError, StoreError, ValuesError
from yori.store import EmbeddingShards, Project

pytestmark = pytest.mark.usefixtures("unchecked")

N, D = 23, 3
NUMBERS = np.arange(N * D, dtype=np.float32).reshape(N, D)
IDS = [f"x{i:02}" for i in range(N)]


@pytest.fixture
def stored(project: Project) -> EmbeddingShards:
    """23 rows in shards of 5."""
    return project.write_embeddings("e", NUMBERS, IDS, {"backbone": "ast"}, shard_bytes=128 + 5 * D * 4)


def test_what_is_stored_is_plain_files(project: Project, stored: EmbeddingShards) -> None:
    folder = project.path / "data" / "embeddings" / "e"
    names = sorted(path.name for path in folder.iterdir())
    assert names == [*(f"{i:05}.npy" for i in range(5)), "ids.parquet", "meta.json"]
    parts = [np.load(folder / name) for name in names[:5]]
    assert [len(part) for part in parts] == [5, 5, 5, 5, 3]
    assert (np.concatenate(parts) == NUMBERS).all()
    assert json.loads((folder / "meta.json").read_text())["meta"] == {"backbone": "ast"}


def test_opening(project: Project, stored: EmbeddingShards) -> None:
    found = project.open_embeddings("e")
    assert (found.n, found.d, found.ids.to_pylist(), dict(found.meta)) == (N, D, IDS, {"backbone": "ast"})
    found.check()
    with pytest.raises(StoreError, match="embeddings under the key 'f', got none"):
        project.open_embeddings("f")


@pytest.mark.parametrize("rows", [1, 2, 5, 7, 100])
def test_blocks_are_views_in_order_and_never_cross_a_shard(stored: EmbeddingShards, rows: int) -> None:
    blocks = list(stored.blocks(rows))
    assert (np.concatenate(blocks) == NUMBERS).all()
    assert max(len(block) for block in blocks) == min(rows, 5)
    assert all(isinstance(block, np.memmap) and not block.flags.writeable for block in blocks)
    assert (np.concatenate(list(stored)) == NUMBERS).all()


def test_rows_equal_indexing(stored: EmbeddingShards) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(0, N - 1), max_size=40))
    def run(indices: list[int]) -> None:
        found = stored.rows(indices)
        assert found.dtype == np.float32
        assert (found == NUMBERS[np.array(indices, dtype=int)]).all()
        assert (stored.rows_of([IDS[i] for i in indices]) == found).all()

    run()


def test_rows_are_a_copy(stored: EmbeddingShards) -> None:
    found = stored.rows([0])
    found[:] = 99
    assert (stored.rows([0]) == NUMBERS[:1]).all()


def test_rows_that_are_not_there(stored: EmbeddingShards) -> None:
    for bad in (-1, N):
        with pytest.raises(ValuesError, match=f"row numbers in 0 … 22, got {bad}"):
            stored.rows([0, bad])
    for wrong in ([[0]], [0.5], 3):
        with pytest.raises(ShapeError, match="row numbers of shape"):
            stored.rows(wrong)
    with pytest.raises(AlignmentError, match="none for 'y', 'z'"):
        stored.rows_of(["x01", "y", "z"])


def test_rows_of_the_examples_of_a_project(project: Project, stored: EmbeddingShards, make_rows: Any) -> None:
    project.add_rows(make_rows(IDS[::-2]), sources={}, message="m", who="w")
    ids = project.examples()["example_id"]
    assert isinstance(ids, pa.ChunkedArray)
    assert (stored.rows_of(ids) == NUMBERS[::2]).all()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def cut_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def make_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps([1, 2]))


def make_objects(path: Path) -> None:
    np.save(path, np.array([[None]], dtype=object), allow_pickle=True)


def make_other_shape(path: Path) -> None:
    np.save(path, np.zeros((5, D + 1), np.float32))


def make_other_type(path: Path) -> None:
    np.save(path, np.zeros((5, D)))


@pytest.mark.parametrize("damage", [Path.unlink, cut, cut_header, make_pickle, make_objects, make_other_shape])
@pytest.mark.parametrize("name", ["00000.npy", "00004.npy"])
def test_a_damaged_shard_is_named(project: Project, stored: EmbeddingShards, damage: Any, name: str) -> None:
    damage(stored.path / name)
    with pytest.raises(CorruptError, match=name):
        project.open_embeddings("e")


def test_a_shard_of_another_type_or_with_other_numbers(project: Project, stored: EmbeddingShards) -> None:
    path = stored.path / "00001.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CorruptError, match=r"00001\.npy: expected the bytes that were written"):
        project.open_embeddings("e").check()
    make_other_type(path)
    with pytest.raises(CorruptError, match="float64"):
        project.open_embeddings("e")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ids.parquet", b""),
        ("ids.parquet", b"PAR1"),
        ("meta.json", b""),
        ("meta.json", b'{"format": 1}'),
        ("meta.json", b'{"format": 1, "shards": 3}'),
        ("meta.json", b"\xff"),
    ],
)
def test_damaged_ids_or_meta(project: Project, stored: EmbeddingShards, name: str, content: bytes) -> None:
    (stored.path / name).write_bytes(content)
    with pytest.raises(CorruptError, match="embeddings/e"):
        project.open_embeddings("e")
    (stored.path / name).unlink()
    with pytest.raises(CorruptError, match="embeddings/e"):
        project.open_embeddings("e")


def test_ids_of_other_embeddings_and_a_newer_format(project: Project, stored: EmbeddingShards) -> None:
    other = project.write_embeddings("f", NUMBERS, IDS[::-1])
    ids = (stored.path / "ids.parquet").read_bytes()
    (stored.path / "ids.parquet").write_bytes((other.path / "ids.parquet").read_bytes())
    with pytest.raises(CorruptError, match="ids that agree"):
        project.open_embeddings("e")
    (stored.path / "ids.parquet").write_bytes(ids)
    meta = stored.path / "meta.json"
    meta.write_text(meta.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(NewerVersionError):
        project.open_embeddings("e")
