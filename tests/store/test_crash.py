"""kill -9 at every system call of every operation; see crash_driver.py for what must hold afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# operation → the least number of calls it makes; fewer would mean that the driver no longer reaches them
LEAST_CALLS = {
    "create": 10,
    "add_rows": 15,
    "add_labels": 10,
    "move_source": 6,
    "stage": 8,
    "embeddings": 25,
    "gc": 9,
    "wav": 4,
}


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """What the driver says about each operation, and what its processes wrote to stderr."""
    driver = [sys.executable, str(Path(__file__).with_name("crash_driver.py"))]
    run = [*driver, str(tmp_path_factory.mktemp("crash")), *LEAST_CALLS]
    done = subprocess.run(run, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("operation", LEAST_CALLS)
def test_a_kill_at_any_call_leaves_the_old_version_and_a_repeatable_command(
    operation: str, crashes: tuple[dict[str, Any], str]
) -> None:
    results, said = crashes
    assert isinstance(results[operation], int), f"{results[operation]}\n{said}"
    assert results[operation] >= LEAST_CALLS[operation]
