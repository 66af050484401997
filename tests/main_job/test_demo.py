import csv

import numpy as np
import pytest

from yori.main_job.demo import SAMPLE_RATE, WRONG, demo, make_recordings
from yori.prove import verify
from yori.store import Project, read_audio
from yori.synthetic import CLASSES, SCENARIOS


def table_of(folder):
    with (folder / "clips.csv").open() as file:
        return list(csv.DictReader(file))


def test_recordings(tmp_path):
    said = []
    make_recordings(tmp_path, passages=2, clips=2, progress=lambda *each: said.append(each))
    rows = table_of(tmp_path)
    total = len(CLASSES) * len(SCENARIOS) * 2 * 2
    assert len(rows) == total
    assert said[-1] == ("simulate a hydrophone", total, total)
    assert {row["verified"] for row in rows} == set(CLASSES)
    assert {row["distance"] for row in rows} == {one.domain for one in SCENARIOS}
    assert len({row["passage"] for row in rows}) == total // 2
    assert sum(row["label"] != row["verified"] for row in rows) == round(WRONG * total)
    for row in rows[:: total // 6]:
        samples, rate = read_audio(tmp_path / row["path"])
        assert rate == SAMPLE_RATE
        assert len(samples) == SAMPLE_RATE
        assert np.abs(samples).max() == pytest.approx(0.3, rel=1e-3)


def test_recordings_are_the_same_every_time_and_kept(tmp_path):
    for name in ("a", "b"):
        make_recordings(tmp_path / name, passages=1, clips=1)
    left, right = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("a", "b")
    )
    assert left == right
    again = make_recordings(tmp_path / "a", passages=1, clips=1, progress=lambda *each: pytest.fail("made again"))
    assert again == tmp_path / "a" / "clips.csv"


def test_an_interrupted_simulation_leaves_no_table(tmp_path):
    def interrupt(what, done, total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_recordings(tmp_path, passages=1, clips=1, progress=interrupt)
    assert not (tmp_path / "clips.csv").exists()
    make_recordings(tmp_path, passages=1, clips=1)
    assert len(table_of(tmp_path)) == 15


@pytest.mark.slow
def test_the_demo_goes_on_where_it_was_interrupted(tmp_path):
    """Interrupted once the project stands; clips and project are used again, with what was changed in its task."""

    def interrupt(what, done, total):
        if (tmp_path / "ships" / "yori.json").is_file():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo(tmp_path, passages=3, workers=1, progress=interrupt)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.wav")}
    kept |= {path: path.stat().st_mtime_ns for path in (tmp_path / "ships" / "data" / "rows").iterdir()}
    assert len(kept) == len(CLASSES) * len(SCENARIOS) * 3 * 6 + 1
    task = tmp_path / "ships" / "task.yaml"
    task.write_text(task.read_text().replace("seeds: 3", "seeds: 1").replace("dimensions: 512", "dimensions: 64"))
    said = set()
    done = demo(tmp_path, passages=3, workers=1, progress=lambda what, done, total: said.add(what))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert "simulate a hydrophone" not in said
    certificate = done.certificate
    assert certificate["data"]["examples"] == 270
    assert certificate["truth"]["wrong_labels"] == round(WRONG * 270)
    assert set(certificate["protocols"]) == {"id", "lodo"}
    assert certificate["protocols"]["lodo"]["domains"] == sorted(one.domain for one in SCENARIOS)
    assert verify(done.proof, Project.open(done.project)).holds
    assert demo(tmp_path, passages=3, workers=1).reused
