from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from yori.errors import ValuesError
from yori.synthetic import gaussian_mixture_embeddings


def draw(n=20_000, d=32, classes=4, seed=0, **options):
    return gaussian_mixture_embeddings(n, d, classes, rng=np.random.default_rng(seed), **options)


def accuracy(data):
    return np.mean(data.probs.argmax(axis=1) == data.true_labels)


@pytest.mark.parametrize("separation", [1.0, 2.0, 4.0])
def test_bayes_error_of_two_classes_is_the_closed_form(separation):
    data = draw(n=40_000, classes=2, separation=separation, domain_shift=0.0, group_spread=0.0)
    assert 1 - accuracy(data) == pytest.approx(ndtr(-separation / 2), abs=0.006)


def test_probs_are_calibrated_with_groups_domains_and_scaling():
    data = draw(n=60_000, groups=20_000, domains=3, domain_shift=2.0, decay=1.0)
    np.testing.assert_allclose(data.probs.sum(axis=1), 1)
    confidence = data.probs.max(axis=1)
    correct = data.probs.argmax(axis=1) == data.true_labels
    order = np.argsort(confidence)
    for part in np.array_split(order, 10):
        assert confidence[part].mean() == pytest.approx(correct[part].mean(), abs=0.03)


def test_probs_against_densities_worked_out_one_by_one():
    # One domain, no noise: the posterior follows from class means, which many examples reveal.
    data = draw(n=50_000, d=3, classes=3, separation=2.0, domains=1, domain_shift=0.0, group_spread=0.0)
    means = np.stack([data.embeddings[data.true_labels == c].mean(axis=0) for c in range(3)])
    distance = ((data.embeddings[:200, None] - means) ** 2).sum(axis=2)
    density = np.exp(-distance / 2)
    np.testing.assert_allclose(data.probs[:200], density / density.sum(axis=1, keepdims=True), atol=0.02)


def test_no_classifier_beats_the_probs():
    from sklearn.linear_model import LogisticRegression

    data = draw(d=8, separation=2.0, domain_shift=1.0, label_noise=0.0)
    half = len(data.labels) // 2
    model = LogisticRegression(C=100.0, max_iter=500).fit(data.embeddings[:half], data.true_labels[:half])
    other = model.score(data.embeddings[half:], data.true_labels[half:])
    best = np.mean(data.probs[half:].argmax(axis=1) == data.true_labels[half:])
    assert 0.5 < other <= best + 0.01


def test_class_means_are_as_far_apart_as_asked():
    data = draw(n=60_000, d=6, classes=3, separation=5.0, domains=1, domain_shift=0.0, groups=60_000)
    means = np.stack([data.embeddings[data.true_labels == c].mean(axis=0) for c in range(3)])
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(means[a] - means[b]) == pytest.approx(5, abs=0.08)


def test_domains_are_displaced_by_the_shift():
    data = draw(n=60_000, d=6, classes=3, domains=2, domain_shift=3.0, groups=60_000)
    cells = {
        (c, s): data.embeddings[(data.true_labels == c) & (data.domains == s)].mean(axis=0)
        for c in range(3)
        for s in range(2)
    }
    displacement = [cells[c, 1] - cells[c, 0] for c in range(3)]
    np.testing.assert_allclose(displacement[0], displacement[1], atol=0.12)
    assert 0 < np.linalg.norm(displacement[0]) <= 6.1


def test_a_group_is_one_class_one_domain_and_closer_together():
    data = draw(n=4000, groups=100, group_spread=0.8)
    assert len(np.unique(data.groups)) == 100
    for array in (data.true_labels, data.domains):
        assert all(len(np.unique(array[data.groups == g])) == 1 for g in range(100))
    within = np.mean([data.embeddings[data.groups == g].var(axis=0).mean() for g in range(100)])
    assert within == pytest.approx(1 - 0.8**2, abs=0.03)


def test_classes_and_domains_are_balanced():
    data = draw(n=12_000, classes=4, domains=3, groups=1200)
    cells = np.bincount(data.true_labels * 3 + data.domains, minlength=12)
    np.testing.assert_array_equal(cells, 1000)


def test_noise_has_the_mean_rate_and_lies_where_the_rates_say():
    data = draw(n=60_000, groups=60_000, label_noise=0.1)
    assert data.wrong.mean() == pytest.approx(0.1, abs=0.006)
    assert data.noise_rates.mean() == pytest.approx(0.1, abs=0.002)
    order = np.argsort(data.noise_rates)
    for part in np.array_split(order, 5):
        assert data.wrong[part].mean() == pytest.approx(data.noise_rates[part].mean(), abs=0.012)
    assert data.noise_rates[order[-6000:]].mean() > 10 * data.noise_rates[order[:6000]].mean()


def test_even_noise_without_heterogeneity_and_none_without_noise():
    np.testing.assert_allclose(draw(n=100, label_noise=0.2, heterogeneity=0.0).noise_rates, 0.2)
    assert not draw(n=2000, label_noise=0.0).wrong.any()


@pytest.mark.parametrize("d", [4, 32])
def test_noise_rate_tells_nothing_about_the_class(d):
    data = draw(n=40_000, d=d, groups=40_000, label_noise=0.3)
    for c in range(4):
        assert data.noise_rates[data.true_labels == c].mean() == pytest.approx(0.3, abs=0.01)


def test_noisy_probs_are_calibrated_for_the_labels():
    data = draw(n=60_000, groups=60_000, label_noise=0.3, separation=3.0)
    noisy = data.noisy_probs
    np.testing.assert_allclose(noisy.sum(axis=1), 1)
    chance = noisy[np.arange(len(noisy)), data.labels]
    expected = (noisy**2).sum(axis=1)
    assert chance.mean() == pytest.approx(expected.mean(), abs=0.005)


def test_decay_scales_dimensions_and_keeps_everything_else():
    plain, scaled = draw(n=500), draw(n=500, decay=2.0)
    np.testing.assert_allclose(scaled.embeddings * np.arange(1, 33), plain.embeddings, rtol=1e-5)
    np.testing.assert_array_equal(plain.probs, scaled.probs)
    np.testing.assert_array_equal(plain.labels, scaled.labels)


def test_same_seed_same_data_and_types():
    first, second = draw(n=300), draw(n=300)
    assert first.embeddings.dtype == np.float32
    for name in ("embeddings", "labels", "true_labels", "groups", "domains", "probs", "noise_rates"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert not np.array_equal(first.embeddings, draw(n=300, seed=1).embeddings)


def test_rows_cross_blocks_without_seams():
    data = draw(n=20_000, d=4, separation=50.0, domain_shift=0.0)
    assert accuracy(data) == 1


def test_one_example():
    data = draw(n=1)
    assert data.embeddings.shape == (1, 32)
    np.testing.assert_allclose(data.probs.sum(), 1)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "options",
    [
        {"n": 0},
        {"classes": 1},
        {"d": 3},
        {"groups": 0},
        {"n": 10, "groups": 11},
        {"domains": 0},
        {"separation": -1.0},
        {"group_spread": 1.5},
        {"label_noise": 0.6},
        {"heterogeneity": 2.0},
        {"decay": float("nan")},
    ],
)
def test_refuses(options):
    with pytest.raises(ValuesError, match="gaussian_mixture_embeddings"):
        draw(**({"n": 100} | options))
