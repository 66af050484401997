"""Run the command line in this process, and make small sources for it."""

from collections.abc import Callable
from pathlib import Path

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
