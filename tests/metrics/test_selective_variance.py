import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori import metrics
from yori.metrics.selective_variance import aurc_with_influence

quick = settings(max_examples=60, deadline=None)

AREAS = {"aurc": (metrics.aurc, metrics.aurc_influence), "augrc": (metrics.augrc, metrics.augrc_influence)}


def weighted(name, weight, confidence, correct):
    """The area when row i counts ``weight[i]`` times, straight from the definition."""
    rows = errors = total = 0.0
    before = None
    for level in np.unique(confidence)[::-1]:
        at = confidence == level
        width, errors_before = weight[at].sum(), errors
        rows += width
        errors += weight[at & ~correct].sum()
        risk = errors / rows
        total += width * (risk + (risk if before is None else before) if name == "aurc" else errors + errors_before) / 2
        before = risk
    return total / weight.sum() ** (1 if name == "aurc" else 2)


def made(rng, n, *, decimals=None):
    confidence = rng.beta(5, 2, n)
    correct = rng.random(n) < confidence
    return (confidence if decimals is None else np.round(confidence, decimals)), correct


@pytest.mark.parametrize("name", AREAS)
@pytest.mark.parametrize("decimals", [None, 1])
def test_is_the_derivative_along_adding_a_row(name, decimals):
    confidence, correct = made(np.random.default_rng(0), 50, decimals=decimals)
    area, influence = AREAS[name]
    n, step = len(confidence), 1e-6
    assert weighted(name, np.ones(n), confidence, correct) == pytest.approx(area(confidence, correct), abs=1e-14)

    def at(row, part):
        weight = np.full(n, (1 - part) / n)
        weight[row] += part
        return weighted(name, weight, confidence, correct)

    slopes = [(at(row, step) - at(row, -step)) / (2 * step) for row in range(n)]
    np.testing.assert_allclose(influence(confidence, correct), slopes, atol=1e-8)


@quick
@given(
    st.lists(st.tuples(st.sampled_from([-2.0, 0.1, 0.5, 0.9]), st.booleans()), min_size=1, max_size=30),
    st.sampled_from(list(AREAS)),
    st.randoms(),
)
def test_means_are_zero_and_rows_are_followed(rows, name, random):
    confidence, correct = np.array([c for c, _ in rows]), np.array([r for _, r in rows])
    influence = AREAS[name][1]
    values = influence(confidence, correct)
    assert abs(values.mean()) < 1e-14
    order = list(range(len(rows)))
    random.shuffle(order)
    np.testing.assert_allclose(influence(confidence[order], correct[order]), values[order], atol=1e-14)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_equal_rows_have_equal_values_and_a_wrong_row_has_more_than_a_right_one(seed):
    confidence, correct = made(np.random.default_rng(seed), 40, decimals=1)
    for _, influence in AREAS.values():
        values = influence(confidence, correct)
        for level in np.unique(confidence):
            right, wrong = values[(confidence == level) & correct], values[(confidence == level) & ~correct]
            assert np.ptp(right) < 1e-14 if len(right) else True
            if len(right) and len(wrong):
                assert wrong[0] > right[0]


@pytest.mark.parametrize("name", AREAS)
@pytest.mark.parametrize("decimals", [None, 2])
def test_standard_error_agrees_with_the_jackknife(name, decimals):
    confidence, correct = made(np.random.default_rng(4), 300, decimals=decimals)
    area, influence = AREAS[name]
    n = len(confidence)
    left_out = np.array([area(np.delete(confidence, row), np.delete(correct, row)) for row in range(n)])
    values = influence(confidence, correct)
    jackknife = np.sqrt((n - 1) * left_out.var())
    assert values.std() / np.sqrt(n) == pytest.approx(jackknife, rel=0.02)
    pseudo = (n - 1) * (left_out.mean() - left_out)
    assert np.corrcoef(pseudo, values)[0, 1] > 0.999


@pytest.mark.parametrize("decimals", [None, 2])
def test_standard_error_agrees_with_the_bootstrap(decimals):
    rng = np.random.default_rng(5)
    confidence, correct = made(rng, 5000, decimals=decimals)
    drawn = rng.integers(0, 5000, (1500, 5000))
    for area, influence in AREAS.values():
        bootstrap = np.std([area(confidence[rows], correct[rows]) for rows in drawn])
        # The spread of 1500 replicates is itself known to 1.8 %.
        assert influence(confidence, correct).std() / np.sqrt(5000) == pytest.approx(bootstrap, rel=0.07)


@pytest.mark.parametrize("name", AREAS)
def test_paired_difference_covers_its_true_value(name):
    rng = np.random.default_rng(6)
    area, influence = AREAS[name]
    rows = 200_000
    hidden = rng.beta(5, 2, rows)
    correct = rng.random(rows) < hidden
    other = np.clip(hidden + rng.normal(0, 0.15, rows), 0, 1)
    truth = area(hidden, correct) - area(other, correct)
    held = 0
    for _ in range(400):
        at = rng.integers(0, rows, 500)
        a, b, right = hidden[at], other[at], correct[at]
        difference = area(a, right) - area(b, right)
        error = (influence(a, right) - influence(b, right)).std() / np.sqrt(500)
        held += abs(difference - truth) < 1.96 * error
    assert 0.915 < held / 400 < 0.98


def test_degenerate_input_has_no_spread():
    confidence = np.array([0.9, 0.8, 0.7])
    for _, influence in AREAS.values():
        assert influence(confidence[:1], np.array([False])).tolist() == [0.0]
        np.testing.assert_allclose(influence(confidence, np.array([True] * 3)), 0, atol=1e-16)
    np.testing.assert_allclose(metrics.aurc_influence(confidence, np.array([False] * 3)), 0, atol=1e-15)


@quick
@given(
    st.lists(st.tuples(st.sampled_from([-2.0, 0.1, 0.5, 0.9]), st.booleans()), min_size=1, max_size=30),
    st.booleans(),
)
def test_value_and_influence_together_are_those_apart(rows, tied):
    confidence, correct = np.array([c for c, _ in rows]), np.array([r for _, r in rows])
    if not tied:
        confidence = confidence + np.linspace(0, 0.05, len(rows))
    area, influence = aurc_with_influence(confidence, correct)
    assert area == metrics.aurc(confidence, correct)
    np.testing.assert_array_equal(influence, metrics.aurc_influence(confidence, correct))


def test_value_is_the_same_to_the_last_bit_where_sums_are_long():
    confidence, correct = made(np.random.default_rng(5), 100_003)
    assert aurc_with_influence(confidence, correct)[0] == metrics.aurc(confidence, correct)
