"""Test predictions of every arm: the only place where test embeddings meet a head, once, at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from yori.errors import VerificationError
from yori.heads.curvature import logits_of
from yori.prove.arm_names import ARMS, TRAIN_AND_VALIDATION
from yori.prove.baseline import Baseline, finite_rows
from yori.prove.dataset import Dataset
from yori.prove.tuning import temperature_of
from yori.splits import Cell
from yori.store import EmbeddingShards

ROWS_AT_A_TIME = 20_000


@dataclass(frozen=True)
class CellResult:
    """A cell with everything trained on it; ``place``: row of every example in the embeddings."""

    cell: Cell
    baseline: Baseline
    arms: Baseline
    shards: EmbeddingShards
    place: Int[np.ndarray, " n"]

    @property
    def cross_fitted(self) -> bool:
        """Whether all arms but *before* train on validation, and say of it what unseen heads would say."""
        return bool(self.arms.facts["curation"]["mode"] == "cross_fitted")

    @property
    def editable(self) -> Int[np.ndarray, " k"]:
        """Examples that could be edited, in the order of the scores."""
        return np.concatenate([self.cell.train, self.cell.validation]) if self.cross_fitted else self.cell.train

    def weights(self) -> Mapping[str, Float[np.ndarray, "c d1"]]:
        """Head of every arm there is, in the order of `ARMS`."""
        every = {**self.baseline.arrays, **self.arms.arrays}
        return {arm: every[arm] for arm in ARMS if arm in every}

    def validation_logits(self, arm: str) -> Float[np.ndarray, "m c"]:
        """What an arm says on validation."""
        every = {**self.baseline.arrays, **self.arms.arrays}
        return every[f"validation:{arm}"]


def check_parity(weights: Mapping[str, Float[np.ndarray, "c d1"]], name: str) -> None:
    """Every arm is the same model with other numbers in it.

    Raises
    ------
    VerificationError
        If shapes differ or a weight is not finite.
    """
    shapes = {arm: weight.shape for arm, weight in weights.items()}
    if len(set(shapes.values())) > 1:
        raise VerificationError("one shape of head in every arm", str(shapes), where=name)
    for arm, weight in weights.items():
        if not np.isfinite(weight).all():
            raise VerificationError("finite weights", f"others in arm {arm}", where=name)


def temperatures(result: CellResult, data: Dataset) -> dict[str, float]:
    """Temperature of every arm, fitted on validation. Train + validation has seen validation: it takes that of before, unless
    the cell is cross-fitted; then every arm that has seen validation has out-of-fold predictions of it.
    """
    asked = data.truth[result.cell.validation]
    found = {
        arm: temperature_of(result.validation_logits(arm), asked)
        for arm in result.weights()
        if arm != TRAIN_AND_VALIDATION or result.cross_fitted
    }
    return {arm: found.get(arm, found["before"]) for arm in result.weights()}


def prediction_tables(
    results: Sequence[CellResult], data: Dataset, group_names: Sequence[str]
) -> tuple[pa.Table, pa.Table]:
    """``predictions`` on test and ``validation`` (from which the temperatures follow), sorted by cell, arm and id.

    Raises
    ------
    ValuesError
        If an embedding of a test example is not finite; `VerificationError` if arms are not the same model.
    """
    test: list[pa.Table] = []
    validation: list[pa.Table] = []
    for result in results:
        cell = result.cell
        weights = result.weights()
        check_parity(weights, cell.name)
        heat = temperatures(result, data)
        logits = {arm: np.empty((len(cell.test), len(weight)), dtype=np.float32) for arm, weight in weights.items()}
        for begin in range(0, len(cell.test), ROWS_AT_A_TIME):
            part = slice(begin, begin + ROWS_AT_A_TIME)
            vectors = finite_rows(result.shards, result.place[cell.test[part]])
            for arm, weight in weights.items():
                logits[arm][part] = logits_of(vectors, weight)
        for arm in weights:
            test.append(_table(cell, arm, cell.test, logits[arm], heat[arm], data, group_names))
            shown = result.validation_logits(arm)
            validation.append(_table(cell, arm, cell.validation, shown, heat[arm], data, group_names))
    return pa.concat_tables(test), pa.concat_tables(validation)


def _table(
    cell: Cell,
    arm: str,
    index: Int[np.ndarray, " k"],
    logits: Float[np.ndarray, "k c"],
    temperature: float,
    data: Dataset,
    group_names: Sequence[str],
) -> pa.Table:
    k, classes = logits.shape
    label: pa.Array
    if data.truth.ndim == 1:
        label = pa.array(data.truth[index], pa.int64())
    else:
        label = pa.array([np.flatnonzero(row).tolist() for row in data.truth[index]], pa.list_(pa.int64()))
    offsets = pa.array(np.arange(0, (k + 1) * classes, classes, dtype=np.int32))
    domain = None if data.domains is None else data.domains[index].tolist()
    return pa.table(
        {
            "protocol": pa.array([cell.protocol] * k, pa.string()),
            "seed": pa.array(np.full(k, cell.seed, dtype=np.int64)),
            "arm": pa.array([arm] * k, pa.string()),
            "example_id": pa.array(data.ids[index].tolist(), pa.string()),
            "domain": pa.nulls(k, pa.string()) if domain is None else pa.array(domain, pa.string()),
            "group": pa.array([group_names[int(number)] for number in data.groups[index]], pa.string()),
            "label": label,
            "logits": pa.ListArray.from_arrays(
                offsets, pa.array(np.ascontiguousarray(logits, dtype=np.float32).ravel())
            ),
            "temperature": pa.array(np.full(k, temperature)),
        }
    )
