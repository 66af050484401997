import numpy as np
import pytest
from tests.attribution.small_problem import make

from yori.attribution import influence
from yori.attribution.damping import choose_damping, damping_path, solve_damped
from yori.attribution.objectives import query
from yori.attribution.tracin import tracin
from yori.attribution.weighted_objectives import GroupMean
from yori.errors import ConvergenceError, ShapeError, ValuesError
from yori.heads import LINKS, fit_softmax
from yori.heads.curvature import Curvature, logits_of

# The oracle solves at other dampings than the one the head was fitted with.
pytestmark = pytest.mark.filterwarnings("ignore::yori.attribution.influence.UnconvergedWarning")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_every_damping_is_a_solve_of_its_own(link, weighted):
    given = make(link=link)
    weights = np.random.default_rng(1).random(len(given.y)) + 0.1 if weighted else None
    dampings = [1e-4, 1e-3, 1e-2, 0.3, 10.0]
    path = damping_path(
        *given.sides, l2=given.l2, dampings=dampings, link=link, sample_weight=weights, tolerance=1e-9,
        objective="brier",
    )  # fmt: skip
    for damping, scores in zip(dampings, path.scores, strict=True):
        # The head stays where it is; only the Hessian's damping changes.
        alone = influence(
            *given.sides, l2=damping, link=link, sample_weight=weights, tolerance=1e-10, objective="brier"
        ).scores
        np.testing.assert_allclose(scores, alone, rtol=1e-6, atol=1e-8 * np.abs(alone).max())


def test_equals_the_dense_hessian():
    given = make(n=90, d=4)
    probs = LINKS["softmax"].probs(logits_of(given.x, given.weight))
    h = np.c_[given.x, np.ones(90)]
    hessian = np.einsum("icd,ij,ik->cjdk", LINKS["softmax"].curvature_blocks(probs), h, h).reshape(15, 15) / 90
    rights = np.random.default_rng(0).normal(size=(2, 3, 5))
    dampings = np.array([1e-3, 0.1, 5.0])
    curvature = Curvature(given.x, probs, np.full(90, 1 / 90), l2=0.7)
    found = solve_damped(curvature, rights, dampings, tolerance=1e-10)
    for k, damping in enumerate(dampings):
        for r in range(2):
            expected = np.linalg.solve(hessian + damping * np.eye(15), rights[r].ravel())
            np.testing.assert_allclose(found[k, r].ravel(), expected, rtol=1e-7, atol=1e-9)
    assert curvature.products <= 15  # never more directions than there are dimensions


def test_shares_its_work():
    given = make(n=400, d=24, c=5, l2=1e-3)
    path = damping_path(*given.sides, l2=given.l2, tolerance=1e-6)
    probs = LINKS["softmax"].probs(logits_of(given.x, given.weight))
    asked = query("nll", given.xq, given.yq, given.weight).gradient()
    apart = 0
    for damping in path.dampings:
        curvature = Curvature(given.x, probs, np.full(400, 1 / 400), l2=float(damping))
        curvature.solve(asked, tolerance=1e-6)
        apart += curvature.products
    assert path.products < 0.6 * apart


def test_one_step_where_the_hessian_is_a_kronecker_product():
    """At the zero head all examples have the same probabilities: the eigenbasis alone solves every damping."""
    given = make(n=100)
    curvature = Curvature(given.x, np.full((100, 3), 1 / 3), np.full(100, 0.01), l2=0.1)
    right = np.random.default_rng(0).normal(size=(1, 3, 7))
    solve_damped(curvature, right, np.array([0.01, 1.0]), tolerance=1e-8)
    assert curvature.products == 2


def test_the_far_end_is_tracin():
    given = make()
    path = damping_path(*given.sides, l2=given.l2, dampings=[1e4])
    np.testing.assert_allclose(path.scores[0] * 1e4 * 150, tracin(*given.sides), rtol=1e-2, atol=1e-5)


def test_default_path_starts_at_the_penalty():
    given = make()
    path = damping_path(*given.sides, l2=given.l2)
    assert path.dampings[0] == pytest.approx(given.l2)
    assert (np.diff(path.dampings) > 0).all()
    overlap = path.overlap(0.05)
    np.testing.assert_array_equal(np.diag(overlap), 1)
    np.testing.assert_array_equal(overlap, overlap.T)
    assert overlap[0, -1] <= overlap[0, 1]


def test_nothing_asked_nothing_done():
    given = make(n=40)
    curvature = Curvature(given.x, np.full((40, 3), 1 / 3), np.full(40, 1 / 40), l2=0.1)
    np.testing.assert_array_equal(solve_damped(curvature, np.zeros((1, 3, 7)), np.array([1.0]), tolerance=1e-6), 0)
    assert curvature.products == 0


@pytest.mark.parametrize("objective", ["nll", "aurc", "group mean"])
def test_the_choice_is_what_refits_say(objective):
    """Every gain again by hand: solve, leave out, refit to the optimum, read the judging fold."""
    given = make(n=120, m=40, l2=1e-3)
    rng = np.random.default_rng(5)
    dampings = [1e-3, 0.05, 1.0]
    asks = GroupMean("nll", given.yq) if objective == "group mean" else objective
    choice = choose_damping(*given.sides, l2=given.l2, dampings=dampings, rng=rng, share=0.05, objective=asks)
    dealt = np.empty(40, dtype=int)
    dealt[np.random.default_rng(5).permutation(40)] = np.arange(40) % 2
    gains = np.zeros(3)
    for each in range(2):
        part = asks if isinstance(asks, str) else None
        judged, asked = dealt == each, dealt != each
        ask = part or GroupMean("nll", given.yq[asked])
        judge = part or GroupMean("nll", given.yq[judged])
        for k, damping in enumerate(dampings):
            scores = influence(
                given.x, given.y, given.weight, given.xq[asked], given.yq[asked], l2=damping, objective=ask
            ).scores
            keep = np.ones(120)
            keep[np.argsort(scores)[:6]] = 0
            new = fit_softmax(given.x, given.y, l2=given.l2, sample_weight=keep, tolerance=1e-9)
            values = [
                query(judge, given.xq[judged], given.yq[judged], head).value for head in (new.weight, given.weight)
            ]
            gains[k] += (values[0] - values[1]) / 2
    np.testing.assert_allclose(choice.gains, gains, rtol=0.05, atol=2e-4)
    assert choice.damping == dampings[int(gains.argmin())]
    np.testing.assert_allclose(
        choice.scores, influence(*given.sides, l2=choice.damping, objective=asks).scores, rtol=1e-2, atol=1e-6
    )


def test_groups_of_queries_are_not_cut():
    given = make()
    groups = np.repeat(np.arange(10), 3)
    one, two = (
        choose_damping(*given.sides, l2=given.l2, rng=np.random.default_rng(2), query_groups=names)
        for names in (groups, np.array([f"clip {each}" for each in groups]))
    )
    np.testing.assert_array_equal(one.gains, two.gains)
    with pytest.raises(ValuesError, match="at least 2 groups"):
        choose_damping(*given.sides, l2=0.1, rng=np.random.default_rng(0), query_groups=np.zeros(30))


def test_a_path_that_cannot_be_solved_says_so(monkeypatch):
    monkeypatch.setattr("yori.attribution.damping.LIMIT", 2)
    given = make()
    with pytest.raises(ConvergenceError, match=r"on the whole path, got .* after 2 products"):
        damping_path(*given.sides, l2=1e-5)


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    given = make(n=40)
    rng = np.random.default_rng(0)
    for dampings, error in [([], ShapeError), ([0.0], ValuesError), ([np.nan], ValuesError), ([[1.0]], ShapeError)]:
        with pytest.raises(error, match="dampings"):
            damping_path(*given.sides, l2=0.1, dampings=np.array(dampings))
    for bad in ({"share": 0.0}, {"share": 1.0}, {"folds": 1}, {"folds": 99}):
        with pytest.raises(ValuesError, match="folds"):
            choose_damping(*given.sides, l2=0.1, rng=rng, **bad)
