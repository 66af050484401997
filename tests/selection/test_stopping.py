import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from yori.errors import ShapeError
from yori.selection import CRITERIA, stop_criteria
from yori.selection.stopping import kappa


def history(*agreement, n=400, sure=0.99, seed=0):
    """Predictions of two classes of which a share changes from round to round."""
    rng = np.random.default_rng(seed)
    said = rng.integers(0, 2, n)
    rounds = []
    for share in (1.0, *agreement):
        said = np.where(rng.random(n) > share, 1 - said, said)
        rounds.append(np.where(np.eye(2)[said] > 0, sure, 1 - sure))
    return np.stack(rounds)


def says(found):
    return {each.name for each in found if each.stop}


def test_kappa_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    one, two = rng.integers(0, 3, (2, 50))
    assert kappa(one, two, 3) == pytest.approx(cohen_kappa_score(one, two))
    assert kappa(np.zeros(4, dtype=int), np.zeros(4, dtype=int), 2) == 1


def test_predictions_that_still_change_do_not_stop():
    assert says(stop_criteria(history(0.7, 0.6, 0.8, sure=0.6))) == set()


def test_predictions_that_stand_still_stop():
    assert says(stop_criteria(history(*[1.0] * 7, sure=0.999))) == set(CRITERIA)


def test_sure_or_unsure_is_another_question_than_stable():
    found = says(stop_criteria(history(1.0, 1.0, 1.0, sure=0.6)))
    assert found == {"stabilising_predictions", "classification_change"}


def test_one_round_says_nothing_about_change():
    found = {each.name: each for each in stop_criteria(history(sure=0.6))}
    assert np.isnan(found["stabilising_predictions"].value)
    assert not any(each.stop for each in found.values())


def test_bad_histories():
    with pytest.raises(ShapeError):
        stop_criteria(np.empty((0, 5, 2)))
