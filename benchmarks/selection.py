"""Do the selection strategies and subset methods beat random on spoken digits, and what do they cost at size?

Run it with ``python -m benchmarks.selection``: everything, about half an hour on two quiet processors. ``--only PART …``
makes some parts; what the others found is kept in the report. ``--quick`` is a part of the data. Parts:

- ``active``: learning curves on spoken digits (FSDD, from ``YORI_TEST_DATA``), budgets 20 to 500, five folds (id) and
  each of six speakers held out in turn (lodo); the backbone is fitted on the pool. Mean accuracy over the budgets of the
  default against random, with two intervals: t over the splits (what a new split would show), and for these very splits
  (whose only noise is the seeds).
- ``strategies``: the same of every other strategy, fewer seeds.
- ``several``: two digits mixed in each clip, so that every clip has two labels: loss of a head on asked-for labels.
- ``subset``: 10 % and 30 % of the training examples by every method, against random, with the time to choose and to
  train.
- ``size``: 500 of 100 000 × 512 by every strategy, each in a process of its own: seconds and peak memory.
- ``peers``: the same task by apricot and scikit-activeml where they are installed (or found in the environment named by
  ``YORI_PEERS``), alternating with ours, medians of ratios.

Every finished cell is a file in ``--cells`` (default: a folder beside the temporary files) under a key of the code it
depends on, so an interrupted run goes on where it was and a changed strategy is measured again.
"""

from __future__ import annotations

import argparse
import hashlib
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
from yori.heads import fit_softmax
from yori.selection import DEFAULT, STRATEGIES, SUBSETS, keep, make_labelled, make_pool, penalty_of, select

RESULTS = Path(__file__).parent / "results"
DATA = Path(os.environ.get("YORI_TEST_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
BUDGETS = (20, 40, 60, 80, 100, 150, 200, 300, 400, 500)
ACTIVE = ("automatic",)
OTHERS = ("margin", "badge", "typiclust", "cluster_margin", "expected_influence", "k_center")
PARTS = ("active", "strategies", "several", "subset", "size", "peers")
CODE = ("selection", "heads", "attribution", "choose/learning_curve.py", "backbones", "signal")
"""What a cell depends on, under src/yori."""
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
RATIO = 0.03
PEER_TASKS = ("k_center", "badge", "typiclust", "facility_location")


def code_key() -> str:
    """Key of the code that cells depend on."""
    source = Path(__file__).parent.parent / "src" / "yori"
    seen = hashlib.sha256()
    for part in CODE:
        path = source / part
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            seen.update(file.read_bytes())
    return seen.hexdigest()[:12]


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


def active(folder: Path, splits: list[str], strategies: tuple[str, ...], seeds: int, controls: int) -> dict[str, Any]:
    """Learning curves of every strategy on every split; ``controls`` seeds of random, whose own noise is the largest."""
    found: dict[str, Any] = {}
    for protocol in ("id", "lodo"):
        mine = [split for split in splits if split.startswith(protocol)]
        if not mine:
            continue
        rows, base = [], np.empty(0)
        for name in ("random", *strategies):
            count = controls if name == "random" else seeds
            curves = [[one_curve(folder, split, name, seed) for seed in range(count)] for split in mine]
            areas = np.array([[curve.area for curve in each] for each in curves])
            base = areas if name == "random" else base
            rows.append({
                "strategy": name, "seeds": count, "area": float(areas.mean()), "areas": areas.mean(axis=1).tolist(),
                "accuracy": np.mean([[curve.accuracy for curve in each] for each in curves], axis=(0, 1)).tolist(),
                "nll": np.mean([[curve.nll for curve in each] for each in curves], axis=(0, 1)).tolist(),
                **({} if name == "random" else against(areas, base)),
            })  # fmt: skip
        found[protocol] = {"splits": mine, "budgets": BUDGETS, "rows": rows}
    return found


def one_curve(folder: Path, split: str, strategy: str, seed: int) -> LearningCurve:
    """`draw`, kept."""
    fields = cached(folder, f"curve-{split}-{strategy}-{seed}", lambda: draw(folder, split, strategy, seed))
    return LearningCurve(**{key: tuple(value) for key, value in fields.items()})


def against(areas: np.ndarray, base: np.ndarray) -> dict[str, Any]:
    """Area minus that of random by split, ``(splits, seeds)`` each, with two intervals of the mean.

    ``low``, ``high``: t over the splits, for a split that was not looked at. ``fixed_low``, ``fixed_high``: for the mean
    over *these* splits, whose only noise is the seeds of both.
    """
    from yori.statistics.closed_form import t_interval

    gap = areas.mean(axis=1) - base.mean(axis=1)
    splits = len(gap)
    found: dict[str, Any] = {
        "difference": float(gap.mean()),
        "by_split": gap.tolist(),
        "splits_ahead": int((gap > 0).sum()),
    }
    if splits > 1:
        interval = t_interval(float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(splits)), splits - 1, 0.95)
        found |= {"low": interval.low, "high": interval.high}
    if areas.shape[1] > 1 and base.shape[1] > 1:
        noise = areas.var(axis=1, ddof=1) / areas.shape[1] + base.var(axis=1, ddof=1) / base.shape[1]
        error = float(np.sqrt(noise.sum()) / splits)
        interval = t_interval(float(gap.mean()), error, splits * (areas.shape[1] - 1), 0.95)
        found |= {
            "fixed_low": interval.low, "fixed_high": interval.high, "by_split_error": np.sqrt(noise).tolist(),
        }  # fmt: skip
    return found


def several(folder: Path, seeds: int) -> dict[str, Any]:
    """Mean loss over the budgets of heads on mixed digits, every clip with two labels; each strategy against random."""
    budgets = (30, 60, 120, 240)
    names = [name for name in STRATEGIES if name != "cost_aware"]
    loss = {
        name: [cached(folder, f"several-{name}-{k}", lambda n=name, s=k: mixed(folder, n, s, budgets)) for k in range(seeds)]
        for name in names
    }  # fmt: skip
    base = np.array(loss["random"])
    rows = []
    for name in names:
        gap = np.array(loss[name]) - base
        error = float(gap.std(ddof=1) / np.sqrt(seeds)) if seeds > 1 else None
        rows.append(
            {
                "strategy": name,
                "nll": float(np.mean(loss[name])),
                "difference": float(gap.mean()),
                "standard_error": error,
            }
        )
    return {"clips": 1200, "seeds": seeds, "budgets": budgets, "rows": rows}


def mixed(folder: Path, strategy: str, seed: int, budgets: tuple[int, ...]) -> float:
    """Mean NLL over the budgets of one strategy on mixed digits."""
    data = mixed_digits(folder)
    pool, test = data["pool"], data["test"]
    curve = learning_curve(
        data["x"][pool], data["labels"][pool], data["x"][test], data["labels"][test], strategy=strategy, budgets=budgets,
        classes=10, ratio=RATIO, domains=data["speakers"][pool], rng=np.random.default_rng(seed),
    )  # fmt: skip
    return float(np.mean(curve.nll))


def mixed_digits(folder: Path, clips: int = 200) -> dict[str, np.ndarray]:
    """Two digits of one speaker added in each clip, so many clips of each speaker; every other clip is test."""
    path = folder / "mixed.npz"
    if not path.is_file():
        import soundfile

        from yori.backbones import patches
        from yori.backbones.whitening import fit_whitening
        from yori.signal.log_mel import log_mel

        rng = np.random.default_rng(0)
        frames, labels, speakers = [], [], []
        for speaker in SPEAKERS:
            files = sorted((DATA / "fsdd" / "recordings").glob(f"*_{speaker}_*.wav"))
            # No recording is in the pool and in the test part: halves of the recordings, in turn.
            halves = [files[0::2], files[1::2]]
            for number in range(clips):
                both = [halves[number % 2][k] for k in rng.choice(len(halves[number % 2]), 2, replace=False)]
                sounds = [soundfile.read(each, dtype="float32")[0] for each in both]
                length = min(map(len, sounds))
                frames.append(log_mel(sounds[0][:length] + sounds[1][:length], 8000))
                labels.append([float(any(int(each.stem[0]) == digit for each in both)) for digit in range(10)])
                speakers.append(speaker)
        pool = np.arange(0, len(frames), 2)
        features = patches.learn([frames[k] for k in pool], rng=np.random.default_rng(0))
        pooled = patches.pool(features, frames)
        x = fit_whitening(pooled[pool], 128).apply(pooled).astype(np.float32)
        np.savez(
            path, x=x, labels=np.array(labels, dtype=np.float32), speakers=np.array(speakers), pool=pool, test=pool + 1
        )
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


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
    quick, parts = args.quick, args.only or PARTS
    splits = [f"id-{k}" for k in range(5)] + [f"lodo-{name}" for name in SPEAKERS]
    if quick:
        splits = ["id-0", "lodo-george", "lodo-jackson"]
    found: dict[str, Any] = {}
    here = (DATA / "fsdd" / "recordings").is_dir()
    if not here:
        print(f"Left out: spoken digits, not found at {DATA}: set YORI_TEST_DATA")
    if "active" in parts and here:
        found["active"] = active(folder, splits, ACTIVE, *((1, 2) if quick else (args.seeds, args.control_seeds)))
    if "strategies" in parts and here and not quick:
        found["strategies"] = active(folder, splits, OTHERS, args.other_seeds, args.control_seeds)
    if "several" in parts and here:
        found["several"] = several(folder, 1 if quick else args.other_seeds)
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
    parts = [(name, *each) for name in ("active", "strategies") for each in found.get(name, {}).items()]
    for name, protocol, part in parts:
        print(f"{name}, {protocol}: {len(part['splits'])} splits")
        for row in part["rows"]:
            line = f"  {row['strategy']:20s} area {row['area']:.4f}, {row['seeds']} seeds"
            if "difference" in row:
                line += f"  against random {row['difference']:+.4f}, ahead in {row['splits_ahead']}"
            if "low" in row:
                line += f"; {row['low']:+.4f} to {row['high']:+.4f} over splits"
            if "fixed_low" in row:
                line += f"; {row['fixed_low']:+.4f} to {row['fixed_high']:+.4f} for these splits"
            print(line)
    for row in found.get("several", {}).get("rows", []):
        error = "" if row["standard_error"] is None else f" ± {row['standard_error']:.4f}"
        print(
            f"  several labels {row['strategy']:20s} nll {row['nll']:.4f} against random {row['difference']:+.4f}{error}"
        )
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
    parser.add_argument("--only", nargs="+", choices=PARTS)
    parser.add_argument("--seeds", type=int, default=20, help="of the default strategy")
    parser.add_argument("--control-seeds", type=int, default=60, help="of random, to which everything is compared")
    parser.add_argument("--other-seeds", type=int, default=3, help="of the other strategies")
    parser.add_argument("--subset-seeds", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cells", type=Path, default=Path(tempfile.gettempdir()) / "yori-selection-cells")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    cells = args.cells / code_key()
    cells.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    found = report_of(cells, args)
    show(found)
    path = args.out / f"selection{'-quick' if args.quick else ''}.json"
    before = json.loads(path.read_text(encoding="utf-8")) if args.only and path.is_file() else {}
    report = {
        "what": "selection strategies and subset methods against random; time and memory at size; peers",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": args.quick,
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "load_average": os.getloadavg(),
        "code": cells.name,
        "seconds": round(time.perf_counter() - started, 1),
        **{name: before[name] for name in PARTS if name in before},
        **found,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
