"""Torch tensors (CPU here) say what arrays say."""

import subprocess
import sys

import numpy as np
import pytest
from tests.attribution.small_problem import make

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'yori[torch]'")

from yori.attribution import influence, tracin  # noqa: E402
from yori.attribution.convergence import gradient_sums  # noqa: E402
from yori.attribution.tensors import TensorCurvature, sensitivity_of, tensor_products  # noqa: E402
from yori.attribution.tracin import gradient_products  # noqa: E402
from yori.errors import InputError, MissingExtraError, ShapeError, ValuesError  # noqa: E402
from yori.heads import LINKS, Curvature  # noqa: E402
from yori.heads.curvature import logits_of  # noqa: E402

# Heads that were fitted without the weights say what others say, too.
pytestmark = pytest.mark.filterwarnings("ignore::yori.attribution.influence.UnconvergedWarning")


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
@pytest.mark.parametrize("blocks", [100, 10**9])
def test_tracin(link, blocks, monkeypatch):
    monkeypatch.setattr("yori.attribution.tensors.HOST_BYTES", blocks)
    given = make(n=700, link=link)
    options = {"step_sizes": [0.5, 2.0], "objective": "aurc", "link": link, "temperature": 0.8}
    found = tracin(torch.as_tensor(given.x), torch.as_tensor(given.y), given.weights, given.xq, given.yq, **options)
    np.testing.assert_allclose(found, tracin(*given.checkpoints, **options), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("leverage", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_influence(link, weighted, leverage):
    given = make(link=link)
    weights = np.random.default_rng(0).random(150) if weighted else None
    options = {
        "l2": given.l2, "link": link, "sample_weight": weights, "leverage": leverage, "tolerance": 1e-10,
        "objective": "brier",
    }  # fmt: skip
    found = influence(
        torch.as_tensor(given.x), torch.as_tensor(given.y), given.weight, torch.as_tensor(given.xq),
        torch.as_tensor(given.yq), **options,
    )  # fmt: skip
    expected = influence(*given.sides, **options)
    scale = np.abs(expected.scores).max()
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-6, atol=1e-8 * scale)
    np.testing.assert_allclose(found.relabel_effect(), expected.relabel_effect(), rtol=1e-4, atol=1e-6 * scale)
    assert found.objective_value == pytest.approx(expected.objective_value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int8])
def test_other_kinds_of_numbers(dtype):
    given = make()
    rows = torch.as_tensor(np.round(given.x * 4)).to(dtype)
    plain = rows.to(torch.float32).numpy()
    found = tracin(rows, torch.as_tensor(given.y), given.weight, given.xq, given.yq)
    expected = tracin(plain, given.y, given.weight, given.xq, given.yq)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    solved = influence(rows, given.y, given.weight, given.xq, given.yq, l2=0.1, tolerance=1e-4).scores
    expected = influence(plain, given.y, given.weight, given.xq, given.yq, l2=0.1, tolerance=1e-4).scores
    np.testing.assert_allclose(solved, expected, atol=1e-3 * np.abs(expected).max())


def test_gradients_of_the_rows_do_not_matter():
    given = make()
    rows = torch.as_tensor(given.x).requires_grad_()
    np.testing.assert_allclose(tracin(rows, given.y, given.weight, given.xq, given.yq), tracin(*given.sides), rtol=1e-9)


def test_refusals():
    given = make()
    rows, labels = torch.as_tensor(given.x), torch.as_tensor(given.y)
    rest = (given.weight, given.xq, given.yq)
    bad = rows.clone()
    bad[13, 1] = torch.nan
    for method, options in ((tracin, {}), (influence, {"l2": 0.1})):
        with pytest.raises(ValuesError, match="row 13"):
            method(bad, labels, *rest, **options)
        with pytest.raises(ShapeError):
            method(rows, labels[1:], *rest, **options)
        with pytest.raises(ValuesError, match="labels"):
            method(rows, labels + 5, *rest, **options)
        with pytest.raises(ShapeError):
            method(rows[:, :3], labels, *rest, **options)
    with pytest.raises(ValuesError, match="refine=0 with tensors"):
        influence(rows, labels, *rest, l2=0.1, refine=3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["torch", "numpy"])
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_the_same_lines_run_on_tensors_and_on_arrays(link, kind, dtype):
    """The kernels against the array API standard, given tensors and given arrays, say what the NumPy kernels say."""
    given = make(n=700, link=link, dtype=dtype)
    rows, labels = (torch.as_tensor(given.x), torch.as_tensor(given.y)) if kind == "torch" else (given.x, given.y)
    tolerance = {np.float32: 2e-4, np.float64: 1e-10}[dtype]
    directions = np.stack([given.weights[0] * 0.3, given.weights[1][:, ::-1]])
    found = tensor_products(rows, labels, given.weights, directions, link)
    expected = gradient_products(given.x, given.y, given.weights, directions, link)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())
    share = np.random.default_rng(0).random(700)
    share /= share.sum()
    probs = LINKS[link].probs(logits_of(given.x, given.weight))
    plain = Curvature(given.x, probs, share.astype(dtype), l2=0.1, link=link)
    curved = TensorCurvature(rows, given.weight, share, l2=0.1, link=link, spectrum=plain.spectrum)
    both = curved.product(directions[0]), plain.product(directions[0])
    np.testing.assert_allclose(*both, rtol=tolerance, atol=tolerance * np.abs(both[1]).max())
    sums = curved.gradient_sums(given.y), gradient_sums(given.x, given.y, share.astype(dtype), given.weight, link)
    np.testing.assert_allclose(*sums, rtol=tolerance, atol=tolerance * np.abs(sums[1]).max())
    np.testing.assert_allclose(sensitivity_of(rows, directions[1]), logits_of(given.x, directions[1]), rtol=tolerance,
                               atol=tolerance)  # fmt: skip


def test_results_have_the_precision_of_the_tensor():
    given = make(dtype=np.float32)
    for dtype in (torch.float32, torch.float64):
        rows = torch.as_tensor(given.x).to(dtype)
        curved = TensorCurvature(rows, given.weight, np.full(150, 1 / 150), l2=0.1, link="softmax", spectrum=None)
        assert curved.row_probs.dtype == curved.row_share.dtype == dtype


@pytest.mark.parametrize("side", ["embeddings", "labels", "query"])
@pytest.mark.parametrize("how", ["a device without data", "sparse", "complex"])
def test_tensors_that_cannot_be_read(side, how):
    given = make()
    kinds = {
        "a device without data": lambda values: values.to("meta"),
        "sparse": lambda values: values.to_sparse(),
        "complex": lambda values: values.to(torch.complex64),
    }
    sides = {
        "embeddings": torch.as_tensor(given.x),
        "labels": torch.as_tensor(given.y),
        "query": torch.as_tensor(given.xq),
    }
    sides[side] = kinds[how](sides[side])
    for method, options in ((tracin, {}), (influence, {"l2": given.l2})):
        with pytest.raises(InputError, match="expected"):
            method(sides["embeddings"], sides["labels"], given.weight, sides["query"], given.yq, **options)


def test_without_array_api_compat(monkeypatch):
    given = make()
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    with pytest.raises(MissingExtraError, match=r'pip install "yori\[torch\]"'):
        tracin(torch.as_tensor(given.x), given.y, given.weight, given.xq, given.yq)


def test_arrays_load_no_torch():
    program = (
        "import sys, numpy as np; from yori.attribution import tracin; "
        "tracin(np.ones((3, 2)), np.array([0, 1, 0]), np.zeros((2, 3)), np.ones((1, 2)), np.array([1])); "
        "assert not {'torch', 'array_api_compat', 'distributed', 'ray'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
