import json

import click.testing
import pyarrow as pa
import pytest

from yori.cli.plan import command
from yori.errors import StoreError, ValuesError
from yori.store import Project

TASK = """format: 1
name: bells
modality: embeddings
classes: [bell, horn]
endpoint: {metric: accuracy, protocol: id, direction: higher, margin: 0.02}
"""


@pytest.fixture
def run():
    def invoke(*arguments):
        result = click.testing.CliRunner().invoke(command, [str(one) for one in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def project(tmp_path):
    rows = pa.table({"example_id": [f"e{i:03d}" for i in range(500)], "label": ["bell", "horn"] * 250})
    made = Project.create(tmp_path / "bells", TASK)
    made.add_rows(rows, sources={}, message="rows", who="test")
    return made.path


def test_words(run, project):
    lines = run(project, "--accuracy", "0.9").stdout.splitlines()
    assert lines[0].startswith("Assumed: 90 % accuracy")
    assert lines[1].startswith("id: 300 test examples of 300 groups, 3 seeds")
    assert "a change of accuracy of 0.02 can not be shown: n ≥" in lines[2]


def test_json_and_assumptions(run, project):
    found = json.loads(run(project, "--json", "--icc", "0.3", "--churn", "0.1").stdout)
    assert (found["assumptions"]["icc"], found["assumptions"]["churn"]) == (0.3, 0.1)
    assert [one["accuracy"] for one in found["protocols"][0]["forecasts"]] == [0.8, 0.9, 0.95]
    assert run(project, "--json").stdout == run(project, "--json").stdout


def test_bad_input(run, project, tmp_path):
    with pytest.raises(StoreError):
        run(tmp_path / "nothing")
    with pytest.raises(ValuesError, match="cannot disagree that often"):
        run(project, "--churn", "2", "--accuracy", "0.8")
    assert "Example: yori plan" in run("--help").stdout
