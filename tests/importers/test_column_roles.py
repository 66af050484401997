import datetime

import pyarrow as pa
import pytest

from yori.errors import AlignmentError, SourceError, ValuesError
from yori.importers.column_roles import check_unique, find_roles, labels, seconds, splits, texts


def column(*cells, kind=None):
    return pa.chunked_array([pa.array(list(cells), kind)])


def test_roles_by_name_and_by_wish():
    names = ["filename", "category", "domain", "speaker", "take"]
    assert find_roles(names, None, where="") == {"uri": "filename", "label": "category", "domain": "domain"}
    assert find_roles(names, {"domain": "speaker", "label": "take"}, where="") == {
        "uri": "filename", "label": "take", "domain": "speaker"
    }  # fmt: skip
    assert "domain" not in find_roles(names, {"domain": None}, where="")
    assert find_roles(["path", "filename"], None, where="") == {"uri": "path"}


def test_wishes_that_cannot_be_fulfilled():
    with pytest.raises(SourceError, match="'nowhere'"):
        find_roles(["path"], {"label": "nowhere"}, where="")
    with pytest.raises(ValuesError, match="'colour'"):
        find_roles(["path"], {"colour": "path"}, where="")
    with pytest.raises(SourceError, match="one role"):
        find_roles(["path"], {"label": "path", "uri": "path"}, where="")


def test_cells_as_text():
    assert texts(column(" a ", "", None), name="x", where="") == ["a", None, None]
    assert texts(column(1, None, 3), name="x", where="") == ["1", None, "3"]
    assert texts(column(1.0, 2.5, float("nan")), name="x", where="") == ["1", "2.5", None]
    assert texts(column(True, False), name="x", where="") == ["true", "false"]
    assert texts(column(datetime.datetime(2020, 1, 2, 3, 4)), name="x", where="") == ["2020-01-02T03:04:00"]
    with pytest.raises(ValuesError, match="row 1"):
        texts(column(b"bytes"), name="x", where="")


def test_cells_as_labels():
    assert labels(column("b;a;b", "", None, "c"), ";", name="x", where="") == [("a", "b"), None, None, ("c",)]
    assert labels(column(["b", "a"], [], None), None, name="x", where="") == [("a", "b"), (), None]
    assert labels(column("b;a"), None, name="x", where="") == ["b;a"]
    assert labels(column(3, 4), None, name="x", where="") == ["3", "4"]


def test_cells_as_seconds():
    assert seconds(column("0.5", None), name="x", where="") == [0.5, None]
    for wrong in ("-1", "soon", "nan", "inf"):
        with pytest.raises(ValuesError, match="row 2"):
            seconds(column("1", wrong), name="x", where="")


def test_cells_as_splits():
    assert splits(column("train", "val", None), name="x", where="") == ["train", "validation", None]
    with pytest.raises(ValuesError, match="row 2"):
        splits(column("train", "7"), name="x", where="t.csv")


def test_repeated_ids_name_both_rows():
    check_unique(["a", None, None, "b"], what="ids", where="")
    with pytest.raises(AlignmentError, match="'a' in rows 1 and 4"):
        check_unique(["a", "b", None, "a"], what="ids", where="")
