"""How well attribution foretells refits: single drops and relabels, and subsets (linear datamodeling score).

Run it with ``python -m benchmarks.attribution_accuracy``. Every effect is measured by refitting the head to its optimum. Two
problems: *crowded*, 1 800 × 512 with 10 classes and 8 % wrong labels, where the head fits every label; *roomy*, 5 000 × 128.
Bars: Pearson ≥ 0.99 of predicted and measured effects on random examples and on those of the highest self-influence; linear
datamodeling score (LDS) ≥ 0.90 on the roomy problem.

LDS comes in two forms. *Per query*, as in the papers: for each query example, the rank correlation over random halves of
the training set between the summed scores and its loss, then the mean over query examples. *Of the sum*: the same for the
mean loss over all query examples. That one is lower for every method, because what the halves do to single examples cancels
in the sum to first order, and what is left is of second order; larger subsets (share 0.9) bring it back.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.attribution import dattri, peer_versions, torch_head
from benchmarks.metrics import RESULTS
from yori.attribution import (
    agreement,
    data_oob,
    influence,
    knn_shapley,
    leave_one_out,
    linear_datamodeling_score,
    mislabel_auc,
    self_influence,
    subset_outcomes,
    tracin,
    trak,
)
from yori.attribution.objectives import query
from yori.attribution.pairwise import influence_blocks, tracin_matrix
from yori.heads import LINKS, Spectrum, fit_softmax
from yori.heads.curvature import logits_of
from yori.synthetic import flip_labels, gaussian_mixture_embeddings

WARM = 40
"""Warm refits are compared with refits from scratch on so many edits; they agree to 1 %."""

PENALTIES = (1e-3, 1e-2, 3e-2)
"""The score depends on the penalty: a head that is free to fit its noise is less linear in its examples."""


PER_QUERY_PENALTIES = (1e-3, 2e-3, 3e-3, 1e-2)


def make(n: int, d: int, l2: float, separation: float, m: int = 600, classes: int = 10) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    data = gaussian_mixture_embeddings(n + m, d, classes, separation=separation, label_noise=0.0, rng=rng)
    x, truth = data.embeddings, data.true_labels
    y, wrong = flip_labels(truth[:n], 0.08, classes=classes, rng=rng)
    spectrum = Spectrum.of(x[:n], exact=True)
    head = fit_softmax(x[:n], y, l2=l2, tolerance=1e-6, spectrum=spectrum, classes=classes)
    return {
        "x": x[:n], "y": y, "truth": truth[:n], "wrong": wrong, "xq": x[n:], "yq": truth[n:], "l2": l2,
        "spectrum": spectrum, "weight": head.weight, "classes": classes,
    }  # fmt: skip


def single_edits(problem: dict[str, Any], objective: str, each: int) -> dict[str, Any]:
    """Drops and relabels of random examples and of those with the largest self-influence, against refits."""
    x, y, weight, xq, yq, l2 = (problem[name] for name in ("x", "y", "weight", "xq", "yq", "l2"))
    spectrum, n = problem["spectrum"], len(y)
    rng = np.random.default_rng(1)
    heavy = np.argsort(-self_influence(x, y, weight, l2=l2, spectrum=spectrum))[:each]
    groups = {"random": rng.choice(n, each, replace=False), "highest self-influence": heavy}
    sides = (x, y, weight, xq, yq)
    plain = influence(*sides, l2=l2, objective=objective, spectrum=spectrum)
    better = influence(*sides, l2=l2, objective=objective, spectrum=spectrum, leverage=True)
    before = query(objective, xq, yq, weight).value

    def refit(labels: np.ndarray, sample_weight: np.ndarray) -> float:
        head = fit_softmax(
            x, labels, l2=l2, classes=problem["classes"], sample_weight=sample_weight, init=weight, spectrum=spectrum,
            tolerance=1e-5,
        )  # fmt: skip
        return query(objective, xq, yq, head.weight).value - before

    found: dict[str, Any] = {}
    for name, rows in groups.items():
        other = (y[rows] + rng.integers(1, problem["classes"], len(rows))) % problem["classes"]
        new = np.where(problem["wrong"][rows], problem["truth"][rows], other)
        start = time.process_time()
        dropped = np.array([refit(y, (np.arange(n) != row).astype(float)) for row in rows])
        every = np.arange(n)
        changed = np.array(
            [refit(np.where(every == row, label, y), np.ones(n)) for row, label in zip(rows, new, strict=True)]
        )
        refits = time.process_time() - start
        start = time.process_time()
        few = min(each, WARM)
        options = {"l2": l2, "objective": objective, "rows": rows[:few], "spectrum": spectrum}
        warm_drop = leave_one_out(*sides, **options)
        warm_relabel = leave_one_out(*sides, **options, new_labels=new[:few])
        warm = time.process_time() - start
        predictions = {
            "drop: influence": (plain.drop_effect()[rows], dropped),
            "drop: with leverage": (better.drop_effect()[rows], dropped),
            f"drop: leave_one_out (warm refit), {few}": (warm_drop, dropped[:few]),
            "relabel: influence": (plain.relabel_effect()[rows, new], changed),
            "relabel: with leverage": (better.relabel_effect()[rows, new], changed),
            f"relabel: leave_one_out (warm refit), {few}": (warm_relabel, changed[:few]),
        }
        found[name] = {key: asdict(agreement(*pair)) for key, pair in predictions.items()}
        found[name]["processor seconds"] = {"refits": refits, "leave_one_out": warm}
        for key, pair in predictions.items():
            one = agreement(*pair)
            print(f"  {name:22s} {key:38s} r {one.pearson:7.4f} ρ {one.spearman:7.4f} slope {one.slope:6.2f}")
    return found


def subsets(problem: dict[str, Any], objective: str, count: int) -> dict[str, Any]:
    """Linear datamodeling score and area for the mistakes, of every method that scales to the problem."""
    x, y, weight, xq, yq, l2 = (problem[name] for name in ("x", "y", "weight", "xq", "yq", "l2"))
    rng = np.random.default_rng(2)
    sides = (x, y, weight, xq, yq)
    methods: dict[str, Callable[[], np.ndarray]] = {
        "influence": lambda: influence(*sides, l2=l2, objective=objective).scores,
        "influence with leverage": lambda: influence(*sides, l2=l2, objective=objective, leverage=True).scores,
        "tracin": lambda: tracin(*sides, objective=objective),
        "trak, 512 dimensions": lambda: trak(*sides, l2=l2, objective=objective, rng=np.random.default_rng(0)),
        "knn_shapley": lambda: knn_shapley(x, y, xq, yq, k=10),
        "minus self_influence": lambda: -self_influence(x, y, weight, l2=l2),
        "data_oob": lambda: data_oob(x, y, classes=problem["classes"], l2=l2, rng=np.random.default_rng(0), bags=10),
        "random": lambda: np.random.default_rng(3).standard_normal(len(y)),
    }
    scores = {name: method() for name, method in methods.items()}
    found: dict[str, Any] = {}
    for share in (0.5, 0.9):
        taking, outcomes = subset_outcomes(
            x, y, xq, yq, classes=problem["classes"], l2=l2, rng=rng, objective=objective, subsets=count, share=share
        )
        found[f"share {share}"] = {
            name: linear_datamodeling_score(each, taking, outcomes) for name, each in scores.items()
        }
    found["mislabel AUC"] = {name: mislabel_auc(each, problem["wrong"]) for name, each in scores.items()}
    worst = max(1, len(y) // 100)
    found["precision in the lowest 1 %"] = {
        name: float(problem["wrong"][np.argsort(each)[:worst]].mean()) for name, each in scores.items()
    }
    print(json.dumps(found, indent=1))
    return found


def per_query(problem: dict[str, Any], count: int, queries: int = 200) -> dict[str, float]:
    """Linear datamodeling score query by query, of every method that scores pairs; peers where they are installed."""
    x, y, weight, l2 = (problem[name] for name in ("x", "y", "weight", "l2"))
    xq, yq = problem["xq"][:queries], problem["yq"][:queries]
    sides = (x, y, weight, xq, yq)
    options = {"l2": l2, "tolerance": 1e-3, "spectrum": problem["spectrum"]}
    matrices = {
        "influence": np.concatenate([part for _, part in influence_blocks(*sides, **options)], axis=1),
        "tracin": tracin_matrix(*sides),
        "cosine of gradients": _normalised(tracin_matrix(*sides), x, y, weight),
    }
    peers = {
        "kronfluence EK-FAC": _ekfac,
        "dattri TracIn, no projection": _dattri_tracin,
        "traker TRAK, 512 dimensions, one model": _traker,
    }
    for name, peer in peers.items():
        with contextlib.suppress(ImportError):
            matrices[name] = peer(problem, xq, yq)
    rng = np.random.default_rng(2)
    taking = np.zeros((count, len(y)), dtype=np.bool_)
    losses = np.empty((count, queries))
    for each in range(count):
        taking[each, rng.choice(len(y), len(y) // 2, replace=False)] = True
        head = fit_softmax(
            x, y, l2=l2, classes=problem["classes"], sample_weight=taking[each].astype(float), init=weight,
            spectrum=problem["spectrum"], tolerance=1e-4,
        )  # fmt: skip
        losses[each] = query("nll", xq, yq, head.weight).values
    return {
        name: float(np.mean([linear_datamodeling_score(column, taking, own) for column, own in zip(
            matrix.T.astype(float), losses.T, strict=True)]))
        for name, matrix in matrices.items()
    }  # fmt: skip


def _normalised(matrix: np.ndarray, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    residual = LINKS["softmax"].probs(logits_of(x, weight)) - LINKS["softmax"].one_hot(y, len(weight))
    size = np.linalg.norm(residual, axis=1) * np.sqrt((x * x).sum(axis=1) + 1)
    return matrix / np.maximum(size, 1e-12)[:, None]


def _ekfac(problem: dict[str, Any], xq: np.ndarray, yq: np.ndarray) -> np.ndarray:
    """``(n, m)`` of kronfluence's EK-FAC with its default damping."""
    import tempfile

    import torch
    from kronfluence.analyzer import Analyzer, prepare_model
    from kronfluence.arguments import FactorArguments
    from kronfluence.task import Task

    class Classify(Task):  # type: ignore[misc]
        def compute_train_loss(self, batch: Any, model: Any, sample: bool = False) -> Any:
            logits = model(batch[0])
            labels = torch.distributions.Categorical(logits=logits.detach()).sample() if sample else batch[1]
            return torch.nn.functional.cross_entropy(logits, labels, reduction="sum")

        def compute_measurement(self, batch: Any, model: Any) -> Any:
            return self.compute_train_loss(batch, model)

    task = Classify()
    analyzer = Analyzer(
        analysis_name="lds", model=prepare_model(torch_head(problem), task), task=task, cpu=True,
        output_dir=tempfile.mkdtemp(), disable_tqdm=True, disable_model_save=True,
    )  # fmt: skip
    train = torch.utils.data.TensorDataset(torch.from_numpy(problem["x"]), torch.from_numpy(problem["y"]))
    asked = torch.utils.data.TensorDataset(torch.from_numpy(xq), torch.from_numpy(yq))
    analyzer.fit_all_factors("f", dataset=train, factor_args=FactorArguments(strategy="ekfac"),
                             per_device_batch_size=1000)  # fmt: skip
    analyzer.compute_pairwise_scores(
        scores_name="s", factors_name="f", query_dataset=asked, train_dataset=train,
        per_device_query_batch_size=200, per_device_train_batch_size=1000,
    )  # fmt: skip
    return analyzer.load_pairwise_scores("s")["all_modules"].numpy().T


def _dattri_tracin(problem: dict[str, Any], xq: np.ndarray, yq: np.ndarray) -> np.ndarray:
    """``(n, m)`` of dattri's TracIn, its default projection to 512 dimensions switched off."""
    return dattri({**problem, "heads": problem["weight"][None], "xq": xq, "yq": yq})().reshape(len(problem["y"]), -1)


def _traker(problem: dict[str, Any], xq: np.ndarray, yq: np.ndarray) -> np.ndarray:
    """``(n, m)`` of traker: more dimensions than the rank of the gradients are singular in it, so not its default 2 048."""
    import tempfile

    import torch
    from trak import TRAKer
    from trak.projectors import BasicProjector, ProjectionType

    model, n = torch_head(problem), len(problem["y"])
    size = sum(each.numel() for each in model.parameters())
    projector = BasicProjector(size, 512, 0, ProjectionType.normal, torch.device("cpu"), dtype=torch.float32)
    traker = TRAKer(
        model, "image_classification", n, save_dir=tempfile.mkdtemp(), device="cpu", projector=projector, proj_dim=512,
        use_half_precision=False, logging_level=40,
    )  # fmt: skip

    def batches(rows: np.ndarray, labels: np.ndarray) -> Any:
        for start in range(0, len(rows), 250):
            some = slice(start, start + 250)
            yield [torch.from_numpy(rows[some]), torch.from_numpy(labels[some])]

    traker.load_checkpoint(model.state_dict(), model_id=0)
    for batch in batches(problem["x"], problem["y"]):
        traker.featurize(batch, num_samples=len(batch[0]))
    traker.finalize_features()
    traker.start_scoring_checkpoint("asked", model.state_dict(), 0, len(xq))
    for batch in batches(xq, yq):
        traker.score(batch, num_samples=len(batch[0]))
    return np.asarray(traker.finalize_scores("asked"))


def main() -> None:
    """Measure both problems and write ``benchmarks/results/<date>-attribution-accuracy.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--each", type=int, default=200, help="single edits of each kind")
    parser.add_argument("--subsets", type=int, default=100)
    parser.add_argument("--only", nargs="+", default=["crowded", "roomy", "subsets", "per query"])
    arguments = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC).date()}-attribution-accuracy.json"

    def store(name: str, found: object) -> None:
        report = json.loads(path.read_text()) if path.exists() else {}
        report |= {"versions": peer_versions(), name: found}
        path.write_text(json.dumps(report, indent=1) + "\n")

    if "crowded" in arguments.only:
        print("crowded: 1 800 × 512, 10 classes, l2 3e-3, nll")
        store("crowded", single_edits(make(1800, 512, 3e-3, 8.0), "nll", arguments.each))
    if "roomy" in arguments.only:
        print("roomy: 5 000 × 128, 10 classes, l2 1e-3, nll")
        store("roomy", single_edits(make(5000, 128, 1e-3, 4.0), "nll", arguments.each))
    if "subsets" in arguments.only:
        found: dict[str, Any] = {}
        losses = {}
        for l2 in PENALTIES:
            problem = make(5000, 128, l2, 4.0)
            losses[l2] = query("nll", problem["xq"], problem["yq"], problem["weight"]).value
            print(f"roomy, l2 {l2:g}: validation NLL {losses[l2]:.4f}")
            found[f"l2 {l2:g}"] = subsets(problem, "nll", arguments.subsets)
        found["l2 with the lowest validation NLL"] = min(losses, key=lambda l2: losses[l2])
        store("subsets", found)
    if "per query" in arguments.only:
        scores: dict[str, Any] = {}
        for l2 in PER_QUERY_PENALTIES:
            problem = make(5000, 128, l2, 4.0)
            scores[f"l2 {l2:g}"] = {
                "validation NLL": query("nll", problem["xq"], problem["yq"], problem["weight"]).value,
                **per_query(problem, arguments.subsets),
            }
            print(f"per query, l2 {l2:g}: {json.dumps(scores[f'l2 {l2:g}'], indent=1)}", flush=True)
        store("per query, halves", scores)
    print(f"Wrote {path}")


if __name__ == "__main__":
    main()
