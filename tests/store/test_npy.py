from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import ShapeError, SourceError, ValuesError
from yori.store import float_blocks, open_npy
from yori.store.npy import HEADER_BYTES, as_float32, npy_header

pytestmark = pytest.mark.usefixtures("unchecked")


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("exploded"),)  # type: ignore[return-value]


def test_an_array_is_mapped_not_read(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.float64).reshape(4, 3)
    np.save(tmp_path / "x.npy", array)
    found = open_npy(tmp_path / "x.npy")
    assert isinstance(found, np.memmap)
    assert (found == array).all()
    assert not found.flags.writeable


def test_a_pickle_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("objects.npy", np.array([Bomb(), None], dtype=object), allow_pickle=True)
    with pytest.raises(SourceError, match=r"an array of numbers, got Python objects.*np\.asarray"):
        open_npy("objects.npy")
    Path("pickle.npy").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(SourceError, match=r"a \.npy file, got something else"):
        open_npy("pickle.npy")
    np.save("structured.npy", np.array([(1, None)], dtype=[("a", "f4"), ("b", "O")]), allow_pickle=True)
    with pytest.raises(SourceError, match="Python objects"):
        open_npy("structured.npy")
    assert not Path("exploded").exists()


@pytest.mark.parametrize("keep", [0, 3, 7, 20, 127, 128, 150])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    np.save(tmp_path / "x.npy", np.ones((4, 3)))
    whole = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(whole[:keep])
    with pytest.raises(SourceError, match=r"x\.npy"):
        open_npy(tmp_path / "x.npy")


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9223372036854775807), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': 'x', }",
        b"{'descr': '<f4'}",
        b"__import__('os').system('touch exploded')",
        b"\xff\xff",
        b"(" * 1000,
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, header: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(48)
    Path("x.npy").write_bytes(content)
    with pytest.raises(SourceError, match=r"x\.npy"):
        open_npy("x.npy")
    assert not Path("exploded").exists()


def test_a_file_that_is_not_there_or_no_npy(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        open_npy(tmp_path / "x.npy")
    with pytest.raises(SourceError, match="Is a directory"):
        open_npy(tmp_path)
    np.savez(tmp_path / "x.npz", a=np.ones(3))
    with pytest.raises(SourceError, match=r"a \.npy file, got something else"):
        open_npy(tmp_path / "x.npz")


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_opens(tmp_path: Path, version: tuple[int, int]) -> None:
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array(file, np.ones((2, 2)), version=version)
    assert (open_npy(tmp_path / "x.npy") == 1).all()


@pytest.mark.parametrize("shape", [(1, 1), (999_999_999, 4096), (7, 768)])
def test_our_header_has_the_length_we_count_with(shape: tuple[int, int], tmp_path: Path) -> None:
    assert len(npy_header(*shape)) == HEADER_BYTES
    if shape[0] < 100:
        np.save(tmp_path / "x.npy", np.zeros(shape, np.float32))
        assert (tmp_path / "x.npy").read_bytes()[:HEADER_BYTES] == npy_header(*shape)


@given(st.integers(1, 40), st.integers(1, 15))
def test_blocks_put_together_are_the_array(n: int, rows: int) -> None:
    array = np.arange(n * 2, dtype=np.float64).reshape(n, 2)
    blocks = list(float_blocks(array, rows=rows))
    assert all(block.dtype == np.float32 and len(block) <= rows for block in blocks)
    assert (np.concatenate(blocks) == array).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_a_number_that_is_not_finite_is_named_by_row(bad: float) -> None:
    array = np.ones((50, 3))
    array[37, 1] = bad
    with pytest.raises(ValuesError, match=re.escape(f"{bad!s} in row 37")):
        list(float_blocks(array, rows=10))
    float_blocks(array[:37], rows=10)


@pytest.mark.parametrize(
    ("array", "error", "wish"),
    [
        (np.ones(3), ShapeError, r"shape \(n, d\), got shape \(3,\)"),
        (np.ones((2, 2, 2)), ShapeError, r"\(2, 2, 2\)"),
        (np.ones((2, 0)), ShapeError, r"\(2, 0\)"),
        (np.array([["a", "b"]]), ValuesError, "real numbers, got dtype"),
        (np.array([[object()]]), ValuesError, "real numbers, got Python objects"),
        (np.ones((2, 2), complex), ValuesError, "real numbers, got dtype complex128"),
    ],
)
def test_what_is_no_block_of_embeddings(array: np.ndarray, error: type[Exception], wish: str) -> None:
    with pytest.raises(error, match=wish):
        as_float32(array, first_row=0, where="here")


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "u1", "?", ">f4"])
def test_any_real_numbers_become_float32(dtype: str) -> None:
    array = np.array([[0, 1], [1, 0]]).astype(dtype)
    block = as_float32(np.asfortranarray(array), first_row=0, where="here")
    assert block.dtype == np.dtype("<f4")
    assert block.flags.c_contiguous
    assert (block == array).all()
