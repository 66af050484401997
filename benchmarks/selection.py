"""Do the selection strategies and subset methods beat random on spoken digits, and what do they cost at size?

Run it with ``python -m benchmarks.selection [--quick] [--only PART …] [--cells FOLDER]``. Parts:

- ``active``: learning curves on spoken digits (FSDD, from ``YORI_TEST_DATA``), budgets 20 to 500, five folds (id) and
each of six speakers
  held out in turn; the backbone is fitted on the pool. Mean accuracy over the budgets, against random with intervals.
- ``subset``: 10 % and 30 % of the training examples by every method, against random, with the time to choose and to
train. - ``size``: 500 of 100 000 × 512 by every strategy, each in a process of its own: seconds and peak memory. -
``peers``: the same task by apricot and scikit-activeml where they are installed (or found in the environment named by
  ``YORI_PEERS``), alternating with ours, medians of ratios.

Every finished cell is a file in ``--cells`` (default: a folder beside the temporary files), so an interrupted run
goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from yori.choose.learning_curve import LearningCurve, learning_curve
from yori.choose.simulate import compare_curves
from yori.heads import fit_softmax
from yori.selection import DEFAULT, STRATEGIES, SUBSETS, keep, make_labelled, make_pool, penalty_of, select

RESULTS = Path(__file__).parent / "results"
DATA = Path(os.environ.get("YORI_TEST_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
BUDGETS = (20, 40, 60, 80, 100, 150, 200, 300, 400, 500)
ACTIVE = ("random", "automatic", "margin", "badge", "typiclust", "cluster_margin", "expected_influence", "k_center")
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
RATIO = 0.03
PEER_TASKS = ("k_center", "badge", "typiclust", "facility_location")


def cached(folder: Path, name: str, make: Any) -> Any:
    """A JSON cell, made once."""
    path = folder / f"{name}.json"
    if not path.is_file():
        value = make()
        aside = path.with_suffix(".part")
        aside.write_text(json.dumps(value), encoding="utf-8")
        aside.replace(path)
    return json.loads(path.read_text(encoding="utf-8"))


def digits(folder: Path, split: str) -> dict[str, np.ndarray]:
    """Embeddings of one split: ``x, labels, speakers, pool, test``; the backbone has not seen the test rows."""
    path = folder / f"{split}.npz"
    if not path.is_file():
        import soundfile

        from yori.backbones import patches
        from yori.backbones.whitening import fit_whitening
        from yori.signal.log_mel import log_mel
        from yori.splits import group_folds

        files = sorted((DATA / "fsdd" / "recordings").glob("*.wav"))
        named = [file.stem.split("_") for file in files]
        labels = np.array([int(name[0]) for name in named])
        speakers = np.array([name[1] for name in named])
        frames = [log_mel(soundfile.read(file, dtype="float32")[0], 8000) for file in files]
        if split.startswith("id"):
            fold = group_folds(labels, np.arange(len(labels)), 5, rng=np.random.default_rng(0))
            test = np.flatnonzero(fold == int(split[-1]))
        else:
            test = np.flatnonzero(speakers == split.partition("-")[2])
        pool = np.setdiff1d(np.arange(len(labels)), test)
        features = patches.learn([frames[k] for k in pool], rng=np.random.default_rng(0))
        pooled = patches.pool(features, frames)
        x = fit_whitening(pooled[pool], 256).apply(pooled).astype(np.float32)
        np.savez(path, x=x, labels=labels, speakers=speakers, pool=pool, test=test)
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def active(folder: Path, splits: list[str], strategies: tuple[str, ...], seeds: int) -> dict[str, Any]:
    """Learning curves of every strategy on every split."""
    found: dict[str, Any] = {}
    for protocol in ("id", "lodo"):
        mine = [split for split in splits if split.startswith(protocol)]
        curves: dict[tuple[str, str, int], LearningCurve] = {}
        for seed in range(seeds):
            for split in mine:
                for name in strategies:
                    fields = cached(
                        folder, f"curve-{split}-{name}-{seed}", lambda s=split, n=name, k=seed: draw(folder, s, n, k)
                    )
                    curves[split, name, seed] = LearningCurve(**{key: tuple(value) for key, value in fields.items()})
        if not curves:
            continue
        rows = []
        for each in compare_curves(curves):
            gaps = np.array([
                [curves[split, each.name, k].area - curves[split, "random", k].area for k in range(seeds)] for split in mine
            ])  # fmt: skip
            row = {
                "strategy": each.name, "area": each.area, "accuracy": each.accuracy, "nll": each.nll, "areas": each.areas,
                "difference": each.difference, "low": each.low, "high": each.high, "by_split": gaps.mean(axis=1).tolist(),
                **fixed_splits(gaps),
            }  # fmt: skip
            rows.append({name: None if isinstance(v, float) and v != v else v for name, v in row.items()})
        found[protocol] = {"splits": mine, "seeds": seeds, "budgets": BUDGETS, "rows": rows}
    return found


def fixed_splits(gaps: np.ndarray) -> dict[str, Any]:
    """Interval of the mean over *these* splits, whose only noise is the seeds; and how many splits are ahead."""
    from yori.statistics.closed_form import t_interval

    splits, seeds = gaps.shape
    ahead = int((gaps.mean(axis=1) > 0).sum())
    if seeds < 2:
        return {"fixed_low": None, "fixed_high": None, "splits_ahead": ahead}
    error = float(np.sqrt((gaps.var(axis=1, ddof=1) / seeds).sum()) / splits)
    interval = t_interval(float(gaps.mean()), error, splits * (seeds - 1), 0.95)
    return {"fixed_low": interval.low, "fixed_high": interval.high, "splits_ahead": ahead}


def draw(folder: Path, split: str, strategy: str, seed: int) -> dict[str, Any]:
    """One learning curve."""
    data = digits(folder, split)
    pool, test = data["pool"], data["test"]
    domains = data["speakers"][pool]
    curve = learning_curve(
        data["x"][pool], data["labels"][pool], data["x"][test], data["labels"][test], strategy=strategy, budgets=BUDGETS,
        classes=10, ratio=RATIO, domains=domains, rng=np.random.default_rng(seed),
    )  # fmt: skip
    return dict(curve.__dict__)


def subset(folder: Path, splits: list[str], seeds: int) -> list[dict[str, Any]]:
    """Accuracy of a head on each method's subset, weighted as the method says."""
    rows = []
    for share in (0.1, 0.3):
        cells = {
            name: np.array(
                [[one_subset(folder, split, name, share, seed) for seed in range(seeds)] for split in splits]
            )
            for name in SUBSETS
        }
        for name, values in cells.items():
            gap = (values[:, :, 0] - cells["random"][:, :, 0]).mean(axis=1)
            rows.append({
                "share": share, "method": name, "accuracy": float(values[:, :, 0].mean()),
                "full": float(values[:, :, 3].mean()), "difference": float(gap.mean()),
                "standard_error": float(gap.std(ddof=1) / np.sqrt(len(gap))) if len(gap) > 1 else None,
                "by_split": gap.tolist(), "choose_seconds": float(np.median(values[:, :, 1])),
                "saved_training_seconds": float(np.median(values[:, :, 2])),
            })  # fmt: skip
    return rows


def one_subset(folder: Path, split: str, method: str, share: float, seed: int) -> list[float]:
    """`reduce`, kept."""
    name = f"subset-{split}-{method}-{share}-{seed}"
    found: list[float] = cached(folder, name, lambda: reduce(folder, split, method, share, seed))
    return found


def reduce(folder: Path, split: str, method: str, share: float, seed: int) -> list[float]:
    """Accuracy, seconds to choose, seconds of training saved, accuracy with all examples."""
    data = digits(folder, split)
    x, labels, test = data["x"], data["labels"], data["test"]
    train = np.random.default_rng(seed).permutation(data["pool"])
    l2 = penalty_of(x[train], RATIO)
    given = make_labelled(x[train], labels[train], classes=10, l2=l2)
    started = time.perf_counter()
    kept = keep(given, round(share * len(train)), method=method, rng=np.random.default_rng(seed))
    chosen = time.perf_counter() - started
    found = []
    for rows, weights in ((train, None), (train[kept.rows], kept.weights)):
        started = time.perf_counter()
        head = fit_softmax(x[rows], labels[rows], classes=10, l2=l2, sample_weight=weights, tolerance=1e-4)
        seconds = time.perf_counter() - started
        found.append((float((head.logits(x[test]).argmax(axis=1) == labels[test]).mean()), seconds))
    return [found[1][0], chosen, found[0][1] - found[1][1], found[0][0]]


def one_size(name: str, n: int, d: int, budget: int) -> dict[str, float]:
    """Seconds and peak memory of one strategy or subset method; called in a process of its own."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, d), dtype=np.float32)
    labels = rng.integers(0, 10, n)
    x[:, :10] += 3 * np.eye(10, dtype=np.float32)[labels]
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, busy = time.perf_counter(), time.process_time()
    if name in STRATEGIES:
        known = np.arange(200)
        pool = make_pool(x[200:], classes=10, known=x[known], known_labels=labels[known], l2=penalty_of(x, RATIO))
        found = select(pool, budget, strategy=name, rng=rng).rows
    else:
        data = make_labelled(x, labels, classes=10, l2=penalty_of(x, RATIO))
        found = keep(data, budget, method=name.partition(":")[2], rng=rng).rows
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(np.unique(found)) == budget
    return {
        "seconds": seconds,
        "cpu_seconds": busy,
        "above_data_mb": (peak - loaded) / 1024,
        "peak_mb": peak / 1024,
    }


def size(folder: Path, n: int, d: int, budget: int) -> dict[str, Any]:
    """`one_size` of everything, in processes."""

    def measure(name: str) -> Any:
        call = f"one_size({name!r}, {n}, {d}, {budget})"
        code = f"import json; from benchmarks.selection import one_size; print(json.dumps({call}))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"failed": done.stderr[-300:]}

    names = [*STRATEGIES, *(f"subset:{name}" for name in SUBSETS)]
    return {name: cached(folder, f"size-{n}-{name.replace(':', '-')}", lambda m=name: measure(m)) for name in names}


PEER_CODE = r"""
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
task, n, d, budget = sys.argv[1], *map(int, sys.argv[2:5])
rng = np.random.default_rng(0)
x = rng.standard_normal((n, d)).astype(np.float32)
y = rng.integers(0, 10, n)
x[:, :10] += 3 * np.eye(10, dtype=np.float32)[y]
if task == "facility_location":
    import apricot
    def go():
        return apricot.FacilityLocationSelection(budget, metric="euclidean", optimizer="lazy").fit(x).ranking
    apricot.FacilityLocationSelection(2, metric="euclidean", optimizer="lazy").fit(x[:50])
else:
    from skactiveml import pool as P
    from skactiveml.classifier import SklearnClassifier
    from sklearn.linear_model import LogisticRegression
    known = np.full(n, np.nan)
    known[:200] = y[:200]
    def go():
        if task == "k_center":
            return P.CoreSet(random_state=0).query(x, known, batch_size=budget)
        if task == "typiclust":
            return P.TypiClust(random_state=0).query(x, known, batch_size=budget)
        head = SklearnClassifier(LogisticRegression(max_iter=100), classes=list(range(10)))
        return P.Badge(random_state=0).query(x, known, head, batch_size=budget)
busy = time.process_time()
found = go()
print(json.dumps([time.process_time() - busy, len(set(map(int, found)))]))
"""


def peers(folder: Path, n: int, d: int, budget: int, repeats: int) -> dict[str, Any]:
    """Busy seconds of a peer and of ours on the same task, alternating, imports and compilation at import left out."""
    python = os.environ.get("YORI_PEERS", sys.executable)

    def ours(task: str) -> float:
        name = f"subset:{task}" if task == "facility_location" else task
        code = (
            f"from benchmarks.selection import one_size; print(one_size({name!r}, {n}, {d}, {budget})['cpu_seconds'])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return float(done.stdout.splitlines()[-1])

    def measure(task: str) -> Any:
        rows = []
        for _ in range(repeats):
            command = [python, "-c", PEER_CODE, task, str(n), str(d), str(budget)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
            if done.returncode:
                return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1][:200]}
            rows.append([json.loads(done.stdout.splitlines()[-1])[0], ours(task)])
        peer = "apricot" if task == "facility_location" else "scikit-activeml"
        theirs, mine = (statistics.median(column) for column in zip(*rows, strict=True))
        ratio = statistics.median(one / other for one, other in rows)
        return {"peer": peer, "peer_seconds": theirs, "seconds": mine, "ratio": ratio, "repeats": repeats}

    return {task: cached(folder, f"peer-{n}-{task}", lambda t=task: measure(t)) for task in PEER_TASKS}


def report_of(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """All parts that were asked for."""
    quick, parts = args.quick, args.only or ["active", "subset", "size", "peers"]
    splits = [f"id-{k}" for k in range(5)] + [f"lodo-{name}" for name in SPEAKERS]
    if quick:
        splits = ["id-0", "lodo-george", "lodo-jackson"]
    found: dict[str, Any] = {}
    here = (DATA / "fsdd" / "recordings").is_dir()
    if not here:
        print(f"Left out: spoken digits, not found at {DATA}: set YORI_TEST_DATA")
    if "active" in parts and here:
        strategies = ("random", "automatic") if quick else tuple(args.strategies or ACTIVE)
        found["active"] = active(folder, splits, strategies, 1 if quick else args.seeds)
    if "subset" in parts and here:
        found["subset"] = {"default": DEFAULT, "rows": subset(folder, splits, 1 if quick else args.subset_seeds)}
    n = 10_000 if quick else 100_000
    if "size" in parts:
        found["size"] = {"n": n, "d": 512, "budget": 500, "rows": size(folder, n, 512, 500)}
    if "peers" in parts and not quick:
        found["peers"] = {"n": 3000, "d": 64, "budget": 100, "rows": peers(folder, 3000, 64, 100, args.repeats)}
    return found


def show(found: dict[str, Any]) -> None:
    """The figures in lines."""
    for protocol, part in found.get("active", {}).items():
        print(f"active, {protocol}: {len(part['splits'])} splits, {part['seeds']} seeds")
        for row in part["rows"]:
            line = f"  {row['strategy']:20s} area {row['area']:.4f}"
            if row["difference"] is not None:
                line += f"  against random {row['difference']:+.4f}"
                if row["low"] is not None:
                    line += f" ({row['low']:+.4f} to {row['high']:+.4f} over splits"
                if row["fixed_low"] is not None:
                    line += f"; {row['fixed_low']:+.4f} to {row['fixed_high']:+.4f} for these splits"
                line += f"), ahead in {row['splits_ahead']}"
            print(line)
    for row in found.get("subset", {}).get("rows", []):
        print(
            f"  subset {row['share']:.0%} {row['method']:30s} {row['accuracy']:.4f} against random {row['difference']:+.4f}, "
            f"all {row['full']:.4f}; {row['choose_seconds']:.2f} s to choose, {row['saved_training_seconds']:.2f} s saved"
        )
    for name, row in found.get("size", {}).get("rows", {}).items():
        words = str(row)
        if "seconds" in row:
            words = f"{row['seconds']:7.2f} s, busy {row['cpu_seconds']:5.2f} s, peak {row['peak_mb']:5.0f} MB"
        print(f"  size {name:40s} {words}")
    for name, row in found.get("peers", {}).get("rows", {}).items():
        print(f"  peer {name:20s} {row}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a part of the data, one seed")
    parser.add_argument("--only", nargs="+", choices=["active", "subset", "size", "peers"])
    parser.add_argument("--strategies", nargs="+", help="of the active part; random must be among them")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--subset-seeds", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cells", type=Path, default=Path(tempfile.gettempdir()) / "yori-selection-cells")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    args.cells.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    found = report_of(args.cells, args)
    show(found)
    report = {
        "what": "selection strategies and subset methods against random; time and memory at size; peers",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": args.quick,
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "load_average": os.getloadavg(),
        "seconds": round(time.perf_counter() - started, 1),
        **found,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / f"selection{'-quick' if args.quick else ''}.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
