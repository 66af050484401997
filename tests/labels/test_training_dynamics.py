import importlib
from itertools import pairwise

import numpy as np
import pytest

from yori.errors import ShapeError, ValuesError
from yori.heads import Recipe, Spectrum, train_head
from yori.labels import training_dynamics
from yori.synthetic import gaussian_mixture_embeddings


def test_equals_the_definition_example_by_example(monkeypatch):
    rng = np.random.default_rng(0)
    x, y, weights = rng.normal(size=(30, 4)), rng.integers(0, 3, 30), [rng.normal(size=(3, 5)) for _ in range(6)]
    monkeypatch.setattr(importlib.import_module("yori.labels.training_dynamics"), "ROWS", 7)
    found = training_dynamics(x, y, weights)
    for i in range(30):
        logits = [weight[:, :-1] @ x[i] + weight[:, -1] for weight in weights]
        margins = [z[y[i]] - max(z[k] for k in range(3) if k != y[i]) for z in logits]
        right = [m >= 0 for m in margins]
        np.testing.assert_allclose(found.margin[i], np.mean(margins))
        np.testing.assert_allclose(found.learned[i], np.mean(right))
        assert found.forgotten[i] == sum(a and not b for a, b in pairwise(right))


def test_wrong_labels_have_low_margins():
    data = gaussian_mixture_embeddings(1000, 16, 4, separation=5.0, label_noise=0.1, rng=np.random.default_rng(0))
    _, kept = train_head(
        data.embeddings, data.labels, np.arange(1000), classes=4, recipe=Recipe(0.01, 800, 128),
        spectrum=Spectrum.of(data.embeddings), rng=np.random.default_rng(0), checkpoints=5,
    )  # fmt: skip
    margin = training_dynamics(data.embeddings, data.labels, [weight for _, weight in kept]).margin
    worst = np.argsort(margin)[: data.wrong.sum()]
    assert data.wrong[worst].mean() > 0.85


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    x = np.ones((2, 1))
    with pytest.raises(ShapeError, match="at least one checkpoint"):
        training_dynamics(x, np.array([0, 1]), [])
    with pytest.raises(ValuesError, match="labels in 0 … 1"):
        training_dynamics(x, np.array([0, 2]), [np.ones((2, 2))])
    with pytest.raises(ShapeError, match="2 rows in labels"):
        training_dynamics(x, np.array([0]), [np.ones((2, 2))])
