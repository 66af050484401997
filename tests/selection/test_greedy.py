import itertools

import numpy as np
import pytest

from yori.errors import ValuesError
from yori.selection.greedy import cover


def plain(similar, budget):
    best, rows, gains = np.zeros(similar.shape[1]), [], []
    for _ in range(budget):
        gain = np.maximum(similar - best, 0).sum(axis=1)
        gain[rows] = -1
        rows.append(int(gain.argmax()))
        gains.append(gain.max())
        best = np.maximum(best, similar[rows[-1]])
    return rows, gains


@pytest.mark.parametrize("seed", range(5))
def test_lazy_is_plain_greedy(seed):
    similar = np.random.default_rng(seed).random((150, 40)) ** 4
    found = cover(lambda rows: similar[rows], 150, 40, 20, rng=np.random.default_rng(0))
    rows, gains = plain(similar, 20)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.gains, gains)


def test_each_reference_is_served_by_the_most_similar():
    similar = np.random.default_rng(0).random((30, 25))
    found = cover(lambda rows: similar[rows], 30, 25, 6, rng=np.random.default_rng(0))
    owner = similar[found.rows].argmax(axis=0)
    np.testing.assert_array_equal(found.served, np.bincount(owner, minlength=6))


@pytest.mark.parametrize("way", ["lazy", "stochastic"])
def test_the_promised_share_of_the_best_value(way):
    similar = np.random.default_rng(3).random((12, 9)) ** 3
    best = max(similar[list(some)].max(axis=0).sum() for some in itertools.combinations(range(12), 4))
    rng = np.random.default_rng(0)
    values = [
        similar[cover(lambda rows: similar[rows], 12, 9, 4, way=way, rng=rng).rows].max(axis=0).sum() for _ in range(40)
    ]
    assert np.mean(values) >= (1 - 1 / np.e - 0.1) * best
    assert np.mean(values) > 1.05 * np.mean([similar[rng.permutation(12)[:4]].max(axis=0).sum() for _ in range(200)])


def test_stochastic_looks_at_few():
    similar, seen = np.random.default_rng(0).random((400, 10)), []

    def look(rows):
        seen.append(len(rows))
        return similar[rows]

    cover(look, 400, 10, 40, way="stochastic", rng=np.random.default_rng(0))
    assert sum(seen) <= 40 * (np.ceil(400 / 40 * np.log(10)))


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_way():
    with pytest.raises(ValuesError):
        cover(lambda rows: np.ones((len(rows), 1)), 2, 1, 1, way="best", rng=np.random.default_rng(0))
