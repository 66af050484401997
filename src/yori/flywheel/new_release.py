"""Make a release out of a proof's *after* head, or out of a plain fit of the latest data version.

Temperature and threshold come from validation examples that the head has not been trained on; test examples are not touched.
The manifest holds no time and no machine, so the same head of the same data in the same turn is the same release, made again
by a turn that was interrupted.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

import yori
from yori.backbones import BACKBONES, load_backbone
from yori.backbones.given import GIVEN
from yori.flywheel.released_model import BACKBONE, FORMAT, HEAD, MANIFEST, Release, open_release, release_path
from yori.flywheel.trained_head import TrainedHead, plain_fit, proof_folder, proven_head, read_certificate
from yori.heads import LINKS
from yori.metrics import (
    conformal_threshold,
    guaranteed_threshold,
    label_set_confidence,
    label_set_correct,
    max_softmax,
)
from yori.prove.alarm import target_risk
from yori.store import Project, sha256_bytes, sha256_file
from yori.store.atomic import disk_errors, write_new
from yori.store.stages import publish_folder
from yori.store.work import workspace
from yori.task import Task, parse_task
from yori.workers import Progress, silent

DELTA = 0.05
"""Chance that the promise of a threshold may fail."""


def make_release(
    project: Project,
    *,
    proof: str | Path | None = None,
    turn: int = 0,
    workers: int | None = None,
    progress: Progress = silent,
) -> Release:
    """Make a release and open it; the same one again if it is there already. It does not serve yet: see `promote`.

    Parameters
    ----------
    project
        Where proofs and runs lie, and where the release goes.
    proof
        Folder or id of a proof; None: fit the latest data version without edits.
    turn
        Turn of the flywheel that makes it; part of the release.

    Raises
    ------
    StoreError
        If there is no such proof, or its runs or its backbone are gone.
    VerificationError
        If the proof is not sealed as written, or no stored head gives its predictions.
    """
    if proof is None:
        task = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
        head, certificate = plain_fit(project, task, workers, progress), None
        version = project.version()
        data: dict[str, Any] = {"version": version.number, "content_sha256": version.content_hash}
    else:
        folder = proof_folder(project, proof)
        certificate = read_certificate(folder)
        task = parse_task(certificate["task"]["text"], name=str(folder))
        head = proven_head(project, folder, certificate)
        data = {"version": certificate["data"]["version"], "content_sha256": certificate["data"]["content_sha256"]}
    arrays = {HEAD: {"weight": head.weight}}
    backbone: dict[str, Any] = {"name": GIVEN, "dimensions": int(head.weight.shape[1]) - 1}
    if task.backbone.name != GIVEN:
        fitted = load_backbone(project.path, head.embeddings, task.backbone.name)
        arrays[BACKBONE] = {
            **fitted.features.arrays(),
            "mean": fitted.whitening.mean,
            "projection": fitted.whitening.projection,
        }
        backbone = {
            "name": task.backbone.name,
            "version": BACKBONES[task.backbone.name].VERSION,
            "dimensions": int(head.weight.shape[1]) - 1,
        }
    manifest = {
        "format": FORMAT,
        "name": task.name,
        "classes": list(task.class_names),
        "labels": task.labels,
        "turn": turn,
        "certificate": certificate["seal"] if certificate else None,
        "yori": yori.__version__,
        "data": data,
        "head": {"link": head.link, "shape": list(head.weight.shape), **head.facts},
        "backbone": {**backbone, "embeddings": head.embeddings},
        "audio": _audio(project, task, data["version"]),
        "temperature": head.temperature,
        "threshold": _threshold(head, target_risk(task)),
    }
    return _publish(project, manifest, arrays)


def _publish(project: Project, manifest: dict[str, Any], arrays: dict[str, dict[str, np.ndarray]]) -> Release:
    from safetensors.numpy import save

    where = project.path / "releases"
    with disk_errors(where), workspace(project.path) as aside:
        folder = aside / "release"
        folder.mkdir()
        for name, tensors in arrays.items():
            content = save({key: np.ascontiguousarray(array) for key, array in tensors.items()})
            (folder / name).write_bytes(content)  # `save_file` would fail with an error of its own on a full disk
        manifest["files"] = {name: sha256_file(folder / name) for name in sorted(arrays)}
        content = (json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False, sort_keys=True) + "\n").encode()
        release_id = sha256_bytes(content)
        write_new(folder / MANIFEST, [content])
        publish_folder(folder, release_path(project, release_id))
    return open_release(project, release_id)


def _threshold(head: TrainedHead, risk: float) -> dict[str, Any]:
    """The working point and what it promises; ``confidence`` is null where it must always abstain.

    The promise about the risk of what is answered (`guaranteed_threshold`) is kept if the validation examples allow it, else
    the weaker one about the chance of a wrong answer (`conformal_threshold`). Both are for examples drawn like the validation
    examples; those of one group are no independent draws, which is why their number is written down beside it.
    """
    probs = LINKS[head.link].probs(head.logits.astype(np.float64) / head.temperature)
    if head.link == "softmax":
        confidence, correct = max_softmax(probs), probs.argmax(axis=1) == head.targets
    else:
        confidence, correct = label_set_confidence(probs), label_set_correct(probs, head.targets.astype(np.int64))
    kind, found = "guaranteed", guaranteed_threshold(confidence, correct, risk, DELTA)
    if math.isinf(found.threshold):
        kind, weaker = "conformal", conformal_threshold(confidence, correct, risk)
        found = weaker if math.isfinite(weaker.threshold) else found
        kind = kind if math.isfinite(weaker.threshold) else "none"
    return {
        "confidence": found.threshold if math.isfinite(found.threshold) else None,
        "promise": kind,
        "risk": risk,
        "delta": DELTA if kind == "guaranteed" else None,
        "bound": found.bound,
        "coverage": found.coverage,
        "validation_examples": len(confidence),
        "validation_groups": head.groups,
    }


def _audio(project: Project, task: Task, version: int) -> dict[str, Any] | None:
    """What the clips of training were like, so that long recordings are cut into windows alike."""
    if task.modality != "audio" or task.backbone.name == GIVEN:
        return None
    durations = [each for each in project.examples(version, ["duration"])["duration"].to_pylist() if each]
    typical = float(np.median(durations)) if durations else 1.0
    return {
        "sample_rate": task.audio.sample_rate,
        "window": task.audio.window or typical,
        "hop": task.audio.hop or task.audio.window or typical,
        "longest": task.audio.window or (max(durations) if durations else typical),
    }
