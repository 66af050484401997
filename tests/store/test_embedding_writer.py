"""Writing embeddings: block sizes, resuming, refusing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import AlignmentError, ConflictError, ShapeError, StoreError, ValuesError
from yori.store import Project, atomic
from yori.store.work import work_path

pytestmark = pytest.mark.usefixtures("unchecked")

N, D = 17, 2
NUMBERS = np.arange(N * D, dtype=np.float32).reshape(N, D)
IDS = [str(i) for i in range(N)]


def shard_bytes(rows: int) -> int:
    return 128 + rows * D * 4


def test_blocks_of_any_size_give_the_same_files(project: Project) -> None:
    expected = project.write_embeddings("whole", NUMBERS, IDS, shard_bytes=shard_bytes(4)).shards

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.integers(0, 6), max_size=20))
    def run(sizes: list[int]) -> None:
        cuts = np.clip(np.cumsum([0, *sizes]), 0, N).tolist()
        blocks = [NUMBERS[a:b] for a, b in zip(cuts, [*cuts[1:], N], strict=True)]
        shutil.rmtree(project.stage_path("data/embeddings", "e"), ignore_errors=True)
        assert project.write_embeddings("e", iter(blocks), IDS, shard_bytes=shard_bytes(4)).shards == expected

    run()


@pytest.mark.parametrize("rows", [1, 4, 16, 17, 18])
def test_shards_are_as_large_as_allowed(project: Project, rows: int) -> None:
    stored = project.write_embeddings("e", NUMBERS, IDS, shard_bytes=shard_bytes(rows))
    assert [shard.rows for shard in stored.shards[:-1]] == [rows] * (len(stored.shards) - 1)
    assert max(shard.bytes for shard in stored.shards) <= shard_bytes(rows)
    assert (stored.rows(range(N)) == NUMBERS).all()


def test_an_interrupted_writing_goes_on_where_it_stopped(project: Project) -> None:
    asked: list[int] = []

    def blocks(start: int, stop: int = N) -> Iterator[Any]:
        for row in range(start, stop):
            asked.append(row)
            yield NUMBERS[row : row + 1]
        if stop < N:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        project.write_embeddings("e", lambda start: blocks(start, 11), IDS, shard_bytes=shard_bytes(4))
    assert not project.has_stage("data/embeddings", "e")
    work = next(work_path(project.path).iterdir()) / "content"
    assert sorted(path.name for path in work.iterdir()) == ["00000.npy", "00001.npy"]
    asked.clear()
    stored = project.write_embeddings("e", blocks, IDS, shard_bytes=shard_bytes(4))
    assert asked == list(range(8, N))
    assert (stored.rows(range(N)) == NUMBERS).all()
    assert list(work_path(project.path).iterdir()) == []


def test_of_an_iterable_the_finished_rows_are_skipped(project: Project) -> None:
    def stops() -> Iterator[Any]:
        yield NUMBERS[:9]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        project.write_embeddings("e", stops(), IDS, shard_bytes=shard_bytes(4))
    rest = (NUMBERS[row : row + 5] for row in range(0, N, 5))
    assert (project.write_embeddings("e", rest, IDS, shard_bytes=shard_bytes(4)).rows(range(N)) == NUMBERS).all()


@pytest.mark.parametrize("damage", ["cut", "other ids", "other meta", "other shards"])
def test_what_an_interrupted_writing_left_is_used_only_if_it_fits(project: Project, damage: str) -> None:
    def stops() -> Iterator[Any]:
        yield -NUMBERS[:9]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        project.write_embeddings("e", stops(), IDS, {"a": 1}, shard_bytes=shard_bytes(4))
    work = next(work_path(project.path).iterdir()) / "content"
    rows, ids, meta = 4, IDS, {"a": 1}
    if damage == "cut":
        for path in work.iterdir():
            path.write_bytes(path.read_bytes()[:-1])
    elif damage == "other ids":
        ids = IDS[::-1]
    elif damage == "other meta":
        meta = {"a": 2}
    else:
        rows = 5
    stored = project.write_embeddings("e", NUMBERS, ids, meta, shard_bytes=shard_bytes(rows))
    assert (stored.rows(range(N)) == NUMBERS).all()


def test_a_key_that_is_there_is_not_written_again(project: Project) -> None:
    project.write_embeddings("e", NUMBERS, IDS)

    def never(start: int) -> Iterator[Any]:
        raise AssertionError

    assert project.write_embeddings("e", never, IDS).n == N
    with pytest.raises(ConflictError, match="17 ids already stored under this key"):
        project.write_embeddings("e", never, IDS[::-1])


def test_two_writers_of_one_key(project: Project) -> None:
    def blocks(start: int) -> Iterator[Any]:
        with pytest.raises(ConflictError, match="another process at work"):
            project.write_embeddings("e", NUMBERS, IDS)
        yield NUMBERS

    assert project.write_embeddings("e", blocks, IDS).n == N


@pytest.mark.parametrize(
    ("blocks", "error", "wish"),
    [
        ([NUMBERS[:16]], AlignmentError, "17 rows, one for each id, got 16"),
        ([], AlignmentError, "17 rows, one for each id, got 0"),
        ([NUMBERS, NUMBERS[:1]], AlignmentError, "17 rows, one for each id, got more"),
        ([NUMBERS[:5], np.ones((12, D + 1))], ShapeError, "2 columns in every block, got 3 from row 5 on"),
        ([NUMBERS[0]], ShapeError, r"shape \(n, d\), got shape \(2,\) from row 0"),
        ([NUMBERS[:5], np.where(NUMBERS[5:] == 20, np.nan, NUMBERS[5:])], ValuesError, "nan in row 10"),
        ([np.array([[object()] * D] * N)], ValuesError, "Python objects"),
    ],
)
def test_blocks_that_are_not_usable(project: Project, blocks: Any, error: type[Exception], wish: str) -> None:
    with pytest.raises(error, match=wish):
        project.write_embeddings("e", blocks, IDS, shard_bytes=shard_bytes(4))
    assert not project.has_stage("data/embeddings", "e")
    assert list(project.path.rglob("*.part")) == []
    assert (project.write_embeddings("e", NUMBERS, IDS, shard_bytes=shard_bytes(4)).rows(range(N)) == NUMBERS).all()


@pytest.mark.parametrize(
    ("ids", "wish"),
    [([], "at least one row"), (["a", None], "1 of them missing"), (["a", "b", "a"], "more than one row for 'a'")],
)
def test_ids_that_are_not_usable(project: Project, ids: list[str], wish: str) -> None:
    with pytest.raises(AlignmentError, match=wish):
        project.write_embeddings("e", NUMBERS, ids)


def test_keys_and_meta_are_checked_before_anything_is_computed(project: Project) -> None:
    with pytest.raises(StoreError, match="a key of 1 to 200"):
        project.write_embeddings("../e", NUMBERS, IDS)
    for meta in ({"a": {1}}, {"a": float("nan")}):
        with pytest.raises(ValuesError, match="meta that JSON can hold"):
            project.write_embeddings("e", NUMBERS, IDS, meta)
    assert not (project.path / "data").exists()


def test_ids_may_be_arrow_columns_of_any_kind(project: Project) -> None:
    kinds = [pa.array(IDS), pa.chunked_array([IDS[:3], IDS[3:]]), pa.array(IDS, pa.large_string())]
    kinds.append(pa.array(IDS).dictionary_encode())
    for k, ids in enumerate(kinds):
        assert project.write_embeddings(str(k), NUMBERS, ids).ids.to_pylist() == IDS


def test_the_input_is_not_modified(project: Project) -> None:
    numbers = NUMBERS.astype(np.float64)
    copy = numbers.copy()
    project.write_embeddings("e", numbers, IDS)
    assert (numbers == copy).all()
    assert atomic.is_disk_full(OSError(28, "full"))
