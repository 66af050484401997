import numpy as np
import pytest
from tests.attribution.small_problem import make

from yori.attribution import influence, influence_per_slice, tracin, tracin_per_slice
from yori.attribution.weighted_objectives import GroupMean
from yori.errors import ShapeError, ValuesError


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
@pytest.mark.parametrize("objective", ["nll", "aurc_soft", "calibration"])
def test_a_slice_asks_as_if_alone(objective, link):
    given = make(link=link)
    slices = np.array(["b", "a", "c"], dtype=object)[np.random.default_rng(0).integers(0, 3, 30)]
    sizes = [0.3, 2.0]
    found = tracin_per_slice(*given.checkpoints, slices, step_sizes=sizes, objective=objective, link=link)
    exact = influence_per_slice(
        *given.sides, slices, l2=given.l2, objective=objective, link=link, leverage=True, tolerance=1e-9
    )
    assert list(found) == list(exact) == ["a", "b", "c"]
    for name in found:
        own = slices == name
        asked = (given.xq[own], given.yq[own])
        alone = tracin(given.x, given.y, given.weights, *asked, step_sizes=sizes, objective=objective, link=link)
        np.testing.assert_allclose(found[name], alone, rtol=1e-9, atol=1e-13)
        solved = influence(
            given.x, given.y, given.weight, *asked, l2=given.l2, objective=objective, link=link, leverage=True,
            tolerance=1e-10,
        )  # fmt: skip
        np.testing.assert_allclose(exact[name].scores, solved.scores, rtol=1e-5, atol=1e-10)
        np.testing.assert_allclose(exact[name].relabel_effect(), solved.relabel_effect(), rtol=1e-4, atol=1e-8)


def test_slices_weighed_by_size_make_the_whole():
    given = make()
    slices = np.arange(30) % 4
    found = tracin_per_slice(*given.checkpoints, slices)
    whole = sum(scores * (slices == name).mean() for name, scores in found.items())
    np.testing.assert_allclose(whole, tracin(*given.checkpoints), rtol=1e-9, atol=1e-13)
    assert list(found) == [0, 1, 2, 3]


def test_an_objective_with_groups_of_its_own():
    given = make()
    slices, groups = np.arange(30) % 2, np.arange(30) % 3
    found = tracin_per_slice(*given.sides, slices, objective=GroupMean("nll", groups))
    own = slices == 1
    alone = tracin(
        given.x, given.y, given.weight, given.xq[own], given.yq[own], objective=GroupMean("nll", groups[own])
    )
    np.testing.assert_allclose(found[1], alone, rtol=1e-9, atol=1e-13)


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    given = make()
    with pytest.raises(ShapeError, match="30 rows in slices"):
        tracin_per_slice(*given.sides, np.zeros(29))
    with pytest.raises(ShapeError, match="slices of shape"):
        influence_per_slice(*given.sides, np.zeros((30, 2)), l2=0.1)
    bad = given.x.copy()
    bad[3] = np.inf
    with pytest.raises(ValuesError, match="row 3"):
        tracin_per_slice(bad, given.y, given.weight, given.xq, given.yq, np.arange(30) % 2)
