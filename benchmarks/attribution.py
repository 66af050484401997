"""How long attribution takes, next to the peers that give the same scores, and whether the numbers agree.

Run it with ``python -m benchmarks.attribution`` in an environment that has the peers (captum, kronfluence, pyDVL; torch).
Every row of a block is timed in turn, round after round, and the medians are divided by the block's reference row. On a
shared machine read the processor's ratio. Peers that cannot be imported are named in the versions and left out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.metrics import RESULTS, measure, versions
from yori.attribution import Query, influence, knn_shapley, tracin, tracin_matrix, tracin_top_k
from yori.attribution.damping import damping_path
from yori.attribution.objectives import query, query_of_logits
from yori.heads import LINKS, Spectrum, fit_softmax

Work = Callable[[], np.ndarray]
PEERS = ("torch", "captum", "kronfluence", "pyDVL", "dattri", "traker")


def make(n: int, d: int, classes: int, m: int = 1000, checkpoints: int = 1) -> dict[str, Any]:
    """Embeddings of a Gaussian mixture with 10 % wrong labels, and a head fitted to them, with heads on the way to it."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((classes, d), dtype=np.float32) * np.float32(2.5 / np.sqrt(d) * 2)
    labels = rng.integers(0, classes, n + m)
    rows = centres[labels] + rng.standard_normal((n + m, d), dtype=np.float32)
    wrong = rng.random(n + m) < 0.1
    labels[wrong] = rng.integers(0, classes, int(wrong.sum()))
    head = fit_softmax(rows[:n], labels[:n], l2=1e-2, classes=classes, tolerance=1e-3)
    heads = np.stack([head.weight * (k + 1) / checkpoints for k in range(checkpoints)])
    return {
        "x": rows[:n], "y": labels[:n], "xq": rows[n:], "yq": labels[n:], "weight": head.weight, "heads": heads,
        "l2": 1e-2,
    }  # fmt: skip


def tracin_block(problem: dict[str, Any]) -> dict[str, Work]:
    """TracIn summed over the query set; the reference is one product of the embeddings with all heads and gradients."""
    x, y, heads, xq, yq = (problem[name] for name in ("x", "y", "heads", "xq", "yq"))
    asked = [query("nll", xq, yq, head).gradient() for head in heads]
    both = np.concatenate([*heads, *asked])[:, :-1].astype(np.float32)
    works: dict[str, Work] = {
        "one BLAS product, embeddings × 2kc columns": lambda: x @ both.T,
        "yori tracin": lambda: tracin(x, y, heads, xq, yq),
        "plain NumPy closed form": lambda: sum(_plain_tracin(x, y, head, xq, yq) for head in heads),
    }
    with contextlib.suppress(ImportError):
        works["captum TracInCP(aggregate=True)"] = _captum(problem)
    if len(heads) == 1:
        with contextlib.suppress(ImportError):
            works["kronfluence identity, aggregated"] = _kronfluence(problem)
    return works


def matrix_block(problem: dict[str, Any]) -> dict[str, Work]:
    """TracIn of every pair; the reference is one product of the embeddings with the query embeddings."""
    x, y, heads, xq, yq = (problem[name] for name in ("x", "y", "heads", "xq", "yq"))
    out, asked = np.empty((len(x), len(xq)), dtype=np.float32), np.ascontiguousarray(xq.T)
    works: dict[str, Work] = {
        "one BLAS product, embeddings × query embeddings": lambda: np.matmul(x, asked, out=out),
        "yori tracin_matrix": lambda: tracin_matrix(x, y, heads, xq, yq, objective=SUM, out=out).ravel(),
        "yori tracin_top_k, k = 10": lambda: tracin_top_k(x, y, heads, xq, yq, k=10).scores,
    }
    with contextlib.suppress(ImportError):
        works["captum TracInCPFast (no bias)"] = _captum_fast(problem)
    with contextlib.suppress(ImportError):
        works["dattri TracInAttributor, no projection"] = dattri(problem)
    return works


class _Sum:
    """Log-likelihoods added up, as peers do; no mean over the query set."""

    def ask(self, embeddings: Any, targets: Any, logits: Any, *, link: str, temperature: float, weight: Any) -> Query:
        asked = query_of_logits("nll", embeddings, targets, logits, link=link, temperature=temperature)
        return Query(asked.embeddings, asked.values * len(logits), asked.rows * len(logits))

    def restricted(self, taking: Any) -> _Sum:
        return self


SUM = _Sum()


def _plain_tracin(x: np.ndarray, y: np.ndarray, weight: np.ndarray, xq: np.ndarray, yq: np.ndarray) -> np.ndarray:
    c = len(weight)
    head = weight.astype(np.float32)

    def residual(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        logits = rows @ head[:, :-1].T + head[:, -1]
        probs = np.exp(logits - logits.max(axis=1, keepdims=True))
        probs /= probs.sum(axis=1, keepdims=True)
        return probs - np.eye(c, dtype=np.float32)[labels]

    asked = residual(xq, yq).T @ np.c_[xq, np.ones(len(xq), dtype=np.float32)] / len(xq)
    return (residual(x, y) * (x @ asked[:, :-1].T + asked[:, -1])).sum(axis=1)


def torch_head(problem: dict[str, Any]) -> Any:
    """The head as a torch model of one layer, which is all that peers look at; one thread, as the rows beside it."""
    import torch

    torch.set_num_threads(1)
    classes, width = problem["weight"].shape
    model = torch.nn.Sequential(torch.nn.Linear(width - 1, classes))
    with torch.no_grad():
        model[0].weight[:] = torch.from_numpy(problem["weight"][:, :-1])
        model[0].bias[:] = torch.from_numpy(problem["weight"][:, -1])
    return model


def _captum(problem: dict[str, Any]) -> Work:
    import torch
    from captum.influence import TracInCP

    model = torch_head(problem)
    data = torch.utils.data.TensorDataset(torch.from_numpy(problem["x"]), torch.from_numpy(problem["y"]))
    asked = (torch.from_numpy(problem["xq"]), torch.from_numpy(problem["yq"]))
    tracer = TracInCP(
        model, data, list(range(len(problem["heads"]))), checkpoints_load_func=_loader(problem),
        loss_fn=torch.nn.CrossEntropyLoss(reduction="sum"), batch_size=1000, sample_wise_grads_per_batch=True,
    )  # fmt: skip
    return lambda: tracer.influence(asked, aggregate=True).numpy().ravel() / len(problem["xq"])


def _loader(problem: dict[str, Any]) -> Callable[[Any, int], float]:
    import torch

    def load(model: Any, number: int) -> float:
        head = torch.from_numpy(problem["heads"][number]).float()
        with torch.no_grad():
            model[0].weight[:], model[0].bias[:] = head[:, :-1], head[:, -1]
        return 1.0

    return load


def _captum_fast(problem: dict[str, Any]) -> Work:
    import torch
    from captum.influence import TracInCPFast

    model = torch_head(problem)
    data = torch.utils.data.TensorDataset(torch.from_numpy(problem["x"]), torch.from_numpy(problem["y"]))
    asked = (torch.from_numpy(problem["xq"]), torch.from_numpy(problem["yq"]))
    tracer = TracInCPFast(
        model, model[0], data, list(range(len(problem["heads"]))), checkpoints_load_func=_loader(problem),
        loss_fn=torch.nn.CrossEntropyLoss(reduction="sum"), batch_size=1000,
    )  # fmt: skip
    return lambda: tracer.influence(asked, k=None).numpy().T.ravel()


def dattri(problem: dict[str, Any]) -> Work:
    """TracIn of every pair by dattri, over ``heads``; its default projection to 512 dimensions is another score."""
    import torch
    from dattri.algorithm.tracin import TracInAttributor
    from dattri.task import AttributionTask

    model = torch_head(problem)

    def loss(parameters: Any, batch: Any) -> Any:
        row, label = batch
        outputs = torch.func.functional_call(model, parameters, row)
        return torch.nn.functional.cross_entropy(outputs, label.squeeze(0))

    states = []
    for number in range(len(problem["heads"])):
        _loader(problem)(model, number)
        states.append({name: each.clone() for name, each in model.state_dict().items()})
    task = AttributionTask(loss_func=loss, model=model, checkpoints=states)
    attributor = TracInAttributor(task=task, weight_list=torch.ones(len(states)), normalized_grad=False, device="cpu")
    attributor.projector_kwargs = None  # otherwise 512 dimensions by default: another score

    def loader(rows: str, labels: str) -> Any:
        data = torch.utils.data.TensorDataset(torch.from_numpy(problem[rows]), torch.from_numpy(problem[labels]))
        return torch.utils.data.DataLoader(data, batch_size=1000, shuffle=False)

    return lambda: attributor.attribute(loader("x", "y"), loader("xq", "yq")).numpy().ravel()


def _kronfluence(problem: dict[str, Any]) -> Work:
    import tempfile

    import torch
    from kronfluence.analyzer import Analyzer, prepare_model
    from kronfluence.arguments import FactorArguments, ScoreArguments
    from kronfluence.task import Task

    class Classify(Task):  # type: ignore[misc]
        def compute_train_loss(self, batch: Any, model: Any, sample: bool = False) -> Any:
            return torch.nn.functional.cross_entropy(model(batch[0]), batch[1], reduction="sum")

        def compute_measurement(self, batch: Any, model: Any) -> Any:
            return self.compute_train_loss(batch, model)

    task = Classify()
    model = prepare_model(torch_head(problem), task)
    sets = {
        side: torch.utils.data.TensorDataset(torch.from_numpy(problem[a]), torch.from_numpy(problem[b]))
        for side, a, b in (("train", "x", "y"), ("query", "xq", "yq"))
    }
    folder = tempfile.mkdtemp()
    analyzer = Analyzer(
        analysis_name="benchmark", model=model, task=task, cpu=True, output_dir=folder, disable_tqdm=True,
        disable_model_save=True,
    )  # fmt: skip
    analyzer.fit_all_factors(
        "identity", dataset=sets["train"], factor_args=FactorArguments(strategy="identity"), overwrite_output_dir=True
    )

    def work() -> np.ndarray:
        analyzer.compute_pairwise_scores(
            scores_name="all", factors_name="identity", query_dataset=sets["query"], train_dataset=sets["train"],
            per_device_query_batch_size=1000, per_device_train_batch_size=2000, overwrite_output_dir=True,
            score_args=ScoreArguments(aggregate_query_gradients=True),
        )  # fmt: skip
        return analyzer.load_pairwise_scores("all")["all_modules"].numpy().ravel() / len(problem["xq"])

    return work


def influence_block(problem: dict[str, Any], dense: bool) -> dict[str, Work]:
    """Exact influence; the reference is a product with the embeddings, of which 40 are allowed."""
    x, y, weight, xq, yq, l2 = (problem[name] for name in ("x", "y", "weight", "xq", "yq", "l2"))
    columns = weight[:, :-1].astype(np.float32).T.copy()
    spectrum = Spectrum.of(x)
    works: dict[str, Work] = {
        "one BLAS product, embeddings × c columns": lambda: x @ columns,
        "yori influence to 1e-5": lambda: influence(x, y, weight, xq, yq, l2=l2, tolerance=1e-5).scores,
        "yori influence to 1e-5, spectrum at hand": lambda: (
            influence(x, y, weight, xq, yq, l2=l2, tolerance=1e-5, spectrum=spectrum).scores
        ),
        "yori damping_path, nine dampings, to 1e-4": lambda: damping_path(
            x, y, weight, xq, yq, l2=l2, tolerance=1e-4, spectrum=spectrum
        ).scores[0],
        "yori influence with leverage": lambda: (
            influence(x, y, weight, xq, yq, l2=l2, tolerance=1e-5, spectrum=spectrum, leverage=True).scores
        ),
    }
    if dense:
        works["dense Hessian and Cholesky"] = lambda: dense_influence(problem)
    return works


def dense_influence(problem: dict[str, Any]) -> np.ndarray:
    """Influence by writing the Hessian down: what peers do."""
    from scipy.linalg import cho_factor, cho_solve

    x, y, weight, xq, yq, l2 = (problem[name] for name in ("x", "y", "weight", "xq", "yq", "l2"))
    h = np.c_[x, np.ones(len(x), dtype=np.float32)].astype(np.float64)
    c, width = weight.shape
    probs = LINKS["softmax"].probs(h @ weight.T)
    hessian = np.empty((c, width, c, width))
    for a in range(c):
        for b in range(a, c):
            bend = (probs[:, a] * ((a == b) - probs[:, b]))[:, None] / len(h)
            hessian[a, :, b] = h.T @ (bend * h)
            hessian[b, :, a] = hessian[a, :, b]
    flat = hessian.reshape(c * width, c * width)
    flat[np.diag_indices_from(flat)] += l2
    solution = cho_solve(
        cho_factor(flat, lower=True, overwrite_a=True), query("nll", xq, yq, weight).gradient().ravel()
    )
    residual = probs - np.eye(c)[y]
    return (residual * (h @ solution.reshape(c, width).T)).sum(axis=1) / len(h)


def knn_block(problem: dict[str, Any]) -> dict[str, Work]:
    """Exact KNN-Shapley, k = 10."""
    x, y, xq, yq = (problem[name] for name in ("x", "y", "xq", "yq"))
    works: dict[str, Work] = {"yori knn_shapley": lambda: knn_shapley(x, y, xq, yq, k=10)}
    try:
        from pydvl.valuation import Dataset, KNNShapleyValuation
        from sklearn.neighbors import KNeighborsClassifier
    except ImportError:
        return works
    train, asked = Dataset(x, y), Dataset(xq, yq)

    def peer() -> np.ndarray:
        model = KNeighborsClassifier(n_neighbors=10)
        valuation = KNNShapleyValuation(model=model, test_data=asked, progress=False)
        result = valuation.fit(train).result
        values = np.empty(len(x))
        values[np.asarray(result.indices)] = result.values
        return values

    works["pyDVL KNNShapleyValuation"] = peer
    return works


def peer_versions() -> dict[str, str]:
    """Versions that decide the figures, the peers' included."""
    used = versions()
    for package in PEERS:
        try:
            used[package] = version(package)
        except PackageNotFoundError:
            used[package] = "not installed"
    return used


def agreement(works: dict[str, Work]) -> dict[str, dict[str, float]]:
    """How each row's scores compare with yori's."""
    names = [name for name in works if "BLAS" not in name]
    ours = works[names[0]]()
    found = {}
    for name in names[1:]:
        other = works[name]()
        if other.shape != ours.shape:
            continue
        scale = float((ours @ other) / (other @ other))
        some = slice(None, None, max(1, len(ours) // 200_000))
        found[name] = {
            "spearman": float(spearmanr(ours[some], other[some])[0]),
            "largest_difference": float(np.abs(ours - scale * other).max() / np.abs(ours).max()),
            "scale": scale,
        }
    return found


def main() -> None:
    """Time every block, print a table, and write ``benchmarks/results/<date>-attribution.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--blocks", nargs="+", default=["tracin-10", "tracin-50", "influence-10", "influence-50", "knn"]
    )
    parser.add_argument("--skip", nargs="+", default=[], help="rows whose name begins like this, such as dattri")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    used = peer_versions()
    makers: dict[str, Callable[[], dict[str, Work]]] = {
        "tracin-10": lambda: tracin_block(make(arguments.rows, 768, 10)),
        "tracin-50": lambda: tracin_block(make(arguments.rows, 768, 50)),
        "tracin-10-three": lambda: tracin_block(make(arguments.rows, 768, 10, checkpoints=3)),
        "tracin-50-three": lambda: tracin_block(make(arguments.rows, 768, 50, checkpoints=3)),
        "matrix-10-three": lambda: matrix_block(make(arguments.rows, 768, 10, checkpoints=3)),
        "matrix-50-three": lambda: matrix_block(make(arguments.rows, 768, 50, checkpoints=3)),
        "matrix-10-ten": lambda: matrix_block(make(arguments.rows, 768, 10, checkpoints=10)),
        "matrix-50-ten": lambda: matrix_block(make(arguments.rows, 768, 50, checkpoints=10)),
        "influence-small": lambda: influence_block(make(5_000, 256, 10), dense=True),
        "influence-10": lambda: influence_block(make(arguments.rows, 768, 10), dense=False),
        "influence-10-dense": lambda: influence_block(make(arguments.rows, 768, 10), dense=True),
        "influence-50": lambda: influence_block(make(arguments.rows, 768, 50), dense=False),
        "knn": lambda: knn_block(make(arguments.rows // 2, 768, 10)),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC).date()}-attribution.json"
    report = json.loads(path.read_text()) if path.exists() else {"blocks": {}}
    report["versions"] = used
    for block in arguments.blocks:
        works = makers[block]()
        works = {name: work for name, work in works.items() if not name.startswith(tuple(arguments.skip))}
        medians = measure(works, arguments.rounds, np.random.default_rng(1))  # type: ignore[arg-type]
        reference = next(iter(medians))
        ours = next(name for name in medians if name.startswith("yori"))
        print(f"\n{block}\n     clock       processor   processor ratio to reference, to yori")
        rows = []
        for name, (clock, processor) in medians.items():
            ratio, to_ours = processor / medians[reference][1], processor / medians[ours][1]
            print(f"{clock * 1e3:9.1f} ms {processor * 1e3:9.1f} ms {ratio:8.2f}x {to_ours:8.2f}x  {name}")
            rows.append(
                {"name": name, "seconds": clock, "processor_seconds": processor, "processor_ratio": ratio,
                 "processor_ratio_to_yori": to_ours}
            )  # fmt: skip
        agreed = agreement(works)
        print(json.dumps(agreed, indent=1))
        report["blocks"][block] = {
            "rows": arguments.rows, "rounds": arguments.rounds, "results": rows, "agreement": agreed,
        }  # fmt: skip
        path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\nWrote {path}")


if __name__ == "__main__":
    main()
