import numpy as np
import pytest

from yori.errors import ValuesError
from yori.signal.similar_pairs import similar_pairs
from yori.signal.similar_pairs_hashed import similar_pairs_hashed


def planted(n: int, d: int, copies: int, noise: float, *, offset: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(n, d)) + offset
    x[n - copies :] = x[:copies] + noise * rng.normal(size=(copies, d))
    return x


def key(pairs, n):
    return set((pairs.first * n + pairs.second).tolist())


@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_nearly_all_pairs_are_found_none_is_wrong_and_the_recall_is_measured(offset):
    x = planted(4000, 64, 300, 0.1, offset=offset)
    exact = key(similar_pairs(x, 0.985), 4000)
    found = similar_pairs_hashed(x, 0.985, sample=4000, rng=np.random.default_rng(0))
    got = key(found.pairs, 4000)
    assert got <= exact
    assert len(got) >= 0.97 * len(exact)
    assert found.checked == len(exact)
    assert found.recall == pytest.approx(len(got) / len(exact))
    assert found.compared < 4000 * 3999 / 2 / 4


def test_more_tables_find_no_less():
    x = planted(3000, 32, 200, 0.2)
    few, many = (
        similar_pairs_hashed(x, 0.95, tables=tables, bits=14, rng=np.random.default_rng(1)) for tables in (1, 12)
    )
    assert len(many.pairs) > len(few.pairs)


def test_the_same_seed_gives_the_same_pairs():
    x = planted(1000, 16, 50, 0.1)
    one, two = (similar_pairs_hashed(x, 0.97, rng=np.random.default_rng(3)).pairs for _ in range(2))
    np.testing.assert_array_equal(one.first, two.first)
    np.testing.assert_array_equal(one.second, two.second)


def test_one_large_bucket_stays_small_work():
    rng = np.random.default_rng(0)
    x = np.ones((3000, 8)) + 1e-3 * rng.normal(size=(3000, 8))
    found = similar_pairs_hashed(x, 1.0 - 1e-12, tables=1, bits=1, sample=0, rng=rng)
    assert found.compared <= 3000 * 256
    assert np.isnan(found.recall)


def test_equal_rows_and_none():
    rng = np.random.default_rng(0)
    assert len(similar_pairs_hashed(np.ones((100, 4)), 0.9, rng=rng).pairs) == 99
    assert len(similar_pairs_hashed(np.zeros((5, 4)), 0.9, rng=rng).pairs) == 0


def test_refusals():
    rng = np.random.default_rng(0)
    for wrong in ({"tables": 0}, {"bits": 63}, {"bits": 0}, {"sample": -1}):
        with pytest.raises(ValuesError, match="tables"):
            similar_pairs_hashed(np.ones((4, 2)), 0.9, rng=rng, **wrong)
