"""``yori release``: list, make, promote."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import click.testing
import pytest
from tests.conftest import Proved
from tests.prove.mixture import make_small

Run = Callable[..., click.testing.Result]


def test_make_promote_and_list(yori: Run, tmp_path: Path) -> None:
    project = make_small(tmp_path / "small").path
    assert "No release yet" in yori("release", project).stdout
    made = yori("release", project, "--make", "--workers", 1)
    assert made.exit_code == 0, made.stderr
    assert "It a" in made.stdout  # what its threshold promises
    name = made.stdout.split()[1]
    assert f"yori release {project} {name[:12]} --promote" in made.stdout
    assert "serves" not in yori("release", project).stdout
    promoted = yori("release", project, name[:12], "--promote", "--who", "ann", "--why", "a test")
    assert "which serves" in promoted.stdout
    assert f"{name[:12]}  0     version 1  plain fit  serves" in yori("release", project).stdout
    listed = json.loads(yori("release", project, "--json").stdout)
    assert listed["serves"] == name
    assert list(listed["releases"]) == [name]


def test_out_of_a_proof(yori: Run, proved: Proved, tmp_path: Path) -> None:
    shutil.copytree(proved.project.path, tmp_path / "copy")
    proof = tmp_path / "copy" / "proofs" / proved.proof.name
    done = yori("release", tmp_path / "copy", "--make", "--proof", proof, "--promote", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["serves"] is True
    assert "proof " in yori("release", tmp_path / "copy").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["abc", "--make"], "leave out"),
        (["--proof", "x"], "--proof goes with --make"),
        (["--promote"], "needs a RELEASE"),
        (["abc", "--promote"], "one release that begins so"),
    ],
)
def test_words_that_do_not_go_together(yori: Run, tmp_path: Path, words: list[str], says: str) -> None:
    project = make_small(tmp_path / "small").path
    done = yori("release", project, *words)
    assert done.exit_code != 0
    assert says in done.stderr
