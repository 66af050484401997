import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from yori.attribution import (
    agreement,
    influence,
    linear_datamodeling_score,
    mislabel_auc,
    removal_curve,
    subset_outcomes,
)
from yori.attribution.objectives import query
from yori.errors import InputError
from yori.heads import fit_softmax


def test_agreement_is_what_scipy_says():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=30).round(1), rng.normal(size=30).round(1)
    found = agreement(a, b)
    assert found.pearson == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert found.spearman == pytest.approx(spearmanr(a, b)[0])
    assert found.slope == pytest.approx(np.linalg.lstsq(a[:, None], b, rcond=None)[0][0])
    assert agreement(b, b).error == 0
    assert np.isnan(agreement(np.zeros(3), b[:3]).pearson)


def test_subsets_are_refits(crowded):
    taking, outcomes = subset_outcomes(
        crowded.x, crowded.y, crowded.xq, crowded.yq, classes=crowded.classes, l2=0.05, subsets=3,
        share=0.3, rng=np.random.default_rng(0),
    )  # fmt: skip
    assert taking.sum(axis=1).tolist() == [78] * 3
    for part, outcome in zip(taking, outcomes, strict=True):
        head = fit_softmax(crowded.x[part], crowded.y[part], l2=0.05, classes=crowded.classes)
        assert query("nll", crowded.xq, crowded.yq, head.weight).value == pytest.approx(outcome, rel=1e-3)


def test_influence_foretells_subsets():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 700)
    x = 1.0 * np.eye(2, 4)[y] + rng.normal(size=(700, 4))
    y[:100] = 1 - y[:100]
    x, y, xq, yq = x[:300], y[:300], x[300:], y[300:]
    head = fit_softmax(x, y, l2=0.05)
    scores = influence(x, y, head.weight, xq, yq, l2=0.05).scores
    taking, outcomes = subset_outcomes(x, y, xq, yq, classes=2, l2=0.05, subsets=40, rng=rng)
    assert linear_datamodeling_score(scores, taking, outcomes) > 0.9
    assert abs(linear_datamodeling_score(rng.permutation(scores), taking, outcomes)) < 0.6


def test_mislabel_auc_is_the_area_under_the_roc():
    rng = np.random.default_rng(1)
    scores, wrong = rng.integers(0, 9, 60).astype(float), rng.random(60) < 0.3
    assert mislabel_auc(scores, wrong) == pytest.approx(roc_auc_score(wrong, -scores))


def test_removing_the_lowest_helps_and_the_highest_hurts(crowded):
    arguments = (crowded.x, crowded.y, crowded.weight, crowded.xq, crowded.yq)
    scores = influence(*arguments, l2=crowded.l2, leverage=True).scores
    rest = (crowded.x, crowded.y, crowded.xq, crowded.yq)
    options = {"classes": crowded.classes, "l2": crowded.l2, "shares": (0.0, 0.02, 0.05)}
    down = removal_curve(scores, *rest, **options)
    up = removal_curve(scores, *rest, **options, lowest=False)
    assert down[0] == pytest.approx(up[0], rel=1e-3)
    assert down[0] > down[1] > down[2]
    assert up[0] < up[1] < up[2]


def test_refusals(crowded):
    x, y = crowded.x, crowded.y
    with pytest.raises(InputError, match="at least two"):
        agreement(np.ones(1), np.ones(1))
    with pytest.raises(InputError, match="both wrong and right"):
        mislabel_auc(np.ones(3), np.zeros(3, dtype=bool))
    with pytest.raises(InputError, match="0 < share < 1"):
        subset_outcomes(x, y, x, y, classes=5, l2=0.1, share=1.0, rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="shares in"):
        removal_curve(np.zeros(len(y)), x, y, x, y, classes=5, l2=0.1, shares=(1.0,))
