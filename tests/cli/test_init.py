import json

import numpy as np
import pytest

from yori.store import Project
from yori.task import read_task


def test_what_is_printed_says_what_is_there_and_what_comes_next(yori, clips, tmp_path):
    (clips / "notes.txt").write_text("x")
    result = yori("init", tmp_path / "p", "--layout", "folder", "--from", clips)
    assert result.exit_code == 0, result.stderr
    assert "version 1, 6 new examples; in all 6 examples, 2 classes, 6 groups" in result.stdout
    assert "1  not audio" in result.stdout
    assert str(tmp_path / "p" / "import_report.csv") in result.stdout
    assert f"yori run {tmp_path / 'p'}" in result.stdout
    assert result.stderr == ""


def test_json(yori, clips, tmp_path):
    result = yori("init", tmp_path / "p", "--layout", "folder", "--from", clips, "--json", "--who", "ann")
    fields = json.loads(result.stdout)
    assert fields["counts"] == {"recordings": 6, "examples": 6, "known": 0, "left out": 0, "remarks": 0}
    assert fields["classes"] == {"cat": 3, "dog": 3}
    assert (fields["version"], fields["examples"], fields["reasons"]) == (1, 6, {})
    assert Project.open(tmp_path / "p").version().who == "ann"


def test_every_option_reaches_the_task(yori, clips, tmp_path):
    arguments = ["--window", 0.2, "--hop", 0.1, "--sample-rate", 4000, "--name", "pets", "--labels", "multiple"]
    result = yori("init", tmp_path / "p", "--layout", "folder", "--from", clips, *arguments)
    assert result.exit_code == 0, result.stderr
    task = read_task(tmp_path / "p" / "task.yaml")
    assert (task.name, task.labels) == ("pets", "multiple")
    assert (task.audio.window, task.audio.hop, task.audio.sample_rate) == (0.2, 0.1, 4000)
    assert Project.open(tmp_path / "p").examples().num_rows == 6 * 4


def test_columns_and_protocols(yori, tmp_path):
    np.save(tmp_path / "X.npy", np.random.default_rng(0).normal(size=(40, 3)))
    lines = [f"{i},{'ab'[i % 2]},{'near' if i < 20 else 'far'},g{i // 2}\n" for i in range(40)]
    (tmp_path / "rows.csv").write_text("name,kind,site,tape\n" + "".join(lines))
    given = ["--layout", "arrays", "--embeddings", tmp_path / "X.npy", "--table", tmp_path / "rows.csv"]
    columns = ["--id-column", "name", "--label-column", "kind", "--domain-column", "site", "--group-column", "tape"]
    assert yori("init", tmp_path / "p", *given, *columns).exit_code == 0
    task = read_task(tmp_path / "p" / "task.yaml")
    assert task.splits.protocols == ("id", "lodo")
    assert (task.columns.label, task.columns.domain, task.columns.group) == ("kind", "site", "tape")
    assert (task.modality, task.backbone.name) == ("embeddings", "given")
    assert yori("init", tmp_path / "q", *given, *columns, "--protocols", "lodo").exit_code == 0
    assert read_task(tmp_path / "q" / "task.yaml").endpoint.protocol == "lodo"


@pytest.mark.parametrize(
    "wrong",
    [
        ["--layout", "folder"],
        ["--layout", "folder", "--from", "clips", "--pattern", "{label}.wav"],
        ["--layout", "pattern", "--from", "clips", "--label-column", "x"],
        ["--layout", "folder", "--from", "clips", "--protocols", "id,odd"],
        ["--layout", "folder", "--from", "clips", "--protocols", "lodo"],
        ["--layout", "folder", "--from", "clips", "--hop", "1"],
        ["--layout", "folder", "--from", "clips", "--window", "nan"],
        ["--layout", "folder", "--from", "clips", "--sample-rate", "10"],
        ["--layout", "folder", "--from", "clips", "--workers", "0"],
        ["--layout", "folder", "--from", "clips", "--name", "a\nb"],
    ],
)
def test_options_that_do_not_fit(yori, clips, tmp_path, monkeypatch, wrong):
    monkeypatch.chdir(tmp_path)
    result = yori("init", "p", *wrong)
    assert result.exit_code in (2, 3)
    assert len(result.stderr.strip().splitlines()) == 1 or "Usage:" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips"]
