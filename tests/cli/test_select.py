import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.choose.conftest import columns_with_gaps


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Fewer curves: one seed, three folds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("yori.choose.select"), "SEEDS", 1)
        patch.setattr(importlib.import_module("yori.choose.simulate"), "FOLDS", 3)
        yield


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    from tests.prove.mixture import make_small

    return make_small(tmp_path_factory.mktemp("select") / "p", n=180, **columns_with_gaps(180)).path


def test_words(yori, project):
    shown = yori("select", project, "--budget", 12, "--workers", 1).stdout
    lines = shown.splitlines()
    assert lines[0].startswith("Trust: ")
    assert "12 examples of 60 candidates:" in shown
    assert "  … and 2 more in the table." in shown
    assert "Stop?" in shown
    assert lines[-1].endswith("selection.csv")


def test_json(yori, project):
    fields = json.loads(yori("select", project, "--budget", 3, "--strategy", "badge", "--workers", 1, "--json").stdout)
    assert fields["strategy"] == "badge"
    assert [row["rank"] for row in fields["selected"]] == [1, 2, 3]
    assert fields["simulation"][0]["strategy"] == "random"
    assert fields["simulation"][0]["difference"] is None
    assert {one["name"] for one in fields["stop"]} >= {"stabilising_predictions", "overall_uncertainty"}


def test_another_strategy_than_the_trusted_one_is_said(yori, project):
    shown = yori("select", project, "--budget", 3, "--strategy", "k_center", "--no-simulation").stdout
    assert "taken on faith" in shown
    assert "Used, as asked for: k_center." in shown


def test_a_page_with_a_map_for_looking_only(yori, project):
    options = ("--budget", 5, "--strategy", "margin", "--no-simulation", "--json")
    fields = json.loads(yori("select", project, *options).stdout)
    assert fields["map"]["method"] == "pca"
    assert fields["map"]["use"].startswith("looking only")
    page = Path(fields["page"]).read_text(encoding="utf-8")
    assert page.count(", picked</title>") == 5
    without = json.loads(yori("select", project, *options, "--map", "none").stdout)
    assert without["map"] is None
    assert without["selected"] == fields["selected"]
    assert yori("select", project, "--budget", 3, "--map", "tsne").exit_code == 2


def test_the_missing_extra_is_said(yori, project, monkeypatch):
    monkeypatch.setattr(importlib.import_module("yori.choose.embedding_map"), "umap_installed", lambda: False)
    shown = yori("select", project, "--budget", 3, "--strategy", "random", "--no-simulation", "--map", "umap").stdout
    assert "Map: UMAP needs an optional package" in shown
    assert 'pip install "yori[look]"' in shown


def test_bad_input_is_a_sentence(yori, project, tmp_path):
    result = yori("select", project, "--budget", 61)
    assert result.exit_code == 2
    assert "--budget: expected a budget of 1 … 60" in result.stderr
    assert yori("select", tmp_path / "nothing", "--budget", 3).exit_code == 5
    assert yori("select", project).exit_code == 2
    assert "Examples:" in yori("select", "--help").stdout


def test_sound_files_without_labels_are_embedded_too(yori, tmp_path):
    """Two tones; a third of the clips has no label. The backbone learns from all that are not test."""
    (tmp_path / "clips").mkdir()
    rows = ["path,label"]
    for number in range(24):
        tone = 0.1 * np.sin(2 * np.pi * (300, 900)[number % 2] * np.arange(4000) / 8000)
        path = tmp_path / "clips" / f"{number:02}.wav"
        soundfile.write(path, tone + np.random.default_rng(number).normal(0, 0.05, 4000), 8000)
        rows.append(f"clips/{path.name},{('low', 'high')[number % 2] if number % 3 else ''}")
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert (
        yori("init", tmp_path / "p", "--layout", "csv", "--from", tmp_path / "table.csv", "--workers", 1).exit_code == 0
    )
    options = ("--budget", 8, "--strategy", "margin", "--no-simulation", "--workers", 1, "--json")
    fields = json.loads(yori("select", tmp_path / "p", *options).stdout)
    assert {row["uri"] for row in fields["selected"]} == {f"clips/{number:02}.wav" for number in range(0, 24, 3)}
    said = {row["uri"]: row["predicted"] for row in fields["selected"]}
    right = [said[f"clips/{number:02}.wav"] == ("low", "high")[number % 2] for number in range(0, 24, 3)]
    assert sum(right) >= 6
