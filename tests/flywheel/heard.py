"""A small project of sounds with a patches backbone: tones, warbles and noise, one second each at 8 kHz."""

from __future__ import annotations

import atexit
import functools
import io
import shutil
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from yori.flywheel.release import Release, make_release
from yori.main_job import DataSource, init
from yori.store import Project

RATE = 8000
CLASSES = ("noise", "tone", "warble")


def sound(label: str, seed: int, *, seconds: float = 1.0) -> np.ndarray:
    """A clip of a class, float in [-1, 1]."""
    rng = np.random.default_rng([seed, CLASSES.index(label)])
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = rng.uniform(300, 3000)
    clean = {
        "noise": np.zeros_like(time),
        "tone": np.sin(2 * np.pi * pitch * time),
        "warble": np.sin(2 * np.pi * pitch * time + 20 * np.sin(2 * np.pi * 6 * time)),
    }[label]
    return (rng.uniform(0.01, 0.3) * clean + rng.normal(0, 0.15, len(time))).clip(-1, 1)


def encoded(samples: np.ndarray, *, rate: int = RATE, **how: str) -> bytes:
    """A sound file in memory; WAV unless ``format`` says otherwise."""
    sink = io.BytesIO()
    soundfile.write(sink, samples, rate, **{"format": "WAV", **how})
    return sink.getvalue()


def write_clips(folder: Path, each: int) -> Path:
    """``each`` clips of every class in a folder for each class."""
    for label in CLASSES:
        (folder / label).mkdir(parents=True)
        for seed in range(each):
            (folder / label / f"{seed:03}.wav").write_bytes(encoded(sound(label, seed)))
    return folder


@functools.cache
def heard() -> tuple[Project, Release]:
    """The project and a release of a plain fit, made once for all tests; read only."""
    folder = Path(tempfile.mkdtemp(prefix="yori-heard-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    clips = write_clips(folder / "clips", 40)
    init(folder / "project", DataSource(layout="folder", path=clips), workers=1)
    task = folder / "project" / "task.yaml"
    task.write_text(task.read_text().replace("epochs: 60", "epochs: 5"))
    project = Project.open(folder / "project")
    return project, make_release(project, workers=1)


def copied(folder: Path) -> tuple[Project, Release]:
    """A copy of it that may be written to."""
    project, release = heard()
    shutil.copytree(project.path, folder / "heard", ignore=shutil.ignore_patterns("cache", "runs", "embeddings"))
    return Project.open(folder / "heard"), release
