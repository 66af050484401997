"""Run the command line in this process, and make small sources for it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click.testing
import numpy as np
import pytest
import soundfile

from yori.cli.main import main

RATE = 8000


@pytest.fixture
def yori() -> Callable[..., click.testing.Result]:
    """``yori("init", folder, …)``: the result, with exit_code, stdout and stderr."""

    def run(*arguments: object) -> click.testing.Result:
        result = click.testing.CliRunner().invoke(main, [str(one) for one in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder with three dogs and three cats: half a second of noise each."""
    for label in ("cat", "dog"):
        for number in range(3):
            path = tmp_path / "clips" / label / f"{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, np.random.default_rng([number, label == "cat"]).normal(0, 0.1, RATE // 2), RATE)
    return tmp_path / "clips"


@pytest.fixture
def served_project(tmp_path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """A project whose release has met 200 inputs, its database, and the truth about them."""
    from tests.flywheel.mined import truth_of
    from tests.flywheel.mixture_world import copied, log, serving, stream

    from yori.flywheel.database import open_database

    project, release = copied(tmp_path)
    database = open_database(project)
    serving(project, release, database)
    arrived = stream(200, seed=32)
    log(database, release, arrived)
    yield project.path, database, truth_of(arrived)
    database.close()
