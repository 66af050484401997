"""Files in, a table out; what is finished is never done twice, and no file stops the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from sqlalchemy import select
from tests.flywheel.heard import copied, encoded, heard, sound, write_clips

from yori.errors import SourceError, StoreError, ValuesError
from yori.flywheel import predict as module
from yori.flywheel.database import Database, open_database
from yori.flywheel.group_names import hidden_group
from yori.flywheel.log_predictions import log_predictions
from yori.flywheel.log_rules import LogRules
from yori.flywheel.predict import predict
from yori.flywheel.schema import PREDICTIONS


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Nine clips in three folders, and something that is no clip."""
    folder = write_clips(tmp_path / "new", 3)
    (folder / "tone" / "broken.wav").write_bytes(b"not a sound")
    (folder / "notes.txt").write_text("hello")
    return folder


def test_it_answers_as_the_release_does(clips: Path, tmp_path: Path) -> None:
    project, release = heard()
    done = predict(project, release.release_id, [clips], tmp_path / "out.parquet", embeddings=True, workers=1)
    table = pq.read_table(done.out).to_pylist()
    assert (done.files, done.failed, done.rows) == (10, 1, 9)
    assert [row["file"] for row in table] == sorted(row["file"] for row in table)
    for row in table:
        if row["file"].endswith("broken.wav"):
            assert "sound file" in row["error"]
            assert row["label"] is None
            continue
        samples, _ = soundfile.read(row["file"], dtype="float32")
        vector = release.embed([samples])
        expected = release.decide(vector)
        assert (row["label"], row["abstained"]) == (expected.labels[0], expected.abstained[0])
        np.testing.assert_allclose(row["probs"], expected.probs[0], atol=1e-6)
        np.testing.assert_array_equal(np.array(row["embedding"], np.float32), vector[0])
    assert done.abstained == sum(bool(row["abstained"]) for row in table)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "out.parquet"]


def test_a_long_recording_and_embeddings(tmp_path: Path) -> None:
    project, release = heard()
    (tmp_path / "long.wav").write_bytes(encoded(sound("tone", 0, seconds=3.5)))
    vectors = np.random.default_rng(0).normal(size=(5, release.dimensions)).astype(np.float32)
    np.save(tmp_path / "x.npy", vectors)
    np.save(tmp_path / "wrong.npy", vectors[:, :-1])
    files = [tmp_path / name for name in ("long.wav", "x.npy", "wrong.npy")]
    done = predict(project, release.release_id, files, tmp_path / "out.parquet", hop=0.5, workers=1)
    table = pq.read_table(done.out).to_pylist()
    windows = [row for row in table if row["kind"] == "window"]
    assert [row["start"] for row in windows] == [0, 0.5, 1, 1.5, 2, 2.5]
    given = [row for row in table if row["kind"] == "embedding"]
    np.testing.assert_allclose([row["probs"] for row in given], release.decide(vectors).probs, atol=1e-6)
    assert "numbers each" in table[-1]["error"]
    assert "embedding" not in table[0]


def test_the_result_does_not_depend_on_how_many_processes_made_it(clips: Path, tmp_path: Path) -> None:
    project, release = heard()
    module.FILES_PER_PART, before = 3, module.FILES_PER_PART
    try:
        one = predict(project, release.release_id, [clips], tmp_path / "1.parquet", workers=1)
        two = predict(project, release.release_id, [clips], tmp_path / "2.parquet", workers=2)
    finally:
        module.FILES_PER_PART = before
    assert two.parts == 4
    first, second = pq.read_table(one.out), pq.read_table(two.out)
    numbers = ["confidence", "probs"]
    assert first.drop_columns(numbers).equals(second.drop_columns(numbers))
    for name in numbers:  # to rounding: a process of a pool has one thread, this one may have more
        table = [np.array([row for row in each[name].to_pylist() if row is not None]) for each in (first, second)]
        np.testing.assert_allclose(*table, rtol=1e-5, atol=1e-6)


def test_what_is_finished_is_not_done_again(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, release = heard()
    monkeypatch.setattr(module, "FILES_PER_PART", 2)
    calls = []
    work = module._predict_part

    def interrupted(part: module._Part) -> None:
        calls.append(part)
        if len(calls) == 4:
            raise KeyboardInterrupt
        work(part)

    monkeypatch.setattr(module, "_predict_part", interrupted)
    out = tmp_path / "out.parquet"
    with pytest.raises(KeyboardInterrupt):
        predict(project, release.release_id, [clips], out, workers=1)
    assert not out.exists()
    time.sleep(0.01)
    (clips / "noise" / "000.wav").write_bytes(encoded(sound("warble", 77)))  # of a finished part: must be done again
    done = predict(project, release.release_id, [clips], out, workers=1)
    assert (done.parts, done.reused) == (5, 2)
    fresh = predict(project, release.release_id, [clips], tmp_path / "fresh.parquet", workers=1)
    assert pq.read_table(out).equals(pq.read_table(fresh.out))


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on(tmp_path: Path) -> None:
    project, release = copied(tmp_path)
    clips = write_clips(tmp_path / "many", 60)
    out = tmp_path / "out.parquet"
    program = f"""
from yori.flywheel.predict import predict
from yori.store import Project
if __name__ == "__main__":
    predict(Project.open({str(project.path)!r}), {release.release_id!r}, [{str(clips)!r}], {str(out)!r}, workers=1)
"""
    script = tmp_path / "script.py"
    script.write_text(program)
    process = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    parts = tmp_path / ".out.parquet.parts"
    deadline = time.monotonic() + 60
    while len(list(parts.glob("*.parquet"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    done = predict(project, release.release_id, [clips], out, workers=1)
    assert done.reused >= 2
    assert done.rows == 180


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    project, release = heard()
    name = os.path.join(os.fsencode(tmp_path), b"caf\xe9.wav")
    try:
        with open(name, "wb") as file:
            file.write(encoded(sound("tone", 0)))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (tmp_path / "good.wav").write_bytes(encoded(sound("tone", 0)))
    files = [os.fsdecode(name), tmp_path / "good.wav"]
    for asked in (files, [tmp_path]):  # named, and found in a folder
        done = predict(project, release.release_id, asked, tmp_path / "out.parquet", workers=1)
        odd, good = sorted(pq.read_table(done.out).to_pylist(), key=lambda row: row["file"])
        assert (odd["file"], odd["label"], odd["error"]) == (f"{tmp_path}/caf\\xe9.wav", good["label"], None)
        assert odd["probs"] == good["probs"]


def test_what_cannot_be_begun(tmp_path: Path) -> None:
    project, release = heard()
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="at least one"):
        predict(project, release.release_id, [tmp_path / "empty"], tmp_path / "o.parquet")
    with pytest.raises(SourceError, match="nothing"):
        predict(project, release.release_id, [tmp_path / "nowhere.wav"], tmp_path / "o.parquet")
    with pytest.raises(StoreError):
        predict(project, "f" * 64, [tmp_path], tmp_path / "o.parquet")


# -- into the log ---------------------------------------------------------------------------------------------------


def test_the_log_takes_a_table_once(clips: Path, tmp_path: Path, database: Database) -> None:
    project, release = copied(tmp_path)
    (clips / "long.wav").write_bytes(encoded(sound("tone", 0, seconds=3)))
    done = predict(project, release.release_id, [clips], tmp_path / "out.parquet", embeddings=True, workers=1)
    rules = LogRules(inputs=1.0)
    assert log_predictions(database, project, done.out, rules, domain="north") == 12
    assert log_predictions(database, project, done.out, rules) == 0
    with database.connect() as connection:
        rows = connection.execute(select(PREDICTIONS).order_by("prediction_id")).mappings().all()
    assert {row["domain"] for row in rows} == {"north"}
    table = [row for row in pq.read_table(done.out).to_pylist() if row["error"] is None]
    for row, line in zip(rows, table, strict=True):
        assert (row["source"], row["label"], row["start"]) == (line["file"], line["label"], line["start"])
        assert (project.path / row["input_path"]).read_bytes() == Path(line["file"]).read_bytes()
        np.testing.assert_array_equal(np.frombuffer(row["embedding"], "<f4"), np.array(line["embedding"], "<f4"))


def test_what_belongs_together_is_told_once(clips: Path, tmp_path: Path, database: Database) -> None:
    project, release = copied(tmp_path)
    done = predict(project, release.release_id, [clips], tmp_path / "out.parquet", embeddings=True, workers=1)
    assert log_predictions(database, project, done.out) == 9
    assert told(database) == {None}
    only = {str(path): path.parent.name for path in clips.rglob("*.wav") if path.parent.name != "tone"}
    assert (
        log_predictions(database, project, done.out, group=only.get) == 0
    )  # nothing new, but what was not said is now
    assert told(database) == {None, "noise", "warble"}
    assert log_predictions(database, project, done.out, group="all of it") == 0
    assert told(database) == {"noise", "warble", "all of it"}  # what was told once is not changed
    (tmp_path / "private").mkdir()
    private = copied(tmp_path / "private")[0]
    other = open_database(private)
    assert log_predictions(other, private, done.out, LogRules(private=True), group="tone") == 9
    assert told(other) == {hidden_group("tone")}
    with pytest.raises(ValuesError, match=r"group of .*wav"):
        log_predictions(other, private, done.out, group=lambda file: "a\nb")
    other.close()


def told(database: Database) -> set[str | None]:
    with database.connect() as connection:
        return set(connection.execute(select(PREDICTIONS.c.group_name)).scalars())


def test_a_private_log_knows_no_names(clips: Path, tmp_path: Path, database: Database) -> None:
    project, release = copied(tmp_path)
    done = predict(project, release.release_id, [clips], tmp_path / "out.parquet", embeddings=True, workers=1)
    log_predictions(database, project, done.out, LogRules(private=True))
    assert log_predictions(database, project, done.out, LogRules(private=True)) == 0
    with database.connect() as connection:
        rows = connection.execute(select(PREDICTIONS)).mappings().all()
    assert all(row["source"] is None and row["input_path"] is None for row in rows)
    assert not (project.path / "media").exists()
