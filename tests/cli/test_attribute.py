import importlib.util
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.prove.mixture import make_small

from yori.attribution import mislabel_auc
from yori.main_job.attribute import attribute

WITHOUT_RAY = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed: pip install 'yori[ray]'"
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A project on which every test of this file may run; stages are used again."""
    return make_small(tmp_path_factory.mktemp("attribute") / "project", n=240).path


def test_text(yori, small, tmp_path):
    result = yori("attribute", small, "--workers", 1, "--out", tmp_path / "scores.parquet")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].endswith("of id, seed 0, by influence.")
    assert "below zero: without them" in lines[1]
    assert len([line for line in lines if line.startswith("  e0")]) == 10
    assert lines[-1] == f"All scores: {tmp_path / 'scores.parquet'}"


def test_the_table_is_sorted_and_finds_wrong_labels(small, tmp_path):
    done = attribute(small, workers=1, out=tmp_path / "scores.parquet")
    table = pq.read_table(tmp_path / "scores.parquet")
    assert table.equals(done.table)
    scores = table["score"].to_numpy()
    assert (np.diff(scores) >= 0).all()
    np.testing.assert_array_equal(table["rank"].to_numpy(), np.arange(1, len(scores) + 1))
    from yori.store import Project

    rows = Project.open(small).examples().to_pylist()
    wrong = {row["example_id"] for row in rows if row["label"] != row["verified"]}
    assert mislabel_auc(scores, np.array([each in wrong for each in table["example_id"].to_pylist()])) > 0.8


def test_json(yori, small):
    result = yori("attribute", small, "--workers", 1, "--method", "tracin", "--objective", "aurc", "--json")
    assert result.exit_code == 0
    fields = json.loads(result.stdout)
    assert fields["method"] == "tracin"
    assert fields["objective"] == "aurc"
    assert fields["scores"] is None
    assert len(fields["lowest"]) == 10
    assert fields["lowest"][0]["rank"] == 1
    assert fields["gradient_norm"] < 1e-3
    assert not list((small / ".yori" / "work").glob("*"))


@pytest.mark.parametrize("method", ["influence_leverage", "knn_shapley", "random"])
def test_other_methods(small, method):
    done = attribute(small, method=method, workers=1)
    assert np.isfinite(done.table["score"].to_numpy()).all()


def test_shards_say_what_memory_says(small):
    """Influence over shards and over the whole, by way of a damping that is the penalty."""
    one = attribute(small, workers=1)
    two = attribute(small, damping=one.l2, workers=1)
    first, second = (dict(zip(*each.table.select(["example_id", "score"]).to_pydict().values(), strict=True))
                     for each in (one, two))  # fmt: skip
    largest = max(map(abs, second.values()))
    assert all(abs(first[name] - second[name]) < 1e-3 * largest for name in second)
    assert first.keys() == second.keys()


@pytest.mark.parametrize("engine", ["dask", pytest.param("ray", marks=WITHOUT_RAY)])
def test_engines_say_what_processes_say(yori, small, tmp_path, engine):
    tables = []
    for name in ("process", engine):
        out = tmp_path / f"{name}.parquet"
        result = yori("attribute", small, "--engine", name, "--workers", 2, "--out", out, "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout)["scores"] == str(out)  # nothing but the object, whatever an engine has to say
        table = pq.read_table(out).sort_by("example_id")
        tables.append(table["score"].to_numpy())
    np.testing.assert_allclose(tables[1], tables[0], rtol=1e-6, atol=1e-9 * np.abs(tables[0]).max())


def test_damping_is_chosen_and_said(yori, small):
    result = yori("attribute", small, "--damping", "auto", "--json")
    found = json.loads(result.stdout)["damping"]
    assert found["chosen"] == found["dampings"][int(np.argmin(found["gains"]))]
    assert "Damping chosen on validation" in yori("attribute", small, "--damping", "auto").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "magic"], "a method out of"),
        (["--objective", "accuracy"], "an objective out of"),
        (["--seed", 7], "a split of the task: protocols id; seeds 0"),
        (["--protocol", "lodo:nowhere"], "a split of the task"),
        (["--damping", "much"], "neither a number nor auto"),
        (["--damping", "0.1", "--method", "tracin"], "with the method influence"),
        (["--engine", "dask", "--method", "trak"], "an engine with influence or tracin"),
        (["--address", "tcp://x", "--engine", "process"], "no address for engine"),
        (["--out", "/nowhere/at/all.parquet"], "all.parquet"),
    ],
)
def test_refusals(yori, small, arguments, message):
    result = yori("attribute", small, *arguments, "--workers", 1)
    assert result.exit_code in (2, 5)
    assert message in result.stderr
    assert "Traceback" not in result.stderr
