"""Real recordings through the real command line, in a process of its own."""

import json
import subprocess
import sys

import pyarrow.compute as pc

from yori.store import Project
from yori.task import read_task


def yori(*arguments):
    command = [sys.executable, "-m", "yori.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_spoken_digits_by_pattern(real_data, tmp_path):
    place = real_data / "fsdd" / "recordings"
    given = ["--layout", "pattern", "--from", place, "--pattern", "{label}_{domain}_{index}.wav", "--json"]
    done = yori("init", tmp_path / "digits", *given)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    fields = json.loads(done.stdout)
    assert (fields["added"], fields["groups"], fields["reasons"]) == (3000, 3000, {})
    assert fields["classes"] == {str(digit): 300 for digit in range(10)}
    assert fields["domains"] == dict.fromkeys(["george", "jackson", "lucas", "nicolas", "theo", "yweweler"], 500)
    task = read_task(tmp_path / "digits" / "task.yaml")
    assert (task.splits.protocols, task.audio.sample_rate) == (("id", "lodo"), 8000)
    project = Project.open(tmp_path / "digits")
    assert pc.min(project.examples()["duration"]).as_py() > 0.1
    again = yori("import", tmp_path / "digits", *given)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["counts"]["known"] == 3000
    assert project.version().number == 1


def test_ships_by_class_with_their_metafiles(real_data, tmp_path):
    done = yori("init", tmp_path / "ships", "--layout", "deepship", "--from", real_data / "deepship", "--json")
    assert done.returncode == 0, done.stderr
    fields = json.loads(done.stdout)
    assert fields["counts"]["recordings"] == 21
    assert fields["reasons"]["missing"] == {"left out": 590, "kept": 0}
    report = (tmp_path / "ships" / "import_report.csv").read_text()
    assert report.count(",missing,") == 590
    assert "Cargo/1.wav,,missing," in report
    task = read_task(tmp_path / "ships" / "task.yaml")
    assert (task.audio.sample_rate, task.audio.window) == (32_000, 3.0)
    assert task.class_names == ("Passengership", "Tanker")
    examples = Project.open(tmp_path / "ships").examples()
    ship_of = {row["uri"]: row["group"] for row in examples.to_pylist()}
    assert len(ship_of) == 21
    assert len(set(ship_of.values())) == fields["groups"] == 18
    assert set(examples["domain"].to_pylist()) == set(fields["domains"])
