import numpy as np

from yori.choose.feature_steps import compare_steps

RNG = np.random.default_rng(0)
Y = np.arange(600) % 3


def steps(x):
    return compare_steps(x[:300], Y[:300], x[300:], Y[300:], classes=3, ratio=0.03, rng=np.random.default_rng(0))


def test_noise_is_thrown_away_and_one_step_is_chosen():
    x = np.c_[3.0 * np.eye(3)[Y], np.zeros((600, 21))] + RNG.normal(size=(600, 24))
    found = steps(x)
    assert [each.chosen for each in found].count(True) == 1
    chosen = next(each for each in found if each.chosen)
    assert chosen.dimensions <= 12
    assert chosen.method in ("mutual_information", "l1", "influence", "principal_components")
    assert (found[0].method, found[0].dimensions) == ("all", 24)


def test_nothing_is_thrown_away_where_all_of_it_matters():
    """The label is the sign of a sum over all dimensions."""
    x = RNG.normal(size=(4000, 8))
    labels = (x.sum(axis=1) > 0).astype(int)
    found = compare_steps(x[:2000], labels[:2000], x[2000:], labels[2000:], classes=2, ratio=0.001, rng=RNG)
    assert next(each for each in found if each.chosen).method == "all"


def test_one_dimension_only():
    assert [each.method for each in steps(RNG.normal(size=(600, 1)))] == ["all"]
