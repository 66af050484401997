"""Tiny sound files of every kind, and the folders that hold them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 8000


def chirp(seed: int, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    """A clip whose spectrum moves, different for every seed."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    pitch = np.interp(np.arange(n), np.linspace(0, n, 8), rng.uniform(200, 3000, 8))
    loudness = np.interp(np.arange(n), np.linspace(0, n, 12), rng.uniform(0.05, 1, 12))
    return 0.3 * loudness * np.sin(2 * np.pi * np.cumsum(pitch) / rate) + rng.normal(0, 0.005, n)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """``write("dog/a.wav", seed)``: a clip below ``tmp_path / "data"``; the seed decides how it sounds."""

    def write(uri: str, seed: int = 0, *, seconds: float = 0.5, rate: int = RATE, samples=None, **how: str) -> Path:
        path = tmp_path / "data" / uri
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, chirp(seed, seconds, rate) if samples is None else samples, rate, **how)
        return path

    return write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder `write` writes to."""
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    return folder
