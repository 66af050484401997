"""Test run set-up: shapes in signatures are checked, and real data are found."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import jaxtyping
import pytest
from beartype import BeartypeConf, beartype


def shape_checker(function):  # type: ignore[no-untyped-def]
    """Check one function's annotations when it is called; an int is welcome where a float is expected."""
    return beartype(conf=BeartypeConf(is_pep484_tower=True))(function)


hypothesis.settings.register_profile("yori", deadline=None)  # how long an example takes says nothing on a busy machine
hypothesis.settings.load_profile("yori")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: what tests start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

if "YORI_UNCHECKED" not in os.environ:
    jaxtyping.install_import_hook("yori", "conftest.shape_checker")


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Switch shape checking off: what a user meets, who runs without the hook."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with ``fsdd/`` and ``deepship/``; tests that need it say so when it is missing."""
    root = Path(os.environ.get("YORI_TEST_DATA", Path(__file__).parent.parent / "shared" / "data"))
    if not (root / "fsdd" / "recordings").is_dir():
        pytest.skip(f"real data not found at {root}: set YORI_TEST_DATA")
    return root
