"""Effects of edits against exact refits, and fits against the gradient that must vanish."""

from dataclasses import replace

import numpy as np
import pytest
from tests.attribution.small_problem import make

from yori.attribution.convergence import gradient_sums
from yori.attribution.objectives import query
from yori.curate.parts import Part, effects_of, fit_head
from yori.heads import LINKS, Spectrum, fit_sigmoid, fit_softmax


def part(given, weight=None, positions=None, objective="nll"):
    rows = np.arange(len(given.yq)) if positions is None else positions
    share = np.ones(len(given.y)) if weight is None else weight
    fit = fit_softmax if given.link == "softmax" else fit_sigmoid
    head = fit(given.x, given.y, l2=given.l2, sample_weight=share, tolerance=1e-9).weight
    return Part(head, share, query(objective, given.xq[rows], given.yq[rows], head, link=given.link), rows)


def effects(given, parts, **options):
    spectrum = Spectrum.of(given.x)
    every = np.ones((len(given.y), 3), dtype=bool)
    return effects_of(
        parts, given.x, given.y, l2=given.l2, link=given.link, spectrum=spectrum, **{"relabels": every, **options}
    )


def refit(given, y, weight, objective="nll"):
    fit = fit_softmax if given.link == "softmax" else fit_sigmoid
    head = fit(given.x, y, l2=given.l2, sample_weight=weight, tolerance=1e-9).weight
    return query(objective, given.xq, given.yq, head, link=given.link).value


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_effects_are_those_of_exact_refits(link):
    given = make(n=120, m=40, l2=0.05, link=link)
    one = part(given)
    found, products = effects(given, [one])
    assert products > 0
    rows = np.arange(0, 120, 6)
    dropped, turned = [], []
    for row in rows:
        weight = np.ones(120)
        weight[row] = 0
        dropped.append(refit(given, given.y, weight) - one.asked.value)
        labels = given.y.copy()
        if link == "softmax":
            labels[row] = (labels[row] + 1) % 3
        else:
            labels[row, 1] = 1 - labels[row, 1]
        turned.append(refit(given, labels, np.ones(120)) - one.asked.value)
    to = (given.y[rows] + 1) % 3 if link == "softmax" else np.ones(len(rows), dtype=int)
    assert np.corrcoef(dropped, found.drop[rows])[0, 1] > 0.99
    assert np.corrcoef(turned, found.relabel[rows, to])[0, 1] > 0.98
    slope = np.polyfit(found.drop[rows], dropped, 1)[0]
    assert 0.8 < slope < 1.5
    if link == "softmax":
        assert (found.relabel[np.arange(120), given.y] == 0).all()


def test_effects_of_several_parts_add_up():
    given = make(n=60, m=20)
    weight = np.where(np.arange(60) < 15, 0.0, 1.0)
    one, two = part(given, positions=np.arange(8)), part(given, weight, positions=np.arange(8, 20))
    both, single = effects(given, [one, two])[0], [effects(given, [each])[0] for each in (one, two)]
    np.testing.assert_allclose(both.drop, single[0].drop + single[1].drop, rtol=1e-12)
    np.testing.assert_allclose(both.relabel, single[0].relabel + single[1].relabel, rtol=1e-12)
    assert (single[1].drop[:15] == 0).all()  # what a head has not seen does nothing to it
    assert (single[1].relabel[:15] == 0).all()


def test_only_the_relabels_that_are_asked_for():
    given = make(n=40, m=10)
    some = np.random.default_rng(0).random((40, 3)) < 0.3
    one = part(given)
    found, every = effects(given, [one], relabels=some)[0], effects(given, [one])[0]
    np.testing.assert_allclose(found.relabel, np.where(some, every.relabel, 0), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(found.drop, every.drop)
    assert not effects(given, [one], relabels=None)[0].relabel.any()


def test_a_draw_asks_each_example_as_often_as_it_says():
    """The same as a part that is asked by copies; and a draw is of all query examples, a part takes its own."""
    given = make(n=60, m=12)
    own = np.arange(4, 12)
    draw = np.random.default_rng(0).integers(0, 3, 12).astype(float)
    whole = part(given, positions=own)
    drawn, _ = effects(given, [whole], draw=draw)
    asked = whole.asked
    copied = replace(asked, rows=asked.rows * draw[own][:, None], values=asked.values * draw[own])
    np.testing.assert_allclose(drawn.drop, effects(given, [replace(whole, asked=copied)])[0].drop, rtol=1e-9)
    ones, _ = effects(given, [whole], draw=np.ones(12))
    np.testing.assert_allclose(ones.drop, effects(given, [whole])[0].drop, rtol=1e-12)
    none, _ = effects(given, [whole], draw=np.zeros(12))
    assert (none.drop == 0).all()


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_nobody_asks_nothing_happens(link):
    given = make(n=20, link=link)
    found, products = effects(given, [])
    assert products == 0
    assert found.drop.shape == (20,)
    assert found.relabel.shape == (20, 3)
    assert not found.drop.any()
    assert not found.relabel.any()


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_a_fit_is_the_optimum_of_the_weighted_loss_wherever_it_starts(link):
    given = make(link=link)
    weight = np.random.default_rng(1).random(150)
    weight[:20] = 0
    options = {"classes": 3, "l2": given.l2, "link": link, "spectrum": Spectrum.of(given.x)}
    cold = fit_head(given.x, given.y, weight, **options)
    warm = fit_head(given.x, given.y, weight, **options, start=given.weight)
    share = weight / weight.sum()
    for head in (cold, warm):
        at, start = gradient_sums(given.x, given.y, share, head.weight, link)
        assert np.linalg.norm(at + given.l2 * head.weight) <= 1e-3 * np.linalg.norm(start)
    np.testing.assert_allclose(warm.weight, cold.weight, atol=2e-2)
    without = fit_head(given.x[20:], given.y[20:], weight[20:], **options)
    np.testing.assert_allclose(without.weight, cold.weight, atol=1e-3)


def test_curvature_is_the_derivative_of_the_gradient():
    given = make(n=40)
    weight = np.random.default_rng(2).random(40)
    one = part(given, weight)
    curvature = one.curvature(given.x, l2=given.l2, link="softmax", spectrum=Spectrum.of(given.x))
    share, step = weight / weight.sum(), 1e-5
    direction = np.random.default_rng(3).normal(size=one.head.shape)

    def gradient(head):
        probs = LINKS["softmax"].probs(np.c_[given.x, np.ones(40)] @ head.T)
        return ((probs - np.eye(3)[given.y]) * share[:, None]).T @ np.c_[given.x, np.ones(40)] + given.l2 * head

    difference = (gradient(one.head + step * direction) - gradient(one.head - step * direction)) / (2 * step)
    np.testing.assert_allclose(curvature.product(direction), difference, rtol=1e-6, atol=1e-9)
