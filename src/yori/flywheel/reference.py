"""What a release was made of, as numbers: the examples it knows and the validation examples it is held against.

The split is rebuilt from the data version the release names and checked against the hash it carries, so what is compared is
what was released. Test examples are not touched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Num, Shaped

from yori.errors import StoreError, YoriError
from yori.flywheel.assignment import cell_of, read_assignment
from yori.flywheel.released_model import LABEL_SEPARATOR, Decisions, Release
from yori.heads import LINKS, Spectrum
from yori.labels.out_of_fold import FOLDS, out_of_fold_logits
from yori.metrics import max_softmax
from yori.metrics.confidence import label_set_confidence
from yori.prove.dataset import Dataset, cells_of, dataset_of
from yori.prove.tuning import tune
from yori.splits import Cell, group_folds
from yori.store import Project, content_key
from yori.task import Task, parse_task

SEED = 20_261_121


@dataclass(frozen=True)
class Reference:
    """Training examples a release knows, and validation examples with what it says about them.

    Attributes
    ----------
    ids, embeddings, targets, labels, groups, domains
        Shape ``(n,)`` and ``(n, d)``: training examples first, validation examples after them. ``targets``: label
        ``(n,)`` or multi-hot ``(n, c)``; ``labels``: as text. ``domains``: None where the task has none.
    trained
        How many are training examples.
    decisions
        What the release says about the validation examples.
    correct
        Shape ``(n − trained,)``.
    """

    release: Release
    ids: Shaped[np.ndarray, " n"]
    embeddings: Float32[np.ndarray, "n d"]
    targets: Num[np.ndarray, "n ..."]
    labels: tuple[str, ...]
    groups: Int[np.ndarray, " n"]
    domains: Shaped[np.ndarray, " n"] | None
    trained: int
    decisions: Decisions
    correct: Bool[np.ndarray, " m"]

    @property
    def known(self) -> Float32[np.ndarray, "k d"]:
        """Embeddings of the training examples."""
        return self.embeddings[: self.trained]

    @property
    def validation(self) -> Float32[np.ndarray, "m d"]:
        """Embeddings of the validation examples."""
        return self.embeddings[self.trained :]

    @property
    def validation_groups(self) -> Int[np.ndarray, " m"]:
        """Groups of the validation examples."""
        return self.groups[self.trained :]

    @property
    def single(self) -> bool:
        """Whether every example has one label."""
        return self.targets.ndim == 1

    @property
    def classes_of(self) -> Int[np.ndarray, " n"]:
        """One class of each example: its label, or the first of several."""
        return self.targets if self.single else self.targets.argmax(axis=1)


def reference_of(project: Project, release: Release) -> Reference:
    """Rebuild the split of a release.

    Raises
    ------
    StoreError
        If the split cannot be rebuilt: task.yaml has changed what decides it and the proof is gone, or the embeddings are.
    """
    manifest = release.manifest
    wanted, version = manifest["head"]["split"], int(manifest["data"]["version"])
    for task in _tasks(project, manifest.get("certificate")):
        try:
            data = dataset_of(project, task, version)
        except YoriError:
            continue
        for cell in _cells(project, task, data, int(manifest["head"]["seed"])):
            if cell.sha256(data.ids) == wanted:
                return _reference(project, release, task, data, cell)
    raise StoreError(
        "the split of the release", "a task.yaml and proofs that make another", where=release.release_id[:12],
        fix="Put back the splits of task.yaml, or make a release again: yori release DIR --make",
    )  # fmt: skip


def _cells(project: Project, task: Task, data: Dataset, seed: int) -> Iterator[Cell]:
    """Splits the task makes of the data, then the one that the turns of the flywheel have kept."""
    with contextlib.suppress(YoriError):
        yield from cells_of(data, task)
    parts = read_assignment(project)
    if all(str(name) in parts for name in data.ids.tolist()):
        yield cell_of(data, parts, turn=seed)


def _tasks(project: Project, certificate: str | None) -> Iterator[Task]:
    """The task as it is now, then as it was when the release was proved."""
    now = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
    yield now
    yield dataclasses.replace(now, splits=dataclasses.replace(now.splits, protocols=("id",)))
    for path in sorted((project.path / "proofs").glob("*/certificate.json")) if certificate else []:
        try:
            proof = json.loads(path.read_text(encoding="utf-8"))
            if proof["seal"] == certificate:
                yield parse_task(proof["task"]["text"], name=str(path))
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _reference(project: Project, release: Release, task: Task, data: Dataset, cell: Cell) -> Reference:
    shards = project.open_embeddings(release.manifest["backbone"]["embeddings"])
    rows = np.concatenate([cell.train, cell.validation])
    trained = len(cell.train)
    embeddings = shards.rows_of([str(each) for each in data.ids[rows]])
    targets = data.targets[rows].copy()
    targets[trained:] = data.truth[cell.validation]
    groups = data.groups[rows]
    if task.curate.cross_fitted and release.manifest["head"]["arm"] == "after":
        decisions = _out_of_fold(release, embeddings, targets, groups, trained)
    else:
        decisions = release.decide(embeddings[trained:])
    if targets.ndim == 1:
        correct = decisions.probs.argmax(axis=1) == targets[trained:]
    else:
        correct = ((decisions.probs >= 0.5) == (targets[trained:] > 0)).all(axis=1)
    return Reference(
        release=release,
        ids=data.ids[rows],
        embeddings=embeddings,
        targets=targets,
        labels=tuple(data.labels[row] for row in rows),
        groups=groups,
        domains=None if data.domains is None else data.domains[rows],
        trained=trained,
        decisions=decisions,
        correct=correct,
    )


def _out_of_fold(
    release: Release,
    embeddings: Float[np.ndarray, "n d"],
    targets: Num[np.ndarray, "n ..."],
    groups: Int[np.ndarray, " n"],
    trained: int,
) -> Decisions:
    """What heads like the released one say about validation examples that it was trained on, but they were not."""
    rng = np.random.default_rng(SEED)
    fold = group_folds(targets if targets.ndim == 1 else targets.argmax(axis=1), groups, FOLDS, rng=rng)
    link = release.manifest["head"]["link"]
    logits = out_of_fold_logits(
        embeddings, targets, fold, classes=len(release.classes), l2=mean_penalty(embeddings), link=link
    )[trained:]
    probs = LINKS[link].probs(logits.astype(np.float64) / release.temperature)
    names = np.array(release.classes, dtype=object)
    if link == "softmax":
        confidence, labels = max_softmax(probs), names[probs.argmax(axis=1)]
    else:
        confidence = label_set_confidence(probs)
        labels = np.array([LABEL_SEPARATOR.join(names[row]) for row in probs >= 0.5], dtype=object)
    return Decisions(labels, probs, confidence, ~(confidence >= release.threshold))


def mean_penalty(embeddings: Float[np.ndarray, "n d"]) -> float:
    """A penalty that suits embeddings of this scale when none was tuned."""
    return 1e-3 * float(np.mean(np.square(embeddings[:4096], dtype=np.float64))) + 1e-12


def tuned_penalty(project: Project, found: Reference) -> float:
    """The penalty that predicts the validation examples best, computed once for each release."""
    key = reference_key(found, stage="penalty", version=1)
    if not project.has_stage("cache", key):
        known = found.known
        tuned = tune(
            known, found.targets[: found.trained], np.ones(found.trained), found.validation,
            found.targets[found.trained :], classes=len(found.release.classes), criterion="nll",
            spectrum=Spectrum.of(known),
        )  # fmt: skip
        with project.stage_folder("cache", key) as folder:
            (folder / "penalty.json").write_text(json.dumps(tuned.l2), encoding="utf-8")
    return float(json.loads((project.stage_path("cache", key) / "penalty.json").read_text(encoding="utf-8")))


def reference_key(found: Reference, **more: object) -> str:
    """Content key of something computed from a reference."""
    manifest = found.release.manifest
    return content_key(
        split=manifest["head"]["split"], data=manifest["data"]["content_sha256"],
        embeddings=manifest["backbone"]["embeddings"], **more,
    )  # fmt: skip
