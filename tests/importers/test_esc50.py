import pytest

from yori.errors import PathEscapeError, SourceError
from yori.importers.esc50 import list_esc50

HEADER = "filename,fold,target,category,esc10,src_file,take\n"


@pytest.fixture
def esc50(data):
    """Three clips, two of them out of one recording of freesound.org; one row without audio, one clip without a row."""
    (data / "meta").mkdir()
    (data / "audio").mkdir()
    (data / "meta" / "esc50.csv").write_text(
        HEADER + "1-100032-A-0.wav,1,0,dog,True,100032,A\n1-100032-B-0.wav,1,0,dog,True,100032,B\n"
        "2-7-A-14.wav,2,14,chirping_birds,False,7,A\n3-8-A-14.wav,3,14,chirping_birds,False,8,A\n"
    )
    for name in ("1-100032-A-0.wav", "1-100032-B-0.wav", "2-7-A-14.wav", "9-9-A-1.wav"):
        (data / "audio" / name).write_bytes(b"x")
    (data / "LICENSE").write_text("CC")
    return data


def test_rows_and_what_is_left_out(esc50):
    found = list_esc50(esc50)
    assert [(one.uri, one.label, one.group, one.domain, one.split) for one in found.recordings] == [
        ("audio/1-100032-A-0.wav", "dog", "100032", None, None),
        ("audio/1-100032-B-0.wav", "dog", "100032", None, None),
        ("audio/2-7-A-14.wav", "chirping_birds", "7", None, None),
    ]
    assert found.recordings[0].extra == {"fold": 1, "target": 0, "esc10": "True", "take": "A"}
    assert {(one.uri, one.reason) for one in found.left_out} == {
        ("3-8-A-14.wav", "missing"),
        ("audio/9-9-A-1.wav", "no row"),
        ("LICENSE", "not audio"),
    }


def test_the_fold_as_domain(esc50):
    assert [one.domain for one in list_esc50(esc50, domain="fold").recordings] == ["1", "1", "2"]
    with pytest.raises(SourceError, match="nowhere"):
        list_esc50(esc50, domain="nowhere")


def test_urbansound8k(data):
    (data / "metadata").mkdir()
    (data / "metadata" / "UrbanSound8K.csv").write_text(
        "slice_file_name,fsID,start,end,salience,fold,classID,class\n100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark\n"
    )
    (data / "audio" / "fold5").mkdir(parents=True)
    (data / "audio" / "fold5" / "100032-3-0-0.wav").write_bytes(b"x")
    (one,) = list_esc50(data).recordings
    assert (one.uri, one.label, one.group) == ("audio/fold5/100032-3-0-0.wav", "dog_bark", "100032")
    assert one.start is None
    assert one.extra["start"] == 0.0


def test_a_row_that_comes_twice(esc50):
    table = esc50 / "meta" / "esc50.csv"
    table.write_text(table.read_text() + "2-7-A-14.wav,2,0,dog,False,7,A\n")
    found = list_esc50(esc50)
    assert len(found.recordings) == 3
    assert [one.uri for one in found.left_out if one.reason == "exact duplicate"] == ["audio/2-7-A-14.wav"]


def test_tables_that_are_not_there(esc50):
    (esc50 / "meta" / "more.csv").write_text(HEADER)
    with pytest.raises(SourceError, match=r"esc50\.csv, more\.csv"):
        list_esc50(esc50)
    assert len(list_esc50(esc50, table="meta/esc50.csv").recordings) == 3
    (esc50 / "meta" / "more.csv").write_text("filename,fold\nx,1\n")
    with pytest.raises(SourceError, match="category or class"):
        list_esc50(esc50, table="meta/more.csv")
    with pytest.raises(PathEscapeError):
        list_esc50(esc50, table="../meta/esc50.csv")
