import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import ShapeError, ValuesError
from yori.signal.fingerprint import fingerprint
from yori.signal.near_duplicates import CORRELATION, aligned_correlation, candidate_pairs, cluster_pairs


def unit_rows(rng, n, d=8):
    rows = rng.normal(size=(n, d))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def all_pairs(prints, seconds, threshold, ratio):
    """The definition, pair by pair."""
    found = set()
    for i in range(len(prints)):
        for j in range(i + 1, len(prints)):
            short, long = sorted((seconds[i], seconds[j]))
            if prints[i] @ prints[j] >= threshold and long <= short * ratio:
                found.add((i, j))
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 30), st.integers(0, 2**32 - 1), st.sampled_from([1.0, 1.1, 2.0]), st.sampled_from([0.2, 0.5]))
def test_pairs_by_brute_force(n, seed, ratio, threshold):
    rng = np.random.default_rng(seed)
    prints, seconds = unit_rows(rng, n), rng.choice([0.5, 1.0, 1.05, 1.3, 2.0], n)
    pairs = candidate_pairs(prints, seconds, threshold=threshold, length_ratio=ratio, neighbours=n + 1)
    assert set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == all_pairs(
        prints, seconds, threshold, ratio
    )
    assert np.allclose(pairs.similarity, np.einsum("nd,nd->n", prints[pairs.first], prints[pairs.second]), atol=1e-5)
    assert (pairs.first < pairs.second).all()


def test_more_rows_than_a_block():
    rng = np.random.default_rng(0)
    prints, seconds = unit_rows(rng, 1300, 32), rng.uniform(1, 2, 1300)
    planted = rng.permutation(1300)[:200].reshape(2, 100)
    prints[planted[1]], seconds[planted[1]] = prints[planted[0]], seconds[planted[0]]
    pairs = candidate_pairs(prints, seconds, threshold=0.99)
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert found == {tuple(sorted(pair)) for pair in planted.T.tolist()}


def test_a_crowd_of_copies_stays_joined_with_few_neighbours():
    prints = np.repeat(unit_rows(np.random.default_rng(0), 1), 700, axis=0)
    pairs = candidate_pairs(prints, np.ones(700), neighbours=3)
    assert len(pairs.first) <= 3 * 700
    assert (cluster_pairs(700, pairs.first, pairs.second) == 0).all()


def test_clips_without_a_fingerprint_have_no_copies():
    assert len(candidate_pairs(np.zeros((5, 4)), np.ones(5)).first) == 0


def test_nothing_and_one():
    for n in (0, 1):
        assert len(candidate_pairs(np.ones((n, 3)), np.ones(n)).first) == 0


def test_progress_is_told():
    seen = []
    candidate_pairs(np.eye(1200, 4), np.ones(1200), progress=lambda *told: seen.append(told))
    assert seen[-1][1:] == (1200, 1200)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=12))
def test_clusters_are_connected_components(n, edges):
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = [(a % n, b % n) for a, b in edges]
    first = np.array([a for a, _ in edges], dtype=np.int64)
    second = np.array([b for _, b in edges], dtype=np.int64)
    found = cluster_pairs(n, first, second)
    expected = connected_components(coo_matrix((np.ones(len(edges)), (first, second)), shape=(n, n)), directed=False)[1]
    assert all((found[i] == found[j]) == (expected[i] == expected[j]) for i in range(n) for j in range(n))
    assert all(found[i] == min(j for j in range(n) if found[j] == found[i]) for i in range(n))


def by_definition(a, b, rate, shift):
    a, b = a - a.mean(), b - b.mean()
    most = min(int(shift * rate), min(len(a), len(b)) // 2)
    best = 0.0
    for lag in range(-most, most + 1):
        times = [t for t in range(len(b)) if 0 <= t + lag < len(a)]
        x, y = a[[t + lag for t in times]], b[times]
        scale = np.sqrt((x @ x) * (y @ y))
        best = max(best, abs(x @ y) / scale if scale > 0 else 0.0)
    return best


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.003, 0.05]))
def test_correlation_by_definition(m, n, seed, shift):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=m), rng.normal(size=n)
    assert aligned_correlation(a, b, 1000, shift=shift) == pytest.approx(by_definition(a, b, 1000, shift), abs=1e-9)


def test_correlation_is_symmetric_and_finds_the_shift():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=3000), rng.normal(size=2800)
    assert aligned_correlation(x, y, 8000) == pytest.approx(aligned_correlation(y, x, 8000), abs=1e-12)
    assert aligned_correlation(x[300:], x[:-300], 8000, shift=0.05) > 0.99
    assert aligned_correlation(x[300:], x[:-300], 8000, shift=0.03) < 0.2


def test_silence_correlates_with_nothing():
    assert aligned_correlation(np.zeros(100), np.ones(100), 8000) == 0
    assert aligned_correlation(np.ones(1), np.ones(1), 8000) == 0


def test_no_two_of_the_real_recordings_are_copies(real_data):
    """Fifty takes of one digit by one speaker are as alike as different recordings get."""
    import soundfile

    paths = sorted((real_data / "fsdd" / "recordings").glob("4_george_*.wav"))
    clips = [soundfile.read(path)[0] for path in paths]
    prints = np.stack([fingerprint(clip, 8000) for clip in clips])
    pairs = candidate_pairs(prints, np.array([len(clip) / 8000 for clip in clips]))
    assert len(pairs.first) > 0  # the waveforms have something to decide
    assert all(
        aligned_correlation(clips[a], clips[b], 8000) < CORRELATION
        for a, b in zip(pairs.first, pairs.second, strict=True)
    )


@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_refused():
    with pytest.raises(ShapeError):
        candidate_pairs(np.ones(3), np.ones(3))
    with pytest.raises(ShapeError):
        candidate_pairs(np.ones((3, 2)), np.ones(2))
    with pytest.raises(ValuesError):
        candidate_pairs(np.full((2, 2), np.nan), np.ones(2))
    with pytest.raises(ValuesError):
        candidate_pairs(np.ones((2, 2)), np.array([1.0, 0.0]))
    for wrong in ({"threshold": 0.0}, {"length_ratio": 0.5}, {"neighbours": 0}):
        with pytest.raises(ValuesError):
            candidate_pairs(np.ones((2, 2)), np.ones(2), **wrong)
    with pytest.raises(ShapeError):
        aligned_correlation(np.ones((2, 2)), np.ones(2), 8000)
    with pytest.raises(ValuesError):
        aligned_correlation(np.array([1.0, np.nan]), np.ones(2), 8000)
    with pytest.raises(ValuesError):
        cluster_pairs(2, np.array([0]), np.array([2]))
