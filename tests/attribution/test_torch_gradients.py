"""The oracle is a loop of autograd, one example at a time."""

import json
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'yori[torch]'")

from yori.attribution import METHODS, Question, mislabel_auc  # noqa: E402
from yori.attribution.objectives import query_of_logits  # noqa: E402
from yori.attribution.random_projection import Projection  # noqa: E402
from yori.attribution.torch_gradients import torch_gradients  # noqa: E402
from yori.errors import MissingExtraError, ShapeError, ValuesError  # noqa: E402

LAYERS = ["2", "4"]


def make_model(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(5, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 6), torch.nn.Dropout(0.5),
        torch.nn.Linear(6, 3),
    )  # fmt: skip


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    x = torch.as_tensor(rng.normal(size=(30, 5)).astype(np.float32))
    return make_model(), x, rng.integers(0, 3, 30)


def by_autograd(model, x, y, output):
    """``(n, p)`` gradients, and ``1 − p_y``."""
    model.eval()
    chosen = [each for name, each in model.named_parameters() if name.split(".")[0] in LAYERS]
    rows, doubt = [], []
    for one, label in zip(x, y, strict=True):
        probs = torch.softmax(model(one[None])[0].double(), dim=0)
        value = torch.log(probs[label] / (1 - probs[label])) if output == "margin" else -torch.log(probs[label])
        rows.append(torch.cat([each.ravel() for each in torch.autograd.grad(value, chosen)]).numpy())
        doubt.append(1 - float(probs[label].detach()))
    return np.array(rows), np.array(doubt)


@pytest.mark.parametrize("output", ["margin", "loss"])
@pytest.mark.parametrize("batch", [1, 7, 100])
def test_gradients_are_those_of_autograd(tmp_path, problem, output, batch):
    model, x, y = problem
    expected, doubt = by_autograd(model, x, y, output)
    model.train()  # it is asked in evaluation mode whatever mode it is in, and left as it was
    found = torch_gradients(model, x, y, layers=LAYERS, folder=tmp_path, dimensions=None, output=output, batch=batch)
    assert model.training
    np.testing.assert_allclose(found.features, expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found.unsure, doubt if output == "margin" else -1, rtol=1e-4)


def test_dense_projection_is_a_product(tmp_path, problem):
    model, x, y = problem
    found = torch_gradients(model, x, y, layers=LAYERS, folder=tmp_path, dimensions=11, seed=5)
    shapes = [(6, 8), (6,), (3, 6), (3,)]
    projection = Projection.of(shapes, dimensions=11, seed=5)
    matrix = np.concatenate([part for number in range(4) for _, part in projection.chunks(number)])
    np.testing.assert_allclose(found.features, by_autograd(model, x, y, "margin")[0] @ matrix, rtol=1e-3, atol=1e-4)


def test_kronecker_projection_is_two_products(tmp_path, problem):
    model, x, y = problem
    found = torch_gradients(model, x, y, layers=["2.weight"], folder=tmp_path, dimensions=12, projection="kronecker")
    full = torch_gradients(model, x, y, layers=["2.weight"], folder=tmp_path / "full", dimensions=None).features
    left, right = Projection.of([(6, 8)], dimensions=12, seed=0, kind="kronecker").factors(0)
    expected = np.einsum("nij,ia,jb->nab", full.reshape(-1, 6, 8), left, right).reshape(30, 12)
    np.testing.assert_allclose(found.features, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("objective", ["nll", "aurc_soft", "calibration"])
def test_the_query_gradient_is_that_of_the_objective(tmp_path, problem, objective):
    model, x, y = problem
    stored = torch_gradients(model, x, y, layers=LAYERS, folder=tmp_path, dimensions=None)
    found = stored.query_gradient(model, x[:9], y[:9], objective=objective, batch=4)
    model.eval()
    parameters = dict(model.named_parameters())
    rng = np.random.default_rng(1)
    steps = {name: rng.normal(size=parameters[name].shape) for name in parameters if name.split(".")[0] in LAYERS}
    values = []
    double = model.double()
    for sign in (1, -1):
        with torch.no_grad():
            for name, step in steps.items():
                parameters[name] += sign * 1e-6 * torch.as_tensor(step)
            logits = double(x[:9].double()).numpy()
            for name, step in steps.items():
                parameters[name] -= sign * 1e-6 * torch.as_tensor(step)
        values.append(query_of_logits(objective, np.zeros((9, 1)), y[:9], logits).value)
    expected = (values[0] - values[1]) / 2e-6
    assert found @ np.concatenate([step.ravel() for step in steps.values()]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("output", ["margin", "loss"])
def test_scores_by_hand(tmp_path, problem, output):
    model, x, y = problem
    stored = torch_gradients(model, x, y, layers=LAYERS, folder=tmp_path, dimensions=None, output=output)
    asked = stored.query_gradient(model, x[:9], y[:9])
    features, doubt = by_autograd(model, x, y, output)
    moment = features.T @ features / 30 + 0.1 * np.eye(features.shape[1])
    aligned = features @ np.linalg.solve(moment, asked) / 30
    expected = -aligned * doubt if output == "margin" else aligned
    np.testing.assert_allclose(stored.scores(asked, l2=0.1), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("output", "projection"), [("margin", "dense"), ("loss", "kronecker")])
def test_finds_wrong_labels_through_the_interface_of_all_methods(tmp_path, output, projection):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 240)
    x = (3 * np.eye(3, 5)[truth] + rng.normal(size=(240, 5))).astype(np.float32)
    wrong = (rng.random(240) < 0.1) & (np.arange(240) < 160)
    y = np.where(wrong, (truth + 1) % 3, truth)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))
    rows, labels = torch.as_tensor(x), torch.as_tensor(y)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(rows[:160]), labels[:160]).backward()
        optimiser.step()
    stored = torch_gradients(
        model, rows[:160], y[:160], layers=["0", "2"], folder=tmp_path, dimensions=64, projection=projection,
        output=output,
    )  # fmt: skip
    question = Question(x[:160], y[:160], np.zeros((3, 6)), x[160:], y[160:], l2=0.05)
    scores = stored.method(model, rows[160:])(question, np.random.default_rng(0))
    assert mislabel_auc(scores, wrong[:160]) > 0.75
    assert scores.shape == METHODS["random"](question, rng).shape


def test_goes_on_after_an_interruption(tmp_path, problem):
    model, x, y = problem
    whole = torch_gradients(model, x, y, layers=LAYERS, folder=tmp_path / "whole", dimensions=4, batch=8)

    class Stop(Exception):
        pass

    def stop(what, done, total):
        if done == 16:
            raise Stop

    with pytest.raises(Stop):
        torch_gradients(model, x, y, layers=LAYERS, folder=tmp_path / "part", dimensions=4, batch=8, progress=stop)
    heard = []
    found = torch_gradients(
        model, x, y, layers=LAYERS, folder=tmp_path / "part", dimensions=4, batch=8,
        progress=lambda what, done, total: heard.append(done),
    )  # fmt: skip
    assert heard == [16, 24, 30]
    np.testing.assert_array_equal(found.features, whole.features)
    np.testing.assert_array_equal(found.unsure, whole.unsure)


def test_other_inputs_begin_anew(tmp_path, problem):
    model, x, y = problem
    options = {"layers": LAYERS, "folder": tmp_path, "dimensions": 4}
    torch_gradients(model, x, y, **options)
    for change in ({"seed": 1}, {"output": "loss"}, {"dimensions": 5}):
        heard = []
        torch_gradients(
            model, x, y, **{**options, **change}, progress=lambda what, done, total, heard=heard: heard.append(done)
        )
        assert heard[0] == 0
    with torch.no_grad():
        model[0].bias += 1  # another model, though not in the chosen layers
    heard = []
    torch_gradients(model, x, y, **options, progress=lambda what, done, total: heard.append(done))
    assert heard[0] == 0
    (tmp_path / "done.json").write_text(json.dumps(["nonsense"]))
    torch_gradients(model, x, y, **options)


@pytest.mark.usefixtures("unchecked")
def test_refusals(tmp_path, problem):
    model, x, y = problem
    options = {"layers": LAYERS, "folder": tmp_path, "dimensions": 4}
    cases = [
        ({"layers": ["encoder"]}, ValuesError, r"layers that hold parameters, such as 0.weight.*got \['encoder'\]"),
        ({"output": "accuracy"}, ValuesError, "an output out of margin, loss"),
        ({"batch": 0}, ValuesError, "batch ≥ 1"),
        ({"projection": "sparse"}, ValuesError, "dense or kronecker"),
        ({"labels": y[1:]}, ShapeError, "30 rows in labels"),
        ({"labels": y + 1}, ValuesError, "labels in 0 … 2"),
        ({"inputs": x[:0], "labels": y[:0]}, ShapeError, "at least one example"),
    ]
    for change, error, message in cases:
        with pytest.raises(error, match=message):
            torch_gradients(**{"model": model, "inputs": x, "labels": y, **options, **change})
    bad = x.clone()
    bad[17, 0] = torch.nan
    with pytest.raises(ValuesError, match="row 17"):
        torch_gradients(model, bad, y, **options)
    with pytest.raises(ShapeError, match="a model that returns logits"):
        torch_gradients(torch.nn.Sequential(model, torch.nn.Flatten(0)), x, y, **{**options, "layers": ["0"]})


def test_without_torch(tmp_path, problem, monkeypatch):
    model, x, y = problem
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r'pip install "yori\[torch\]"'):
        torch_gradients(model, x, y, layers=LAYERS, folder=tmp_path)
