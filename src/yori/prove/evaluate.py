"""From stored predictions to every number a proof states. `prove` writes them, `verify` computes them again from the files.

Stages, always named: ``raw`` probabilities for AURC, its excess, risk@, coverage@, accuracy, macro-F1; ``after temperature``
(one temperature per cell and arm, fitted on validation) for AUGRC, ECE, NLL, Brier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Int, Num, Shaped

from yori.errors import CorruptError
from yori.heads import LINKS
from yori.metrics import (
    excess_aurc,
    label_set_confidence,
    label_set_correct,
    per_example_multilabel_brier,
    per_example_multilabel_nll,
    reliability_bins,
)
from yori.prove.alarm import Outcomes, alarm, coverage_requirement, requirements_of, target_risk
from yori.prove.arm_names import AFTER, ARMS, reference_arm
from yori.statistics import METRICS, ComparableMetric, Comparison, Predictions, compare, holm, mcnemar, verdict
from yori.statistics.comparable_metrics import find_metric
from yori.task import Task

RAW, CALIBRATED = "raw", "after temperature"
CALIBRATED_METRICS = ("augrc", "ece", "nll", "brier")
GRID = np.round(np.arange(1, 101) / 100, 2)
"""Coverages at which risk–coverage curves are kept."""
LEVEL = 0.95
BAND_DRAWS = 200
MAP_FOR_CONTROLS = ("accuracy",)


def stage_of(metric: str) -> str:
    """At which stage a metric is computed."""
    return CALIBRATED if metric in CALIBRATED_METRICS else RAW


def metrics_of(task: Task) -> list[str]:
    """The endpoint, the secondary metrics, and those every proof shows."""
    names = [task.endpoint.metric, *task.secondary, "aurc", "augrc", "ece", "nll", "brier", "risk@0.8", "accuracy"]
    if task.labels == "multiple":  # F1 over classes has no meaning for a label set as a whole
        names = [name for name in names if name != "macro_f1"]
    return list(dict.fromkeys(names))


@dataclass(frozen=True)
class ArmRows:
    """The test predictions of one arm in one protocol, rows sorted by cell and id."""

    protocol: Shaped[np.ndarray, " n"]
    seed: Int[np.ndarray, " n"]
    ids: Shaped[np.ndarray, " n"]
    groups: Shaped[np.ndarray, " n"]
    targets: Num[np.ndarray, "n ..."]
    logits: Float[np.ndarray, "n c"]
    temperature: Float[np.ndarray, " n"]

    def predictions(self, stage: str) -> Predictions:
        """As the statistics want them."""
        scaled = self.logits if stage == RAW else self.logits / self.temperature[:, None]
        if self.targets.ndim == 1:
            return Predictions(self.ids, probs=LINKS["softmax"].probs(scaled.copy()), labels=self.targets)
        probs = LINKS["sigmoid"].probs(scaled.copy())
        return Predictions(
            self.ids,
            confidence=label_set_confidence(probs),
            correct=label_set_correct(probs, self.targets.astype(np.int64)),
        )

    def loss(self, metric: str) -> Predictions:
        """NLL or Brier of label sets as a per-example loss."""
        probs = LINKS["sigmoid"].probs(self.logits / self.temperature[:, None])
        function = per_example_multilabel_nll if metric == "nll" else per_example_multilabel_brier
        return Predictions(self.ids, loss=function(probs, self.targets.astype(np.int64)))

    def of(self, metric: str) -> Predictions:
        """Predictions at the stage of a metric."""
        if self.targets.ndim == 2 and metric in ("nll", "brier"):
            return self.loss(metric)
        return self.predictions(stage_of(metric))

    def cells(self) -> Iterator[Int[np.ndarray, " k"]]:
        """Rows of each cell."""
        for protocol in dict.fromkeys(self.protocol.tolist()):
            for seed in dict.fromkeys(self.seed[self.protocol == protocol].tolist()):
                yield np.flatnonzero((self.protocol == protocol) & (self.seed == seed))


def comparable(metric: str, multiple: bool) -> str | ComparableMetric:
    """What `compare` needs for a metric's name."""
    if metric == "excess_aurc":
        return ComparableMetric("excess_aurc", "lower", METRICS["aurc"].columns, excess_aurc, None, 0.0)
    return "loss" if multiple and metric in ("nll", "brier") else metric


def arms_of(table: pa.Table, classes: int, *, multiple: bool) -> dict[str, dict[str, ArmRows]]:
    """Predictions by kind of protocol (``id``, ``lodo``) and arm.

    Raises
    ------
    CorruptError
        If columns are missing or rows do not hold one logit per class.
    """
    needed = ("protocol", "seed", "arm", "example_id", "group", "label", "logits", "temperature")
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise CorruptError(
            "the columns of predictions", f"none called {', '.join(missing)}", where="predictions.parquet"
        )
    kinds = pc.utf8_slice_codeunits(table["protocol"], 0, 4)
    found: dict[str, dict[str, ArmRows]] = {}
    for kind in ("id", "lodo"):
        part = table.filter(pc.equal(kinds, kind))
        for arm in ARMS:
            rows = part.filter(pc.equal(part["arm"], arm))
            if len(rows):
                found.setdefault(kind, {})[arm] = _rows(rows, classes, multiple)
    return found


def _rows(rows: pa.Table, classes: int, multiple: bool) -> ArmRows:
    flat = rows["logits"].combine_chunks()
    logits = np.asarray(pc.list_flatten(flat), dtype=np.float64)
    if len(logits) != len(rows) * classes:
        raise CorruptError(f"{classes} logits in every row", "another number", where="predictions.parquet")
    targets: np.ndarray
    if multiple:
        targets = np.zeros((len(rows), classes), dtype=np.float32)
        for row, names in enumerate(rows["label"].to_pylist()):
            targets[row, names] = 1
    else:
        targets = rows["label"].to_numpy().astype(np.int64)
    return ArmRows(
        np.array(rows["protocol"].to_pylist(), dtype=object),
        rows["seed"].to_numpy(),
        np.array(rows["example_id"].to_pylist(), dtype=object).astype(str),
        np.array(rows["group"].to_pylist(), dtype=object).astype(str),
        targets,
        logits.reshape(len(rows), classes),
        rows["temperature"].to_numpy(),
    )


def _generator(*words: str) -> np.random.Generator:
    digest = hashlib.sha256("\x00".join(words).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest[:16], dtype=np.uint32).tolist())


def evaluate(table: pa.Table, task: Task) -> dict[str, Any]:
    """``protocols``, ``primary``, ``verdict`` and ``requirements`` of a certificate."""
    multiple = task.labels == "multiple"
    kinds = arms_of(table, len(task.classes), multiple=multiple)
    protocols = {kind: _protocol(kind, arms, task) for kind, arms in kinds.items()}
    endpoint = task.endpoint
    reference = reference_arm(task.curate.cross_fitted)
    found = next(
        each
        for each in protocols[endpoint.protocol]["comparisons"]
        if (each["arm"], each["against"], each["metric"]) == (AFTER, reference, endpoint.metric)
    )
    return {
        "protocols": protocols,
        "primary": {
            "protocol": endpoint.protocol,
            "metric": endpoint.metric,
            "stage": found["stage"],
            "direction": endpoint.direction,
            "margin": endpoint.margin,
            "comparison": found["comparison"],
            **({} if reference == "before" else {"against": reference}),
        },
        "verdict": found["verdict"],
        "requirements": requirements_of(task),
    }


def _protocol(kind: str, arms: Mapping[str, ArmRows], task: Task) -> dict[str, Any]:
    names = metrics_of(task)
    multiple = task.labels == "multiple"
    held_out = kind == "lodo"
    cache: dict[tuple[str, str], Predictions] = {}

    def rows_of(arm: str, metric: str) -> Predictions:
        stage = metric if multiple and metric in ("nll", "brier") else stage_of(metric)
        if (arm, stage) not in cache:
            cache[arm, stage] = arms[arm].of(metric)
        return cache[arm, stage]

    def one(arm: str, against: str, metric: str) -> Comparison:
        base = arms[against]
        return compare(
            rows_of(against, metric), rows_of(arm, metric), metric=comparable(metric, multiple), groups=base.groups,
            domains=np.array([name[5:] for name in base.protocol]) if held_out else None, seeds=base.seed, level=LEVEL,
            rng=_generator(kind, arm, against, metric),
        )  # fmt: skip

    comparisons: list[dict[str, Any]] = []
    for arm, against, metric in _pairs(arms, names, task):
        result = one(arm, against, metric)
        margin = task.endpoint.margin if metric == task.endpoint.metric else 0.0
        comparisons.append(
            {
                "arm": arm,
                "against": against,
                "metric": metric,
                "stage": stage_of(metric),
                "comparison": {**result.to_dict(), "metric": metric},
                "verdict": _word(result, metric, margin),
                "holm_p": None,
            }
        )
    _adjust(comparisons, task.endpoint.metric, reference_arm(task.curate.cross_fitted))
    before = arms["before"]
    old, new = (_operating(arms[arm], rows_of(arm, "aurc"), held_out) for arm in ("before", AFTER))
    return {
        "kind": kind,
        "seeds": len(np.unique(before.seed)),
        "domains": [name[5:] for name in dict.fromkeys(before.protocol.tolist())] if held_out else [],
        "values": {
            arm: {metric: _value(arms[arm], rows_of(arm, metric), metric, multiple) for metric in names} for arm in arms
        },
        "comparisons": comparisons,
        "mcnemar": _mcnemar(before, arms[AFTER], held_out),
        "risk_coverage": {
            "coverage": GRID.tolist(),
            **{arm: _mean_curve(rows, rows_of(arm, "aurc")).tolist() for arm, rows in arms.items()},
        },
        "risk_coverage_band": {
            arm: _band(arms[arm], rows_of(arm, "aurc"), _generator("band", kind, arm)) for arm in ("before", AFTER)
        },
        "reliability": {arm: _reliability(rows_of(arm, "ece")) for arm in ("before", AFTER)},
        "alarm": alarm(old, new, risk=target_risk(task)),
        "coverage_at_risk": coverage_requirement(old, new, task.requirements.coverage_at_risk),
    }


def _word(result: Comparison, metric: str, margin: float) -> dict[str, Any]:
    said = verdict(result, margin).to_dict()
    return {**said, "sentence": said["sentence"].replace(": loss ", f": {metric} ")}


def _pairs(arms: Mapping[str, ArmRows], names: Sequence[str], task: Task) -> Iterator[tuple[str, str, str]]:
    reference = reference_arm(task.curate.cross_fitted)
    for against in dict.fromkeys(("before", reference)):
        for metric in names:
            yield AFTER, against, metric
    for metric in dict.fromkeys([task.endpoint.metric, *MAP_FOR_CONTROLS]):
        for arm in arms:
            if arm not in ("before", AFTER):
                yield arm, "before", metric
                if arm != reference:
                    yield AFTER, arm, metric


def _adjust(comparisons: list[dict[str, Any]], primary: str, reference: str) -> None:
    """Holm over the secondary metrics of the main comparison."""
    second = [
        each
        for each in comparisons
        if (each["arm"], each["against"]) == (AFTER, reference) and each["metric"] != primary
    ]
    if second:
        p = holm(np.array([each["comparison"]["p_value"] for each in second]))
        for each, value in zip(second, p.tolist(), strict=True):
            each["holm_p"] = value


def _value(rows: ArmRows, predictions: Predictions, metric: str, multiple: bool) -> float:
    """Mean over domains of mean over seeds."""
    chosen = find_metric(comparable(metric, multiple))
    by_domain: dict[str, list[float]] = {}
    for cell in rows.cells():
        by_domain.setdefault(str(rows.protocol[cell[0]]), []).append(chosen.value(predictions[cell]))
    return float(np.mean([np.mean(values) for values in by_domain.values()]))


def _mcnemar(before: ArmRows, after: ArmRows, held_out: bool) -> list[dict[str, Any]]:
    left, right = _outcomes(before.predictions(RAW))[1], _outcomes(after.predictions(RAW))[1]
    found = []
    for cell in before.cells():
        test = mcnemar(left[cell], right[cell])
        found.append(
            {
                "seed": int(before.seed[cell[0]]),
                "domain": str(before.protocol[cell[0]])[5:] if held_out else None,
                "p_value": test.p_value,
                "only_before_correct": test.only_a,
                "only_after_correct": test.only_b,
                "method": test.method,
            }
        )
    return found


def _outcomes(predictions: Predictions) -> tuple[Any, ...]:
    return METRICS["aurc"].columns(predictions)


def _operating(rows: ArmRows, predictions: Predictions, held_out: bool) -> Outcomes:
    confidence, correct = _outcomes(predictions)
    return Outcomes(
        confidence, correct, rows.seed, np.array([name[5:] for name in rows.protocol]) if held_out else None
    )


def _curve(predictions: Predictions) -> Float[np.ndarray, " g"]:
    """Risk at every coverage of `GRID`; ties of confidence enter with their mean error."""
    confidence, correct = _outcomes(predictions)
    _, code, counts = np.unique(-confidence, return_inverse=True, return_counts=True)
    share = np.bincount(code, weights=~correct) / counts
    errors = np.cumsum(np.repeat(share, counts))
    place = np.maximum(1, np.ceil(GRID * len(errors) - 1e-9)).astype(np.int64)
    return errors[place - 1] / place


def _mean_curve(rows: ArmRows, predictions: Predictions) -> Float[np.ndarray, " g"]:
    return np.mean([_curve(predictions[cell]) for cell in rows.cells()], axis=0)


def _band(rows: ArmRows, predictions: Predictions, rng: np.random.Generator) -> dict[str, list[float]]:
    """Pointwise 95 % band over groups of the test examples, all cells together."""
    _, code = np.unique(rows.groups, return_inverse=True)
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(code.max() + 2))
    draws = []
    for _ in range(BAND_DRAWS if len(rows.seed) <= 100_000 else 40):
        drawn = rng.integers(0, code.max() + 1, code.max() + 1)
        taken = np.concatenate([order[starts[g] : starts[g + 1]] for g in drawn])
        draws.append(_curve(predictions[taken]))
    middle, stacked = _curve(predictions), np.stack(draws)
    shift = _mean_curve(rows, predictions) - middle  # the band lies around the curve that is drawn
    low, high = np.quantile(stacked, [0.025, 0.975], axis=0)
    return {"low": np.clip(low + shift, 0, 1).tolist(), "high": np.clip(high + shift, 0, 1).tolist()}


def _reliability(predictions: Predictions) -> list[dict[str, float | int]]:
    confidence, correct = _outcomes(predictions)
    bins = reliability_bins(confidence, correct, bins=15)
    return [
        {"confidence": float(c), "accuracy": float(a), "count": int(n)}
        for c, a, n in zip(bins.confidence, bins.accuracy, bins.count, strict=True)
    ]
