import numpy as np
import pyarrow as pa
import pytest
import soundfile

from yori.errors import ShapeError, ValuesError
from yori.main_job import DataSource, import_data, init, read_given
from yori.store import Project


def snapshot(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_import_adds_only_what_is_new(clips, write, tmp_path):
    init(tmp_path / "p", clips)
    write("clips/cat/new.wav", 100)
    done = import_data(tmp_path / "p", clips, who="ben")
    project = Project.open(tmp_path / "p")
    assert (done.version, done.added, done.counts["known"], done.examples) == (2, 1, 6, 7)
    assert project.diff(1, 2).added == ("cat/new.wav",)
    assert project.version().who == "ben"
    before = snapshot(project.path)
    again = import_data(tmp_path / "p", clips)
    assert (again.version, again.added) == (2, 0)
    assert snapshot(project.path) == before


def test_what_was_dropped_does_not_come_back(clips, tmp_path):
    init(tmp_path / "p", clips)
    project = Project.open(tmp_path / "p")
    project.add_labels(pa.table({"example_id": ["cat/0.wav"], "action": ["drop"], "who": ["ann"]}), message="bad")
    assert import_data(tmp_path / "p", clips).added == 0
    assert "cat/0.wav" not in project.examples()["example_id"].to_pylist()


def test_a_changed_file_is_listed_and_not_taken(clips, write, tmp_path):
    init(tmp_path / "p", clips)
    write("clips/cat/0.wav", 77)
    done = import_data(tmp_path / "p", clips)
    assert done.reasons == {"changed": (1, 0)}
    assert done.version == 1


def test_equal_names_in_another_folder_do_not_collide(clips, write, tmp_path):
    init(tmp_path / "p", clips)
    for seed in range(6):
        write(f"tuesday/{('cat', 'dog')[seed % 2]}/{seed}.wav", seed + 50)
    tuesday = DataSource(layout="folder", path=tmp_path / "tuesday")
    done = import_data(tmp_path / "p", tuesday)
    project = Project.open(tmp_path / "p")
    assert (done.added, done.source) == (6, "tuesday")
    assert project.diff(1, 2).added[0] == "tuesday/cat/0.wav"
    assert project.roots() == {"clips": tmp_path / "clips", "tuesday": tmp_path / "tuesday"}
    assert import_data(tmp_path / "p", tuesday).counts["known"] == 6
    assert import_data(tmp_path / "p", clips).counts["known"] == 6


def test_the_same_clips_from_another_place_are_duplicates(clips, tmp_path):
    init(tmp_path / "p", clips)
    (tmp_path / "clips").rename(tmp_path / "moved")
    (tmp_path / "clips").mkdir()
    write_one = np.random.default_rng(5).normal(0, 0.1, 4000)
    soundfile.write(tmp_path / "moved" / "cat" / "new.wav", write_one[::-1], 8000)
    done = import_data(tmp_path / "p", DataSource(layout="folder", path=tmp_path / "moved"))
    assert done.reasons == {"exact duplicate": (6, 0)}
    assert done.added == 1


def test_windows_labels_and_columns_are_those_of_the_task(write, tmp_path):
    for seed in range(6):
        write(f"clips/{seed}.wav", seed, seconds=1.0)
    (tmp_path / "clips" / "rows.csv").write_text(
        "file,kind,site\n" + "".join(f"{i}.wav,{'xy'[i % 2]},{'ab'[i // 2 % 2]}\n" for i in range(4))
    )
    named = {"label": "kind", "domain": "site"}
    init(tmp_path / "p", DataSource(layout="table", path=tmp_path / "clips" / "rows.csv", columns=named), window=0.5)
    (tmp_path / "clips" / "rows.csv").write_text("file,kind,site\n4.wav,x,c\n5.wav,y,c\n")
    done = import_data(tmp_path / "p", DataSource(layout="table", path=tmp_path / "clips" / "rows.csv"))
    assert (done.added, done.domains) == (4, {"a": 4, "b": 4, "c": 4})
    (tmp_path / "clips" / "rows.csv").write_text("file,kind,site\n4.wav,z,c\n")
    with pytest.raises(ValuesError, match=r"'z', first for '4\.wav'.*task\.yaml"):
        import_data(tmp_path / "p", DataSource(layout="table", path=tmp_path / "clips" / "rows.csv"))


def test_one_class_is_enough_for_more(clips, write, tmp_path):
    init(tmp_path / "p", clips)
    write("more/cat/new.wav", 60)
    assert import_data(tmp_path / "p", DataSource(layout="folder", path=tmp_path / "more")).added == 1


def test_a_project_of_several_labels_takes_one(clips, write, tmp_path):
    init(tmp_path / "p", clips, labels="multiple")
    write("clips/cat/new.wav", 60)
    import_data(tmp_path / "p", clips)
    assert Project.open(tmp_path / "p").examples().to_pylist()[-4]["label"] == ["cat"]


def test_more_embeddings(arrays, tmp_path):
    init(tmp_path / "p", arrays(20))
    more = arrays(10, first=20, name="Y")
    done = import_data(tmp_path / "p", more)
    project = Project.open(tmp_path / "p")
    ids = project.examples()["example_id"].to_pylist()
    both = np.concatenate([np.load(tmp_path / "X.npy"), np.load(tmp_path / "Y.npy")])
    assert (done.added, done.examples, done.version) == (10, 30, 2)
    assert np.array_equal(read_given(project, ids), both)
    assert import_data(tmp_path / "p", more).added == 0


def test_embeddings_of_another_size(arrays, tmp_path):
    init(tmp_path / "p", arrays(20))
    before = snapshot(tmp_path / "p")
    with pytest.raises(ShapeError, match="3 dimensions, as before, got 4"):
        import_data(tmp_path / "p", arrays(10, 4, first=20, name="Y"))
    assert snapshot(tmp_path / "p") == before


def test_another_modality(clips, arrays, tmp_path):
    init(tmp_path / "p", clips)
    with pytest.raises(ValuesError, match=r"expected audio, the modality of task\.yaml, got embeddings"):
        import_data(tmp_path / "p", arrays(10))
    init(tmp_path / "q", arrays(10))
    with pytest.raises(ValuesError, match="expected embeddings"):
        import_data(tmp_path / "q", clips)


def test_the_report_keeps_the_latest_of_every_source(clips, write, tmp_path):
    (tmp_path / "clips" / "a.txt").write_text("x")
    init(tmp_path / "p", clips)
    write("more/cat/new.wav", 60)
    (tmp_path / "more" / "b.txt").write_text("x")
    import_data(tmp_path / "p", DataSource(layout="folder", path=tmp_path / "more"))
    (tmp_path / "clips" / "a.txt").rename(tmp_path / "clips" / "c.txt")
    report = import_data(tmp_path / "p", clips).report
    assert [line.split(",")[:2] for line in report.read_text().splitlines()[1:]] == [
        ["more", "b.txt"],
        ["clips", "c.txt"],
    ]
