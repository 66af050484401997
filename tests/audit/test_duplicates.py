import numpy as np
import pytest

from yori.audit import duplicates
from yori.audit.duplicates import duplicate_findings, duplicate_rows


@pytest.mark.parametrize("d", [2, 8, 64])
@pytest.mark.parametrize("seed", range(3))
def test_planted_copies_are_found_and_few_others(d, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, d))
    x[:20] = x[300:320] * (1 + 1e-4 * rng.normal(size=(20, 1)))
    pairs, recall = duplicate_rows(x, rng=rng)
    got = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    planted = {(k, 300 + k) for k in range(20)}
    assert recall == 1
    assert planted <= got
    if d > 2:  # on a circle, rows of one direction are neighbours whoever made them
        assert len(got - planted) <= 2


def test_many_rows_are_searched_by_hashing(monkeypatch):
    monkeypatch.setattr(duplicates, "EXACT_ROWS", 100)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 32))
    x[7] = x[9]
    x[11] = x[13] + 1e-3 * rng.normal(size=32)
    pairs, recall = duplicate_rows(x, rng=rng)
    assert pairs.first.tolist() == [7, 11]
    assert recall == 1


def test_few_rows():
    rng = np.random.default_rng(0)
    for n in range(4):
        assert len(duplicate_rows(rng.normal(size=(n, 3)), rng=rng)[0]) == 0


def found(splits, groups):
    return duplicate_findings(np.array(["a", "b"]), np.array([0]), np.array([1]), np.array([0.98]),
                              splits=splits, groups=np.array(groups))[0]  # fmt: skip


def test_severity_follows_from_where_the_copies_are():
    assert found(np.array(["train", "test"]), [0, 1]).severity == "high"
    assert found(np.array(["train", "train"]), [0, 1]).severity == "medium"
    assert found(np.array(["train", ""]), [0, 0]).severity == "low"
    assert found(None, [0, 1]).code == "duplicate_apart"
    assert found(None, [0, 0]).code == "duplicate_near"
