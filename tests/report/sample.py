"""A plausible proof folder, and a small project of synthetic tones it speaks about."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from yori.curate.edits import EDIT_SCHEMA
from yori.metrics import reliability_bins, risk_coverage_curve
from yori.prove.alarm import Outcomes, alarm, coverage_requirement
from yori.statistics import Comparison, Predictions, compare, mcnemar, verdict
from yori.store import Project, write_wav
from yori.task import CoverageRequirement

CLASSES = ("cargo", "tanker", "passenger ship", "tug", "background")
DOMAINS = ("near", "middle", "far")
METRICS = {
    "aurc": "raw",
    "augrc": "after temperature",
    "ece": "after temperature",
    "nll": "after temperature",
    "brier": "after temperature",
    "risk@0.8": "raw",
    "accuracy": "raw",
    "macro_f1": "raw",
}
CONTROLS = ("random", "confident_learning", "highest_loss", "train_plus_validation")
SKILL = {"before": 1.3, "after": 1.75, "control:random": 1.3, "control:confident_learning": 1.45,
         "control:highest_loss": 1.2, "control:train_plus_validation": 1.5, "oracle": 1.9}  # fmt: skip
SEEDS = 3
RATE = 8000
WISH = CoverageRequirement(risk=0.05, coverage=0.6)
EDITS = pa.schema([("protocol", pa.string()), ("seed", pa.int64()), *EDIT_SCHEMA])
TASK_TEXT = "name: hydrophone\nclasses: [cargo, tanker, passenger ship, tug, background]\n"


@dataclass(frozen=True)
class Sample:
    """The folder, the project, and the certificate as it was written."""

    proof: Path
    project: Project
    certificate: dict[str, Any]

    def rewrite(self) -> None:
        """Write the certificate again, after a test has changed it."""
        (self.proof / "certificate.json").write_text(json.dumps(self.certificate), encoding="utf-8")


def copied(sample: Sample, folder: Path) -> Sample:
    """A proof of its own that a test may change; the project stays the same."""
    shutil.copytree(sample.proof, folder / "proof")
    return Sample(folder / "proof", sample.project, copy.deepcopy(sample.certificate))


def make_sample(folder: Path, *, after_skill: float = SKILL["after"], test: int = 240, edits: int = 12) -> Sample:
    """Write the project and the proof. ``after_skill`` below that of *before* (1.3) gives a change for the worse."""
    rng = np.random.default_rng(7)
    project = _project(folder / "project", rng)
    proof = folder / "proof"
    proof.mkdir(parents=True)
    arms = {**SKILL, "after": after_skill}
    tables = [_cell(rng, arms, "id", seed, None, test) for seed in range(SEEDS)]
    tables += [_cell(rng, arms, f"lodo:{name}", seed, name, test) for name in DOMAINS for seed in range(SEEDS)]
    predictions = pa.concat_tables(tables)
    pq.write_table(predictions, proof / "predictions.parquet")
    pq.write_table(_edits(project, edits), proof / "edits.parquet")
    sample = Sample(proof, project, _certificate(project, predictions, edits))
    sample.rewrite()
    return sample


def _project(path: Path, rng: np.random.Generator) -> Project:
    clips = path.parent / "clips"
    rows = []
    for index in range(40):
        label = CLASSES[index % len(CLASSES)]
        seconds = 12.0 if index == 0 else 0.6
        time = np.arange(round(seconds * RATE)) / RATE
        tone = 0.4 * np.sin(2 * np.pi * (150 + 260 * (index % 5)) * time * (1 + 0.3 * time / seconds))
        samples = (tone + 0.05 * rng.standard_normal(len(time))).astype(np.float32)
        uri = f"{index:03}.wav"
        write_wav(clips / uri, samples, RATE)
        rows.append({"example_id": f"clip_{index:03}", "uri": uri, "source": "clips", "label": label,
                     "domain": DOMAINS[index % 3], "group": f"passage {index // 2}"})  # fmt: skip
    project = Project.create(path, TASK_TEXT)
    project.add_rows(pa.Table.from_pylist(rows), sources={"clips": clips}, message="tones", who="tests")
    return project


def _cell(
    rng: np.random.Generator, arms: dict[str, float], protocol: str, seed: int, domain: str | None, n: int
) -> pa.Table:
    """One protocol and seed: every arm answers the same examples, sharing most of their luck."""
    labels = rng.integers(len(CLASSES), size=n)
    luck = rng.standard_normal((n, len(CLASSES)))
    hard = rng.random(n) < (0.3 if domain == "far" else 0.15)
    parts = []
    for arm, skill in arms.items():
        logits = luck + 0.35 * rng.standard_normal(luck.shape)
        logits[np.arange(n), labels] += np.where(hard, 0.4, 2.0) * skill
        parts.append(
            pa.table(
                {
                    "protocol": [protocol] * n,
                    "seed": pa.array([seed] * n, pa.int64()),
                    "arm": [arm] * n,
                    "example_id": [f"{protocol}-{seed if domain is None else 0}-{i}" for i in range(n)],
                    "domain": [domain or DOMAINS[i % 3] for i in range(n)],
                    "group": [f"{protocol}-{seed if domain is None else 0}-{i // 4}" for i in range(n)],
                    "label": [CLASSES[label] for label in labels],
                    "logits": pa.array(list(logits.astype(np.float32)), pa.list_(pa.float32())),
                    "temperature": [0.8] * n,
                }
            )
        )
    return pa.concat_tables(parts)


def _edits(project: Project, count: int) -> pa.Table:
    ids = project.examples(columns=["example_id", "label"]).to_pylist()
    rng = np.random.default_rng(3)
    rows = []
    for number in range(count):
        row = ids[number % len(ids)]
        relabel = number % 4 == 1
        new = CLASSES[(CLASSES.index(row["label"]) + 1) % len(CLASSES)] if relabel else None
        rows.append(
            {"protocol": "id" if number % 3 else "lodo:far", "seed": number % 3, "example_id": row["example_id"],
             "action": "relabel" if relabel else "drop", "old_label": row["label"], "new_label": new,
             "weight": 1.0 if relabel else 0.0, "predicted_gain": float(2e-4 * rng.random()),
             "reason": "raises the objective on the validation examples of far", "round": number % 4 + 1,
             "agreement": 0.8}
        )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=EDITS)


def _arm(table: pa.Table, arm: str, temperature: float) -> tuple[Predictions, dict[str, np.ndarray]]:
    part = table.filter(pa.compute.equal(table["arm"], arm))
    logits = np.stack(part["logits"].to_pylist()).astype(np.float64) / temperature
    labels = np.array([CLASSES.index(name) for name in part["label"].to_pylist()])
    ids = np.array(part["example_id"].to_pylist())
    return Predictions(ids, logits=logits, labels=labels), {
        name: np.array(part[name].to_pylist()) for name in ("seed", "domain", "group")
    }


def _protocol(table: pa.Table, kind: str) -> dict[str, Any]:
    table = table.filter(pa.compute.starts_with(table["protocol"], kind))
    values: dict[str, dict[str, float]] = {arm: {} for arm in SKILL}
    comparisons = []

    def one(arm: str, against: str, metric: str) -> Comparison:
        temperature = 0.8 if METRICS[metric] != "raw" else 1.0
        (a, columns), (b, _) = _arm(table, against, temperature), _arm(table, arm, temperature)
        found = compare(
            a, b, metric=metric, groups=columns["group"], seeds=columns["seed"], replicates=200,
            domains=columns["domain"] if kind == "lodo" else None, rng=np.random.default_rng(0),
        )  # fmt: skip
        values[arm][metric], values[against][metric] = found.after, found.before
        comparisons.append(
            {"arm": arm, "against": against, "metric": metric, "stage": METRICS[metric], "comparison": found.to_dict(),
             "verdict": verdict(found).to_dict(), "holm_p": None if metric == "aurc" else min(1, 7 * found.p_value)}
        )  # fmt: skip
        return found

    for metric in METRICS:
        one("after", "before", metric)
    for arm in [*(f"control:{name}" for name in CONTROLS), "oracle"]:
        one(arm, "before", "aurc")
        one("after", arm, "aurc")
    grid = np.linspace(0.05, 1, 39)
    curves, bins = {}, {}
    for arm in SKILL:
        rows, _ = _arm(table, arm, 1.0)
        assert rows.confidence is not None
        assert rows.correct is not None
        curve = risk_coverage_curve(rows.confidence, rows.correct)
        curves[arm] = np.interp(grid, curve.coverage, curve.risk).tolist()
        found = reliability_bins(rows.confidence, rows.correct, bins=10)
        bins[arm] = [
            {"confidence": float(a), "accuracy": float(b), "count": int(c)}
            for a, b, c in zip(found.confidence, found.accuracy, found.count, strict=True)
        ]
    before, columns = _arm(table, "before", 1.0)
    after, _ = _arm(table, "after", 1.0)
    old, new = (
        Outcomes(arm.confidence, arm.correct, columns["seed"], columns["domain"] if kind == "lodo" else None)
        for arm in (before, after)
    )
    tests = []
    for domain in DOMAINS if kind == "lodo" else (None,):
        for seed in range(SEEDS):
            keep = (columns["seed"] == seed) & ((columns["domain"] == domain) if domain else True)
            assert before.correct is not None
            assert after.correct is not None
            test = mcnemar(before.correct[keep], after.correct[keep])
            tests.append({"seed": seed, "domain": domain, "p_value": test.p_value, "only_before_correct": test.only_a,
                          "only_after_correct": test.only_b, "method": test.method})  # fmt: skip
    return {
        "kind": kind,
        "seeds": SEEDS,
        "domains": list(DOMAINS) if kind == "lodo" else [],
        "values": values,
        "comparisons": comparisons,
        "mcnemar": tests,
        "risk_coverage": {"coverage": grid.tolist(), **curves},
        "risk_coverage_band": {
            arm: {"low": [0.9 * x for x in curves[arm]], "high": [1.1 * x for x in curves[arm]]}
            for arm in ("before", "after")
        },
        "reliability": {arm: bins[arm] for arm in ("before", "after")},
        "alarm": alarm(old, new, risk=WISH.risk),
        "coverage_at_risk": coverage_requirement(old, new, WISH),
    }


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _certificate(project: Project, predictions: pa.Table, edits: int) -> dict[str, Any]:
    protocols = {kind: _protocol(predictions, kind) for kind in ("id", "lodo")}
    first = protocols["id"]["comparisons"][0]
    version = project.version()
    cells = [("id", seed) for seed in range(SEEDS)]
    cells += [(f"lodo:{name}", seed) for name in DOMAINS for seed in range(SEEDS)]
    relabels = sum(number % 4 == 1 for number in range(edits))
    return {
        "format": 1, "created": "2026-11-21T05:10:00Z", "name": "hydrophone", "modality": "audio", "labels": "single",
        "verdict": first["verdict"],
        "primary": {"protocol": "id", "metric": "aurc", "stage": "raw", "direction": "lower", "margin": 0.0,
                    "comparison": first["comparison"]},
        "task": {"sha256": _sha(TASK_TEXT), "text": TASK_TEXT},
        "data": {"version": version.number, "content_sha256": version.content_hash, "examples": 40, "groups": 20,
                 "classes": [{"name": name, "count": 8} for name in CLASSES],
                 "domains": [{"name": name, "count": 13 + (name == "near")} for name in DOMAINS]},
        "environment": {"yori": "0.1.0", "python": "3.11.9", "numpy": "2.1.0", "scipy": "1.14.0", "pyarrow": "17.0.0",
                        "platform": "Linux x86_64"},
        "code_sha256": _sha("code"),
        "splits": {"by": "group", "cells": [
            {"protocol": protocol, "seed": seed, "train": 24, "validation": 8, "test": 8,
             "sha256": _sha(f"{protocol}{seed}"), "l2": 0.01, "temperature": {"before": 1.31, "after": 1.18},
             "steps": 900, "batch_size": 256} for protocol, seed in cells]},
        "protocols": protocols,
        "edits": {"budget": 12, "budget_share": 0.01, "count": edits, "sha256": _sha("edits"),
                  "by_action": {"drop": edits - relabels, "relabel": relabels},
                  "by_class": dict.fromkeys(CLASSES[:3], edits // 3),
                  "cells": [{"protocol": protocol, "seed": seed, "count": edits // 4, "accepted_rounds": 3, "rounds": 4}
                            for protocol, seed in cells]},
        "stability": {"over": [
            {"kind": "seeds", "names": ["0", "1", "2"], "jaccard": [[1, 0.62, 0.55], [0.62, 1, 0.58], [0.55, 0.58, 1]],
             "mean_jaccard": 0.583, "chance_jaccard": 0.005, "spearman": 0.81},
            {"kind": "validation resamples", "names": ["1", "2", "3", "4"], "mean_jaccard": 0.4,
             "chance_jaccard": 0.005, "spearman": None,
             "jaccard": [[1, 0.4, 0.4, 0.3], [0.4, 1, 0.5, 0.4], [0.4, 0.5, 1, 0.4], [0.3, 0.4, 0.4, 1]]}]},
        "flops": {"train_per_arm": {"id": 28_512_000_000, "lodo": 85_500_000_000}, "tuning": 14_000_000_000,
                  "curation": 9_100_000_000, "embedding": 730_000_000_000, "inference_per_example": 5_150,
                  "counter_agrees": True},
        "parity": {"parameters": 2_565, "flops_per_prediction": 5_150, "dtype": "float32",
                   "graph_sha256": _sha("graph"), "equal": True},
        "leakage_gap": {"metric": "accuracy", "by_clip": 0.97, "by_group": 0.58, "folds": 5},
        "truth": {"wrong_labels": 3, "hits": 5, "edits": edits, "rate": 0.42, "chance": 0.075},
        "requirements": {"latency_ms": 20.0, "queries_per_second": None, "model_bytes": 250_000, "device": "a board",
                         "serving": "stream", "coverage_at_risk": {"risk": WISH.risk, "coverage": WISH.coverage}},
        "files": {name: _sha(name) for name in ("predictions.parquet", "edits.parquet", "splits.json")},
        "looks": 1,
        "notes": ["The chosen regularisation lies at the edge of its grid in 1 of 12 cells."],
    }  # fmt: skip
