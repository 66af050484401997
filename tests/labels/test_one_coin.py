import numpy as np
import pytest
from crowdkit.aggregation import OneCoinDawidSkene
from tests.labels.crowds import by_crowd_kit, crowd

from yori.labels import OneCoinWarning, majority, one_coin


def test_equals_crowd_kit_and_warns():
    _, made = crowd(150, ("careful",) * 5 + ("biased",), 3, 3)
    with pytest.warns(OneCoinWarning, match="use dawid_skene"):
        found = one_coin(made.votes)
    np.testing.assert_allclose(found.probs, by_crowd_kit(OneCoinDawidSkene(), made.votes), atol=1e-6)


@pytest.mark.filterwarnings("ignore::yori.labels.one_coin.OneCoinWarning")
def test_why_it_warns_biased_annotators():
    truth, made = crowd(1500, ("biased",) * 9, 2, 5, seed=4, skill=(0.75, 0.95), balance=(0.8, 0.2))
    assert (one_coin(made.votes).labels == truth).mean() < (majority(made.votes).labels == truth).mean()


@pytest.mark.filterwarnings("ignore::yori.labels.one_coin.OneCoinWarning")
def test_two_values_a_matrix_and_the_real_skill():
    truth, made = crowd(3000, ("careful",) * 6, 3, 4)
    found = one_coin(made.votes)
    off = found.confusion[:, ~np.eye(3, dtype=bool)]
    np.testing.assert_allclose(off, off[:, :1].repeat(6, axis=1))
    np.testing.assert_allclose(found.skill, made.confusion[:, 0, 0], atol=0.06)
    assert (found.labels == truth).mean() > 0.8
