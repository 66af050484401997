"""A released model on embeddings, and a stream from the world they come from, that may drift and bring something new."""

from __future__ import annotations

import atexit
import functools
import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from sqlalchemy import insert

from yori.flywheel.database import Database
from yori.flywheel.reference import reference_of, tuned_penalty
from yori.flywheel.release import Release, make_release, promote
from yori.flywheel.risk_now import stored_shifts
from yori.flywheel.schema import PREDICTIONS
from yori.store import Project
from yori.synthetic import MixtureEmbeddings, gaussian_mixture_embeddings

CLASSES = ("a", "b", "c", "d")
KNOWN = 900
START = 1_800_000_000.0

TASK = """format: 1
name: world
modality: embeddings
classes: [a, b, c, d]
columns: {label: label, domain: domain}
backbone: {name: given, dimensions: 16}
splits: {protocols: [id]}
head: {epochs: 10, batch_size: 64, l2: 0.01}
secondary: [nll]
seeds: 1
budget: {edits: 0.05, labels: 40}
requirements: {latency_ms: 20, queries_per_second: 5}
"""


@functools.cache
def world() -> MixtureEmbeddings:
    """4 000 embeddings; the first 900 are known, the others still to come."""
    return gaussian_mixture_embeddings(
        4000, 16, 4, separation=3.0, domains=4, domain_shift=1.5, label_noise=0.0, rng=np.random.default_rng(21)
    )


@functools.cache
def released() -> tuple[Project, Release]:
    """Made once; read only."""
    folder = Path(tempfile.mkdtemp(prefix="yori-world-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    data = world()
    names = [f"e{row:04}" for row in range(KNOWN)]
    project = Project.create(folder / "project", TASK)
    table = {
        "example_id": names,
        "label": [CLASSES[each] for each in data.true_labels[:KNOWN]],
        "domain": [f"site{each}" for each in data.domains[:KNOWN]],
    }
    project.add_rows(pa.table(table), sources={}, message="a world", who="ann")
    project.write_embeddings("given", [data.embeddings[:KNOWN]], names)
    release = make_release(project, workers=1)
    found = reference_of(project, release)
    tuned_penalty(project, found)  # computed once, copied with the project
    for answered in (False, True):
        stored_shifts(project, found, answered=answered)
    return project, release


def copied(folder: Path) -> tuple[Project, Release]:
    """A copy that may be written to."""
    project, release = released()
    shutil.copytree(project.path, folder / "world")
    return Project.open(folder / "world"), release


def serving(project: Project, release: Release, database: Database) -> None:
    """Let the release serve."""
    promote(database, project, release.release_id, who="ann", why="test")


@dataclass(frozen=True)
class Stream:
    """What arrives: embeddings, their true classes, their domains."""

    embeddings: np.ndarray
    truth: np.ndarray
    domains: list[str]


def stream(n: int, *, seed: int = 0, shift: float = 0.0, rare: int = 0, domain: int | None = None) -> Stream:
    """``n`` new rows of the world; ``shift`` moves them, the last ``rare`` are something new that lies together."""
    data, rng = world(), np.random.default_rng([seed, 5])
    rest = np.arange(KNOWN, len(data.labels))
    if domain is not None:
        rest = rest[data.domains[rest] == domain]
    rows = rng.choice(rest, n, replace=False)
    embeddings = data.embeddings[rows].astype(np.float32)
    scale = float(embeddings.std())
    embeddings = embeddings + np.float32(shift * scale)
    if rare:
        centre = embeddings[0] + np.float32(6 * scale) * np.sign(rng.normal(size=16)).astype(np.float32)
        embeddings[-rare:] = centre + np.float32(0.2 * scale) * rng.normal(size=(rare, 16)).astype(np.float32)
    return Stream(embeddings, data.true_labels[rows], [f"site{each}" for each in data.domains[rows]])


def log(
    database: Database,
    release: Release,
    arrived: Stream,
    *,
    start: float = START,
    step: float = 1.0,
    latency: float = 5.0,
    keep: bool = True,
    inputs: list[str] | None = None,
) -> None:
    """Log the stream as `yori serve` does, one row every ``step`` seconds; ``keep``: with embeddings."""
    found = release.decide(arrived.embeddings)
    rows = []
    for row in range(len(arrived.truth)):
        own = hashlib.sha256(arrived.embeddings[row].tobytes()).hexdigest()
        rows.append(
            {
                "at": start + row * step,
                "release_id": release.release_id,
                "kind": "embedding",
                "input_sha256": own if inputs is None else inputs[row],
                "domain": arrived.domains[row],
                "label": str(found.labels[row]),
                "confidence": float(found.confidence[row]),
                "abstained": bool(found.abstained[row]),
                "latency_ms": latency,
                "probs": found.probs[row].astype("<f4").tobytes(),
                "embedding": arrived.embeddings[row].astype("<f4").tobytes() if keep else None,
            }
        )
    with database.begin() as connection:
        connection.execute(insert(PREDICTIONS), rows)
