import numpy as np
import pytest

from yori.errors import ShapeError, ValuesError
from yori.selection.labelled import make_labelled, weighted

X, Y = np.ones((4, 2)), np.array([0, 1, 0, 1])


def test_weights_have_a_mean_of_one_and_none_is_zero():
    found = weighted(np.arange(3), np.array([0.0, 1.0, 3.0]))
    assert found.weights.mean() == pytest.approx(1)
    assert (found.weights > 0).all()
    np.testing.assert_array_equal(weighted(np.arange(2), np.zeros(2)).weights, [1, 1])


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"l2": 0}, "l2 > 0"),
        ({"labels": np.array([0, 1, 0, 5])}, r"0 … 1"),
        ({"labels": np.array([0, 1])}, "4 rows"),
        ({"query": np.ones((3, 5)), "query_labels": np.zeros(3, int)}, r"\(m, 2\)"),
        ({"query": np.ones((3, 2)), "query_labels": np.zeros(2, int)}, "3 rows"),
    ],
)
def test_bad_input(more, words):
    with pytest.raises((ShapeError, ValuesError), match=words):
        make_labelled(**{"embeddings": X, "labels": Y, "classes": 2, "l2": 0.1, **more})
