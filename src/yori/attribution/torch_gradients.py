"""Beyond the head: projected gradients of chosen layers of any torch model, on disk, and scores from them.

For LoRA or adapter weights, the last block, or the whole model. Each training example's gradient is taken by `torch.func`,
many examples at once, projected (random_projection.py) and written to a memory-mapped file; an interrupted run goes on where
it was. Of the query side one gradient is enough, whatever the objective: that of ``Σ_j ⟨r_j, z_j⟩`` with the logits ``z`` and
the rows ``r`` of objectives.py. Scores are those of trak.py:

* ``output="margin"``: TRAK, gradients of the margin ``log p_y / (1 − p_y)``, weighed by ``1 − p_y``;
* ``output="loss"``: influence with the empirical Fisher in the projection (LoGra), gradients of the loss.

Extra ``yori[torch]``. Import this module by name: nothing else in the package needs torch.

References
----------
Park et al., ICML 2023 (TRAK). Choe et al., arXiv 2405.13954 (LoGra).
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from yori.arrays import check_labels, check_length
from yori.attribution.methods import Question
from yori.attribution.objectives import Objective, query_of_logits
from yori.attribution.random_projection import Projection
from yori.attribution.trak import trak_of_gradients
from yori.errors import MissingExtraError, ShapeError, ValuesError
from yori.workers import Progress, silent

BATCH = 32
OUTPUTS = ("margin", "loss")


@dataclass(frozen=True)
class TorchGradients:
    """Projected gradients of training examples, as `torch_gradients` left them in ``folder``.

    ``features (n, k)`` float32, memory-mapped; ``unsure (n,)``: ``1 − p_y`` for margins, −1 for losses.
    """

    folder: Path
    features: Float[np.ndarray, "n k"]
    unsure: Float[np.ndarray, " n"]
    layers: tuple[str, ...]
    projection: Projection | None

    def query_gradient(
        self,
        model: Any,
        inputs: Any,
        labels: Int[np.ndarray, " m"],
        *,
        objective: str | Objective = "nll",
        temperature: float = 1.0,
        batch: int = BATCH,
    ) -> Float[np.ndarray, " k"]:
        """Gradient ``(k,)`` of an objective over query examples, in the same projection."""
        torch = _torch()
        called = _Called(torch, model, self.layers)
        targets = np.asarray(labels)
        check_length(targets, len(inputs), name="labels", where="query_gradient")
        logits = np.concatenate([called.logits(inputs, rows).detach().cpu().numpy() for rows in _blocks(inputs, batch)])
        targets = check_labels(targets, logits.shape[1], where="query_gradient")
        nothing = np.zeros((len(logits), 1), dtype=np.float32)
        asked = query_of_logits(objective, nothing, targets, logits, temperature=temperature).rows
        total = [torch.zeros_like(each) for each in called.chosen.values()]
        for rows in _blocks(inputs, batch):
            parts = torch.as_tensor(asked[rows], device=called.device)
            given = {name: each.detach().requires_grad_() for name, each in called.chosen.items()}
            value = (called.outputs(given, inputs[rows]) * parts).sum()
            for mine, gradient in zip(total, torch.autograd.grad(value, list(given.values())), strict=True):
                mine += gradient
        found: Float[np.ndarray, " k"] = _projected(torch, [each[None] for each in total], self.projection)[0]
        return found.astype(np.float64)

    def scores(self, query_gradient: Float[np.ndarray, " k"], *, l2: float) -> Float[np.ndarray, " n"]:
        """``(n,)``; **positive = the example helps**. See `trak_of_gradients`."""
        return trak_of_gradients(self.features, query_gradient, self.unsure, l2=l2)

    def method(
        self, model: Any, query_inputs: Any
    ) -> Callable[[Question, np.random.Generator], Float[np.ndarray, " n"]]:
        """A method like those of `METHODS`: a `Question` supplies the query labels, the objective and ``l2``."""

        def ask(question: Question, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
            check_length(self.unsure, len(question.labels), name="stored gradients", where="torch_gradients")
            asked = self.query_gradient(model, query_inputs, question.query_labels, objective=question.objective)
            return self.scores(asked, l2=question.l2)

        return ask


def torch_gradients(
    model: Any,
    inputs: Any,
    labels: Int[np.ndarray, " n"],
    *,
    layers: Sequence[str],
    folder: str | Path,
    dimensions: int | None = 512,
    seed: int = 0,
    projection: str = "dense",
    output: str = "margin",
    batch: int = BATCH,
    progress: Progress = silent,
) -> TorchGradients:
    """Project the gradient of every training example with respect to chosen layers, and keep them in ``folder``.

    Parameters
    ----------
    model
        A ``torch.nn.Module`` from a batch of inputs to logits ``(b, c)``. It is asked in evaluation mode.
    inputs
        A tensor ``(n, …)``, or anything with a length that gives tensors for slices.
    labels
        ``(n,)`` classes.
    layers
        Names of parameters or of modules that hold them, such as ``["head"]`` or ``["blocks.11", "lora"]``.
    folder
        Where features are kept. A finished run is opened, an interrupted one goes on, one of other inputs begins anew.
    dimensions
        Of the projection; None = no projection.
    seed
        Decides the projection. A number, not a generator: the projection is made again in every batch and every run.
    projection
        ``dense`` or ``kronecker``.
    output
        ``margin`` or ``loss``.
    batch
        Examples at a time; memory is ``batch`` times the parameters of the layers.

    Raises
    ------
    MissingExtraError
        Without torch.
    ShapeError, ValuesError
        On labels that do not fit, layers without parameters, gradients that are not finite.

    Examples
    --------
    >>> import tempfile, torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    >>> x, y = torch.randn(6, 3), np.array([0, 1, 0, 1, 0, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stored = torch_gradients(model, x, y, layers=["2"], folder=folder, dimensions=5)
    ...     stored.scores(stored.query_gradient(model, x[:2], y[:2]), l2=0.1).shape
    (6,)
    """
    torch = _torch()
    if output not in OUTPUTS:
        raise ValuesError(f"an output out of {', '.join(OUTPUTS)}", repr(output), where="torch_gradients")
    if batch < 1:
        raise ValuesError("batch ≥ 1", str(batch), where="torch_gradients")
    called = _Called(torch, model, tuple(layers))
    n = len(inputs)
    targets = np.asarray(labels)
    check_length(targets, n, name="labels", where="torch_gradients")
    if n == 0:
        raise ShapeError("at least one example", "none", where="torch_gradients")
    classes = int(called.logits(inputs, slice(0, 1)).shape[1])
    targets = check_labels(targets, classes, where="torch_gradients")
    shapes = [tuple(each.shape) for each in called.chosen.values()]
    made = None if dimensions is None else Projection.of(shapes, dimensions=dimensions, seed=seed, kind=projection)
    width = sum(int(np.prod(shape)) for shape in shapes) if made is None else made.dimensions
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    key = _key(called, inputs, targets, [list(called.chosen), dimensions, seed, projection, output])
    done = _done(home, key)
    features = _mapped(home / "features.npy", (n, width), anew=done == 0)
    unsure = _mapped(home / "unsure.npy", (n,), anew=done == 0)
    gradients = _per_example(torch, called, output)
    progress("gradients", done, n)
    for start in range(done, n, batch):
        rows = slice(start, min(start + batch, n))
        own = torch.as_tensor(targets[rows, None] == np.arange(classes), device=called.device)
        parts, doubt = gradients(called.chosen, inputs[rows].to(called.device), own)
        found = _projected(torch, list(parts.values()), made)
        if not np.isfinite(found).all():
            row = start + int((~np.isfinite(found).all(axis=1)).argmax())
            raise ValuesError("finite gradients", f"NaN or infinity in row {row}", where="torch_gradients")
        features[rows] = found
        unsure[rows] = doubt.detach().cpu().numpy() if output == "margin" else -1
        features.flush()
        unsure.flush()
        _note(home, key, rows.stop)
        progress("gradients", rows.stop, n)
    return TorchGradients(
        home, np.load(home / "features.npy", mmap_mode="r"), np.load(home / "unsure.npy"), tuple(layers), made
    )


class _Called:
    """A model as a function of the parameters of some of its layers."""

    def __init__(self, torch: Any, model: Any, layers: tuple[str, ...]) -> None:
        self.torch, self.model = torch, model
        every = {name: each.detach() for name, each in model.named_parameters()}
        self.chosen = {
            name: each
            for name, each in every.items()
            if any(name == layer or name.startswith(layer + ".") for layer in layers)
        }
        if not self.chosen:
            some = ", ".join(list(every)[:8])
            raise ValuesError(
                f"layers that hold parameters, such as {some}", repr(list(layers)), where="torch_gradients"
            )
        buffers = {name: each.detach() for name, each in model.named_buffers()}
        self.rest = {name: each for name, each in every.items() if name not in self.chosen} | buffers
        self.device = next(iter(self.chosen.values())).device

    def outputs(self, chosen: dict[str, Any], inputs: Any) -> Any:
        """Logits ``(b, c)``, in evaluation mode."""
        modes = {module: module.training for module in self.model.modules()}
        try:
            self.model.eval()
            return self.torch.func.functional_call(self.model, {**self.rest, **chosen}, (inputs.to(self.device),))
        finally:
            for module, mode in modes.items():
                module.training = mode

    def logits(self, inputs: Any, rows: slice) -> Any:
        """Logits of some of the inputs."""
        with self.torch.no_grad():
            found = self.outputs(self.chosen, inputs[rows])
        if found.ndim != 2:
            raise ShapeError(
                "a model that returns logits (b, c)", f"shape {tuple(found.shape)}", where="torch_gradients"
            )
        return found


def _per_example(torch: Any, called: _Called, output: str) -> Callable[..., Any]:
    def value(chosen: dict[str, Any], one: Any, own: Any) -> tuple[Any, Any]:
        log_probs = torch.log_softmax(called.outputs(chosen, one[None])[0], dim=0)
        likelihood = torch.where(own, log_probs, 0).sum()
        others = torch.logsumexp(torch.where(own, -torch.inf, log_probs), dim=0)  # log (1 − p_y), without cancellation
        return (likelihood - others if output == "margin" else -likelihood), torch.exp(others)

    return torch.func.vmap(torch.func.grad(value, has_aux=True), in_dims=(None, 0, 0))


def _projected(torch: Any, gradients: list[Any], projection: Projection | None) -> Float[np.ndarray, "b k"]:
    count = len(gradients[0])
    if projection is None:
        joined: Float[np.ndarray, "b k"] = (
            torch.cat([each.reshape(count, -1) for each in gradients], dim=1).cpu().numpy()
        )
        return joined
    device = gradients[0].device
    pieces = []
    for number, (gradient, inner) in enumerate(
        zip(gradients, [each for _, each in projection.parts()] * (len(gradients) if projection.kind == "dense" else 1),
            strict=True)
    ):  # fmt: skip
        if inner:
            left, right = (torch.as_tensor(each, device=device) for each in projection.factors(number))
            pieces.append((left.T @ gradient.reshape(count, gradient.shape[1], -1) @ right).reshape(count, -1))
            continue
        flat, part = gradient.reshape(count, -1), 0
        for rows, matrix in projection.chunks(number):
            part = part + flat[:, rows] @ torch.as_tensor(matrix, device=device)
        pieces.append(part)
    whole = sum(pieces[1:], start=pieces[0]) if projection.kind == "dense" else torch.cat(pieces, dim=1)
    found: Float[np.ndarray, "b k"] = whole.detach().cpu().numpy()
    return found


def _blocks(inputs: Any, batch: int) -> list[slice]:
    return [slice(start, min(start + batch, len(inputs))) for start in range(0, len(inputs), batch)]


def _key(called: _Called, inputs: Any, targets: Int[np.ndarray, " n"], words: list[Any]) -> str:
    """Hash of the model, the labels and the first and last inputs: what makes stored features those of this run."""
    digest = sha256(json.dumps(words).encode())
    for name, each in sorted({**called.rest, **called.chosen}.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(each.cpu().to(called.torch.float64).numpy()).tobytes())
    digest.update(targets.tobytes())
    for rows in (slice(0, 1), slice(len(targets) - 1, len(targets))):
        digest.update(np.ascontiguousarray(inputs[rows].detach().cpu().numpy()).tobytes())
    return digest.hexdigest()


def _done(home: Path, key: str) -> int:
    try:
        said = json.loads((home / "done.json").read_text(encoding="utf-8"))
        return int(said["rows"]) if said["key"] == key else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _note(home: Path, key: str, rows: int) -> None:
    aside = home / f".done.{os.getpid()}"
    aside.write_text(json.dumps({"key": key, "rows": rows}), encoding="utf-8")
    os.replace(aside, home / "done.json")


def _mapped(path: Path, shape: tuple[int, ...], *, anew: bool) -> Any:
    if anew:
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    return np.lib.format.open_memmap(path, mode="r+")


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError:
        raise MissingExtraError("gradients of torch models", "torch") from None
