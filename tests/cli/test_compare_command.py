import json

import click.testing
import numpy as np
import pytest

from yori.cli.compare import command
from yori.errors import AlignmentError


@pytest.fixture
def run():
    def invoke(*arguments):
        result = click.testing.CliRunner().invoke(command, [str(one) for one in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def files(tmp_path):
    """Two systems on 200 examples and two seeds; the second one repairs a tenth of them."""
    rng = np.random.default_rng(0)
    paths = []
    for name, wrong in (("before", 0.3), ("after", 0.2)):
        seeds = np.repeat([0, 1], 200)
        ids = np.tile(np.arange(200), 2)
        right = (ids * 7919 % 1000) / 1000 >= wrong
        top = np.where(right, rng.uniform(0.6, 1, 400), rng.uniform(0.5, 0.8, 400))
        cat = np.where(right == (ids % 2 == 0), top, 1 - top)
        lines = [
            f"{i},{('cat', 'dog')[i % 2]},{p},{1 - p},{s}" for i, p, s in zip(ids, cat.tolist(), seeds, strict=True)
        ]
        paths.append(tmp_path / f"{name}.csv")
        paths[-1].write_text("\n".join(["id,label,prob_cat,prob_dog,seed", *lines]))
    return paths


def test_text_starts_with_the_verdict(run, files):
    printed = run(*files, "--metric", "accuracy", "--secondary", "nll, brier").stdout
    assert printed.startswith("improved: accuracy 0.695 → 0.79,")
    lines = printed.splitlines()
    assert [line.split()[0] for line in lines[2:6]] == ["metric", "accuracy", "nll", "brier"]
    assert [line.split()[:4] for line in lines[-2:]] == [["all", "0", "0", "19"], ["all", "1", "0", "19"]]


def test_json_is_one_object(run, files):
    found = json.loads(run(*files, "--json", "--margin", "0.001").stdout)
    assert {"verdict", "primary", "secondary", "mcnemar", "identical", "files", "notes"} <= found.keys()
    assert found["verdict"]["margin"] == 0.001
    assert found["primary"]["metric"] == "aurc"


def test_the_same_file_twice(run, files):
    printed = run(files[0], files[0]).stdout
    assert printed.startswith("no difference shown")
    assert "Note" not in printed


def test_bad_input_is_a_sentence_and_help_shows_an_example(run, files, tmp_path):
    (tmp_path / "short.csv").write_text("id,label,prob_cat,prob_dog,seed\n0,cat,0.5,0.5,0\n")
    with pytest.raises(AlignmentError, match="only in before"):
        run(files[0], tmp_path / "short.csv")
    assert run(files[0]).exit_code == 2
    assert "Example: yori compare" in run("--help").stdout
