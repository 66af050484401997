"""Do the intervals hold what they promise? Coverage, size and power of `yori.statistics`, measured on data with known truth.

    python -m benchmarks.coverage_simulation [--quick] [--seed 0] [--out benchmarks/results]

Two models are simulated on the same examples. An example has a difficulty that both share; each model (and each training
seed of it) adds noise of its own; parts of all of them are common to a cluster. A domain shifts difficulty and gain. The
truth is computed once on millions of rows. Only for ``ece`` it is the mean over the test sets themselves: the absolute
calibration error of few rows is biased whatever one does, and what its interval promises is the value that test sets of
this size show (``squared_ece`` is unbiased). Then small test sets are drawn again and again, compared, and it is counted how
often the nominal 95 % interval holds the truth, how often a verdict says *improved* or *worse* when nothing changed, and how
often a true change of the planned size is found.

The full run takes about twenty minutes on two cores, ``--quick`` about one. Written as JSON, with versions. Every case that is
done is kept in ``coverage_simulation.partial.jsonl`` beside it: an interrupted run goes on from there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from scipy import special

from yori.metrics import augrc, aurc, top_label_calibration_error
from yori.statistics import Predictions, compare, sample_size, verdict

METRICS = ("aurc", "augrc", "squared_ece", "ece", "accuracy")
LEVEL = 0.95


@dataclass(frozen=True)
class Model:
    """How sure a model is, and how its confidence relates to being right."""

    offset: float  # of the score: larger is more confident
    slope: float  # 1 = calibrated, below = overconfident
    lift: float  # of the chance to be right, beyond what the confidence says


@dataclass(frozen=True)
class Scenario:
    """One kind of test set."""

    name: str
    rows: int = 1000  # per domain and seed
    cluster_size: int = 1
    icc: float = 0.0
    seeds: int = 1
    same_rows: bool = True  # seeds test the same rows
    domains: int = 1
    domain_spread: float = 0.0
    changed: bool = True  # False: both models are alike


BEFORE = Model(offset=1.0, slope=0.7, lift=0.3)
AFTER = Model(offset=1.2, slope=0.85, lift=0.5)

SCENARIOS = (
    Scenario("independent, n = 300", rows=300),
    Scenario("independent, n = 1000"),
    Scenario("clustered, 30 x 10, ICC 0.3", rows=300, cluster_size=10, icc=0.3),
    Scenario("clustered, 100 x 10, ICC 0.3", cluster_size=10, icc=0.3),
    Scenario("3 seeds, same 400 rows", rows=400, seeds=3),
    Scenario("3 seeds, different 400 rows", rows=400, seeds=3, same_rows=False),
    *(
        Scenario(f"{d} domains, 2 seeds, 200 rows", rows=200, seeds=2, domains=d, domain_spread=0.3)
        for d in (3, 5, 8, 16)
    ),
    *(Scenario(f"{d} alike domains, 200 rows", rows=200, domains=d) for d in (3, 8)),
    Scenario("8 very different domains, 200 rows", rows=200, domains=8, domain_spread=0.8),
)


def shared(rng: np.random.Generator, clusters: int, size: int, icc: float, copies: int = 1) -> np.ndarray:
    """Standard normal numbers ``(copies, clusters · size)`` that correlate by ``icc`` within a cluster."""
    common = np.repeat(rng.standard_normal((copies, clusters)), size, axis=1)
    return math.sqrt(icc) * common + math.sqrt(1 - icc) * rng.standard_normal((copies, clusters * size))


def outcomes(
    model: Model, difficulty: np.ndarray, own: np.ndarray, luck: np.ndarray, shift: float, gain: float
) -> tuple[np.ndarray, np.ndarray]:
    """Confidence in (½, 1) of a two-class model, and whether it is right."""
    score = model.offset - shift + difficulty + 0.8 * own
    right = 0.5 + 0.5 * special.expit(model.slope * score + model.lift + gain)
    return 0.5 + 0.5 * special.expit(score), special.ndtr(luck) < right


def draw(rng: np.random.Generator, scenario: Scenario) -> dict[str, Any]:
    """One test set of both arms, and the columns `compare` reads."""
    after_model = AFTER if scenario.changed else BEFORE
    size = scenario.cluster_size
    clusters = scenario.rows // size
    columns: dict[str, list[np.ndarray]] = {
        key: [] for key in ("ids", "groups", "domains", "seeds", "b", "bc", "a", "ac")
    }
    for domain in range(scenario.domains):
        shift, gain = scenario.domain_spread * rng.standard_normal(2)
        sets = 1 if scenario.same_rows else scenario.seeds
        base = [shared(rng, clusters, size, scenario.icc, 2) for _ in range(sets)]
        for seed in range(scenario.seeds):
            which = 0 if scenario.same_rows else seed
            difficulty, common_luck = base[which]
            own = shared(rng, clusters, size, scenario.icc, 2)
            luck = math.sqrt(0.7) * common_luck + math.sqrt(0.3) * shared(rng, clusters, size, scenario.icc, 2)
            first = outcomes(BEFORE, difficulty, own[0], luck[0], shift, 0.0)
            second = outcomes(after_model, difficulty, own[1], luck[1], shift, gain if scenario.changed else 0.0)
            start = (domain * sets + which) * scenario.rows
            ids = start + np.arange(scenario.rows)
            for key, values in zip(
                columns,
                (ids, ids // size, np.full_like(ids, domain), np.full_like(ids, seed), *first, *second),
                strict=True,
            ):
                columns[key].append(values)
    joined = {key: np.concatenate(parts) for key, parts in columns.items()}
    return {
        "before": Predictions(joined["ids"], confidence=joined["b"], correct=joined["bc"]),
        "after": Predictions(joined["ids"], confidence=joined["a"], correct=joined["ac"]),
        "groups": joined["groups"] if size > 1 else None,
        "domains": joined["domains"] if scenario.domains > 1 else None,
        "seeds": joined["seeds"] if scenario.seeds > 1 else None,
    }


def values_of(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    return np.array(
        [
            aurc(confidence, correct),
            augrc(confidence, correct),
            top_label_calibration_error(confidence, correct, norm="l2_squared"),
            top_label_calibration_error(confidence, correct),
            correct.mean(),
        ]
    )


def truth(spread: float, rows: int, seed: int) -> dict[str, float]:
    """Mean over domains of the change of each metric, by quadrature over the two effects of a domain."""
    rng = np.random.default_rng([seed, 99])
    nodes, weights = np.polynomial.hermite_e.hermegauss(7) if spread else (np.zeros(1), np.ones(1))
    weights = weights / weights.sum()
    per_node = rows // len(nodes) ** 2
    total = np.zeros(len(METRICS))
    for x, wx in zip(nodes, weights, strict=True):
        for y, wy in zip(nodes, weights, strict=True):
            difficulty, own_before, own_after, luck = rng.standard_normal((4, per_node))
            before = outcomes(BEFORE, difficulty, own_before, luck, spread * x, 0.0)
            after = outcomes(AFTER, difficulty, own_after, luck, spread * x, spread * y)
            total += wx * wy * (values_of(*after) - values_of(*before))
    return dict(zip(METRICS, total.tolist(), strict=True))


def run(scenario: Scenario, metric: str, runs: int, replicates: int, seed: list[int]) -> np.ndarray:
    """Change, lower end, upper end, and 1 where the verdict was *improved* or *worse*, of every run."""
    rng = np.random.default_rng(seed)
    found = np.empty((runs, 4))
    for row in found:
        result = compare(**draw(rng, scenario), metric=metric, level=LEVEL, rng=rng, replicates=replicates, threads=1)
        row[:] = result.delta, result.low, result.high, verdict(result).word in ("improved", "worse")
    return found


def jobs(runs: int, replicates: int, seed: int) -> Iterator[tuple[Any, ...]]:
    for index, scenario in enumerate(SCENARIOS):
        for column, metric in enumerate(METRICS):
            for changed in (True, False):
                if not changed and scenario.domain_spread:
                    continue  # with nothing changed the domains are alike: the rows with spread 0 cover it
                case = replace(scenario, changed=changed)
                yield case, metric, runs, replicates, [seed, index, column, int(changed)]


def summary(
    scenario: Scenario, metric: str, found: np.ndarray, truths: dict[float, dict[str, float]]
) -> dict[str, Any]:
    """Coverage and decisions of all runs of one case."""
    delta, low, high, decided = found.T
    true = 0.0
    if metric == "ece":
        true = float(delta.mean())
    elif scenario.changed:
        true = truths[scenario.domain_spread][metric]
    return {
        "scenario": scenario.name,
        "metric": metric,
        "changed": scenario.changed,
        "true_change": true,
        "mean_change": float(delta.mean()),
        "runs": len(found),
        "coverage": float(((low <= true) & (true <= high)).mean()),
        "missed_above": float((low > true).mean()),
        "missed_below": float((high < true).mean()),
        "improved_or_worse": float(decided.mean()),
        "mean_half_width": float((high - low).mean() / 2),
    }


def case_name(job: tuple[Any, ...]) -> str:
    """All that decides the numbers of a case, besides the code."""
    scenario, metric, *rest = job
    return json.dumps([asdict(scenario), metric, *rest])


def kept_rows(path: Path) -> dict[str, dict[str, Any]]:
    """Cases that an interrupted run has finished; a line it was cut in the middle of is left out."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            found[entry["case"]] = entry["row"]
    return found


def measured(
    work: list[tuple[Any, ...]], truths: dict[float, dict[str, float]], partial: Path, *, stop: bool = False
) -> Iterator[dict[str, Any]]:
    """The row of every case, in order, from the file where it is already done."""
    kept = kept_rows(partial)
    left = [job for job in work if case_name(job) not in kept]
    if stop:
        yield from (kept[case_name(job)] for job in work if case_name(job) in kept)
        return
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        results = pool.map(run, *zip(*left, strict=True)) if left else iter(())
        for job in work:
            row = kept.get(case_name(job))
            if row is None:
                row = summary(job[0], job[1], next(results), truths)
                with partial.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"case": case_name(job), "row": row}) + "\n")
            yield row


QUICK_DOMAINS = 7
"""From eight domains on the bootstrap is hierarchical, and a row takes minutes."""


def outside(row: dict[str, Any]) -> bool:
    """Whether a row misses what was asked for: coverage 93.5 to 96.5 %, and 5 % decisions where nothing changed."""
    return not 0.935 <= row["coverage"] <= 0.965 or (not row["changed"] and row["improved_or_worse"] > 0.05)


def second_look(
    work: list[tuple[Any, ...]],
    rows: list[dict[str, Any]],
    truths: dict[float, dict[str, float]],
    partial: Path,
    *,
    most_domains: int | None = None,
) -> None:
    """Measure every row that is outside again, four times as often with new draws, and let all five decide.

    Of as many rows as here some are outside by chance alone. Which ones is told by new data, not by choosing.
    """
    again = [
        (position, (*job[:-1], [*job[-1], fresh]))
        for position, (job, row) in enumerate(zip(work, rows, strict=True))
        if outside(row) and (most_domains is None or job[0].domains <= most_domains)
        for fresh in range(1, 5)
    ]
    found = measured([job for _, job in again], truths, partial)
    for (position, _), fresh in zip(again, found, strict=True):
        row = rows[position]
        row.setdefault("first_look", {name: row[name] for name in ("runs", "coverage", "improved_or_worse")})
        total = row["runs"] + fresh["runs"]
        for name in ("coverage", "missed_above", "missed_below", "improved_or_worse", "mean_half_width"):
            row[name] = (row[name] * row["runs"] + fresh[name] * fresh["runs"]) / total
        row["runs"] = total


def power_of_accuracy(runs: int, seed: int) -> dict[str, float]:
    """How often a change of 3 points at 10 % discordance is found with the number of examples the formula asks for."""
    delta, discordance, target = 0.03, 0.10, 0.8
    n = sample_size(delta=delta, discordance=discordance, power=target)
    rng = np.random.default_rng([seed, 77])
    ids, hits = np.arange(n), 0
    for _ in range(runs):
        kind = rng.random(n)
        first = kind < 0.7 + (discordance - delta) / 2
        second = (kind < 0.7) | ((kind >= 0.9) & (kind < 0.9 + (discordance + delta) / 2))
        found = compare(Predictions(ids, correct=first), Predictions(ids, correct=second), metric="accuracy", rng=rng)
        hits += found.low > 0
    return {"n": n, "planned": target, "found": hits / runs, "runs": runs}


def error_of(row: dict[str, Any]) -> float:
    """Standard error of a share of 95 % in as many runs."""
    return math.sqrt(0.95 * 0.05 / row["runs"])


def bars(rows: list[dict[str, Any]], power: dict[str, float]) -> dict[str, Any]:
    """What was asked for (coverage 93.5 to 96.5 %, size at most 5 %, power within 3 points), and what came out.

    A measured share varies by chance; ``standard_error`` is that of a share of 95 % in the fewest runs. Rows out of the band
    by more than two of their own are listed as missed, those nearer as unclear.
    """
    error = math.sqrt(0.95 * 0.05 / min(row["runs"] for row in rows))
    found: dict[str, Any] = {"standard_error": error, "rows": len(rows)}
    distance = {
        "coverage": [(max(0.935 - row["coverage"], row["coverage"] - 0.965), row) for row in rows],
        "size": [(row["improved_or_worse"] - 0.05, row) for row in rows if not row["changed"]],
    }
    for name, measured in distance.items():
        out = [(beyond, row) for beyond, row in measured if beyond > 1e-9]
        shown = {
            "missed": [row for beyond, row in out if beyond > 2 * error_of(row)],
            "unclear": [row for beyond, row in out if beyond <= 2 * error_of(row)],
        }
        found[name] = {"held": len(measured) - len(out), "of": len(measured)} | {
            word: [f"{row['scenario']} | {row['metric']} | {'changed' if row['changed'] else 'null'}" for row in chosen]
            for word, chosen in shown.items()
        }
    nulls = [row["improved_or_worse"] for row in rows if not row["changed"]]
    found["mean_coverage"] = float(np.mean([row["coverage"] for row in rows]))
    found["mean_size"] = float(np.mean(nulls)) if nulls else None
    found["power_off_by"] = power["found"] - power["planned"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about one minute")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="run only scenarios whose name contains this")
    parser.add_argument(
        "--stop", action="store_true", help="report the cases done so far, name the others; measure again what is quick"
    )
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    runs, replicates, rows = (100, 200, 1_000_000) if args.quick else (2000, 400, 8_000_000)
    runs = args.runs or runs
    started = time.perf_counter()
    truths = {s: truth(s, rows, args.seed) for s in sorted({x.domain_spread for x in SCENARIOS})}
    work = [job for job in jobs(runs, replicates, args.seed) if args.only in job[0].name]
    rows_out = []
    args.out.mkdir(parents=True, exist_ok=True)
    partial = args.out / "coverage_simulation.partial.jsonl"
    kept = kept_rows(partial)
    missing = [f"{job[0].name} | {job[1]}" for job in work if case_name(job) not in kept] if args.stop else []
    work = [job for job in work if not args.stop or case_name(job) in kept]
    for row in measured(work, truths, partial, stop=args.stop):
        rows_out.append(row)
        print(
            f"{row['scenario']:36s} {row['metric']:11s} {'changed' if row['changed'] else 'null':8s}"
            f" coverage {100 * row['coverage']:5.1f} %   decided {100 * row['improved_or_worse']:5.1f} %"
            f"   half width {row['mean_half_width']:.4f}",
            flush=True,
        )
    second_look(work, rows_out, truths, partial, most_domains=QUICK_DOMAINS if args.stop else None)
    power = power_of_accuracy(10 * runs if args.quick else 2 * runs, args.seed)
    held = bars(rows_out, power)
    report = {
        "what": "coverage of nominal 95 % intervals, size of the verdict, power",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": args.quick,
        "seed": args.seed,
        "replicates": replicates,
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
        "truth": {str(spread): values for spread, values in truths.items()},
        "rows": rows_out,
        "not measured": missing,
        "power": power,
        "bars": held,
        "seconds": round(time.perf_counter() - started, 1),
    }
    print(json.dumps({"power": power, "bars": held}, indent=1), "\nseconds", report["seconds"])
    path = args.out / f"coverage_simulation{'_quick' if args.quick else ''}.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if not args.stop:
        partial.unlink(missing_ok=True)
    print(path)


if __name__ == "__main__":
    main()
