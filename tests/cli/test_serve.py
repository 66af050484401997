"""``yori serve`` refuses to start where it should; that it runs is tested in tests/web."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click.testing
import pytest
from tests.prove.mixture import make_small

Run = Callable[..., click.testing.Result]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without a token, and leave the threads of this process alone."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.delenv("YORI_TOKEN", raising=False)


def test_another_address_needs_a_token(yori: Run, tmp_path: Path) -> None:
    done = yori("serve", tmp_path, "--host", "0.0.0.0")
    assert done.exit_code == 2
    assert "YORI_TOKEN" in done.stderr


def test_a_short_token_is_refused(yori: Run, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    done = yori("serve", tmp_path, "--token-file", tmp_path / "token")
    assert done.exit_code == 2
    assert "16 characters" in done.stderr
    assert "secret" not in done.stderr.replace("secrets", "")


def test_nothing_serves_yet(yori: Run, tmp_path: Path) -> None:
    project = make_small(tmp_path / "small").path
    done = yori("serve", project, "--port", 0)
    assert done.exit_code == 5
    assert "--make --promote" in done.stderr


def test_a_token_file_that_is_not_there(yori: Run, tmp_path: Path) -> None:
    done = yori("serve", tmp_path, "--token-file", tmp_path / "none")
    assert done.exit_code == 1
    assert "none" in done.stderr
