import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile

from yori.errors import SplitError, StoreError
from yori.main_job import DataSource, import_data, init, read_given
from yori.main_job.initialise import source_name, user_name
from yori.store import Project
from yori.task import read_task


def test_a_project_of_clips(clips, tmp_path):
    done = init(tmp_path / "pets", clips, who="ann")
    project = Project.open(tmp_path / "pets")
    task = read_task(project.path / "task.yaml")
    assert (task.name, task.class_names, task.modality) == ("pets", ("cat", "dog"), "audio")
    assert task.splits.protocols == ("id",)
    assert (task.audio.sample_rate, task.audio.window) == (8000, None)
    assert (task.columns.domain, task.columns.group) == (None, None)
    examples = project.examples()
    assert examples["example_id"].to_pylist()[:2] == ["cat/0.wav", "cat/2.wav"]
    assert examples["group"].to_pylist() == examples["example_id"].to_pylist()
    assert project.roots() == {"clips": tmp_path / "clips"}
    assert project.locate("clips", "cat/0.wav").is_file()
    assert (done.version, done.added, done.examples, done.groups) == (1, 6, 6, 6)
    assert done.classes == {"cat": 3, "dog": 3}
    assert (project.version().who, project.version().parents) == ("ann", ())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "pets"]
    project.check()


def test_the_same_source_twice_gives_the_same_bytes(clips, tmp_path):
    for name in ("a", "b"):
        init(tmp_path / name, clips, name="pets", who="ann")
    for file in ("task.yaml", "import_report.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    hashes = {Project.open(tmp_path / name).version().content_hash for name in ("a", "b")}
    assert len(hashes) == 1


def test_a_folder_that_is_there_keeps_its_identity(clips, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    before = (tmp_path / "here").stat().st_ino
    monkeypatch.chdir(tmp_path / "here")
    init(".", clips)
    assert Path.cwd().stat().st_ino == before
    assert Project.open(".").version().number == 1
    assert read_task("task.yaml").name == "here"


def test_domains_propose_lodo_only_where_it_can_be_done(write, tmp_path):
    for seed in range(40):
        write(f"clips/{'xy'[seed % 2]}_{'ab'[seed // 20]}_{seed}.wav", seed, seconds=0.1)
    source = DataSource(layout="pattern", path=tmp_path / "clips", pattern="{label}_{domain}_{index}.wav")
    assert init(tmp_path / "p", source).domains == {"a": 20, "b": 20}
    task = read_task(tmp_path / "p" / "task.yaml")
    assert task.splits.protocols == ("id", "lodo")
    assert task.columns.domain == "domain"
    write("clips/z_a_1.wav", 99)
    write("clips/z_a_2.wav", 98)
    (note,) = init(tmp_path / "q", source).notes
    assert "every class of domain 'a' in some other domain" in note
    assert read_task(tmp_path / "q" / "task.yaml").splits.protocols == ("id",)
    assert "every class of domain" in (tmp_path / "q" / "task.yaml").read_text()
    with pytest.raises(SplitError, match="every class of domain 'a'"):
        init(tmp_path / "r", source, protocols=["id", "lodo"])
    assert not (tmp_path / "r").exists()


def test_embeddings_are_stored_under_given(arrays, tmp_path):
    source = arrays(40)
    done = init(tmp_path / "p", source, who="ann")
    project = Project.open(tmp_path / "p")
    ids = project.examples()["example_id"].to_pylist()
    assert np.array_equal(project.open_embeddings("given").rows_of(ids), np.load(source.embeddings))
    assert np.array_equal(read_given(project, ids[::-1]), np.load(source.embeddings)[::-1])
    task = read_task(project.path / "task.yaml")
    assert (task.modality, task.backbone.name, task.backbone.dimensions) == ("embeddings", "given", 3)
    assert task.splits.protocols == ("id", "lodo")
    assert (task.columns.domain, task.columns.group) == ("domain", "group")
    assert (done.groups, done.domains) == (20, {"far": 20, "near": 20})
    assert project.roots() == {}


def test_the_split_of_a_table_is_used_when_its_column_is_named(tmp_path, arrays):
    source = arrays(60)
    text = source.table.read_text().splitlines()
    parts = ["train", "val", "test"] * 20
    source.table.write_text(
        "\n".join([text[0] + ",split", *(f"{a},{b}" for a, b in zip(text[1:], parts, strict=True))])
    )
    done = init(tmp_path / "p", source)
    by_group = read_task(tmp_path / "p" / "task.yaml").splits
    assert (by_group.by, by_group.protocols) == ("group", ("id", "lodo"))
    assert any("splits.by: table" in note for note in done.notes)
    named = replace(source, columns={"split": "split"})
    init(tmp_path / "q", named)
    by_table = read_task(tmp_path / "q" / "task.yaml").splits
    assert (by_table.by, by_table.protocols) == ("table", ("id",))
    source.table.write_text(source.table.read_text().replace(",val", ",train"))
    with pytest.raises(SplitError, match="got test, train"):
        init(tmp_path / "r", named)
    assert not (tmp_path / "r").exists()


def test_windows_and_the_rate_of_most_files(write, tmp_path):
    for seed in range(6):
        rate = 16_000 if seed < 2 else 8000
        write(f"clips/{('cat', 'dog')[seed % 2]}/{seed}.wav", seed, seconds=1.25, rate=rate)
    done = init(tmp_path / "p", DataSource(layout="folder", path=tmp_path / "clips"), window=0.5, hop=0.25)
    task = read_task(tmp_path / "p" / "task.yaml")
    assert (task.audio.sample_rate, task.audio.window, task.audio.hop) == (8000, 0.5, 0.25)
    assert (done.added, done.groups) == (24, 6)
    assert Project.open(tmp_path / "p").examples()["example_id"].to_pylist()[1] == "cat/0.wav#t=0.250,0.750"


def test_clips_without_files_are_kept_in_the_project(tmp_path):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    clips = []
    for seed in range(4):
        sink = io.BytesIO()
        soundfile.write(sink, np.random.default_rng(seed).normal(0, 0.1, 4000), 8000, format="WAV")
        clips.append({"bytes": sink.getvalue(), "path": f"{seed}.wav"})
    (tmp_path / "set").mkdir()
    table = pa.table({"audio": pa.array(clips, kind), "label": pa.array([0, 1, 0, 1])})
    with pa.OSFile(str(tmp_path / "set" / "a.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    names = {"_type": "ClassLabel", "names": ["cat", "dog"]}
    info = {"features": {"audio": {"_type": "Audio"}, "label": names}}
    (tmp_path / "set" / "dataset_info.json").write_text(json.dumps(info))
    (tmp_path / "set" / "state.json").write_text(json.dumps({"_data_files": [{"filename": "a.arrow"}]}))
    done = init(tmp_path / "p", DataSource(layout="huggingface", path=tmp_path / "set"))
    project = Project.open(tmp_path / "p")
    assert (done.added, done.source) == (4, "media")
    assert read_task(project.path / "task.yaml").audio.sample_rate == 8000
    assert project.check() == 1 + 4
    assert project.gc(grace=0) == []
    row = project.examples().to_pylist()[0]
    assert project.locate(row["source"], row["uri"]).read_bytes() == clips[0]["bytes"]


def test_a_project_inside_its_source_is_no_data(clips, write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "clips")
    done = init("project", clips)
    assert done.reasons == {}
    again = import_data("project", clips)
    assert (again.reasons, again.added, again.counts["known"]) == ({}, 0, 6)


def test_several_labels(clips, tmp_path):
    done = init(tmp_path / "p", clips, labels="multiple")
    assert done.classes == {"cat": 3, "dog": 3}
    assert read_task(tmp_path / "p" / "task.yaml").labels == "multiple"
    assert Project.open(tmp_path / "p").examples()["label"].to_pylist()[0] == ["cat"]


def test_two_at_once(clips, tmp_path, monkeypatch):
    """Somebody makes a project of the folder while we look at our clips."""
    import yori.main_job.initialise as initialise

    real = initialise.take_in

    def slow(*arguments, **options):
        (tmp_path / "p").mkdir()
        (tmp_path / "p" / "file").write_text("x")
        return real(*arguments, **options)

    monkeypatch.setattr(initialise, "take_in", slow)
    with pytest.raises(StoreError, match="p: expected a new or empty folder, got a folder that holds file"):
        init(tmp_path / "p", clips)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "p"]
    assert os.listdir(tmp_path / "p") == ["file"]


def test_a_name_where_the_system_knows_none(monkeypatch):
    def unknown():
        raise OSError("no such user")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert user_name() == "unknown"


@pytest.mark.parametrize(
    ("place", "taken", "name"),
    [
        ("/x/fsdd", (), "fsdd"),
        ("/x/fsdd", ("fsdd", "fsdd-2"), "fsdd-3"),
        ("/x/소리", (), "source"),
        ("/x/my sounds!", (), "my-sounds"),
        ("/x/media", (), "source-media"),
        ("/", (), "source"),
    ],
)
def test_names_of_sources(place, taken, name):
    assert source_name(Path(place), taken=taken) == name
