import numpy as np
import pytest
from scipy.stats import spearmanr

from yori.attribution import trak, trak_of_gradients
from yori.attribution.objectives import query
from yori.errors import ShapeError, ValuesError
from yori.heads import fit_softmax
from yori.heads.curvature import logits_of


def make(n=200, m=60, d=4, c=3):
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(c, d)) * 1.5
    y, yq = rng.integers(0, c, n), rng.integers(0, c, m)
    x, xq = centres[y] + rng.normal(size=(n, d)), centres[yq] + rng.normal(size=(m, d))
    return x, y, fit_softmax(x, y, l2=0.01, tolerance=1e-10).weight, xq, yq


def gradients(x, y, weight):
    """Margin gradients by finite differences of the margin itself."""
    n, (c, width) = len(x), weight.shape

    def margin(head):
        logits = logits_of(x, head)
        others = np.where(np.eye(c, dtype=bool)[y], -np.inf, logits)
        top = others.max(axis=1)
        return logits[np.arange(n), y] - top - np.log(np.exp(others - top[:, None]).sum(axis=1))

    features = np.empty((n, c * width))
    for j in range(c * width):
        step = np.zeros(c * width)
        step[j] = 1e-5
        features[:, j] = (margin(weight + step.reshape(c, width)) - margin(weight - step.reshape(c, width))) / 2e-5
    return features


def test_tends_to_the_unprojected_score():
    """The limit of many dimensions is the closed form with every gradient written out."""
    x, y, weight, xq, yq = make()
    probs = np.exp(logits_of(x, weight))
    probs /= probs.sum(axis=1, keepdims=True)
    unsure = 1 - probs[np.arange(len(y)), y]
    asked = query("nll", xq, yq, weight).gradient().ravel()
    exact = trak_of_gradients(gradients(x, y, weight), asked, unsure, l2=0.05)
    found = {k: trak(x, y, weight, xq, yq, l2=0.05, dimensions=k, rng=np.random.default_rng(2)) for k in (4, 32, 20_00)}
    agreement = [spearmanr(each, exact)[0] for each in found.values()]
    assert agreement[0] < agreement[1] < agreement[2]
    assert agreement[2] > 0.99
    assert np.linalg.norm(found[2000] - exact) < 0.15 * np.linalg.norm(exact)


def test_stored_gradients_by_hand():
    rng = np.random.default_rng(1)
    features, asked, unsure = rng.normal(size=(7, 3)), rng.normal(size=3), rng.random(7)
    kernel = sum(np.outer(row, row) for row in features) / 7 + 0.1 * np.eye(3)
    expected = [-doubt * row @ np.linalg.inv(kernel) @ asked / 7 for row, doubt in zip(features, unsure, strict=True)]
    np.testing.assert_allclose(trak_of_gradients(features, asked, unsure, l2=0.1), expected)


def test_an_ensemble_is_steadier_than_one():
    x, y, weight, xq, yq = make()

    def scores(heads, seed):
        return trak(x, y, heads, xq, yq, l2=0.05, dimensions=12, rng=np.random.default_rng(seed))

    def steadiness(heads):
        return np.mean([spearmanr(scores(heads, s), scores(heads, s + 10))[0] for s in range(6)])

    assert steadiness(np.stack([weight] * 8)) > steadiness(weight) + 0.05


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    x, y, weight, xq, yq = make(n=20, m=5)
    rng = np.random.default_rng(0)
    for options, error, message in [
        ({"l2": 0.0}, ValuesError, "rank-deficient"),
        ({"l2": 1.0, "dimensions": 0}, ValuesError, "dimensions"),
        ({"l2": 1.0, "objective": "x"}, ValuesError, "an objective out of"),
    ]:
        with pytest.raises(error, match=message):
            trak(x, y, weight, xq, yq, rng=rng, **options)
    with pytest.raises(ShapeError, match="weights of shape"):
        trak(x, y, weight[0], xq, yq, l2=1.0, rng=rng)
    with pytest.raises(ShapeError, match="3 rows in query_gradient"):
        trak_of_gradients(np.ones((4, 3)), np.ones(2), np.ones(4), l2=1.0)
    with pytest.raises(ValuesError, match="unsure"):
        trak_of_gradients(np.ones((4, 3)), np.ones(3), np.full(4, np.nan), l2=1.0)
