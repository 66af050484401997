import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import ShapeError, ValuesError
from yori.signal.similar_pairs import similar_pairs


def brute_force(x: np.ndarray, threshold: float) -> set[tuple[int, int]]:
    norm = np.linalg.norm(x, axis=1)
    found = set()
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            if norm[i] and norm[j] and x[i] @ x[j] / norm[i] / norm[j] >= threshold:
                found.add((i, j))
    return found


def pairs_of(found) -> set[tuple[int, int]]:
    return set(zip(found.first.tolist(), found.second.tolist(), strict=True))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.sampled_from([2, 5, 80]), st.floats(0.05, 0.98))
def test_the_same_pairs_as_brute_force(seed, n, d, threshold):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) + rng.normal(size=d)
    found = similar_pairs(x, threshold)
    near = {p for p in brute_force(x, threshold - 1e-5) if p not in brute_force(x, threshold + 1e-5)}
    assert pairs_of(found) ^ brute_force(x, threshold) <= near
    cosine = np.einsum("ij,ij->i", x[found.first], x[found.second])
    cosine /= np.linalg.norm(x[found.first], axis=1) * np.linalg.norm(x[found.second], axis=1)
    np.testing.assert_allclose(found.similarity, cosine, atol=1e-5)


@pytest.mark.parametrize("spread", [0.0, 2.0])
def test_the_bound_of_leading_directions_loses_no_pair(spread):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(900, 128)) * np.arange(1, 129) ** (-spread / 2)
    x[450:600] = x[:150] + 0.2 * rng.normal(size=(150, 128)) * np.arange(1, 129) ** (-spread / 2)
    assert pairs_of(similar_pairs(x, 0.9)) == brute_force(x, 0.9)


def test_scale_does_not_matter_and_zeros_have_no_direction():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(40, 6))
    x[7] = 0
    x[9] = x[3] * 1e-180
    x[11] = x[3] * 1e180
    found = pairs_of(similar_pairs(x, 0.99))
    assert {(3, 9), (3, 11)} <= found
    assert not any(7 in pair for pair in found)


def test_equal_rows_are_a_star_and_not_all_their_pairs():
    found = similar_pairs(np.ones((500, 8), dtype=np.float32), 0.9)
    assert found.first.tolist() == [0] * 499
    assert found.second.tolist() == list(range(1, 500))


def test_nothing_to_compare():
    assert len(similar_pairs(np.zeros((0, 4)), 0.9)) == 0
    assert len(similar_pairs(np.ones((1, 4)), 0.9)) == 0


def test_refusals(unchecked):
    with pytest.raises(ShapeError):
        similar_pairs(np.ones(4), 0.9)
    with pytest.raises(ValuesError, match="finite"):
        similar_pairs(np.array([[np.nan, 1.0]]), 0.9)
    with pytest.raises(ValuesError, match="at most 1"):
        similar_pairs(np.ones((3, 2)), 1.5)
    rng = np.random.default_rng(0)
    with pytest.raises(ValuesError, match="Raise the threshold"):
        similar_pairs(rng.random((50, 4)), 0.01, most=10)
