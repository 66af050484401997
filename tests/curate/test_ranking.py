"""The best edit of every example against a loop over all of them, and the order against a greedy one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.curate.limits import EditGuard
from yori.curate.ranking import ACTIONS, VOTERS, Best, Effects, Pick, best_edits, ranked, ranked_by_all
from yori.errors import ValuesError
from yori.task import Costs, CurationRules


def effects(n=20, c=3, seed=0):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, c, n)
    relabel = rng.normal(size=(n, c))
    relabel[np.arange(n), targets] = 0
    return Effects(rng.normal(size=n), relabel), targets


def free(n, classes=1):
    """A guard that allows nearly everything: many examples of each class."""
    return EditGuard(np.arange(n) % classes, classes=classes, budget=n, rules=CurationRules())


def by_hand(found, targets, rules, plausible, answers):
    """The cheapest of all edits of each example, in the order of `ACTIONS` where two are equal."""
    for row, own in enumerate(targets):
        offers = []
        if "drop" in rules.actions:
            offers.append((found.drop[row] + rules.costs.minute * rules.costs.drop, found.drop[row], -1, "drop"))
        if "relabel" in rules.actions:
            offers += [
                (effect + rules.costs.minute * rules.costs.relabel, effect, label, "relabel")
                for label, effect in enumerate(found.relabel[row])
                if plausible[row, label]
            ]
        if "review" in rules.actions:
            expected = sum(chance * effect for chance, effect in zip(answers[row], found.relabel[row], strict=True))
            offers.append((expected + rules.costs.minute * rules.costs.review, expected, -1, "review"))
        yield min(offers, key=lambda offer: (offer[0], ACTIONS.index(offer[3]))), own


@given(
    seed=st.integers(0, 1000),
    actions=st.lists(st.sampled_from(ACTIONS), min_size=1, unique=True),
    minute=st.sampled_from([0.0, 0.3]),
)
def test_best_edit_is_the_cheapest_of_all_that_are_allowed(seed, actions, minute):
    found, targets = effects(seed=seed)
    rng = np.random.default_rng(seed)
    plausible = rng.random((20, 3)) < 0.5
    plausible[np.arange(20), targets] = False
    if actions == ["relabel"]:
        plausible[np.arange(20), (targets + 1) % 3] = True  # everybody has an offer
    answers = rng.dirichlet(np.ones(3), 20)
    rules = CurationRules(actions=tuple(actions), costs=Costs(drop=0.5, relabel=1.0, review=2.0, minute=minute))
    best = best_edits(found, targets, rules=rules, plausible=plausible, answers=answers)
    for row, ((net, effect, label, action), own) in enumerate(by_hand(found, targets, rules, plausible, answers)):
        assert best.net[row] == pytest.approx(net)
        assert best.effect[row] == pytest.approx(effect)
        assert (best.label[row], ACTIONS[best.action[row]]) == (label, action)
        assert best.label[row] != own


def test_nothing_plausible_is_no_relabel():
    found, targets = effects()
    only = CurationRules(actions=("relabel",))
    for plausible in (None, np.zeros((20, 3), dtype=bool)):
        assert np.isinf(best_edits(found, targets, rules=only, plausible=plausible, answers=None).net).all()


def test_a_review_needs_somebody_to_answer():
    found, targets = effects()
    with pytest.raises(ValuesError, match="curate: expected answers"):
        best_edits(found, targets, rules=CurationRules(actions=("review",)), plausible=None, answers=None)


def test_several_labels_are_reviewed_one_by_one_and_never_relabelled():
    """Each class is flipped with the chance that a person says other than the label."""
    rng = np.random.default_rng(1)
    found = Effects(rng.normal(size=5), rng.normal(size=(5, 3)))
    targets, answers = rng.integers(0, 2, (5, 3)), rng.random((5, 3))
    rules = CurationRules(actions=("relabel", "review"), costs=Costs(minute=0.0))
    best = best_edits(found, targets, rules=rules, plausible=np.ones((5, 3), dtype=bool), answers=answers)
    expected = [
        sum((1 - p if t else p) * e for p, t, e in zip(*row, strict=True))
        for row in zip(answers, targets, found.relabel, strict=True)
    ]
    np.testing.assert_allclose(best.net, expected)
    assert {ACTIONS[action] for action in best.action} == {"review"}


def drops(net):
    """Drops of this net effect."""
    n = len(net)
    return Best(np.asarray(net, dtype=float), np.asarray(net, dtype=float), np.full(n, -1), np.zeros(n, dtype=int))


def test_the_best_first_and_only_those_that_help():
    net = np.full(40, 1.0)
    net[[7, 3, 30]] = -1.0, -3.0, -2.0
    chosen = ranked(drops(net), 10, free(40))
    assert chosen == [Pick(3, None, -3.0, "drop"), Pick(30, None, -2.0, "drop"), Pick(7, None, -1.0, "drop")]
    assert [pick.position for pick in ranked(drops(net), 2, free(40))] == [3, 30]
    assert ranked(drops(np.zeros(40)), 10, free(40)) == []


def test_equal_ones_come_in_the_order_of_the_examples():
    net = np.full(50, 1.0)
    net[[40, 11, 23]] = -1.0
    assert [pick.position for pick in ranked(drops(net), 3, free(50))] == [11, 23, 40]


def test_what_the_guard_forbids_makes_room_for_the_next_and_the_guard_is_only_asked():
    """Class 0 has 20 examples and bears two; of class 1 there are 20 more."""
    strata = np.repeat([0, 1], 20)
    guard = EditGuard(strata, classes=2, budget=10, rules=CurationRules())
    net = np.concatenate([np.linspace(-9, -8, 20), np.linspace(-2, -1, 20)])
    for _ in range(2):
        assert [pick.position for pick in ranked(drops(net), 4, guard)] == [0, 1, 20, 21]
    guard.take(5, "drop")
    assert [pick.position for pick in ranked(drops(net), 4, guard)] == [0, 20, 21]


def test_a_consensus_is_a_share_of_votes_for_the_same_edit_among_their_best():
    net = np.full(60, 1.0)
    net[[1, 2, 3]] = -3.0, -2.0, -1.0
    best = drops(net)
    same, other_edit = drops(net), drops(net)
    other_edit.action[1] = ACTIONS.index("review")
    later = drops(
        np.where(np.isin(np.arange(60), [1, 2, 3]), net, -5.0)
    )  # three others are better: no vote for 1, 2, 3
    unwilling = drops(np.abs(net))  # among their best, but it would not help
    votes = [same, other_edit, later, unwilling]
    for consensus, expected in ((0.25, [1, 2, 3]), (0.5, [2, 3]), (0.75, [])):
        assert [pick.position for pick in ranked(best, 3, free(60), votes, consensus)] == expected


def test_who_votes():
    """The other objectives and every draw, where the rules ask; nobody where they do not."""
    asked = []

    def best(objective=None, draw=None):
        asked.append(objective if draw is None else draw.tolist())
        return drops([-1.0] * 30)

    draws = np.arange(4.0).reshape(2, 2)
    ranked_by_all(best, 3, free(30), CurationRules(), "nll", draws)
    assert asked == [None]
    asked.clear()
    chosen = ranked_by_all(best, 3, free(30), CurationRules(consensus=0.9), "nll", draws)
    assert asked == [None, *(name for name in VOTERS if name != "nll"), [0.0, 1.0], [2.0, 3.0]]
    assert len(chosen) == 3
    asked.clear()
    ranked_by_all(best, 3, free(30), CurationRules(consensus=0.9), "focal", None)
    assert asked == [None, *VOTERS]
