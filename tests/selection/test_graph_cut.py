import numpy as np

from yori.selection.graph_cut import graph_cut_rows


def value(similar, rows, trade):
    return trade * similar[rows].sum() - similar[np.ix_(rows, rows)].sum()


def test_greedy_by_brute_force():
    x = np.random.default_rng(0).normal(size=(40, 5))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    similar = unit @ unit.T
    for trade in (1.0, 2.0, 5.0):
        rows = []
        for found in graph_cut_rows(x, 10, trade=trade):
            gains = [value(similar, [*rows, row], trade) if row not in rows else -np.inf for row in range(40)]
            assert np.isclose(gains[found], max(gains))
            rows.append(int(found))
