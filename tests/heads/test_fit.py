import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from yori.errors import ConvergenceError, ShapeError, ValuesError
from yori.heads import Spectrum, fit_sigmoid, fit_softmax


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 12)) @ np.diag(np.logspace(-1.5, 1, 12))
    y = (x @ rng.normal(size=(12, 4)) + rng.gumbel(size=(400, 4))).argmax(axis=1)
    return x, y


def sklearn_weight(x, y, l2, weights=None, c=4):
    """The same objective in scikit-learn: a penalised column of ones as bias, C = 1 / (sum of weights · l2)."""
    weights = np.ones(len(x)) if weights is None else weights
    ones = np.c_[x, np.ones(len(x))]
    model = LogisticRegression(C=1 / (weights.sum() * l2), fit_intercept=False, tol=1e-12, max_iter=10_000)
    return model.fit(ones, y, sample_weight=weights).coef_


@pytest.mark.parametrize("l2", [1.0, 1e-2, 1e-4])
def test_softmax_equals_scikit_learn(data, l2):
    x, y = data
    head = fit_softmax(x, y, l2=l2, tolerance=1e-10)
    np.testing.assert_allclose(head.weight, sklearn_weight(x, y, l2), atol=2e-5, rtol=1e-4)
    assert head.gradient_norm <= 1e-10


def test_sample_weight_equals_repetition_and_zero_leaves_out(data):
    x, y = data
    times = np.random.default_rng(1).integers(0, 3, len(x))
    weighted = fit_softmax(x, y, l2=1e-2, sample_weight=times, tolerance=1e-10)
    repeated = fit_softmax(np.repeat(x, times, axis=0), np.repeat(y, times), l2=1e-2, tolerance=1e-10)
    np.testing.assert_allclose(weighted.weight, repeated.weight, atol=1e-8)


def test_float32_ends_at_the_same_head(data):
    x, y = data
    exact = fit_softmax(x, y, l2=1e-2, tolerance=1e-10)
    single = fit_softmax(x.astype(np.float32), y, l2=1e-2)
    np.testing.assert_allclose(single.weight, exact.weight, atol=2e-3)


def test_start_and_spectrum_change_nothing(data):
    x, y = data
    cold = fit_softmax(x, y, l2=1e-2, tolerance=1e-10)
    spectrum = Spectrum.of(x[:50])
    warm = fit_softmax(x, y, l2=1e-2, tolerance=1e-10, init=cold.weight + 0.1, spectrum=spectrum)
    np.testing.assert_allclose(warm.weight, cold.weight, atol=1e-8)


def test_absent_class_and_constant_features_and_identical_rows():
    x = np.ones((6, 3))
    head = fit_softmax(x, np.array([0, 0, 1, 1, 1, 1]), classes=3, l2=1e-6, tolerance=1e-9)
    np.testing.assert_allclose(head.probs(x)[0], [1 / 3, 2 / 3, 0], atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 3.0, 1000.0])
def test_constant_features_and_classes_of_one_size_leave_only_rounding(dtype, value):
    """A zero head is the optimum: its gradient, the unit that others are measured in, is rounding itself."""
    head = fit_softmax(np.full((999, 4), value, dtype=dtype), np.arange(999) % 3, l2=0.01)
    np.testing.assert_allclose(head.probs(np.full((1, 4), value, dtype=dtype)), 1 / 3, atol=1e-3)
    assert head.gradient_norm < 1e-5


def test_one_class_one_row():
    head = fit_softmax(np.array([[1.0, 2.0]]), np.array([0]), l2=1.0)
    assert head.probs(np.array([[1.0, 2.0]]))[0, 0] > 0.5


def test_sigmoid_equals_one_logistic_regression_a_class(data):
    x, _ = data
    rng = np.random.default_rng(2)
    targets = (x @ rng.normal(size=(12, 3)) + rng.logistic(size=(400, 3)) > 0).astype(int)
    head = fit_sigmoid(x, targets, l2=1e-2, tolerance=1e-10)
    for k in range(3):
        np.testing.assert_allclose(head.weight[k], sklearn_weight(x, targets[:, k], 1e-2)[0], atol=2e-5, rtol=1e-4)


def test_more_dimensions_than_rows():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20, 100))
    head = fit_softmax(x, np.arange(20) % 3, l2=1e-3, tolerance=1e-9)
    assert (head.probs(x).argmax(axis=1) == np.arange(20) % 3).all()


def test_inputs_are_not_modified(data):
    x, y = data
    before = x.copy(), y.copy()
    fit_softmax(x, y, l2=1e-2)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.usefixtures("unchecked")
class TestRefusals:
    def test_shapes(self, data):
        x, y = data
        with pytest.raises(ShapeError, match="400 rows in labels"):
            fit_softmax(x, y[:-1], l2=1.0)
        with pytest.raises(ShapeError, match=r"\(n, d\)"):
            fit_softmax(x[0], y, l2=1.0)
        with pytest.raises(ShapeError, match=r"\(n, d\)"):
            fit_softmax(x[:0], y[:0], l2=1.0)
        with pytest.raises(ShapeError, match="init"):
            fit_softmax(x, y, l2=1.0, init=np.zeros((2, 2)))
        with pytest.raises(ShapeError, match="embeddings of shape"):
            fit_softmax(x, y, l2=1.0).probs(x[:, :3])

    def test_values(self, data):
        x, y = data
        broken = x.copy()
        broken[7, 0] = np.nan
        with pytest.raises(ValuesError, match="row 7"):
            fit_softmax(broken, y, l2=1.0)
        for l2 in (0.0, -1.0, np.nan):
            with pytest.raises(ValuesError, match="l2 > 0"):
                fit_softmax(x, y, l2=l2)
        with pytest.raises(ValuesError, match="positive sum"):
            fit_softmax(x, y, l2=1.0, sample_weight=np.zeros(400))
        with pytest.raises(ValuesError, match="0 … 1"):
            fit_softmax(x, y, l2=1.0, classes=2)
        with pytest.raises(ValuesError, match="0 and 1"):
            fit_sigmoid(x, np.full((400, 2), 2), l2=1.0)

    def test_float16_is_read_as_float32(self, data):
        x, y = data
        head = fit_softmax(x.astype(np.float16), y, l2=1e-2)
        assert head.gradient_norm < 1e-3

    def test_too_few_steps_are_an_error(self, data):
        x, y = data
        with pytest.raises(ConvergenceError, match="head fit"):
            fit_softmax(x, y, l2=1e-4, tolerance=1e-10, limit=1)
