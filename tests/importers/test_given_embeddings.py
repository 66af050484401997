import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from yori.errors import AlignmentError, PathEscapeError, ShapeError, SourceError, ValuesError
from yori.importers import arrays
from yori.importers.arrays import list_arrays


@pytest.fixture
def given(data):
    """Write embeddings and a table of ids a, b, c, …; return what `list_arrays` makes of them."""

    def given(array, *, text=None, **options):
        np.save(data / "X.npy", array)
        if "table" not in options:
            names = "".join(f"{chr(97 + row)},{'dog' if row % 2 else 'cat'}\n" for row in range(len(array)))
            (data / "rows.csv").write_text(text or "id,label\n" + names)
        return list_arrays(data / "X.npy", **{"table": data / "rows.csv", **options})

    return given


def together(listing, **how):
    return np.concatenate(list(listing.embeddings.blocks(**how)))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8"])
def test_every_type_arrives_as_float32(given, dtype):
    array = (np.arange(12).reshape(4, 3) - 5).astype(dtype)
    found = given(array)
    assert together(found).dtype == np.float32
    assert np.array_equal(together(found), array.astype(np.float32))
    assert [one.example_id for one in found.recordings] == list("abcd")
    assert found.classes == ("cat", "dog")


def test_blocks_from_any_row_in_any_size(given):
    array = np.random.default_rng(0).normal(size=(11, 3)).astype(np.float32)
    found = given(array)
    for first in range(11):
        assert np.array_equal(together(found, first=first, rows=4), array[first:])
    chosen = found.embeddings.select(np.array([7, 2, 2]))
    assert np.array_equal(np.concatenate(list(chosen.blocks())), array[[7, 2, 2]])


def test_columns_in_memory_order_of_fortran(given):
    array = np.asfortranarray(np.random.default_rng(0).normal(size=(6, 3)))
    assert np.allclose(together(given(array)), array)


def test_rows_without_ids_are_numbered(given):
    found = given(np.eye(12), text="label\n" + "dog\ncat\n" * 6)
    assert [one.example_id for one in found.recordings][:3] == ["00", "01", "02"]


def test_labels_as_an_array(given, data):
    np.save(data / "y.npy", np.array([3, 1, 3]))
    assert [one.label for one in given(np.eye(3), table=data / "y.npy").recordings] == ["3", "1", "3"]
    np.save(data / "y.npy", np.array(["dog", "cat", "dog"]))
    assert given(np.eye(3), table=data / "y.npy").classes == ("cat", "dog")
    np.save(data / "y.npy", np.array([0.5, 1, 2]))
    with pytest.raises(ValuesError, match="whole numbers"):
        given(np.eye(3), table=data / "y.npy")


def test_ids_bring_another_order_into_line(given, data):
    array = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    np.save(data / "ids.npy", np.array(["c", "a", "d", "b"]))
    found = given(array, ids=data / "ids.npy")
    assert [one.example_id for one in found.recordings] == list("abcd")
    assert np.array_equal(together(found), array[[1, 3, 0, 2]])


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "b", "x"], "only in the table: 'c'.*only beside the embeddings: 'x'"),
        (["a", "b", "b"], "'b' in rows 2 and 3"),
    ],
)
def test_ids_that_do_not_match(given, data, ids, message):
    np.save(data / "ids.npy", np.array(ids))
    with pytest.raises(AlignmentError, match=message):
        given(np.eye(3), ids=data / "ids.npy")


def test_ids_in_the_table_that_repeat_or_lack(given):
    with pytest.raises(AlignmentError, match="'a' in rows 1 and 2"):
        given(np.eye(2), text="id,label\na,dog\na,cat\n")
    with pytest.raises(AlignmentError, match="none in row 2"):
        given(np.eye(2), text="id,label\na,dog\n,cat\n")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 4, 8])
def test_numbers_that_are_none_name_their_row(given, monkeypatch, bad, row):
    monkeypatch.setattr(arrays, "BLOCK_ROWS", 3)
    array = np.ones((9, 2))
    array[row, 1] = bad
    with pytest.raises(ValuesError, match=f"in row {row}"):
        given(array)


def test_too_large_for_float32(given):
    with pytest.raises(ValuesError, match="row 1"):
        given(np.array([[1.0], [1e300]]))


@pytest.mark.parametrize("array", [np.ones(3), np.ones((2, 2, 2)), np.ones((3, 0)), np.ones((0, 3))])
def test_shapes_that_are_no_table(given, array):
    with pytest.raises(ShapeError, match=r"\(n, d\)"):
        given(array)


@pytest.mark.parametrize("dtype", ["complex64", "int64", "bool", "U3"])
def test_types_that_are_no_embeddings(given, dtype):
    with pytest.raises(ValuesError, match="float32"):
        given(np.ones((2, 2)).astype(dtype))


def test_another_number_of_rows(given):
    with pytest.raises(ShapeError, match=r"3 rows.*got 2"):
        given(np.eye(3), text="id,label\na,dog\nb,cat\n")


def test_a_pickle_is_not_opened(given, data):
    ran = data / "ran"

    class Evil:
        def __reduce__(self):
            return (ran.write_text, ("x",))

    np.save(data / "evil.npy", np.array([Evil(), Evil()], dtype=object), allow_pickle=True)
    given(np.eye(2))
    for options in ({"embeddings": data / "evil.npy", "table": data / "rows.csv"},):
        with pytest.raises(SourceError, match="Python objects"):
            list_arrays(options["embeddings"], table=options["table"])
    with pytest.raises(SourceError, match="Python objects"):
        list_arrays(data / "X.npy", table=data / "evil.npy")
    with pytest.raises(SourceError, match="Python objects"):
        list_arrays(data / "X.npy", table=data / "rows.csv", ids=data / "evil.npy")
    (data / "raw.npy").write_bytes(pickle.dumps([Evil()]))
    with pytest.raises(SourceError):
        list_arrays(data / "raw.npy", table=data / "rows.csv")
    assert not ran.exists()


def test_a_truncated_file(given, data):
    given(np.eye(8))
    whole = (data / "X.npy").read_bytes()
    (data / "X.npy").write_bytes(whole[:-9])
    with pytest.raises(SourceError, match="truncated"):
        list_arrays(data / "X.npy", table=data / "rows.csv")


def test_zero_vectors_are_listed(given):
    found = given(np.array([[0.0, 0.0], [1.0, 0.0], [-0.0, 0.0]]))
    assert [(one.uri, one.reason, one.action) for one in found.left_out] == [
        ("a", "zero vector", "kept"),
        ("c", "zero vector", "kept"),
    ]
    assert found.hashes[0] == found.hashes[2] != found.hashes[1]


def test_the_hash_is_of_the_numbers_not_of_their_type(given):
    array = np.array([[0.5, -2.0], [1.0, 3.0]])
    assert given(array.astype("float16")).hashes == given(array).hashes


def test_paths_of_audio(given, data):
    text = "id,label,path\na,dog,x.wav\nb,cat,\n"
    assert [one.uri for one in given(np.eye(2), text=text).recordings] == ["", ""]
    assert given(np.eye(2), text=text).recordings[0].extra == {"path": "x.wav"}
    assert [one.uri for one in given(np.eye(2), text=text, root=data).recordings] == ["x.wav", ""]
    with pytest.raises(PathEscapeError, match="row 1"):
        given(np.eye(2), text="id,label,path\na,dog,../x.wav\nb,cat,\n", root=data)


def test_parquet_with_several_labels(given, data):
    rows = pa.table({"example_id": ["p", "q"], "label": [["x", "y"], []], "domain": ["near", "far"]})
    pq.write_table(rows, data / "rows.parquet")
    found = given(np.eye(2), table=data / "rows.parquet")
    assert [(one.example_id, one.label, one.domain) for one in found.recordings] == [
        ("p", ("x", "y"), "near"),
        ("q", (), "far"),
    ]
