"""The *before* arm of one cell, and all that later stages ask of it; does not depend on the edit budget.

Runs in a worker process that is given training and validation examples only: no test example can reach it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

from yori.errors import CorruptError, ValuesError
from yori.heads import Recipe, Spectrum, prediction_flops, train_head, training_flops
from yori.heads.flops import product_flops
from yori.labels import out_of_fold_logits
from yori.prove.arm_names import TRAIN_AND_VALIDATION
from yori.prove.tuning import temperature_of, tune
from yori.splits import group_folds
from yori.store import EmbeddingShards, Project, content_key
from yori.task import HeadRecipe

VERSION = 1
OUT_OF_FOLD_PARTS = 5
CHECKPOINTS = 4


def finite_rows(shards: EmbeddingShards, rows: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n d"]:
    """Read embeddings.

    Raises
    ------
    ValuesError
        If a number is NaN or infinite: a file was damaged after it was written.
    """
    vectors = shards.rows(rows)
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        raise ValuesError(
            "finite embeddings", f"{int(bad.sum())} rows with others, such as row {int(rows[bad][0])}",
            where=str(shards.path), fix="Remove the folder and import or embed again.",
        )  # fmt: skip
    return vectors


@dataclass(frozen=True)
class CellInput:
    """What a worker may know of a cell: its training and validation examples.

    ``rows``: positions in the stored embeddings, training examples first, then validation; ``n_train`` of them train.
    ``targets``: labels to train on (training part) and to ask with (validation part). ``truth``: verified training labels.
    ``content``: hash of what the examples are, so that equal work is done once.
    """

    project: Path
    embeddings: str
    protocol: str
    seed: int
    rows: Int[np.ndarray, " pool"]
    n_train: int
    ids: Shaped[np.ndarray, " pool"]
    targets: Num[np.ndarray, "pool ..."]
    validation_given: Num[np.ndarray, "validation ..."]
    truth: Num[np.ndarray, "n_train ..."]
    groups: Int[np.ndarray, " pool"]
    domains: Shaped[np.ndarray, " pool"] | None
    weight: Float[np.ndarray, " pool"]
    classes: int
    recipe: HeadRecipe
    key: str = ""
    steps: int | None = None
    """Steps of training, to cost what an earlier head has cost; None = as many as the recipe's epochs ask for."""

    @property
    def link(self) -> str:
        """Kind of head."""
        return "softmax" if self.targets.ndim == 1 else "sigmoid"

    @property
    def name(self) -> str:
        """Such as ``id seed 0``."""
        return f"{self.protocol} seed {self.seed}"

    def vectors(self) -> Float[np.ndarray, "pool d"]:
        """Embeddings of the pool, float32."""
        return finite_rows(Project(self.project).open_embeddings(self.embeddings), self.rows)

    def generator(self, *words: str) -> np.random.Generator:
        """A stream of its own for every purpose, the same in every run."""
        digest = bytes.fromhex(content_key(protocol=self.protocol, seed=self.seed, words=list(words)))
        return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32).tolist())

    def baseline_key(self) -> str:
        """Content key of `make_baseline`."""
        recipe = self.recipe
        return content_key(
            stage="baseline", version=VERSION, embeddings=self.embeddings, protocol=self.protocol, seed=self.seed,
            ids=self.ids.astype(str), n_train=self.n_train, targets=self.targets, groups=self.groups,
            validation_given=self.validation_given, weight=self.weight,
            domains=None if self.domains is None else self.domains.astype(str),
            recipe=[recipe.l2, recipe.tune, recipe.batch_size, recipe.epochs], classes=self.classes,
            **({} if self.steps is None else {"steps": self.steps}),
        )  # fmt: skip


@dataclass(frozen=True)
class Baseline:
    """What `make_baseline` wrote."""

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]

    @property
    def recipe(self) -> Recipe:
        """The frozen recipe of every arm of the cell."""
        return Recipe(self.facts["l2"], self.facts["steps"], self.facts["batch_size"], self.facts["link"])


def make_baseline(cell: CellInput) -> str:
    """Tune, train the *before* arm and train + validation, predict training examples out of fold. Returns the key."""
    key = cell.baseline_key()
    project = Project(cell.project)
    if project.has_stage("runs", key):
        return key
    pool = cell.vectors()
    n, dimensions = cell.n_train, pool.shape[1]
    train, validation = pool[:n], pool[n:]
    targets, asked = cell.targets[:n], cell.targets[n:]
    spectrum = Spectrum.of(train)
    lodo = cell.protocol.startswith("lodo") and cell.domains is not None
    tuned = tune(
        train, targets, cell.weight[:n], validation, asked, classes=cell.classes, criterion=cell.recipe.tune,
        spectrum=spectrum, domains=cell.domains[:n] if lodo and cell.domains is not None else None,
        validation_domains=cell.domains[n:] if lodo and cell.domains is not None else None,
    )  # fmt: skip
    l2 = tuned.l2 if cell.recipe.l2 is None else cell.recipe.l2
    batch = min(cell.recipe.batch_size, n)
    steps = cell.steps or Recipe.steps_for(n, epochs=cell.recipe.epochs, batch_size=batch)
    recipe = Recipe(l2, steps, batch, cell.link)
    before, kept = train_head(
        pool, cell.targets, np.arange(n), classes=cell.classes, recipe=recipe, spectrum=spectrum,
        rng=cell.generator("training"), sample_weight=cell.weight, checkpoints=CHECKPOINTS,
    )  # fmt: skip
    everything = cell.targets.copy()
    everything[n:] = cell.validation_given
    both, _ = train_head(
        pool, everything, np.arange(len(pool)), classes=cell.classes, recipe=recipe, spectrum=spectrum,
        rng=cell.generator("training"), sample_weight=cell.weight,
    )  # fmt: skip
    fold = _folds(cell, n)
    out_of_fold = out_of_fold_logits(
        train, targets, fold, classes=cell.classes, l2=l2, link=cell.link, spectrum=spectrum, tolerance=1e-3
    )
    validation_logits = before.logits(validation)
    arrays = {
        "before": before.weight,
        TRAIN_AND_VALIDATION: both.weight,
        "out_of_fold": out_of_fold.astype(np.float32),
        "validation:before": validation_logits.astype(np.float32),
        "training:before": before.logits(train).astype(np.float32),
        **{f"checkpoint:{step}": weight for step, weight in kept},
    }
    product = product_flops(rows=n, dimensions=dimensions, classes=cell.classes)
    facts = {
        "protocol": cell.protocol,
        "seed": cell.seed,
        "l2": l2,
        "tuned_l2": tuned.l2,
        "other_l2": tuned.other_l2,
        "candidates": list(tuned.candidates),
        "link": cell.link,
        "steps": steps,
        "batch_size": batch,
        "dimensions": dimensions,
        "classes": cell.classes,
        "temperature": temperature_of(validation_logits, asked),
        "out_of_fold_temperature": temperature_of(out_of_fold, targets),
        "gradient_norm": before.gradient_norm,
        "flops_per_arm": training_flops(
            steps=steps, batch_size=batch, dimensions=dimensions, classes=cell.classes, link=cell.link
        ),
        "flops_per_prediction": prediction_flops(dimensions=dimensions, classes=cell.classes, link=cell.link),
        "flops_tuning": tuned.products * product,
    }
    write_stage(project, key, arrays, facts)
    return key


def _folds(cell: CellInput, n: int) -> Int[np.ndarray, " n"]:
    """Folds of the training groups; fewer where there are few groups."""
    strata = cell.targets[:n].astype(np.int64) if cell.targets.ndim == 1 else cell.targets[:n].argmax(axis=1)
    groups = cell.groups[:n]
    parts = min(OUT_OF_FOLD_PARTS, len(np.unique(groups)))
    return group_folds(strata, groups, parts, rng=cell.generator("out of fold"))


def write_stage(project: Project, key: str, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    """Publish ``runs/<key>`` with ``head.safetensors`` and ``run.json``."""
    from safetensors.numpy import save

    with project.stage_folder("runs", key) as folder:
        content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        (folder / "head.safetensors").write_bytes(content)  # `save_file` fails with an error of its own on a full disk
        (folder / "run.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_stage(project: Project, key: str) -> Baseline:
    """Read what `write_stage` wrote.

    Raises
    ------
    CorruptError
        If a file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    folder = project.stage_path("runs", key)
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return Baseline(load_file(folder / "head.safetensors"), facts)
    except (OSError, ValueError, SafetensorError) as error:
        raise CorruptError(
            "a readable run", str(error), where=str(folder), fix="Remove the folder and run again."
        ) from error
