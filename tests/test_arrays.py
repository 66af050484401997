import numpy as np
import pytest

from yori.arrays import check_finite, check_labels, check_length, check_probs
from yori.errors import ShapeError, ValuesError

pytestmark = pytest.mark.usefixtures("unchecked")


def test_rows_a_hair_off_one_are_renormalised():
    probs = check_probs(np.array([[0.5, 0.50001], [0.2, 0.8]]), where="here")
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-15)


@pytest.mark.parametrize(
    ("probs", "message"),
    [
        ([[0.6, 0.6]], "sum of 1.2 in row 0"),
        ([[1.5, -0.5]], "probabilities ≥ 0"),
        ([[np.nan, 1.0]], "finite"),
        ([[1.0]], "shape"),
        (np.zeros((0, 3)), "shape"),
        ([0.5, 0.5], "shape"),
    ],
)
def test_what_is_no_probability_is_refused(probs, message):
    with pytest.raises((ShapeError, ValuesError), match=message):
        check_probs(np.asarray(probs), where="here")


def test_float16_probs_become_float64():
    assert check_probs(np.full((2, 2), 0.5, dtype=np.float16), where="here").dtype == np.float64


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0, -1], "never -1"), ([0, 3], "0 … 2"), ([0.5, 1], "whole"), ([[0], [1]], r"shape \(n,\)"), (["a"], "whole")],
)
def test_labels_outside_the_classes_are_refused(labels, message):
    with pytest.raises((ShapeError, ValuesError), match=message):
        check_labels(np.asarray(labels), 3, where="here")


def test_whole_floats_are_labels():
    assert check_labels(np.array([0.0, 2.0]), 3, where="here").dtype == np.int64


def test_finite_names_the_row():
    with pytest.raises(ValuesError, match="row 1 "):
        check_finite(np.array([[0.0], [np.inf]]), name="x", where="here")
    with pytest.raises(ValuesError, match="Python objects"):
        check_finite(np.array([None], dtype=object), name="x", where="here")


def test_length():
    with pytest.raises(ShapeError, match="3 rows in x"):
        check_length(np.zeros(2), 3, name="x", where="here")
