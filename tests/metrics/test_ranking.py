import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from yori.metrics.ranking import _by_sign, rank

quick = settings(max_examples=60, deadline=None)

TINY = np.finfo(np.float64).smallest_subnormal
HARD = [0.0, -0.0, TINY, -TINY, 1.0, np.nextafter(1, 0), np.nextafter(1, 2), -1.0, 1e300, -1e300, 0.5, -0.5]


def by_argsort(confidence, correct):
    order = np.lexsort((~correct, -confidence))
    return confidence[order], (~correct[order]).astype(int)


@quick
@given(st.lists(st.tuples(st.sampled_from(HARD), st.booleans()), min_size=1, max_size=60))
def test_equals_a_plain_sort_bit_for_bit(rows):
    confidence = np.array([c for c, _ in rows])
    correct = np.array([r for _, r in rows])
    ranking = rank(confidence, correct)
    wanted, wrong = by_argsort(confidence, correct)
    np.testing.assert_array_equal(ranking.confidence(), wanted)
    np.testing.assert_array_equal(ranking.wrong(), wrong)


@quick
@given(arrays(np.float64, 40, elements=st.floats(allow_nan=False, allow_infinity=False)), st.randoms())
def test_any_finite_float_survives(confidence, random):
    correct = np.array([random.random() < 0.5 for _ in confidence])
    wanted, wrong = by_argsort(confidence, correct)
    ranking = rank(confidence, correct)
    np.testing.assert_array_equal(ranking.confidence(), wanted)
    np.testing.assert_array_equal(ranking.wrong(), wrong)
    np.testing.assert_array_equal(ranking.tied_with_next(), wanted[1:] == wanted[:-1])


def test_neighbouring_floats_are_no_tie_and_equal_ones_are():
    confidence = np.array([0.7, np.nextafter(0.7, 1), 0.7, np.nextafter(0.7, 0)])
    accepted, errors = rank(confidence, np.array([True, False, False, True])).distinct()
    assert accepted.tolist() == [1, 3, 4]
    assert errors.tolist() == [1, 2, 2]


def test_keys_of_both_signs_that_coincide_are_no_tie():
    # The key of a negative number is its magnitude, that of a positive one the inverse: these two collide.
    positive = 1.5
    bits = ~(np.uint64(np.float64(positive).view(np.uint64) << np.uint64(1)) | np.uint64(1))
    negative = -np.uint64(bits >> np.uint64(1)).view(np.float64)
    assert negative < 0
    ranking = _by_sign(np.array([negative, positive]), np.array([True, True]))
    assert (ranking.keys[0] ^ ranking.keys[1]) <= 1
    assert not ranking.tied_with_next().any()
    assert ranking.distinct()[0].tolist() == [1, 2]


def test_input_is_not_modified():
    confidence, correct = np.array([0.1, -0.5, 0.9]), np.array([True, False, True])
    kept = confidence.copy(), correct.copy()
    rank(confidence, correct)
    np.testing.assert_array_equal(confidence, kept[0])
    np.testing.assert_array_equal(correct, kept[1])


@pytest.mark.parametrize("confidence", [[0.3], [-0.3], [0.0]])
def test_one_row(confidence):
    accepted, errors = rank(np.array(confidence), np.array([False])).distinct()
    assert (accepted.tolist(), errors.tolist()) == ([1], [1])


@pytest.mark.parametrize("scale", [1e-200, 0.3, 1.0, 7.0, 1e3, 1e200, 1e308])
@pytest.mark.parametrize("n", [5, 70_000])
def test_both_signs_at_any_scale_and_length(scale, n):
    rng = np.random.default_rng(n)
    confidence = np.clip(rng.standard_normal(n), -1, 1).round(rng.integers(2, 17)) * scale
    correct = rng.random(n) < 0.5
    wanted, wrong = by_argsort(confidence, correct)
    ranking = rank(confidence, correct)
    np.testing.assert_array_equal(ranking.confidence(), wanted)
    np.testing.assert_array_equal(ranking.wrong(), wrong)
    assert ranking.any_tied() == bool((wanted[1:] == wanted[:-1]).any())
    counts = np.concatenate([block.copy() for _, block in ranking.errors_in_blocks()])
    np.testing.assert_array_equal(counts, np.cumsum(wrong))
