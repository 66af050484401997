"""`yori select`: which unlabelled examples to label next, each with its rank, score and reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from yori.choose.embedding_map import EmbeddingMap, check_map, embedding_map, shown_rows
from yori.choose.history import stops_of
from yori.choose.map_page import map_page, marked_first
from yori.choose.material import Material, material_of
from yori.choose.simulate import Simulation, simulate_material
from yori.choose.trust import DEFAULT, Trust
from yori.choose.umap_map import umap_installed
from yori.errors import SourceError, SplitError, ValuesError
from yori.selection import Pool, Stop, find_strategy, make_pool, reason, select, within_spend
from yori.selection.expected_influence import influence_scores
from yori.selection.strategies import effective
from yori.store import content_key
from yori.workers import Progress, silent

LEAST_TO_SIMULATE = 4
"""Labelled examples a class below which no simulation is made."""
SEEDS = 2
PAGE_ROWS = 200
STRATEGIES = ("automatic", "margin")
"""Simulated beside random before anything is selected; `yori simulate` draws more."""


@dataclass(frozen=True)
class Selected:
    """What to label next. ``folder`` holds ``selection.csv``, ``selection.parquet``, ``selection.json`` and
    ``selection.html``.

    ``table``: ``example_id, rank, score, strategy, predicted, why, domain, uri``, the first rank first. ``trust``:
    which strategy the simulation speaks for; ``simulation`` is None where there was too little to simulate on.
    ``rounds``: of labels so far. ``map``: of the embeddings, for looking; None where none was wanted.
    """

    table: pa.Table
    strategy: str
    trust: Trust
    simulation: Simulation | None
    rounds: int
    stops: tuple[Stop, ...]
    pool: int
    copies: int
    folder: Path
    notes: tuple[str, ...] = ()
    map: EmbeddingMap | None = None

    def fields(self) -> dict[str, Any]:
        """The object of ``--json``."""
        curves = [] if self.simulation is None else self.simulation.curves
        return {
            "strategy": self.strategy,
            "selected": self.table.to_pylist(),
            "pool": self.pool,
            "copies": self.copies,
            "trust": asdict(self.trust),
            "simulation": [
                {"strategy": each.name, "area": each.area, "difference": each.difference, "low": each.low, "high": each.high}
                for each in curves
            ],
            "rounds": self.rounds,
            "stop": [asdict(each) for each in self.stops],
            "map": None if self.map is None else self.map.to_dict(),
            "notes": list(self.notes),
            "folder": str(self.folder),
            "table": str(self.folder / "selection.csv"),
            "page": str(self.folder / "selection.html"),
        }  # fmt: skip


def select_next(
    folder: str | Path,
    *,
    budget: int,
    strategy: str | None = None,
    quotas: str | Mapping[str, float] | None = None,
    cost_column: str | None = None,
    spend: float | None = None,
    seed: int = 0,
    simulated: bool = True,
    map_method: str = "pca",
    workers: int | None = None,
    progress: Progress = silent,
) -> Selected:
    """Choose unlabelled examples of a project to label.

    Parameters
    ----------
    folder
        The project.
    budget
        How many, 1 … number of candidates.
    strategy
        A key of `yori.selection.STRATEGIES`; None: the one that the simulation speaks for.
    quotas
        Share of each domain: ``proportional``, ``equal``, or weights by name.
    cost_column, spend
        A column of the examples with what each label costs, and how much may be spent: of the highest expected
        influence per cost (typicality is not priced: there must be a head). ``budget`` is then the largest number.
    seed
        Of the strategy.
    simulated
        False: no simulation; the default is then taken on faith, and said so.
    map_method
        ``pca``, ``umap`` or ``none``: the map on the page. For looking only, the choice does not depend on it.

    Raises
    ------
    SourceError
        If nothing is unlabelled.
    ValuesError
        If the budget is larger than the pool, nobody knows the strategy, or a cost is missing.
    """
    check_map(map_method)
    if strategy is not None:
        find_strategy(strategy)
    material = material_of(folder, workers=workers, progress=progress)
    pool_size = len(material.candidate_rows)
    if pool_size == 0:
        raise SourceError(
            "unlabelled examples", "none", where=str(material.project.path), fix="Import some: yori import"
        )
    if not 1 <= budget <= pool_size:
        raise ValuesError(
            f"a budget of 1 … {pool_size} ({pool_size} candidates, {material.copies} near-copies left out)", str(budget),
            where="--budget",
        )  # fmt: skip
    simulation, trust, notes = _simulated(material, strategy, simulated, workers, progress)
    name = trust.strategy if strategy is None else strategy
    pool = _pool(material, cost_column)
    rng = np.random.default_rng([seed, material.task.splits.seed])
    if spend is not None:
        if cost_column is None or pool.cost is None:
            raise ValuesError("a column of costs", "none", where="--spend", fix="Name it: --cost-column COLUMN")
        name = "cost_aware"
        picked = within_spend(influence_scores(pool, rng), pool.cost, spend)
        rows, scores = picked.rows[:budget], picked.scores[:budget]
    else:
        domains = material.candidate_domains
        if quotas is not None and domains is None:
            raise ValuesError("a domain for every candidate", "some without", where="--quotas")
        found = select(pool, budget, strategy=name, domains=domains, quotas=quotas, rng=rng)
        rows, scores = found.rows, found.scores
    said = effective(name, pool)
    table = _table(
        material, pool, rows, scores, said, "worth {score:.3g} per unit of cost" if spend is not None else None
    )
    rounds, stops = stops_of(material)
    key = "selection-" + content_key(
        ids=table["example_id"].to_pylist(), scores=[float(each) for each in scores], strategy=name,
        version=material.project.version().content_hash, embeddings=material.shards.path.name, trust=asdict(trust),
        map=map_method, umap=umap_installed(),
    )[:32]  # fmt: skip
    looked = None if map_method == "none" else _map(material, rows, map_method)
    made = Selected(
        table, name, trust, simulation, rounds, tuple(stops), pool_size, material.copies,
        material.project.stage_path("reports", key), (*material.notes, *notes), looked,
    )  # fmt: skip
    _write(material, made, key, rows)
    return made


def _simulated(
    material: Material, strategy: str | None, wanted: bool, workers: int | None, progress: Progress
) -> tuple[Simulation | None, Trust, list[str]]:
    unproved = Trust(DEFAULT, f"{DEFAULT} is taken on faith: ", False)
    if not wanted:
        return None, Trust(DEFAULT, unproved.reason + "no simulation was asked for.", False), []
    if len(material.labels) < LEAST_TO_SIMULATE * material.classes:
        words = f"{len(material.labels)} labels are too few to simulate on (at least {LEAST_TO_SIMULATE} a class)."
        return None, Trust(DEFAULT, unproved.reason + words, False), []
    names = list(dict.fromkeys([*STRATEGIES, *([] if strategy is None else [strategy])]))
    try:
        found = simulate_material(material, strategies=names, seeds=SEEDS, workers=workers, progress=progress)
    except SplitError as error:
        return None, Trust(DEFAULT, f"{unproved.reason}{error}", False), []
    return found, found.trust, []


def _pool(material: Material, cost_column: str | None) -> Pool:
    rows = material.vectors(material.candidate_rows)
    known = material.vectors(material.rows)
    cost = None
    if cost_column is not None:
        if cost_column not in material.candidates.column_names:
            raise ValuesError(
                f"a column out of {', '.join(material.candidates.column_names)}",
                repr(cost_column),
                where="--cost-column",
            )
        values = material.candidates[cost_column].to_pylist()
        if not all(isinstance(each, int | float) for each in values):
            raise ValuesError("a cost for every candidate", "a missing one or text", where=cost_column)
        cost = np.array(values, dtype=np.float64)
    everything = rows if len(known) == 0 else known
    return make_pool(
        rows, classes=material.classes, known=known, known_labels=material.labels,
        l2=material.penalty(everything), cost=cost, domains=material.candidate_domains,
        link=material.link,
    )  # fmt: skip


def _table(
    material: Material, pool: Pool, rows: np.ndarray, scores: Float[np.ndarray, " b"], said: str, words: str | None
) -> pa.Table:
    chosen = material.candidates.take(pa.array(rows))
    predicted = [None] * len(rows) if pool.weight is None else _predicted(material, pool.probs[rows])
    why = [reason(said, float(each)) if words is None else words.format(score=float(each)) for each in scores]
    return pa.table({
        "example_id": chosen["example_id"],
        "rank": pa.array(range(1, len(rows) + 1), pa.int64()),
        "score": pa.array(scores.tolist(), pa.float64()),
        "strategy": pa.array([said] * len(rows), pa.string()),
        "predicted": pa.array(predicted, pa.string()),
        "why": pa.array(why, pa.string()),
        "domain": chosen["domain"],
        "uri": chosen["uri"],
    })  # fmt: skip


def _predicted(material: Material, probs: Float[np.ndarray, "b c"]) -> list[str]:
    """The likeliest class of each, or the classes that are likelier there than not, joined by ``;``."""
    names = material.task.class_names
    if material.link == "softmax":
        return [names[k] for k in probs.argmax(axis=1)]
    return [";".join(name for name, there in zip(names, row, strict=True) if there) for row in probs >= 0.5]


def _map(material: Material, picked: Int[np.ndarray, " b"], method: str) -> EmbeddingMap:
    """Of the labelled examples and the candidates, in this order."""
    everything = np.concatenate([material.rows, material.candidate_rows])
    shown = shown_rows(len(everything), len(material.rows) + marked_first(picked))
    return embedding_map(material.vectors(everything[shown]), shown, method=method, seed=material.task.splits.seed)


def _page(material: Material, made: Selected, picked: Int[np.ndarray, " b"]) -> str:
    known = len(material.rows)
    shown = np.empty(0, dtype=np.int64) if made.map is None else made.map.rows
    candidates = material.candidates["example_id"].to_pylist()
    labels = material.label_texts()
    return map_page(
        title=f"{material.task.name}: what to label next",
        word=made.strategy,
        sentence=f"{len(made.table)} of {made.pool} candidates. {made.trust.reason}",
        found=made.map,
        ids=[str(material.ids[k]) if k < known else candidates[k - known] for k in shown],
        labels=[labels[k] if k < known else None for k in shown],
        picked=np.isin(shown, known + picked),
        total=known + made.pool,
        picked_words="to label next",
        head=("example", "rank", "expected", "why"),
        rows=[
            (row["example_id"], str(row["rank"]), row["predicted"] or "", row["why"])
            for row in made.table.slice(0, PAGE_ROWS).to_pylist()
        ],
        notes=[
            *made.notes,
            *([f"The first {PAGE_ROWS}; all are in the table."] if len(made.table) > PAGE_ROWS else []),
        ],
    )


def _write(material: Material, made: Selected, key: str, rows: Int[np.ndarray, " b"]) -> None:
    import pyarrow.csv
    import pyarrow.parquet as pq

    if material.project.has_stage("reports", key):
        return
    with material.project.stage_folder("reports", key) as aside:
        pyarrow.csv.write_csv(made.table, aside / "selection.csv")
        pq.write_table(made.table, aside / "selection.parquet")
        (aside / "selection.html").write_text(_page(material, made, rows), "utf-8")
        fields = {name: part for name, part in made.fields().items() if name != "selected"}
        (aside / "selection.json").write_text(json.dumps(_plain(fields), indent=1, ensure_ascii=False) + "\n", "utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
