import numpy as np
import pytest

from yori.errors import ShapeError, ValuesError
from yori.metrics.outcomes import check_outcomes, check_probability_of_correct

pytestmark = pytest.mark.usefixtures("unchecked")


@pytest.mark.parametrize(
    ("confidence", "correct", "error", "message"),
    [
        ([], [], ShapeError, "n ≥ 1"),
        ([[0.5]], [True], ShapeError, r"shape \(1, 1\)"),
        (0.5, True, ShapeError, r"shape \(\)"),
        ([0.5, 0.6], [True], ShapeError, "2 rows in correct"),
        ([0.5], [[True]], ShapeError, r"correct of shape \(n,\)"),
        ([np.nan, 0.5], [True, False], ValuesError, "row 0"),
        ([0.5, np.inf], [True, False], ValuesError, "row 1"),
        ([0.5, -np.inf], [True, False], ValuesError, "row 1"),
        (["high"], [True], ValuesError, "real numbers"),
        ([0.5 + 1j], [True], ValuesError, "real numbers"),
        ([True], [True], ValuesError, "real numbers"),
        ([None], [True], ValuesError, "dtype object"),
        ([0.5, 0.6], [2, 0], ValuesError, "predictions == labels"),
        ([0.5, 0.6], [0.5, 0.0], ValuesError, "true and false"),
        ([0.5, 0.6], [np.nan, 0.0], ValuesError, "true and false"),
        ([0.5], ["yes"], ValuesError, "true and false"),
        ([0.5], [None], ValuesError, "true and false"),
    ],
)
def test_what_is_no_outcome_is_refused(confidence, correct, error, message):
    with pytest.raises(error, match=message):
        check_outcomes(np.asarray(confidence), np.asarray(correct), where="here")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, np.uint8])
def test_every_real_dtype_becomes_float64(dtype):
    scores, right = check_outcomes(np.array([1, 0], dtype=dtype), np.array([1.0, 0.0]), where="here")
    assert scores.dtype == np.float64
    assert scores.tolist() == [1, 0]
    assert right.tolist() == [True, False]


def test_clean_input_is_not_copied():
    confidence, correct = np.array([0.5]), np.array([True])
    scores, right = check_outcomes(confidence, correct, where="here")
    assert scores is confidence
    assert right is correct


@pytest.mark.parametrize("value", [-1e-9, 1.0000001, 7.0])
def test_a_probability_of_being_right_lies_between_zero_and_one(value):
    with pytest.raises(ValuesError, match=r"confidence in \[0, 1\].* in row 1"):
        check_probability_of_correct(np.array([0.5, value]), np.array([True, True]), where="here")
