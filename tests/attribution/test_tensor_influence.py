"""What a solve on a device hands back: the parts that `influence_of_sensitivity` makes scores of."""

import numpy as np
import pytest
from tests.attribution.small_problem import make

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'yori[torch]'")

from yori.attribution import influence  # noqa: E402
from yori.attribution.tensor_influence import solved_on_device  # noqa: E402
from yori.errors import ConvergenceError, ValuesError  # noqa: E402
from yori.heads import LINKS, fit_softmax  # noqa: E402

OPTIONS = {
    "objective": "nll", "tolerance": 1e-10, "sample_weight": None, "leverage": False, "temperature": 1.0,
    "link": "softmax", "spectrum": None,
}  # fmt: skip


def solved(given, dtype=torch.float64, **options):
    return solved_on_device(
        torch.as_tensor(given.x).to(dtype), torch.as_tensor(given.y), given.weight, given.xq, given.yq,
        **{**OPTIONS, "l2": given.l2, "link": given.link, **options},
    )  # fmt: skip


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_parts_are_those_of_a_dense_solve(link):
    given = make(n=80, m=10, link=link)
    probs, targets, share, sensitivity, value, leverage, norm = solved(given)
    h, hq = np.c_[given.x, np.ones(80)], np.c_[given.xq, np.ones(10)]
    expected = LINKS[link].probs(h @ given.weight.T)
    np.testing.assert_allclose(probs, expected, rtol=1e-12)
    np.testing.assert_array_equal(targets, given.y)
    np.testing.assert_allclose(share, np.full(80, 1 / 80))
    assert leverage is None
    assert norm < 1e-8
    blocks = LINKS[link].curvature_blocks(expected)
    hessian = np.einsum("ncd,nj,nk->cjdk", blocks, h, h).reshape(21, 21) / 80 + given.l2 * np.eye(21)
    hot = np.eye(3)[given.yq] if link == "softmax" else given.yq
    gradient = (LINKS[link].probs(hq @ given.weight.T) - hot).T @ hq / 10
    solution = np.linalg.solve(hessian, gradient.ravel()).reshape(3, 7)
    np.testing.assert_allclose(sensitivity, h @ solution.T, rtol=1e-6, atol=1e-9)
    losses = LINKS[link].losses(hq @ given.weight.T, given.yq)
    assert value == pytest.approx(losses.mean())


def test_single_precision_and_weights_of_zero():
    given = make(n=80, m=10)
    weights = np.where(np.arange(80) < 20, 0.0, 1.0)
    head = fit_softmax(given.x, given.y, l2=given.l2, sample_weight=weights, tolerance=1e-9).weight
    rows = torch.as_tensor(given.x).to(torch.float32)
    found = influence(rows, given.y, head, given.xq, given.yq, l2=given.l2, sample_weight=weights, tolerance=1e-5)
    expected = influence(given.x, given.y, head, given.xq, given.yq, l2=given.l2, sample_weight=weights)
    assert (found.scores[:20] == 0).all()
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4 * np.abs(expected.scores).max())
    assert found.gradient_norm < 1e-3


def test_leverage_is_there_where_it_is_asked_for():
    given = make(n=40, m=10)
    leverage = solved(given, leverage=True)[5]
    assert leverage.spread.shape == (40, 3)
    assert (leverage.spread > 0).all()


@pytest.mark.parametrize("l2", [0.0, -1.0])
def test_without_a_penalty_the_problem_is_singular(l2):
    with pytest.raises(ValuesError, match="l2 > 0"):
        solved(make(n=20, m=5), l2=l2)


def test_a_solve_that_stalls_is_said():
    """A large mean in every feature and little penalty are too much for single precision."""
    given = make(n=80, m=10)
    given.x = 30 * given.x + 1000
    given.weight = np.c_[given.weight[:, :-1] / 30, given.weight[:, -1] - 1000 / 30 * given.weight[:, :-1].sum(axis=1)]
    with pytest.raises(ConvergenceError, match="conjugate gradients: expected a residual of 1e-10"):
        solved(given, dtype=torch.float32, l2=1e-7)
    assert np.isfinite(solved(given, tolerance=1e-6, l2=1e-7)[3]).all()  # double precision does it
