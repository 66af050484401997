"""`yori reduce`: a smaller training set, what it loses on validation, and whether choosing it costs more than it saves.

Methods are compared on the first cell of the task: chosen among its training examples, judged on its validation
examples by a head fitted to its optimum. Test examples are not looked at. ``random`` and ``stratified`` are always
among them, with as many seeds as the others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int, Num

from yori.choose.embedding_map import EmbeddingMap, check_map, embedding_map, shown_rows
from yori.choose.feature_steps import FeatureStep, compare_steps
from yori.choose.map_page import map_page, marked_first
from yori.choose.material import RATIO, Material, material_of
from yori.choose.umap_map import umap_installed
from yori.errors import ValuesError
from yori.heads.links import LINKS
from yori.prove.tuning import outcomes
from yori.selection import DEFAULT, SUBSETS, Labelled, Subset, fit_head, keep, make_labelled
from yori.splits import group_folds
from yori.store import content_key
from yori.workers import Progress, silent

METHODS = (DEFAULT, "facility_location", "random", "stratified")
CONTROLS = ("random", "stratified")


@dataclass(frozen=True)
class Reduction:
    """One method: means over seeds on validation.

    ``seconds``: to choose. ``difference``: accuracy minus that of ``random``, also by seed.
    """

    method: str
    accuracy: float
    nll: float
    seconds: float
    training_seconds: float
    difference: float
    by_seed: tuple[float, ...]


@dataclass(frozen=True)
class Reduced:
    """A reduced training set. ``folder`` holds ``kept.parquet`` (example_id, rank, weight), ``reduce.json`` and
    ``reduce.html``.

    ``full_*``: a head on all training examples. ``verdict``: in a sentence, whether the choice pays.
    ``map``: of the embeddings, for looking; None where none was wanted.
    """

    table: pa.Table
    method: str
    kept: int
    examples: int
    full_accuracy: float
    full_nll: float
    full_seconds: float
    methods: tuple[Reduction, ...]
    steps: tuple[FeatureStep, ...]
    verdict: str
    folder: Path
    notes: tuple[str, ...] = ()
    map: EmbeddingMap | None = None

    def fields(self) -> dict[str, Any]:
        """The object of ``--json``."""
        return {
            "method": self.method,
            "kept": self.kept,
            "examples": self.examples,
            "full": {"accuracy": self.full_accuracy, "nll": self.full_nll, "seconds": self.full_seconds},
            "methods": [asdict(each) for each in self.methods],
            "feature_steps": [each.to_dict() for each in self.steps],
            "map": None if self.map is None else self.map.to_dict(),
            "verdict": self.verdict,
            "notes": list(self.notes),
            "folder": str(self.folder),
            "table": str(self.folder / "kept.parquet"),
            "page": str(self.folder / "reduce.html"),
        }


def reduce(
    folder: str | Path,
    *,
    keep_share: float,
    method: str = DEFAULT,
    compare: Sequence[str] = METHODS,
    seeds: int = 3,
    features: bool = False,
    map_method: str = "pca",
    workers: int | None = None,
    progress: Progress = silent,
) -> Reduced:
    """Choose a part of the labelled examples that are not test.

    Parameters
    ----------
    folder
        The project.
    keep_share
        Share to keep, 0 … 1.
    method
        A key of `yori.selection.SUBSETS`: the one whose choice is written.
    compare
        Others to judge beside it; the controls always are.
    seeds
        Repetitions, 1 … 100.
    features
        Also compare steps that leave fewer dimensions.
    map_method
        ``pca``, ``umap`` or ``none``: the map on the page. For looking only; it is no step that could be chosen.

    Raises
    ------
    ValuesError
        If the share leaves no example, or a method is not known.
    SourceError, SplitError
        If there are no labelled examples, or too few groups for a validation part.
    """
    check_map(map_method)
    names = list(dict.fromkeys([method, *compare, *CONTROLS]))
    for name in names:
        if name not in SUBSETS:
            raise ValuesError(f"a method out of {', '.join(SUBSETS)}", repr(name), where="subset")
    if not 0 < keep_share < 1:
        raise ValuesError("a share to keep between 0 and 1", f"{keep_share:g}", where="--keep")
    if not 1 <= seeds <= 100:
        raise ValuesError("1 to 100 seeds", str(seeds), where="--seeds")
    material = material_of(folder, need_labels=True, workers=workers, progress=progress)
    train, validation = _parts(material)
    budget = round(keep_share * len(train))
    if budget < 1:
        raise ValuesError(
            f"a share of at least {1 / len(train):.2g} ({len(train)} training examples)",
            f"{keep_share:g}",
            where="--keep",
        )
    x, asks = material.vectors(material.rows[train]), material.vectors(material.rows[validation])
    l2 = material.penalty(x)
    answers = material.labels[validation]
    # Validation examples judge, so they must not ask as well.
    data = make_labelled(x, material.labels[train], classes=material.classes, l2=l2, link=material.link)
    accuracy, nll, seconds = judge(data, Subset(np.arange(len(x)), np.ones(len(x))), asks, answers)
    found: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in names}
    first: Subset | None = None
    for number, name in enumerate(names):
        for seed in range(seeds):
            started = time.perf_counter()
            subset = keep(data, budget, method=name, rng=np.random.default_rng([seed, number]))
            spent = time.perf_counter() - started
            found[name].append((*judge(data, subset, asks, answers), spent))
            first = subset if name == method and seed == 0 else first
            progress("subsets", number * seeds + seed + 1, len(names) * seeds)
    base = np.array([each[0] for each in found["random"]])
    judged = tuple(_mean(name, rows, base) for name, rows in found.items())
    steps = compare_steps(
        x, data.labels, asks, answers, classes=material.classes, ratio=RATIO, rng=np.random.default_rng(0)
    ) if features else []  # fmt: skip
    assert first is not None  # the method is one of the names
    table = pa.table({
        "example_id": pa.array([str(each) for each in material.ids[train][first.rows]], pa.string()),
        "rank": pa.array(range(1, budget + 1), pa.int64()),
        "weight": pa.array(first.weights.tolist(), pa.float64()),
    })  # fmt: skip
    mine = next(each for each in judged if each.method == method)
    key = "reduction-" + content_key(
        ids=table["example_id"].to_pylist(), method=method, embeddings=material.shards.path.name, compare=names,
        seeds=seeds, version=material.project.version().content_hash, features=features,
        map=map_method, umap=umap_installed(),
    )[:32]  # fmt: skip
    looked = None
    if map_method != "none":
        shown = shown_rows(len(train), marked_first(first.rows))
        looked = embedding_map(x[shown], shown, method=map_method, seed=material.task.splits.seed)
    made = Reduced(
        table, method, budget, len(train), accuracy, nll, seconds, judged, tuple(steps),
        verdict_of(mine, seconds, accuracy), material.project.stage_path("reports", key), material.notes,
        looked,
    )  # fmt: skip
    _write(material, made, key, train, first.rows)
    return made


def verdict_of(mine: Reduction, full_seconds: float, full_accuracy: float) -> str:
    """Whether the choice pays: in time, and against random.

    Examples
    --------
    >>> verdict_of(Reduction("glister", 0.8, 0.5, 4.0, 1.0, 0.01, (0.01,)), 3.0, 0.82)[:61]
    'Choosing costs more than one training saves (4.0 s against 2.'
    """
    saved = full_seconds - mine.training_seconds
    if saved <= 0:
        words = f"Choosing costs {mine.seconds:.1f} s and saves nothing: a head on the kept examples trains no faster."
    elif mine.seconds > saved:
        words = (
            f"Choosing costs more than one training saves ({mine.seconds:.1f} s against {saved:.1f} s): it pays from "
            f"training number {int(np.ceil(mine.seconds / saved))} on."
        )
    else:
        words = f"Choosing takes {mine.seconds:.1f} s and each training saves {saved:.1f} s."
    gain = mine.difference
    if mine.method not in CONTROLS:
        words += f" Validation accuracy {100 * mine.accuracy:.1f} %, {100 * gain:+.1f} points against random"
        words += ", which costs nothing: take random." if gain <= 0 else "."
    return f"{words} All examples: {100 * full_accuracy:.1f} %."


def judge(
    data: Labelled, subset: Subset, asks: Float[np.ndarray, "m d"], answers: Num[np.ndarray, "m ..."]
) -> tuple[float, float, float]:
    """Accuracy and NLL on other rows of a head on a subset, and the seconds it took to fit."""
    started = time.perf_counter()
    head = fit_head(
        data.embeddings[subset.rows], data.labels[subset.rows], classes=data.classes, l2=data.l2,
        sample_weight=subset.weights,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    logits = head.logits(asks).astype(np.float64)
    loss = float(LINKS[head.link].losses(logits, answers).mean())
    return float(outcomes(logits, answers)[1].mean()), loss, seconds


def _mean(name: str, rows: list[tuple[float, float, float, float]], base: Float[np.ndarray, " s"]) -> Reduction:
    accuracy, nll, training, spent = (np.array(column) for column in zip(*rows, strict=True))
    gap = accuracy - base
    return Reduction(
        name, float(accuracy.mean()), float(nll.mean()), float(np.median(spent)), float(np.median(training)),
        float(gap.mean()), tuple(gap.tolist()),
    )  # fmt: skip


def _parts(material: Material) -> tuple[Int[np.ndarray, " a"], Int[np.ndarray, " b"]]:
    """Training and validation positions: a fifth of the groups, or of the task's share, judges."""
    folds = max(2, round(1 / material.task.splits.validation))
    rng = np.random.default_rng([material.task.splits.seed, 1])
    fold = group_folds(material.strata, material.groups, folds, rng=rng)
    return np.flatnonzero(fold != 0), np.flatnonzero(fold == 0)


def _page(material: Material, made: Reduced, train: Int[np.ndarray, " n"], kept: Int[np.ndarray, " b"]) -> str:
    shown = np.empty(0, dtype=np.int64) if made.map is None else made.map.rows
    labels = material.label_texts()
    return map_page(
        title=f"{material.task.name}: a smaller training set",
        word=made.method,
        sentence=f"Kept {made.kept} of {made.examples} examples. {made.verdict}",
        found=made.map,
        ids=[str(material.ids[train[k]]) for k in shown],
        labels=[labels[train[k]] for k in shown],
        picked=np.isin(shown, kept),
        total=made.examples,
        picked_words="kept",
        head=("method", "accuracy", "against random", "seconds to choose"),
        rows=[
            (
                each.method,
                f"{100 * each.accuracy:.1f} %",
                "" if each.method == "random" else f"{100 * each.difference:+.1f}",
                f"{each.seconds:.2f}",
            )
            for each in made.methods
        ],
        notes=[
            *made.notes,
            *(
                f"Features: {step.method}, {step.dimensions} dimensions, is within one error of the best."
                for step in made.steps
                if step.chosen
            ),
        ],
    )


def _write(
    material: Material, made: Reduced, key: str, train: Int[np.ndarray, " n"], kept: Int[np.ndarray, " b"]
) -> None:
    import pyarrow.parquet as pq

    if material.project.has_stage("reports", key):
        return
    with material.project.stage_folder("reports", key) as aside:
        pq.write_table(made.table, aside / "kept.parquet")
        (aside / "reduce.html").write_text(_page(material, made, train, kept), "utf-8")
        (aside / "reduce.json").write_text(json.dumps(made.fields(), indent=1, ensure_ascii=False) + "\n", "utf-8")
