import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from yori.errors import AlignmentError, PathEscapeError, SourceError, ValuesError
from yori.importers.table import list_table


@pytest.fixture
def table(data):
    def table(text, *, audio=("a.wav", "b.wav", "sub/c.wav")):
        for name in audio:
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_bytes(b"x")
        path = data / "rows.csv"
        path.write_text(text)
        return path

    return table


def test_every_role_and_every_other_column(table):
    found = list_table(
        table(
            "path,label,domain,group,split,annotator,time,verified,start,duration,id,speaker_age,code\n"
            "a.wav,dog,near,tape1,val,ann,2020-01-01,cat,0.5,2,ex1,31,007\n"
            "./sub//c.wav,cat,,,,,,,,,ex2,,12\n"
        )
    )
    first, second = found.recordings
    assert (first.uri, first.label, first.domain, first.group, first.split) == (
        "a.wav",
        "dog",
        "near",
        "tape1",
        "validation",
    )
    assert (first.annotator, first.time, first.verified) == ("ann", "2020-01-01", "cat")
    assert (first.start, first.duration, first.example_id) == (0.5, 2.0, "ex1")
    assert first.extra == {"speaker_age": 31, "code": "007"}
    assert (second.uri, second.domain, second.start) == ("sub/c.wav", None, None)
    assert second.extra == {"speaker_age": None, "code": "12"}


def test_missing_audio_and_missing_paths_are_listed(table):
    found = list_table(table("path,label\na.wav,dog\nnowhere.wav,cat\n,cat\nb.wav,cat\n"))
    assert [one.uri for one in found.recordings] == ["a.wav", "b.wav"]
    assert [(one.uri, one.reason, one.detail) for one in found.left_out] == [
        ("nowhere.wav", "missing", "row 2 of rows.csv"),
        ("", "no path", "row 3 of rows.csv"),
    ]


def test_all_missing(table):
    with pytest.raises(SourceError, match="2 × missing"):
        list_table(table("path,label\nx.wav,dog\ny.wav,cat\n"))


@pytest.mark.parametrize("path", ["../secret.wav", "/etc/passwd", "sub/../../secret.wav", "link.wav", "sub\\c.wav"])
def test_paths_that_leave_the_folder(table, data, path):
    (data.parent / "secret.wav").write_bytes(b"x")
    where = table(f"path,label\na.wav,dog\n{path},cat\n")
    (data / "link.wav").symlink_to(data.parent / "secret.wav")
    with pytest.raises(PathEscapeError, match=r"row 2 of .*rows\.csv"):
        list_table(where)


def test_repeated_rows(table):
    with pytest.raises(AlignmentError, match="rows 1 and 3"):
        list_table(table("path,label\na.wav,dog\nb.wav,dog\na.wav,cat\n"))
    with pytest.raises(AlignmentError, match="'x' in rows 1 and 2"):
        list_table(table("id,path,label\nx,a.wav,dog\nx,b.wav,dog\n"))
    stretches = list_table(table("path,label,start,duration\na.wav,dog,0,1\na.wav,cat,1,1\n"))
    assert [(one.uri, one.start) for one in stretches.recordings] == [("a.wav", 0.0), ("a.wav", 1.0)]


def test_columns_by_wish_and_another_root(table, data):
    where = table("rec;kind;site\nc.wav;dog;near\n")
    (one,) = list_table(where, root=data / "sub", columns={"uri": "rec", "label": "kind", "domain": "site"}).recordings
    assert (one.uri, one.label, one.domain, one.extra) == ("c.wav", "dog", "near", {})
    with pytest.raises(SourceError, match="a column with the path"):
        list_table(where)
    with pytest.raises(SourceError, match="folder"):
        list_table(where, root=data / "nowhere", columns={"uri": "rec"})


def test_several_labels(table, data):
    found = list_table(table('path,label\na.wav,"dog|cat"\nb.wav,cat\n'), label_separator="|")
    assert [one.label for one in found.recordings] == [("cat", "dog"), ("cat",)]
    assert found.labels == "multiple"
    rows = pa.table({"path": ["a.wav", "b.wav", "sub/c.wav"], "label": [["b", "a"], [], None]})
    pq.write_table(rows, data / "rows.parquet")
    assert [one.label for one in list_table(data / "rows.parquet").recordings] == [("a", "b"), (), None]


def test_labels_that_look_like_numbers_stay_what_they_are(table):
    found = list_table(table("path,label\na.wav,01\nb.wav,2\n"))
    assert found.classes == ("01", "2")


def test_verified_as_yes_and_no(table):
    found = list_table(table("path,label,verified\na.wav,dog,yes\nb.wav,cat,no\nsub/c.wav,cat,\n"))
    assert [one.verified for one in found.recordings] == ["dog", None, None]
    names = list_table(table("path,label,verified\na.wav,yes,yes\nb.wav,no,yes\n"))
    assert [one.verified for one in names.recordings] == ["yes", "yes"]


def test_types_of_parquet_are_kept(table, data):
    table("path\na.wav\n")
    rows = pa.table({"path": ["a.wav"], "label": pa.array(["x"]).dictionary_encode(), "code": ["12"], "depth": [1.5]})
    pq.write_table(rows, data / "rows.parquet")
    (one,) = list_table(data / "rows.parquet").recordings
    assert one.label == "x"
    assert one.extra == {"code": "12", "depth": 1.5}


def test_cells_that_cannot_be(table):
    with pytest.raises(ValuesError, match="row 1"):
        list_table(table("path,label,start\na.wav,dog,soon\n"))
    with pytest.raises(ValuesError, match="row 1"):
        list_table(table("path,label,split\na.wav,dog,fold7\n"))
    with pytest.raises(ValuesError, match="duration"):
        list_table(table("path,label,duration\na.wav,dog,0\n"))
