from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import ShapeError, ValuesError
from yori.metrics import reliability_bins

quick = settings(max_examples=60, deadline=None)

levels = st.sampled_from([0.0, 0.1, 0.3, 0.6, 0.7, 0.9, 1.0])
tied_rows = st.lists(st.tuples(levels, st.booleans()), min_size=1, max_size=40)


def columns(rows):
    return np.array([c for c, _ in rows]), np.array([r for _, r in rows])


@quick
@given(tied_rows, st.integers(1, 17), st.sampled_from(["right", "left"]))
def test_equal_width_bins_compare_with_the_edges_themselves(rows, bins, side):
    confidence, correct = columns(rows)
    edges = np.linspace(0, 1, bins + 1)
    found = reliability_bins(confidence, correct, bins=bins, binning="equal_width", side=side)
    wanted = []
    for k in range(bins):
        low, high = edges[k], edges[k + 1]
        if side == "right":
            inside = ((confidence > low) | ((k == 0) & (confidence == 0))) & (confidence <= high)
        else:
            inside = (confidence >= low) & ((confidence < high) | ((k == bins - 1) & (confidence == 1)))
        if inside.any():
            wanted.append((inside.sum(), confidence[inside].mean(), correct[inside].mean()))
    assert found.count.tolist() == [count for count, _, _ in wanted]
    np.testing.assert_allclose(found.confidence, [c for _, c, _ in wanted], atol=1e-15)
    np.testing.assert_allclose(found.accuracy, [a for _, _, a in wanted], atol=1e-15)


@pytest.mark.parametrize("bins", [7, 10, 15, 49, 93, 1000])
@pytest.mark.parametrize("side", ["right", "left"])
def test_values_beside_an_edge_fall_on_their_side(bins, side):
    edges = np.linspace(0, 1, bins + 1)
    confidence = np.unique(np.concatenate([edges, np.nextafter(edges[1:], 0), np.nextafter(edges[:-1], 1)]))
    found = reliability_bins(confidence, np.ones(len(confidence), bool), bins=bins, binning="equal_width", side=side)
    member = np.clip(np.searchsorted(edges, confidence, side="left" if side == "right" else "right") - 1, 0, bins - 1)
    assert found.count.tolist() == np.bincount(member, minlength=bins).tolist()


@quick
@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 1000))
def test_equal_mass_without_ties_is_array_split_of_a_sort(n, bins, seed):
    rng = np.random.default_rng(seed)
    confidence, correct = rng.random(n), rng.random(n) < 0.5
    found = reliability_bins(confidence, correct, bins=bins)
    parts = [part for part in np.array_split(np.argsort(confidence), bins) if len(part)]
    assert found.count.tolist() == [len(part) for part in parts]
    np.testing.assert_allclose(found.confidence, [confidence[part].mean() for part in parts], atol=1e-15)
    np.testing.assert_allclose(found.accuracy, [correct[part].mean() for part in parts], atol=1e-15)


@quick
@given(tied_rows, st.integers(1, 45))
def test_equal_mass_spreads_the_right_rows_of_a_cut_group(rows, bins):
    confidence, correct = columns(rows)
    spread = []
    for level in np.unique(confidence):
        group = int((confidence == level).sum())
        right = int(correct[confidence == level].sum())
        counted = [-(-j * right // group) for j in range(group + 1)]
        spread.extend((level, after - before) for before, after in pairwise(counted))
    parts = [part for part in np.array_split(np.array(spread), bins) if len(part)]
    found = reliability_bins(confidence, correct, bins=bins)
    np.testing.assert_allclose(found.confidence, [part[:, 0].mean() for part in parts], atol=1e-15)
    np.testing.assert_allclose(found.accuracy, [part[:, 1].mean() for part in parts], atol=1e-15)
    assert round((found.accuracy * found.count).sum()) == correct.sum()


@quick
@given(tied_rows, st.integers(1, 45))
def test_quantile_bins_never_cut_a_group(rows, bins):
    confidence, correct = columns(rows)
    found = reliability_bins(confidence, correct, bins=bins, binning="quantile")
    assert len(found.count) <= min(bins, len(np.unique(confidence)))
    cuts = np.cumsum(found.count)[:-1]
    ordered = np.sort(confidence)
    assert (ordered[cuts - 1] < ordered[cuts]).all()
    starts = np.append(0, cuts)
    np.testing.assert_allclose(found.confidence, np.add.reduceat(ordered, starts) / found.count, atol=1e-15)
    for start, count, accuracy in zip(starts, found.count, found.accuracy, strict=True):
        inside = np.isin(confidence, ordered[start : start + count])
        assert accuracy == pytest.approx(correct[inside].mean(), abs=1e-15)


@quick
@given(tied_rows, st.integers(1, 45), st.sampled_from(["equal_mass", "equal_width", "quantile"]), st.randoms())
def test_row_order_does_not_matter(rows, bins, binning, random):
    confidence, correct = columns(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    a = reliability_bins(confidence, correct, bins=bins, binning=binning)
    b = reliability_bins(confidence[order], correct[order], bins=bins, binning=binning)
    np.testing.assert_array_equal(a.count, b.count)
    np.testing.assert_array_equal(a.accuracy, b.accuracy)
    np.testing.assert_allclose(a.confidence, b.confidence, atol=1e-15)


def test_all_rows_tied_give_every_bin_nearly_the_same_accuracy():
    found = reliability_bins(np.full(1000, 0.7), np.random.default_rng(0).permutation(1000) < 700, bins=15)
    assert np.abs(found.accuracy - 0.7).max() <= 1 / 66


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("bins", [0, -1, 2.5, float("nan"), True, "ten", None])
def test_an_impossible_number_of_bins_is_refused(bins):
    with pytest.raises(ValuesError, match="whole number of bins"):
        reliability_bins(np.array([0.5]), np.array([True]), bins=bins)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("options", "message"),
    [({"binning": "uniform"}, "equal_mass, equal_width, quantile"), ({"side": "both"}, "one of right, left")],
)
def test_an_unknown_option_is_refused(options, message):
    with pytest.raises(ValuesError, match=message):
        reliability_bins(np.array([0.5]), np.array([True]), **options)


@pytest.mark.usefixtures("unchecked")
def test_bad_outcomes_are_refused():
    with pytest.raises(ShapeError):
        reliability_bins(np.array([]), np.array([], dtype=bool))
    with pytest.raises(ValuesError, match=r"\[0, 1\]"):
        reliability_bins(np.array([1.2]), np.array([True]))
