"""A small project of sounds in which every fault is planted, and one in which nothing is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import soundfile

from yori.store import Project, sha256_bytes

RATE = 8000
SECONDS = 1.0
CLASSES = ("horn", "bell", "chirp")
PITCH = {"horn": 300.0, "bell": 900.0, "chirp": 1800.0}

TASK = """format: 1
name: planted
modality: audio
classes:
  - {name: horn, means: a low tone}
  - {name: bell, means: a higher tone}
  - {name: chirp, means: the highest tone}
columns: {label: label, domain: domain, group: group}
audio: {sample_rate: 8000}
backbone: {name: statistics, dimensions: 24}
splits: {protocols: [id]}
seeds: 1
"""


def sound(label: str, seed: int, *, seconds: float = SECONDS, rate: int = RATE) -> np.ndarray:
    """A tone that swells, dies away and wavers differently every time, in noise."""
    rng = np.random.default_rng([seed, len(label)])
    t = np.arange(round(seconds * rate)) / rate
    pitch = PITCH[label] * rng.uniform(0.92, 1.08)
    wave = np.sin(2 * np.pi * (pitch * t + rng.uniform(0.5, 3) * np.sin(2 * np.pi * rng.uniform(2, 9) * t)))
    bumps = sum(rng.uniform(0.2, 1) * np.exp(-(((t / seconds - at) / 0.12) ** 2)) for at in rng.uniform(0.1, 0.9, 3))
    fade = np.minimum(1, np.minimum(t, t[::-1]) / (0.05 * seconds))
    return (0.25 * wave * bumps + 0.02 * rng.normal(size=len(t))) * fade


@dataclass(frozen=True)
class Planted:
    """A project, and the ids of the examples with each fault."""

    project: Project
    faulty: dict[str, set[str]]


def make_project(folder: Path, *, faults: bool, n: int = 150, task: str = TASK) -> Planted:
    """``n`` clips, groups of two, three domains; with ``faults`` the last ones are broken in one way each."""
    clips = folder / "clips"
    clips.mkdir(parents=True)
    rows, faulty = [], {}

    def add(name: str, samples: np.ndarray, label: str, number: int, rate: int = RATE, **columns: str) -> None:
        soundfile.write(clips / f"{name}.wav", samples, rate, subtype="FLOAT")
        content = sha256_bytes(np.asarray(samples, dtype=np.float32).tobytes())
        rows.append({"example_id": name, "uri": f"{name}.wav", "source": "clips", "label": label, "sha256": content,
                     "duration": len(samples) / rate, "group": f"g{number // 2}",
                     "domain": f"site{number // 6 % 3}", **columns})  # fmt: skip

    for number in range(n):
        label = CLASSES[number // 2 % 3]
        add(f"c{number:03}", sound(label, number), label, number)
    if faults:
        for k in range(4):
            one = {name: sound("horn", 1000 + 10 * k + at) for at, name in enumerate(BROKEN)}
            for at, (name, breaks) in enumerate(BROKEN.items()):
                samples = breaks(one[name])
                add(f"{name}-{k}", samples, "horn", 1000 + 100 * k + 10 * at)
                faulty.setdefault(name, set()).add(f"{name}-{k}")
            # A label that is wrong, a copy, a near copy, and an equal clip with another label.
            add(f"wrong-{k}", sound("chirp", 2000 + k), "horn", 2000 + 10 * k)
            add(f"copy-{k}", sound("bell", 12 * k + 2), "bell", 3000 + 10 * k)
            add(f"near-{k}", 0.5 * sound("bell", 12 * k + 3)[40:], "bell", 3200 + 10 * k)
            add(f"clash-{k}", sound("horn", 12 * k + 6), "bell", 3400 + 10 * k)
            for name in ("wrong", "copy", "near", "clash"):
                faulty.setdefault(name, set()).add(f"{name}-{k}")
        rows.append({**rows[0], "example_id": "gone-0", "uri": "gone.wav", "sha256": None, "group": "g9999"})
        faulty["gone"] = {"gone-0"}
    project = Project.create(folder / "project", task)
    table = pa.Table.from_pylist(rows)
    project.add_rows(table, sources={"clips": clips}, message="planted", who="ann")
    return Planted(project, faulty)


def _clipped(x: np.ndarray) -> np.ndarray:
    return np.clip(4 * x, -0.3, 0.3)


def _gap(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x[:3000], np.zeros(600), x[3600:]])


def _hum(x: np.ndarray) -> np.ndarray:
    t = np.arange(len(x)) / RATE
    return x + 0.05 * np.sin(2 * np.pi * 50 * t) + 0.03 * np.sin(2 * np.pi * 100 * t)


def _upsampled(x: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft(x)
    spectrum[len(spectrum) // 2 :] = 0
    return np.fft.irfft(spectrum, len(x))


def _cut(x: np.ndarray) -> np.ndarray:
    loudest = int(np.argmax(np.convolve(x**2, np.ones(400), mode="same")))
    return x[: max(2400, loudest)]


BROKEN = {
    "constant": lambda x: np.zeros_like(x),
    "near_silent": lambda x: 1e-4 * x,
    "clipped": _clipped,
    "dropout": _gap,
    "hum": _hum,
    "upsampled": _upsampled,
    "truncated": _cut,
    "offset": lambda x: x + 0.2,
    "padded": lambda x: np.concatenate([x[: len(x) // 2], np.zeros(len(x) // 2)]),
}
"""Name of a fault → how a clip gets it."""
