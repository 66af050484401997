import numpy as np
import pytest

from yori.audit.collection_drift import _areas, batch_drift, drift_findings


def made(shift: float, seed: int, classes: float = 0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(240, 6))
    batch = np.repeat(["one", "two", "three"], 80).astype(object)
    x[:80] += shift
    strata = (rng.random(240) < 0.5).astype(int)
    strata[:80] = (rng.random(80) < 0.5 + classes).astype(int)
    return batch, x, strata, np.arange(240), rng


@pytest.mark.parametrize("seed", range(6))
def test_batches_alike_are_left_in_peace(seed):
    batch, x, strata, groups, rng = made(0.0, seed)
    assert drift_findings("day", batch_drift(batch, x, strata, groups, rng=rng)) == []


def test_a_shifted_batch_and_one_of_other_classes():
    batch, x, strata, groups, rng = made(1.0, 0)
    found = drift_findings("day", batch_drift(batch, x, strata, groups, rng=rng))
    assert (found[0].values["batch"], found[0].code, found[0].severity) == ("one", "drift_sound", "medium")
    batch, x, strata, groups, rng = made(0.0, 0, classes=0.45)
    found = drift_findings("day", batch_drift(batch, None, strata, groups, rng=rng))
    assert ("one", "drift_classes") in {(each.values["batch"], each.code) for each in found}


def test_whole_groups_are_permuted():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), 30)  # eight recordings, four of each batch, each with its own sound
    x = rng.normal(size=(240, 6)) + 3 * rng.normal(size=(8, 6))[groups]
    batch = np.where(groups < 4, "one", "two").astype(object)
    found = batch_drift(batch, x, np.zeros(240, dtype=int), groups, rng=rng)
    assert drift_findings("day", found) == []


def test_the_area_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    inside = (x[:, 0] + rng.normal(size=120) > 0).astype(float)[:, None]
    fold = np.arange(120) % 4
    score = np.zeros(120)
    full = np.c_[x, np.ones(120)]
    for k in range(4):
        rows = full[fold != k]
        gram = rows.T @ rows + 1e-2 * len(rows) * np.diag([1, 1, 1, 0])
        score[fold == k] = full[fold == k] @ np.linalg.solve(gram, rows.T @ inside[fold != k, 0])
    assert _areas(x, inside, fold)[0] == pytest.approx(metrics.roc_auc_score(inside[:, 0], score))


def test_nothing_to_compare():
    rng = np.random.default_rng(0)
    assert batch_drift(np.array(["a"] * 50), None, np.zeros(50, dtype=int), np.arange(50), rng=rng) == ()
    few = np.array(["a"] * 50 + ["b"] * 5)
    assert batch_drift(few, None, np.zeros(55, dtype=int), np.arange(55), rng=rng) == ()
    assert batch_drift(np.array([""] * 9), None, np.zeros(9, dtype=int), np.arange(9), rng=rng) == ()
