import pytest

from yori.errors import PathEscapeError, SourceError, ValuesError
from yori.importers.vtuad import list_vtuad

NEAR, FAR = "inclusion_2000_exclusion_4000", "inclusion_4000_exclusion_6000"
HEADER = "label,duration_sec,path,sample_rate,class_code,date,MMSI,t1,t1_norm,sub_init,file_index\n"


def row(index, label="cargo", *, day="20170101", mmsi="316001", second=0):
    return f"{label},1,x.wav,32000,70,{day},{mmsi},8.5,0.1,{second},{index}\n"


@pytest.fixture
def scenario(data):
    """Write clips and the table of one split of one scenario."""

    def scenario(name, rows, *, split="train", clips=(), table=None):
        folder = data / name / split
        folder.mkdir(parents=True, exist_ok=True)
        (folder / (table or f"{split}.csv")).write_text(HEADER + "".join(rows))
        for label, index, content in clips:
            path = folder / "audio" / label / f"{index}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return scenario


def test_what_a_row_says(data, scenario):
    scenario(NEAR, [row(7, "Cargo", second=3)], clips=[("cargo", 7, b"x")])
    (one,) = list_vtuad(data).recordings
    assert one.uri == f"{NEAR}/train/audio/cargo/7.wav"
    assert (one.label, one.domain, one.group) == ("cargo", NEAR, "316001/20170101")
    assert (one.split, one.time) == (None, "2017-01-01")
    assert one.extra["official_split"] == "train"
    assert one.extra["t1"] == 8.5
    assert one.extra["sub_init"] == 3


def test_every_place_a_table_can_have(data, scenario):
    scenario(NEAR, [row(1)], clips=[("cargo", 1, b"a")])
    scenario(NEAR, [row(2)], split="test", table="metadata.csv", clips=[("cargo", 2, b"b")])
    scenario(f"{FAR}/{FAR}", [row(3, day="20170202")], clips=[("cargo", 3, b"c")])
    found = list_vtuad(data)
    assert [(one.domain, one.extra["official_split"]) for one in found.recordings] == [
        (NEAR, "test"),
        (NEAR, "train"),
        (FAR, "train"),
    ]
    assert found.left_out == ()
    assert [one.domain for one in list_vtuad(data / NEAR).recordings] == [NEAR, NEAR]


def test_whole_passages(data):
    folder = data / NEAR
    (folder / "vessel").mkdir(parents=True)
    (folder / "vessel" / "a.wav").write_bytes(b"x")
    (folder / "metadata.csv").write_text(
        "label,path,date,MMSI\ntug,vessel/a.wav,20170101,316\nbackground,,20170101,0\n"
    )
    found = list_vtuad(data)
    assert [(one.uri, one.label, one.group) for one in found.recordings] == [
        (f"{NEAR}/vessel/a.wav", "tug", "316/20170101")
    ]
    assert [one.reason for one in found.left_out] == ["missing"]


def test_what_is_left_out(data, scenario):
    scenario(NEAR, [row(1), row(2), row(3, "")], clips=[("cargo", 1, b"a"), ("tug", 9, b"b")])
    (data / NEAR / "notes.txt").write_text("x")
    found = list_vtuad(data)
    assert len(found.recordings) == 1
    assert sorted((one.uri.rsplit("/", 1)[1], one.reason) for one in found.left_out) == [
        ("2.wav", "missing"),
        ("3.wav", "no label"),
        ("9.wav", "no row"),
        ("notes.txt", "not audio"),
    ]


@pytest.fixture
def overlapping(scenario):
    """Vessel 1 is in both scenarios: its first second with the same bytes, its other ones with others; vessel 2 is far."""
    near = [row(1, mmsi="1", second=0), row(2, mmsi="1", second=1)]
    far = [row(1, mmsi="1", second=5), row(2, mmsi="1", second=1), row(3, mmsi="2", second=0)]
    scenario(NEAR, near, clips=[("cargo", 1, b"same"), ("cargo", 2, b"near")])
    scenario(FAR, far, clips=[("cargo", 1, b"same"), ("cargo", 2, b"far"), ("cargo", 3, b"same")])


@pytest.mark.parametrize(
    ("overlap", "gone"),
    [("content", [f"{FAR}/train/audio/cargo/1.wav"]), ("columns", [f"{FAR}/train/audio/cargo/2.wav"]), ("keep", [])],
)
def test_the_same_second_in_two_scenarios(data, overlapping, overlap, gone):
    found = list_vtuad(data, overlap=overlap)
    assert [one.uri for one in found.left_out] == gone
    assert all(one.reason == "overlapping scenario" for one in found.left_out)
    assert len(found.recordings) == 5 - len(gone)


def test_background_of_one_day_is_one_group(data, scenario):
    scenario(NEAR, [row(1, "background", mmsi="0"), row(2, "background", mmsi="")], clips=[
        ("background", 1, b"a"), ("background", 2, b"b")
    ])  # fmt: skip
    assert {one.group for one in list_vtuad(data).recordings} == {"background/20170101"}


def test_a_time_column_tells_passages_apart(data):
    for name in (NEAR, FAR):
        for index, clock in (("1", "10:00"), ("2", "12:00")):
            path = data / name / "train" / "audio" / "tug" / f"{index}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{name}{clock}".encode())
        lines = "tug,20170101,1,10:00,0,1\ntug,20170101,1,12:00,0,2\n" if name == NEAR else "tug,20170101,1,10:00,0,1\n"
        (data / name / "train" / "train.csv").write_text("label,date,MMSI,time,sub_init,file_index\n" + lines)
    found = list_vtuad(data)
    assert [one.uri for one in found.left_out if one.reason == "overlapping scenario"] == [
        f"{FAR}/train/audio/tug/1.wav"
    ]
    assert {one.time for one in found.recordings} == {"2017-01-01T10:00", "2017-01-01T12:00"}


def test_what_is_no_vtuad(data, scenario):
    with pytest.raises(SourceError, match="inclusion_2000_exclusion_4000"):
        list_vtuad(data)
    (data / NEAR / "train" / "audio" / "x").mkdir(parents=True)
    (data / NEAR / "train" / "audio" / "x" / "1.wav").write_bytes(b"x")
    (data / NEAR / "train" / "train.csv").write_text("label,date\nx,20170101\n")
    with pytest.raises(SourceError, match="MMSI"):
        list_vtuad(data)


def test_a_path_that_leaves_the_folder(data):
    (data / NEAR / "vessel").mkdir(parents=True)
    (data / NEAR / "vessel" / "a.wav").write_bytes(b"x")
    (data / NEAR / "metadata.csv").write_text("label,path,date,MMSI\ntug,../../secret.wav,20170101,316\n")
    with pytest.raises(PathEscapeError):
        list_vtuad(data)


def test_an_overlap_nobody_knows(data, unchecked):
    with pytest.raises(ValuesError, match="overlap"):
        list_vtuad(data, overlap="guess")
