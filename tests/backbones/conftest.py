"""Small projects of short clips, and a dictionary small enough to learn in no time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest

from yori.backbones import patches
from yori.signal.log_mel import log_mel
from yori.store import Project, sha256_bytes
from yori.store.audio import write_wav

RATE = 8000


def tone(seed: int, seconds: float = 0.3) -> np.ndarray:
    """A gliding tone in noise, different for every seed."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    pitch = np.interp(np.arange(n), np.linspace(0, n, 4), rng.uniform(200, 3000, 4))
    return 0.3 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE) + rng.normal(0, 0.01, n)


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "CENTROIDS", 16)
        patch.setattr(patches, "PATCHES_TO_FIT", 2000)
        patch.setattr(patches, "ITERATIONS", 4)
        yield


@pytest.fixture(scope="session")
def make_spectrograms() -> Callable[..., list[np.ndarray]]:
    """``make_spectrograms(n)``: log-mel spectrograms of clips of different lengths."""

    def make(n: int, first: int = 0) -> list[np.ndarray]:
        return [log_mel(tone(seed, 0.2 + 0.05 * (seed % 4)), RATE) for seed in range(first, first + n)]

    return make


@pytest.fixture(scope="module")
def make_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Project, pa.Table]]:
    """``make_project(clips)``: a new project with these clips and its examples ``clip00``, ``clip01``, …"""

    def make(clips: int | Sequence[np.ndarray], **columns: list[object]) -> tuple[Project, pa.Table]:
        sounds = [tone(seed, 0.2 + 0.03 * (seed % 3)) for seed in range(clips)] if isinstance(clips, int) else clips
        place = tmp_path_factory.mktemp("backbones")
        folder = place / "clips"
        ids = [f"clip{number:02}" for number in range(len(sounds))]
        for clip, samples in zip(ids, sounds, strict=True):
            write_wav(folder / f"{clip}.wav", samples, RATE)
        project = Project.create(place / "project", "classes: [a, b]\n")
        rows = pa.table(
            {
                "example_id": ids,
                "uri": [f"{clip}.wav" for clip in ids],
                "source": ["clips"] * len(ids),
                "label": [("a", "b")[number % 2] for number in range(len(ids))],
                "sha256": [sha256_bytes(samples.tobytes()) for samples in sounds],
                **columns,
            }
        )
        project.add_rows(rows, sources={"clips": folder}, message="clips", who="test")
        return project, project.examples()

    return make
