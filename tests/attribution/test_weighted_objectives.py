import numpy as np
import pytest
from tests.attribution.small_problem import make

from yori.attribution import influence, tracin
from yori.attribution.group_influence import Change, group_effect
from yori.attribution.objectives import Objective, query, query_of_logits
from yori.attribution.weighted_objectives import GivenGradient, GroupMean, RiskAtCoverage, Weighted, WorstGroup
from yori.errors import ShapeError, ValuesError
from yori.heads import fit_softmax
from yori.heads.curvature import logits_of

GROUPS = np.array(["near", "far", "far", "mid", "far"])[np.arange(30) % 5]
WEIGHT = np.random.default_rng(4).random(30)
GRADIENT = np.random.default_rng(5).normal(size=(3, 7))

CASES = {
    "weighted nll": Weighted("nll", WEIGHT),
    "weighted focal": Weighted("focal", WEIGHT),
    "weighted aurc": Weighted("aurc", WEIGHT),
    "group mean nll": GroupMean("nll", GROUPS),
    "group mean augrc_soft": GroupMean("augrc_soft", GROUPS),
    "group mean calibration": GroupMean("calibration", GROUPS),
    "worst nll": WorstGroup("nll", GROUPS),
    "worst brier, smooth": WorstGroup("brier", GROUPS, sharpness=3.0),
    "risk at 50 %": RiskAtCoverage(0.5),
    "risk at 100 %": RiskAtCoverage(1.0),
    "given gradient": GivenGradient(GRADIENT),
}
SMOOTH = {"weighted nll", "weighted focal", "group mean nll", "worst brier, smooth", "given gradient"}
"""Without ranks or a maximum, so that a refit may change nothing that the derivative holds fixed."""


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_gradient_is_the_finite_difference(name, link):
    given = make(link=link)
    rng = np.random.default_rng(1)
    weight, direction = rng.normal(size=(3, 7)) * 0.3, rng.normal(size=(3, 7))
    asked = query(CASES[name], given.xq, given.yq, weight, link=link, temperature=0.7)
    up, down = (
        query(CASES[name], given.xq, given.yq, weight + step * direction, link=link, temperature=0.7).value
        for step in (1e-7, -1e-7)
    )
    assert (asked.gradient() * direction).sum() == pytest.approx((up - down) / 2e-7, rel=1e-5, abs=1e-8)


@pytest.fixture(scope="module")
def refitted():
    """Heads without each of 120 examples in turn."""
    given = make(n=120, l2=0.03)
    keep = 1 - np.eye(120)
    return given, [
        fit_softmax(given.x, given.y, l2=0.03, sample_weight=each, init=given.weight, tolerance=1e-8).weight
        for each in keep
    ]


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_predicts_leaving_one_out(name, refitted):
    given, heads = refitted
    before = query(CASES[name], given.xq, given.yq, given.weight).value
    measured = [query(CASES[name], given.xq, given.yq, head).value - before for head in heads]
    found = influence(*given.sides, l2=given.l2, objective=CASES[name], leverage=True).drop_effect()
    assert np.corrcoef(found, measured)[0, 1] > (0.96 if "focal" in name else 0.98)


@pytest.mark.parametrize("objective", ["calibration", "augrc", "aurc_soft", *sorted(set(CASES) - SMOOTH)])
def test_a_refit_that_is_a_small_step_goes_where_the_derivative_points(objective):
    """Weights changed a little, so that ranks stay: the refit's change is what influence says."""
    given = make(n=100, l2=0.05)
    asks = CASES.get(objective, objective)
    found = influence(*given.sides, l2=given.l2, objective=asks, tolerance=1e-10)
    rng = np.random.default_rng(0)
    change = rng.choice([-1e-5, 1e-5], 100)
    values = []
    for sign in (1, -1):
        head = fit_softmax(given.x, given.y, l2=given.l2, sample_weight=1 + sign * change, tolerance=1e-13)
        values.append(query(asks, given.xq, given.yq, head.weight).value)
    predicted = float((-change * (found.scores - found.share * found.scale_effect)).sum())
    assert (values[0] - values[1]) / 2 == pytest.approx(predicted, rel=5e-3)


def test_by_hand():
    given = make()
    logits = logits_of(given.xq, given.weight)
    losses = np.array([query_of_logits("nll", given.xq[[i]], given.yq[[i]], logits[[i]]).value for i in range(30)])
    each = np.array([losses[name == GROUPS].mean() for name in ("far", "mid", "near")])
    assert query(GroupMean("nll", GROUPS), given.xq, given.yq, given.weight).value == pytest.approx(each.mean())
    assert query(WorstGroup("nll", GROUPS), given.xq, given.yq, given.weight).value == pytest.approx(each.max())
    smooth = query(WorstGroup("nll", GROUPS, sharpness=2.0), given.xq, given.yq, given.weight).value
    assert smooth == pytest.approx(np.log(np.exp(2 * each).mean()) / 2)
    weighted = query(Weighted("nll", WEIGHT), given.xq, given.yq, given.weight).value
    assert weighted == pytest.approx(np.average(losses, weights=WEIGHT))
    product = query(GivenGradient(GRADIENT), given.xq, given.yq, given.weight).value
    assert product == pytest.approx((GRADIENT * given.weight).sum())
    one, two = (query(each, given.xq, given.yq, given.weight).value for each in (RiskAtCoverage(0.8), "risk80_soft"))
    assert one == pytest.approx(two)


def test_every_class_asks_as_loudly():
    given = make()
    found = tracin(*given.sides, objective=GroupMean("nll", given.yq))
    parts = [
        tracin(given.x, given.y, given.weight, given.xq[given.yq == label], given.yq[given.yq == label])
        for label in range(3)
    ]
    np.testing.assert_allclose(found, np.mean(parts, axis=0), rtol=1e-9, atol=1e-13)


def test_refits_read_it_at_the_moved_head():
    given = make(l2=0.1)
    effect = group_effect(
        *given.sides, [Change(dropped=[3])], l2=0.1, objective=GivenGradient(GRADIENT), tolerance=1e-6
    )
    head = fit_softmax(given.x, given.y, l2=0.1, sample_weight=(np.arange(150) != 3) * 1.0, tolerance=1e-10)
    assert effect[0] == pytest.approx((GRADIENT * (head.weight - given.weight)).sum(), rel=1e-3)


def test_a_fold_asks_for_its_part():
    taking = np.arange(30) < 20
    for case in CASES.values():
        assert isinstance(case, Objective)
    np.testing.assert_array_equal(CASES["weighted nll"].restricted(taking).weight, WEIGHT[:20])
    np.testing.assert_array_equal(CASES["worst nll"].restricted(taking).groups, GROUPS[:20])
    assert CASES["worst brier, smooth"].restricted(taking).sharpness == 3.0


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("make_objective", "error", "message"),
    [
        (lambda: Weighted("nll", np.ones(29)), ShapeError, "30 rows in weight"),
        (lambda: Weighted("nll", -np.ones(30)), ValuesError, "weights ≥ 0"),
        (lambda: Weighted("nll", np.zeros(30)), ValuesError, "weights ≥ 0"),
        (lambda: Weighted("nll", np.full(30, np.nan)), ValuesError, "finite numbers in weight"),
        (lambda: Weighted("calibration", np.ones(30)), ValuesError, "a sum of losses"),
        (lambda: Weighted("accuracy", np.ones(30)), ValuesError, "an objective out of"),
        (lambda: GroupMean("accuracy", GROUPS), ValuesError, "an objective out of"),
        (lambda: GroupMean("nll", GROUPS[1:]), ShapeError, "30 rows in groups"),
        (lambda: WorstGroup("nll", np.zeros((30, 2))), ShapeError, r"groups of shape \(m,\)"),
        (lambda: WorstGroup("nll", GROUPS, sharpness=0.0), ValuesError, "sharpness > 0"),
        (lambda: RiskAtCoverage(0.0), ValuesError, "coverage"),
        (lambda: RiskAtCoverage(1.5), ValuesError, "coverage"),
        (lambda: GivenGradient(np.ones((3, 6))), ShapeError, r"a gradient of shape \(3, 7\)"),
        (lambda: GivenGradient(np.full((3, 7), np.inf)), ValuesError, "finite numbers in gradient"),
    ],
)
def test_refusals(make_objective, error, message):
    given = make()
    with pytest.raises(error, match=message):
        influence(*given.sides, l2=0.1, objective=make_objective())


def test_a_given_gradient_has_no_parts():
    given = make()
    asked = query(GivenGradient(GRADIENT), given.xq, given.yq, given.weight)
    with pytest.raises(ValuesError, match="a sum over query examples"):
        asked.gradient(np.ones(30))
