"""`yori demo`: the main job on ships that never sailed, with label errors whose place is known."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from yori.main_job.data_source import DataSource
from yori.main_job.initialise import init
from yori.main_job.run import Ran, run
from yori.store import Project, atomic
from yori.store.audio import write_wav
from yori.synthetic import CLASSES, SCENARIOS, flip_labels, simulate_passages
from yori.workers import Progress, silent

PASSAGES = 11
"""For each class and distance."""
CLIPS = 6
"""For each passage, one second each."""
SAMPLE_RATE = 16_000
WRONG = 0.08
"""Share of labels flipped: known noise, so that it can be checked whether the edits find it."""
SEED = 20_260_815

Row = tuple[str, str, str, str, str]


def make_recordings(folder: Path, *, passages: int, clips: int, progress: Progress = silent) -> Path:
    """Simulate hydrophone clips into ``folder`` with ``clips.csv`` beside them; returns the table. Existing ones are kept."""
    table = folder / "clips.csv"
    if table.is_file():
        return table
    total = len(CLASSES) * len(SCENARIOS) * passages * clips
    found: list[Row] = []
    made = simulate_passages(
        passages_per_class_and_scenario=passages, clips_per_passage=clips, sample_rate=SAMPLE_RATE,
        rng=np.random.default_rng(SEED),
    )  # fmt: skip
    for number, clip in enumerate(made):
        name = f"clips/{clip.domain}/{clip.group}-{number % clips}.wav"
        # Pressures in pascal are small or large numbers; recorders set their gain.
        write_wav(folder / name, 0.3 * clip.samples / max(float(np.abs(clip.samples).max()), 1e-12), clip.sample_rate)
        found.append((name, clip.label, clip.domain, clip.group, clip.label))
        progress("simulate a hydrophone", number + 1, total)
    classes = list(CLASSES)
    truth = np.array([classes.index(row[1]) for row in found])
    noisy, _ = flip_labels(truth, WRONG, classes=len(classes), rng=np.random.default_rng(SEED + 1))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "label", "distance", "passage", "verified"])
    for row, label in zip(found, noisy, strict=True):
        writer.writerow([row[0], classes[label], row[2], row[3], row[4]])
    aside = folder / ".clips.csv.part"
    with atomic.disk_errors(table):
        atomic.remove_file(aside)
        atomic.write_new(aside, [text.getvalue().encode()])
        atomic.put_in_place(aside, table)
    return table


def demo(
    folder: str | Path,
    *,
    passages: int = PASSAGES,
    clips: int = CLIPS,
    workers: int | None = None,
    progress: Progress = silent,
) -> Ran:
    """Simulate, import, run.

    Parameters
    ----------
    folder
        Gets ``clips/``, ``clips.csv`` and the project ``ships/``; what is there from an earlier, interrupted demo is used.
    passages, clips
        Passages for each class and distance, one-second clips for each passage.
    workers, progress
        As `run`.
    """
    place = Path(folder).absolute()
    table = make_recordings(place, passages=passages, clips=clips, progress=progress)
    project = place / "ships"
    if not (project / "yori.json").is_file():
        columns = {"domain": "distance", "group": "passage", "verified": "verified", "uri": "path"}
        source = DataSource(layout="table", path=place, table=table, columns=columns)
        init(project, source, name="ships", workers=workers, progress=progress)
    Project.open(project)
    return run(project, workers=workers, progress=progress)
