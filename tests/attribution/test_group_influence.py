import numpy as np
import pytest

from yori.attribution import influence
from yori.attribution.group_influence import Change, effect_by_query, group_effect
from yori.attribution.objectives import OBJECTIVES, query
from yori.errors import ShapeError, ValuesError
from yori.heads import fit_sigmoid, fit_softmax


def ask(problem, changes, **options):
    return group_effect(
        problem.x, problem.y, problem.weight, problem.xq, problem.yq, changes,
        l2=problem.l2, spectrum=problem.spectrum, **options,
    )  # fmt: skip


def test_dropping_all_mistakes_together_is_a_refit(crowded):
    wrong = np.flatnonzero(crowded.wrong)
    actual = crowded.change(crowded.y, (~crowded.wrong).astype(float))
    single = influence(crowded.x, crowded.y, crowded.weight, crowded.xq, crowded.yq, l2=crowded.l2, leverage=True)
    added = single.drop_effect()[wrong].sum()
    found = ask(crowded, [Change(dropped=wrong)])[0]
    assert found == pytest.approx(actual, rel=0.02)
    assert abs(found - actual) < 0.2 * abs(added - actual)
    assert ask(crowded, [Change(dropped=wrong)], tolerance=1e-5)[0] == pytest.approx(actual, rel=1e-4)


def test_drops_and_relabels_together(crowded):
    rows, new = crowded.rows, crowded.new
    labels, keep = crowded.y.copy(), np.ones(len(crowded.y))
    labels[rows[:10]] = new[:10]
    keep[rows[10:20]] = 0
    actual = crowded.change(labels, keep)
    change = Change(dropped=rows[10:20], relabelled=rows[:10], new_targets=new[:10])
    assert ask(crowded, [change])[0] == pytest.approx(actual, rel=0.05)


def test_nothing_done_changes_nothing(crowded):
    effects = ask(crowded, [Change(), Change(relabelled=[3], new_targets=[int(crowded.y[3])])])
    np.testing.assert_allclose(effects, 0, atol=1e-9)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_is_read_at_the_new_head(objective):
    rng = np.random.default_rng(0)
    x, xq = rng.normal(size=(60, 3)), rng.normal(size=(40, 3))
    y, yq = (x[:, 0] > 0).astype(int), (xq[:, 0] > 0).astype(int)
    head = fit_softmax(x, y, l2=0.05, tolerance=1e-10)
    other = fit_softmax(x[5:], y[5:], l2=0.05, tolerance=1e-10)
    actual = query(objective, xq, yq, other.weight).value - query(objective, xq, yq, head.weight).value
    found = group_effect(
        x, y, head.weight, xq, yq, [Change(dropped=range(5))], l2=0.05, objective=objective, tolerance=1e-6
    )
    assert found[0] == pytest.approx(actual, rel=1e-3, abs=1e-9)


def test_several_labels_and_sample_weights():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(50, 4))
    y = (x[:, :3] + rng.normal(size=(50, 3)) > 0.3).astype(int)
    weights = rng.random(50) + 0.5
    head = fit_sigmoid(x, y, l2=0.02, sample_weight=weights, tolerance=1e-10)
    changed, kept = y.copy(), weights.copy()
    changed[4] = [1, 0, 1]
    kept[[7, 9]] = 0
    other = fit_sigmoid(x, changed, l2=0.02, sample_weight=kept, tolerance=1e-10)
    actual = [query("nll", x, y, each.weight, link="sigmoid").value for each in (head, other)]
    change = Change(dropped=[7, 9], relabelled=[4], new_targets=np.array([[1, 0, 1]]))
    found = group_effect(x, y, head.weight, x, y, [change], l2=0.02, sample_weight=weights, link="sigmoid")
    assert found[0] == pytest.approx(actual[1] - actual[0], rel=0.02)


@pytest.mark.usefixtures("unchecked")
def test_refusals(crowded):
    cases = [
        (Change(dropped=[9999]), ValuesError, "rows in 0"),
        (Change(dropped=[1, 1]), ValuesError, "at most one edit per example"),
        (Change(dropped=[1], relabelled=[1], new_targets=[0]), ValuesError, "at most one edit"),
        (Change(dropped=range(len(crowded.y))), ValuesError, "leaves an example"),
        (Change(relabelled=[1], new_targets=[77]), ValuesError, "new_targets in 0"),
        (Change(relabelled=[1, 2], new_targets=[0]), ShapeError, "2 rows in new_targets"),
    ]
    for change, error, message in cases:
        with pytest.raises(error, match=message):
            ask(crowded, [change])
    with pytest.raises(ValuesError, match="steps"):
        ask(crowded, [Change()], steps=0)


def test_effects_by_query_example_add_up(crowded):
    changes = [Change(dropped=[int(np.flatnonzero(crowded.wrong)[0])]), Change(dropped=[1, 2])]
    arguments = (crowded.x, crowded.y, crowded.weight, crowded.xq, crowded.yq, changes)
    each = effect_by_query(*arguments, l2=crowded.l2, objective="aurc")
    assert each.shape == (2, len(crowded.yq))
    np.testing.assert_allclose(each.sum(axis=1), group_effect(*arguments, l2=crowded.l2, objective="aurc"))
    # With the rank-free objective, one query example asked alone answers as among the others.
    nll = effect_by_query(*arguments, l2=crowded.l2)
    alone = group_effect(*arguments[:3], crowded.xq[7:8], crowded.yq[7:8], changes, l2=crowded.l2)
    np.testing.assert_allclose(alone / len(crowded.yq), nll[:, 7])
