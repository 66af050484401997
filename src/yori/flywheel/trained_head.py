"""Heads that may be released: the *after* head of a proof, or a plain fit of the latest data version.

From a proof comes the head of its first in-distribution cell (of its first cell where every protocol holds a domain out),
found by its recorded validation predictions: it is the proven head bit for bit, or none.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Float, Float32, Num

from yori.errors import CorruptError, StoreError, VerificationError, YoriError
from yori.prove.arms import AFTER
from yori.prove.baseline import make_baseline, read_stage
from yori.prove.cell_inputs import embeddings_of, input_of
from yori.prove.dataset import cells_of, dataset_of
from yori.prove.proof import seal
from yori.prove.tuning import temperature_of
from yori.store import Project, sha256_file
from yori.store.paths import check_name
from yori.task import Task
from yori.workers import Progress


@dataclass(frozen=True)
class TrainedHead:
    """A trained head and what it says about validation examples it has not seen."""

    weight: Float32[np.ndarray, "c d1"]
    temperature: float
    logits: Float[np.ndarray, "m c"]
    targets: Num[np.ndarray, "m ..."]
    groups: int
    embeddings: str
    facts: dict[str, Any]

    @property
    def link(self) -> str:
        """Kind of head."""
        return "softmax" if self.targets.ndim == 1 else "sigmoid"


# -- from a proof ---------------------------------------------------------------------------------------------------


def proof_folder(project: Project, proof: str | Path) -> Path:
    """Folder of a proof, from its path, the path of its certificate, or its id."""
    if isinstance(proof, Path) or "/" in proof:
        folder = Path(proof)
        folder = folder.parent if folder.name == "certificate.json" else folder
    else:
        folder = project.path / "proofs" / check_name(proof, what="proof", where="release")
    if not (folder / "certificate.json").is_file():
        raise StoreError("a proof with its certificate.json", "none", where=str(folder), fix="Make one: yori run DIR")
    return folder


def read_certificate(folder: Path) -> dict[str, Any]:
    """A certificate whose seal holds, beside the validation predictions it was sealed with."""
    try:
        certificate: dict[str, Any] = json.loads((folder / "certificate.json").read_text(encoding="utf-8"))
        sealed = certificate["seal"] == seal(certificate)
        same = sha256_file(folder / "validation.parquet") == certificate["files"]["validation.parquet"]
    except (OSError, ValueError, KeyError, TypeError, YoriError) as error:
        raise CorruptError("a readable certificate", str(error), where=str(folder)) from error
    if not (sealed and same):
        raise VerificationError("a certificate as it was sealed", "another", where=str(folder), fix="See: yori verify")
    return certificate


def proven_head(project: Project, folder: Path, certificate: dict[str, Any]) -> TrainedHead:
    """The *after* head of a proof.

    Its validation predictions are those of heads that have not seen the example, also where *after* itself was trained on
    validation (cross-fitted curation stores out-of-fold predictions then).

    Raises
    ------
    VerificationError
        If no stored run gives the predictions of the proof.
    """
    cells = certificate["splits"]["cells"]
    inside = [cell for cell in cells if not cell["protocol"].startswith("lodo:")]
    cell = min(inside or cells, key=lambda each: each["seed"])
    protocol, seed = cell["protocol"], cell["seed"]
    wanted = (pc.field("protocol") == protocol) & (pc.field("seed") == seed) & (pc.field("arm") == AFTER)
    after = pq.read_table(folder / "validation.parquet", filters=wanted)
    proven = _logits(after)
    facts = {"arm": AFTER, "protocol": protocol, "seed": seed, "split": cell["sha256"], **_recipe(cell)}
    for weight in _candidates(project, protocol, seed, proven):
        return TrainedHead(
            weight=weight,
            temperature=float(after["temperature"][0].as_py()),
            logits=proven,
            targets=_targets(after, weight.shape[0]),
            groups=len(set(after["group"].to_pylist())),
            embeddings=cell["embeddings"],
            facts=facts,
        )
    raise VerificationError(
        "the head of the proof among the runs", "none that gives its predictions", where=str(project.path / "runs"),
        fix="Restore the runs from a backup, or prove again: yori run DIR",
    )  # fmt: skip


def _recipe(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the next head is trained by, too, so that both cost the same."""
    return {name: facts[name] for name in ("l2", "steps", "batch_size")}


def _candidates(
    project: Project, protocol: str, seed: int, proven: Float[np.ndarray, "m c"]
) -> Iterator[Float32[np.ndarray, "c d1"]]:
    """*After* heads of stored runs whose validation predictions are those of the proof, bit for bit."""
    for path in sorted((project.path / "runs").glob("*/run.json")):
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if (facts.get("protocol"), facts.get("seed")) != (protocol, seed) or "rounds" not in facts:
            continue
        arrays = read_stage(project, path.parent.name).arrays
        if AFTER in arrays and np.array_equal(arrays.get(f"validation:{AFTER}", np.zeros(0)), proven):
            yield arrays[AFTER].astype(np.float32)


def _logits(rows: pa.Table) -> Float[np.ndarray, "m c"]:
    lists = rows["logits"].combine_chunks()
    flat = np.asarray(lists.flatten() if len(rows) else [], dtype=np.float32)
    return flat.reshape(len(rows), -1)


def _targets(rows: pa.Table, classes: int) -> Num[np.ndarray, "m ..."]:
    labels = rows["label"].to_pylist()
    if pa.types.is_integer(rows["label"].type):
        return np.array(labels, dtype=np.int64)
    hot = np.zeros((len(labels), classes), dtype=np.float32)
    for row, several in enumerate(labels):
        hot[row, several] = 1
    return hot


# -- without a proof ------------------------------------------------------------------------------------------------


def plain_fit(project: Project, task: Task, workers: int | None, progress: Progress) -> TrainedHead:
    """Tune and train on the latest data, as the *before* arm of a proof is."""
    if task.splits.by != "table":
        task = dataclasses.replace(task, splits=dataclasses.replace(task.splits, protocols=("id",)))
    data = dataset_of(project, task)
    cell = cells_of(data, task)[0]
    shards = embeddings_of(project, task, data, [cell], workers, progress)[0]
    given = input_of(project, task, data, cell, shards)
    run = read_stage(project, make_baseline(given))
    logits = run.arrays["validation:before"]
    asked = data.truth[cell.validation]
    return TrainedHead(
        weight=run.arrays["before"].astype(np.float32),
        temperature=temperature_of(logits, asked),
        logits=logits,
        targets=asked,
        groups=len(np.unique(data.groups[cell.validation])),
        embeddings=shards.path.name,
        facts={
            "arm": "before",
            "protocol": cell.protocol,
            "seed": cell.seed,
            "split": cell.sha256(data.ids),
            **_recipe(run.facts),
        },
    )
