import pytest

from yori.errors import PathEscapeError, SourceError
from yori.importers.deepship import list_deepship, read_metafile, ship_name


@pytest.fixture
def metafile(data):
    """Write ``<label>/<label in small letters>-metafile``."""

    def metafile(label, text):
        (data / label).mkdir(exist_ok=True)
        (data / label / f"{label.lower()}-metafile").write_bytes(text.encode())
        return data / label / f"{label.lower()}-metafile"

    return metafile


def test_rows_as_real_metafiles_hold_them(metafile):
    rows, bad = read_metafile(
        metafile(
            "Tanker",
            "1,80, SONGA  Ruby ,20160505,125658,37,1593-1730,\r\n\t\r\n2,80,X,20160505,125658,9, 80 - 1730\n"
            ",,,\nnonsense\n3,80,X,2016,125658,9,80-90\n4,80,Y,20160506,000001,9,600-90,",
        )
    )
    assert [(row.line, row.number, row.ship, row.seconds, row.band) for row in rows] == [
        (1, 1, "SONGA RUBY", 37, "1500-2000 m"),
        (3, 2, "X", 9, "0-500 m"),
        (7, 4, "Y", 9, "0-500 m"),
    ]
    assert rows[0].time == "2016-05-05T12:56:58"
    assert bad == ["line 5: 'nonsense'", "line 6: '3,80,X,2016,125658,9,80-90'"]


def test_what_a_recording_says(data, metafile, write):
    metafile("Tanker", "1,80,Alpha,20160505,125658,37,1593-1730,\n2,80,alpha,20160506,125658,1,90-700,\n")
    metafile("Tug", "1,52,Beta,20160505,125658,37,10-30,\n")
    write("Tanker/1.wav", 1)
    write("Tanker/2.wav", 2)
    found = list_deepship(data)
    assert [(one.uri, one.label, one.group, one.domain) for one in found.recordings] == [
        ("Tanker/1.wav", "Tanker", "ALPHA", "1500-2000 m"),
        ("Tanker/2.wav", "Tanker", "ALPHA", "0-500 m"),
    ]
    assert found.recordings[0].extra["recorded_seconds"] == 37
    assert [(one.uri, one.reason) for one in found.left_out] == [("Tug/1.wav", "missing")]
    assert "BETA" in found.left_out[0].detail
    assert found.window == 3.0


def test_a_number_that_several_lines_share_is_settled_by_length(data, metafile, write):
    metafile("Tanker", "1,80,A,20160505,125658,2,0-9,\n1,80,C,20180505,125658,9,0-9,\n1,80,B,20170505,125658,5,0-9,\n")
    write("Tanker/1.wav", 1, seconds=5.4)
    found = list_deepship(data)
    assert [one.group for one in found.recordings] == ["B"]
    assert [one.detail.split(": ")[1].split(",")[0] for one in found.left_out] == ["A", "C"]
    write("Tanker/1.wav", 1, seconds=4.0)
    assert [one.group for one in list_deepship(data).recordings] == ["B"]
    write("Tanker/1.wav", 1, seconds=3.5)
    cut = list_deepship(data)
    assert [one.group for one in cut.recordings] == ["C"]
    (remark,) = (one for one in cut.left_out if one.reason == "ambiguous row")
    assert remark.action == "kept"
    assert "line 2 was taken" in remark.detail
    write("Tanker/1.wav", 1, seconds=12.0)
    with pytest.raises(SourceError, match="3 × missing"):
        list_deepship(data)


def test_an_unreadable_recording_keeps_its_first_line(data, metafile):
    metafile("Tanker", "1,80,A,20160505,125658,2,0-9,\n1,80,B,20170505,125658,5,0-9,\n")
    (data / "Tanker" / "1.wav").write_text("no sound")
    assert [one.group for one in list_deepship(data).recordings] == ["A"]


def test_audio_without_a_line(data, metafile, write):
    metafile("Tanker", "1,80,A,20160505,125658,2,0-9,\nnonsense\n")
    for place in ("Tanker/1.wav", "Tanker/5.wav", "Tanker/deep/1.wav", "Other/1.wav"):
        write(place, 1)
    found = list_deepship(data)
    assert {(one.uri, one.reason) for one in found.left_out} >= {
        ("Tanker/5.wav", "no row"),
        ("Tanker/deep/1.wav", "no row"),
        ("Other/1.wav", "no row"),
        ("Tanker/tanker-metafile", "unreadable"),
    }
    assert [one.uri for one in found.recordings] == ["Tanker/1.wav"]


def test_no_metafile(data, tmp_path):
    with pytest.raises(SourceError, match="Cargo, Passengership"):
        list_deepship(data)
    (tmp_path / "secret").write_text("x")
    (data / "Tanker").mkdir()
    (data / "Tanker" / "tanker-metafile").symlink_to(tmp_path / "secret")
    with pytest.raises(PathEscapeError):
        list_deepship(data)


def test_names_of_ships():
    assert ship_name("\tqueen  OF ") == "QUEEN OF"
    assert ship_name("TAVROPOS 636016731") == "TAVROPOS"
    assert ship_name("MELATI 5") == "MELATI 5"


def test_the_real_part(real_data):
    found = list_deepship(real_data / "deepship")
    assert len(found.recordings) == 21
    assert {one.label for one in found.recordings} == {"Passengership", "Tanker"}
    reasons = [one.reason for one in found.left_out]
    assert reasons.count("missing") == 590
    assert {one.uri.split("/")[0] for one in found.left_out if one.reason == "missing"} >= {"Cargo", "Tug"}
    assert len({one.group for one in found.recordings}) < 21
