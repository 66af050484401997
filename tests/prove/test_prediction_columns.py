import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from yori.errors import SourceError, ValuesError
from yori.prove.prediction_columns import numbers, read_columns, words

PROBS = np.array([[0.9, 0.1], [0.25, 0.75], [0.5, 0.5]])


def test_words_and_numbers():
    assert words(np.array([b"a", b"b"]), "id", "x").tolist() == ["a", "b"]
    assert words(np.array([True, False]), "id", "x").tolist() == ["True", "False"]
    with pytest.raises(ValuesError, match="1 empty, first in row 1"):
        words(np.array([0.5, np.nan]), "id", "x")
    assert numbers(np.array(["-1e3", None], dtype=object)[:1], "p", "x").tolist() == [-1000]


def test_a_dictionary_column_is_text(tmp_path):
    rows = pa.table({"domain": pa.array(["x", "y", "x"]).dictionary_encode(), "n": [1, 2, 3]})
    pq.write_table(rows, tmp_path / "rows.parquet")
    found = read_columns(tmp_path / "rows.parquet")
    assert found["domain"].tolist() == ["x", "y", "x"]
    assert found["n"].dtype == np.int64


def test_a_truncated_npz_and_pickled_objects(tmp_path):
    np.savez(tmp_path / "a.npz", ids=np.arange(3), probs=PROBS)
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[: len(whole) // 2])
    np.savez(tmp_path / "c.npz", ids=np.array(["a", None, "c"], dtype=object), probs=PROBS)
    with pytest.raises(SourceError, match="damaged"):
        read_columns(tmp_path / "b.npz")
    with pytest.raises(SourceError, match="Python objects"):
        read_columns(tmp_path / "c.npz")
