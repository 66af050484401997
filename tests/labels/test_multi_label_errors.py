import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from yori.errors import ShapeError, ValuesError
from yori.labels import find_multi_label_errors, join_multi_label_witnesses

RNG = np.random.default_rng


def planted(n=600, classes=3, seed=0):
    rng = RNG(seed)
    x = rng.normal(size=(n, 6))
    true = (x[:, :classes] + 0.1 * rng.normal(size=(n, classes)) > 0.4).astype(np.int64)
    flip = rng.random((n, classes)) < np.array([0.02, 0.05, 0.1])[:classes]
    return x, np.where(flip, 1 - true, true), flip


def test_planted_errors_are_found_and_beat_self_confidence():
    x, targets, flip = planted()
    found = find_multi_label_errors(x, targets, np.arange(600), l2=1e-3, rng=RNG(0))
    assert average_precision_score(flip.ravel(), found.cells.ravel()) > 0.7
    assert average_precision_score(flip.any(axis=1), found.probability) > 0.7
    first = found.order[:10]
    assert flip[first].any(axis=1).mean() >= 0.9
    assert flip[first, found.worst[first]].mean() >= 0.9
    np.testing.assert_allclose(found.probability, 1 - np.prod(1 - found.cells, axis=1), atol=1e-9)


def test_each_class_has_its_own_rates():
    rng = RNG(0)
    true = rng.integers(0, 2, (3000, 2))
    probs = 0.9 * true + 0.1 * (1 - true)
    targets = true.copy()
    missing = (true[:, 0] == 1) & (rng.random(3000) < 0.4)
    targets[missing, 0] = 0
    found = join_multi_label_witnesses(probs, targets)
    assert found.cells[missing, 0].mean() > 0.7
    assert found.cells[:, 1].max() < 0.5


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    probs, targets = np.full((4, 2), 0.5), np.zeros((4, 2), int)
    with pytest.raises(ShapeError, match="probs and targets"):
        join_multi_label_witnesses(probs, targets[:2])
    with pytest.raises(ValuesError, match="0 … 1"):
        join_multi_label_witnesses(probs * 4, targets)
    with pytest.raises(ValuesError, match="targets of 0 and 1"):
        join_multi_label_witnesses(probs, targets + 2)
    with pytest.raises(ValuesError, match="finite"):
        join_multi_label_witnesses(np.full((4, 2), np.nan), targets)
    with pytest.raises(ShapeError, match="votes of shape"):
        join_multi_label_witnesses(probs, targets, votes=np.ones((4, 3)))
    with pytest.raises(ShapeError, match=r"targets \(n, c\)"):
        find_multi_label_errors(probs, np.zeros(4), np.arange(4), l2=1.0, rng=RNG(0))
    assert np.isfinite(join_multi_label_witnesses(probs + 0.500001, targets).cells).all()
