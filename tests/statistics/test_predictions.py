from __future__ import annotations

import numpy as np
import pytest

from yori.errors import AlignmentError, InputError, ShapeError, ValuesError
from yori.statistics import Predictions

pytestmark = pytest.mark.usefixtures("unchecked")
IDS = np.arange(3)
PROBS = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3]])
LABELS = np.array([0, 1, 1])


def test_confidence_and_correctness_follow_from_probabilities() -> None:
    rows = Predictions(IDS, probs=PROBS, labels=LABELS)
    assert rows.confidence is not None
    assert rows.correct is not None
    np.testing.assert_allclose(rows.confidence, [0.7, 0.6, 0.5])
    assert rows.correct.tolist() == [True, False, True]


def test_logits_become_probabilities() -> None:
    rows = Predictions(IDS, logits=np.log(PROBS) + 5.0, labels=LABELS)
    assert rows.probs is not None
    np.testing.assert_allclose(rows.probs, PROBS)


def test_what_is_given_is_kept() -> None:
    energy = np.array([-3.0, 8.0, 0.0])
    rows = Predictions(IDS, confidence=energy, probs=PROBS, labels=LABELS)
    np.testing.assert_array_equal(rows.confidence, energy)


def test_lists_integers_and_float32_are_welcome() -> None:
    rows = Predictions(["a", "b"], confidence=np.array([1, 2], np.float32), correct=[1, 0])  # type: ignore[arg-type]
    assert rows.correct is not None
    assert rows.correct.dtype == np.bool_
    assert rows.confidence is not None
    assert rows.confidence.dtype == np.float64


def test_rows_can_be_chosen_and_stacked() -> None:
    rows = Predictions(IDS, probs=PROBS, labels=LABELS, loss=np.array([1.0, 2.0, 3.0]))
    twice = rows[np.array([2, 2, 0])]
    assert twice.ids.tolist() == [2, 2, 0]
    assert twice.loss is not None
    assert twice.loss.tolist() == [3, 3, 1]
    both = rows.stacked(Predictions(IDS + 3, probs=PROBS, labels=LABELS))
    assert len(both) == 6
    assert both.loss is None
    assert both.probs is not None
    assert both.probs.shape == (6, 3)


def test_the_arrays_handed_over_are_not_written_to() -> None:
    probs, labels = PROBS.copy(), LABELS.copy()
    probs.flags.writeable = labels.flags.writeable = False
    Predictions(IDS, probs=probs, labels=labels)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"ids": np.array([]), "loss": np.array([])}, ShapeError),
        ({"ids": np.array([[1, 2]]), "loss": np.ones(1)}, ShapeError),
        ({"ids": IDS}, ShapeError),
        ({"ids": IDS, "labels": LABELS}, ShapeError),
        ({"ids": IDS, "loss": np.ones(2)}, ShapeError),
        ({"ids": IDS, "loss": np.array([1.0, np.nan, 2.0])}, ValuesError),
        ({"ids": IDS, "confidence": np.array([1.0, np.inf, 2.0])}, ValuesError),
        ({"ids": IDS, "correct": np.array([0.5, 1.0, 0.0])}, ValuesError),
        ({"ids": IDS, "confidence": np.array(["a", "b", "c"])}, InputError),
        ({"ids": IDS, "probs": PROBS * 2, "labels": LABELS}, ValuesError),
        ({"ids": IDS, "probs": PROBS, "labels": np.array([0, 1, 3])}, ValuesError),
        ({"ids": IDS, "probs": PROBS, "labels": np.array([0, 1, -1])}, ValuesError),
        ({"ids": IDS, "logits": np.full((3, 2), np.nan), "labels": LABELS}, ValuesError),
        ({"ids": np.array([1.0, 2.0, 3.0]), "loss": np.ones(3)}, AlignmentError),
        ({"ids": np.array(["a", None, "c"], dtype=object), "loss": np.ones(3)}, AlignmentError),
    ],
)
def test_bad_rows_are_refused(arguments: dict[str, np.ndarray], error: type[Exception]) -> None:
    with pytest.raises(error):
        Predictions(**arguments)
