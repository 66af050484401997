import numpy as np
import pytest

from yori.attribution import data_oob
from yori.errors import ValuesError
from yori.heads import fit_softmax


def test_one_bag_by_hand():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 2))
    y = (x[:, 0] > 0).astype(int)
    found = data_oob(x, y, classes=2, l2=0.1, bags=1, rng=np.random.default_rng(7))
    drawn = np.bincount(np.random.default_rng(7).integers(0, 20, 20), minlength=20)
    head = fit_softmax(x, y, l2=0.1, sample_weight=drawn, tolerance=1e-8)
    expected = head.probs(x)[np.arange(20), y]
    outside = drawn == 0
    np.testing.assert_allclose(found[outside], expected[outside], atol=0.02)
    np.testing.assert_allclose(found[~outside], found[outside].mean())


def test_the_mislabelled_are_disagreed_with(crowded):
    found = data_oob(crowded.x, crowded.y, classes=crowded.classes, l2=0.03, rng=np.random.default_rng(0))
    assert found[crowded.wrong].mean() < 0.5 * found[~crowded.wrong].mean()
    assert ((found >= 0) & (found <= 1)).all()


def test_no_bags():
    with pytest.raises(ValuesError, match="bags"):
        data_oob(np.eye(2), np.arange(2), classes=2, l2=0.1, bags=0, rng=np.random.default_rng(0))
