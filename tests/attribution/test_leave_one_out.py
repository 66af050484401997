import numpy as np
import pytest
from scipy.stats import spearmanr

from yori.attribution import influence
from yori.attribution.leave_one_out import leave_one_out


def ask(problem, **options):
    return leave_one_out(
        problem.x,
        problem.y,
        problem.weight,
        problem.xq,
        problem.yq,
        l2=problem.l2,
        spectrum=problem.spectrum,
        **options,
    )


def test_is_a_refit(crowded):
    found = ask(crowded, rows=crowded.rows)
    assert np.corrcoef(found, crowded.dropped)[0, 1] > 0.999
    assert np.linalg.norm(found - crowded.dropped) < 0.02 * np.linalg.norm(crowded.dropped)


def test_relabels_too(crowded):
    found = ask(crowded, rows=crowded.rows, new_labels=crowded.new)
    assert np.corrcoef(found, crowded.relabelled)[0, 1] > 0.995


def test_one_step_lies_between_influence_and_a_refit(crowded):
    plain = influence(crowded.x, crowded.y, crowded.weight, crowded.xq, crowded.yq, l2=crowded.l2).drop_effect()
    errors = [
        np.linalg.norm(found - crowded.dropped)
        for found in (ask(crowded, rows=crowded.rows), ask(crowded, rows=crowded.rows, steps=1), plain[crowded.rows])
    ]
    assert errors[0] < errors[1] < errors[2]


def test_all_rows_by_default():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(30, 2))
    y = (x[:, 0] > 0).astype(int)
    from yori.heads import fit_softmax

    head = fit_softmax(x, y, l2=0.1, tolerance=1e-10)
    found = leave_one_out(x, y, head.weight, x, y, l2=0.1)
    assert found.shape == (30,)
    assert spearmanr(found, influence(x, y, head.weight, x, y, l2=0.1).scores)[0] > 0.95


@pytest.mark.parametrize("labels", [[0], [1]])
def test_an_only_example(labels):
    x = np.ones((1, 2))
    assert leave_one_out(x, np.array(labels), np.zeros((2, 3)), x, np.array(labels), l2=0.1).tolist() == [0.0]
