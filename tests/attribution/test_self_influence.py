import numpy as np
from scipy.stats import spearmanr

from yori.attribution import self_influence
from yori.heads import LINKS, fit_sigmoid, fit_softmax


def test_predicts_how_much_the_own_loss_rises():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    y = (x[:, 0] + rng.normal(size=60) > 0).astype(int)
    head = fit_softmax(x, y, l2=0.02, tolerance=1e-10)
    found = self_influence(x, y, head.weight, l2=0.02)
    rise = []
    for i in range(60):
        other = fit_softmax(x, y, l2=0.02, sample_weight=(np.arange(60) != i).astype(float), tolerance=1e-10)
        losses = [LINKS["softmax"].losses(each.logits(x[i : i + 1]), y[i : i + 1])[0] for each in (other, head)]
        rise.append(losses[0] - losses[1])
    assert (found >= 0).all()
    assert spearmanr(found, rise)[0] > 0.95
    assert np.linalg.norm(found - rise) < 0.4 * np.linalg.norm(rise)


def test_finds_what_was_learned_by_heart(crowded):
    found = self_influence(crowded.x, crowded.y, crowded.weight, l2=crowded.l2, spectrum=crowded.spectrum)
    worst = np.argsort(-found)[: crowded.wrong.sum()]
    assert crowded.wrong[worst].mean() > 5 * crowded.wrong.mean()


def test_several_labels_add_up():
    """Classes of a sigmoid head are decided on their own, and so are their self-influences."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 3))
    y = (x[:, :2] + rng.normal(size=(40, 2)) > 0).astype(int)
    head = fit_sigmoid(x, y, l2=0.05, tolerance=1e-10)
    whole = self_influence(x, y, head.weight, l2=0.05, link="sigmoid")
    parts = sum(self_influence(x, y[:, [j]], head.weight[[j]], l2=0.05, link="sigmoid") for j in range(2))
    np.testing.assert_allclose(whole, parts, rtol=1e-10)
