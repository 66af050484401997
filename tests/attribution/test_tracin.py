import numpy as np
import pytest

from yori.attribution import OBJECTIVES, tracin
from yori.attribution.objectives import query
from yori.attribution.tracin import gradient_products
from yori.errors import ShapeError, ValuesError
from yori.heads import LINKS
from yori.heads.curvature import logits_of


def make(n=50, m=20, d=5, c=4, k=3, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(n, d)), rng.integers(0, c, n), rng.normal(size=(k, c, d + 1)),
        rng.normal(size=(m, d)), rng.integers(0, c, m),
    )  # fmt: skip


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_is_the_dot_product_of_gradients(objective, link):
    """Gradients of every example made one by one."""
    x, y, heads, xq, yq = make()
    if link == "sigmoid":
        y, yq = np.eye(4, dtype=int)[y], np.eye(4, dtype=int)[yq]
    sizes = np.array([0.5, 0.1, 2.0])
    expected = np.zeros(len(x))
    for size, head in zip(sizes, heads, strict=True):
        asked = query(objective, xq, yq, head, link=link).gradient()
        residual = LINKS[link].probs(logits_of(x, head)) - LINKS[link].one_hot(y, 4)
        for i in range(len(x)):
            expected[i] += size * (np.outer(residual[i], [*x[i], 1.0]) * asked).sum()
    found = tracin(x, y, heads, xq, yq, step_sizes=sizes, objective=objective, link=link)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-14)


def test_predicts_one_small_gradient_step():
    x, y, heads, xq, yq = make()
    head, step = heads[0] * 0.3, 1e-6
    residual = LINKS["softmax"].probs(logits_of(x, head)) - np.eye(4)[y]
    before = query("nll", xq, yq, head).value
    scores = tracin(x, y, head, xq, yq)
    for i in range(5):
        after = query("nll", xq, yq, head - step * np.outer(residual[i], [*x[i], 1.0])).value
        assert (before - after) / step == pytest.approx(scores[i], rel=1e-3, abs=1e-6)


def test_one_head_is_one_checkpoint():
    x, y, heads, xq, yq = make()
    np.testing.assert_array_equal(tracin(x, y, heads[0], xq, yq), tracin(x, y, heads[:1], xq, yq))
    total = sum(tracin(x, y, head, xq, yq) for head in heads)
    np.testing.assert_allclose(tracin(x, y, heads, xq, yq), total, rtol=1e-12)


def test_single_precision_to_1e5():
    x, y, heads, xq, yq = make(n=3000, d=64, c=10)
    double = tracin(x.astype(np.float32).astype(np.float64), y, heads, xq, yq)
    single = tracin(x.astype(np.float32), y, heads, xq.astype(np.float32), yq)
    assert np.abs(single - double).max() < 1e-5 * np.abs(double).max()


def test_blocks_do_not_matter(monkeypatch):
    x, y, heads, xq, yq = make(n=1000)
    whole = tracin(x, y, heads, xq, yq)
    monkeypatch.setattr("yori.heads.curvature.BLOCK_BYTES", 1)
    np.testing.assert_allclose(tracin(x, y, heads, xq, yq), whole, rtol=1e-10, atol=1e-14)


def test_large_logits_do_not_overflow():
    x, y, heads, _, _ = make()
    for link, targets in (("softmax", y), ("sigmoid", np.eye(4, dtype=int)[y])):
        with np.errstate(under="ignore"):
            found = gradient_products(x * 1e3, targets, heads * 1e3, heads, link)
        assert np.isfinite(found).all()


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    x, y, heads, xq, yq = make()
    cases = [
        ({"weights": heads[0, 0]}, ShapeError, "weights of shape"),
        ({"weights": np.full_like(heads, np.nan)}, ValuesError, "finite numbers in weights"),
        ({"step_sizes": [1.0]}, ShapeError, "3 rows in step_sizes"),
        ({"labels": y[1:]}, ShapeError, "50 rows in labels"),
        ({"objective": "accuracy"}, ValuesError, "an objective out of"),
        ({"link": "probit"}, ValuesError, "softmax"),
    ]
    good = {"embeddings": x, "labels": y, "weights": heads, "query_embeddings": xq, "query_labels": yq}
    for change, error, message in cases:
        with pytest.raises(error, match=message):
            tracin(**{**good, **change})
