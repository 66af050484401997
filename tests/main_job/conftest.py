"""Small sources to make projects of."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yori.main_job import DataSource

RATE = 8000


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """``write("clips/dog/a.wav", seed)``: a clip of noise below ``tmp_path``."""

    def write(place: str, seed: int, *, seconds: float = 0.5, rate: int = RATE, **how: str) -> Path:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate)), rate, **how)
        return path

    return write


@pytest.fixture
def clips(write: Callable[..., Path], tmp_path: Path) -> DataSource:
    """Six clips of two classes, a folder for each."""
    for seed in range(6):
        write(f"clips/{('cat', 'dog')[seed % 2]}/{seed}.wav", seed)
    return DataSource(layout="folder", path=tmp_path / "clips")


@pytest.fixture
def arrays(tmp_path: Path) -> Callable[..., DataSource]:
    """``arrays(n, d, first=0)``: embeddings and a table of ids ``first``, …, two labels, two domains, groups of two."""

    def arrays(n: int, d: int = 3, *, first: int = 0, name: str = "X") -> DataSource:
        numbers = range(first, first + n)
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(first).normal(size=(n, d)).astype(np.float32))
        rows = [f"e{i:03},{'xy'[i % 2]},{('near', 'far')[i // 2 % 2]},g{i // 2}\n" for i in numbers]
        (tmp_path / f"{name}.csv").write_text("id,label,domain,group\n" + "".join(rows))
        return DataSource(layout="arrays", embeddings=tmp_path / f"{name}.npy", table=tmp_path / f"{name}.csv")

    return arrays
