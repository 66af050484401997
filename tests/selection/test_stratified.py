import numpy as np

from yori.selection.stratified import stratified_rows


def test_every_class_has_its_share_and_every_row_its_turn():
    labels = np.array([0] * 60 + [1] * 30 + [2] * 10)
    rng = np.random.default_rng(0)
    seen = np.zeros(100)
    for _ in range(200):
        rows = stratified_rows(labels, 10, rng)
        np.testing.assert_array_equal(np.bincount(labels[rows]), [6, 3, 1])
        seen[rows] += 1
    assert seen.min() >= 5
