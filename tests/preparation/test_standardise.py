import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import ShapeError, ValuesError
from yori.preparation import Standardise


@given(st.integers(0, 100), st.integers(2, 30), st.integers(1, 5))
def test_training_examples_come_out_standard_and_back(seed, n, d):
    x = np.random.default_rng(seed).normal(5, 3, size=(n, d))
    step = Standardise.fit(x)
    done = step.apply(x)
    np.testing.assert_allclose(done.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(done.std(axis=0), 1, atol=1e-9)
    np.testing.assert_allclose(step.undo(done), x, atol=1e-9)


def test_only_training_examples_are_learnt_from_and_constants_stay_finite():
    train = np.array([[0.0, 7.0], [2.0, 7.0]])
    step = Standardise.fit(train)
    assert step.apply(np.array([[100.0, 8.0]])).tolist() == [[99.0, 1.0]]
    assert step.apply(train.astype(np.float32)).dtype == np.float32


def test_refusals(unchecked):
    with pytest.raises(ShapeError):
        Standardise.fit(np.zeros((0, 3)))
    with pytest.raises(ValuesError):
        Standardise.fit(np.array([[np.nan]]))
    with pytest.raises(ShapeError):
        Standardise.fit(np.ones((2, 3))).apply(np.ones((2, 4)))
