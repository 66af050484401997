import numpy as np
import pytest
from tests.attribution.small_problem import make

from yori.attribution import OBJECTIVES, influence, tracin
from yori.attribution.objectives import query
from yori.attribution.pairwise import influence_blocks, tracin_blocks, tracin_matrix
from yori.attribution.weighted_objectives import GivenGradient
from yori.errors import ValuesError
from yori.heads import LINKS
from yori.heads.curvature import Curvature, logits_of

# Heads that were fitted without the weights say what others say, too.
pytestmark = pytest.mark.filterwarnings("ignore::yori.attribution.convergence.UnconvergedWarning")


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_tracin_is_the_dot_product_of_two_gradients(objective, link):
    given = make(n=20, m=7, link=link)
    sizes = [0.5, 2.0]
    expected = np.zeros((20, 7))
    for size, head in zip(sizes, given.weights, strict=True):
        asked = query(objective, given.xq, given.yq, head, link=link).rows
        residual = LINKS[link].probs(logits_of(given.x, head)) - LINKS[link].one_hot(given.y, 3)
        for i in range(20):
            for j in range(7):
                ours, theirs = np.outer(residual[i], [*given.x[i], 1]), np.outer(asked[j], [*given.xq[j], 1])
                expected[i, j] += size * (ours * theirs).sum()
    found = tracin_matrix(*given.checkpoints, step_sizes=sizes, objective=objective, link=link)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("rows", [1, 7, 10**6, None])
def test_blocks_of_rows_make_the_matrix_and_sum_to_tracin(rows):
    given = make()
    blocks = list(tracin_blocks(*given.checkpoints, rows=rows, objective="aurc"))
    assert [i for block, _ in blocks for i in range(block.start, block.stop)] == list(range(150))
    matrix = np.concatenate([scores for _, scores in blocks])
    np.testing.assert_allclose(matrix, tracin_matrix(*given.checkpoints, objective="aurc"), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(matrix.sum(axis=1), tracin(*given.checkpoints, objective="aurc"), rtol=1e-9, atol=1e-13)


def test_single_precision_and_a_file_to_write_into(tmp_path):
    given = make(dtype=np.float32)
    out = np.lib.format.open_memmap(tmp_path / "scores.npy", mode="w+", dtype=np.float32, shape=(150, 30))
    assert tracin_matrix(*given.checkpoints, out=out) is out
    double = tracin_matrix(given.x.astype(float), given.y, given.weights, given.xq.astype(float), given.yq)
    np.testing.assert_allclose(out, double, atol=1e-5 * np.abs(double).max())
    with pytest.raises(ValuesError, match=r"out of shape \(150, 30\)"):
        tracin_matrix(*given.checkpoints, out=np.empty((150, 30)))


@pytest.mark.parametrize("batch", [1, 4, 1000])
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_influence_is_a_solve_for_each_query(link, batch):
    given = make(n=60, m=9, link=link)
    weights = np.random.default_rng(0).random(60)
    probs = LINKS[link].probs(logits_of(given.x, given.weight))
    h, hq = np.c_[given.x, np.ones(60)], np.c_[given.xq, np.ones(9)]
    share = weights / weights.sum()
    blocks = LINKS[link].curvature_blocks(probs)
    hessian = np.einsum("i,icd,ij,ik->cjdk", share, blocks, h, h).reshape(21, 21) + given.l2 * np.eye(21)
    residual = (probs - LINKS[link].one_hot(given.y, 3)) * share[:, None]
    rights = np.einsum("mc,md->mcd", query("brier", given.xq, given.yq, given.weight, link=link).rows, hq)
    solutions = np.linalg.solve(hessian, rights.reshape(9, 21).T).T.reshape(9, 3, 7)
    expected = np.einsum("nc,nd,mcd->nm", residual, h, solutions)
    options = {"l2": given.l2, "link": link, "sample_weight": weights, "objective": "brier", "tolerance": 1e-9}
    parts = list(influence_blocks(*given.sides, batch=batch, **options))
    assert [i for block, _ in parts for i in range(block.start, block.stop)] == list(range(9))
    np.testing.assert_allclose(np.concatenate([p for _, p in parts], axis=1), expected, rtol=1e-5, atol=1e-10)


def test_influence_sums_to_influence():
    given = make()
    total = sum(part.sum(axis=1) for _, part in influence_blocks(*given.sides, l2=given.l2, tolerance=1e-8))
    np.testing.assert_allclose(
        total, influence(*given.sides, l2=given.l2, tolerance=1e-8).scores, rtol=1e-5, atol=1e-10
    )


def test_solving_together_takes_no_more_readings_than_the_slowest(monkeypatch):
    given = make()
    probs = LINKS["softmax"].probs(logits_of(given.x, given.weight))
    curvature = Curvature(given.x, probs, np.full(150, 1 / 150), l2=1e-4)
    rights = np.random.default_rng(0).normal(size=(5, 3, 7))
    alone, products = [], []
    for right in rights:
        curvature.products = 0
        alone.append(curvature.solve(right, tolerance=1e-8))
        products.append(curvature.products)
    readings = 0
    together = curvature.product_many

    def counted(directions):
        nonlocal readings
        readings += 1
        return together(directions)

    monkeypatch.setattr(curvature, "product_many", counted)
    curvature.products = 0
    np.testing.assert_allclose(curvature.solve_many(rights, tolerance=1e-8), alone, rtol=1e-6, atol=1e-8)
    assert readings == max(products)
    assert curvature.products == sum(products)


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    given = make()
    bad = given.x.copy()
    bad[77, 2] = np.nan
    with pytest.raises(ValuesError, match="row 77"):
        tracin_matrix(bad, given.y, given.weight, given.xq, given.yq)
    with pytest.raises(ValuesError, match="row 77"):
        list(influence_blocks(bad, given.y, given.weight, given.xq, given.yq, l2=0.1))
    with pytest.raises(ValuesError, match="batch ≥ 1"):
        influence_blocks(*given.sides, l2=0.1, batch=0)
    whole = GivenGradient(np.ones((3, 7)))
    with pytest.raises(ValuesError, match="a sum over query examples"):
        tracin_blocks(*given.sides, objective=whole)
