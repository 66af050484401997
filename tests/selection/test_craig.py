import numpy as np
import pytest

from yori.selection import keep, make_labelled
from yori.selection.craig import gradient_similarity, pilot_weight
from yori.selection.gradients import gradients_of


def make(n=90):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    return make_labelled(2 * np.eye(3, 5)[labels] + rng.normal(size=(n, 5)), labels, classes=3, l2=0.05)


def test_similarity_is_a_constant_minus_the_distance_of_gradients():
    data = make()
    found = gradients_of(data.embeddings, data.labels, pilot_weight(data, 30, np.random.default_rng(0)))
    full = (found.residual[:, :, None] * np.c_[data.embeddings, np.ones(90)][:, None]).reshape(90, -1)
    distance = np.linalg.norm(full[:, None] - full[None], axis=2)
    similar = gradient_similarity(found, found)(np.arange(90))
    np.testing.assert_allclose(similar + distance, 2 * np.linalg.norm(full, axis=1).max(), atol=1e-6)
    assert similar.min() >= 0


def test_the_weighted_gradient_is_nearer_to_that_of_all_than_at_random():
    data = make()
    weight = pilot_weight(data, 30, np.random.default_rng(0))
    everything = gradients_of(data.embeddings, data.labels, weight)
    target = everything.total() / len(data)

    def error(subset):
        return np.linalg.norm(everything.take(subset.rows).total(subset.weights) / len(subset) - target)

    rng = np.random.default_rng(1)
    luck = np.mean([error(keep(data, 12, method="stratified", rng=rng)) for _ in range(50)])
    for method in ("craig", "grad_match"):
        found = keep(data, 12, method=method, rng=np.random.default_rng(0))
        assert error(found) < luck
        assert found.weights.std() > 0


def test_a_pilot_of_one_class_knows_nothing():
    data = make_labelled(np.eye(4), np.array([0, 0, 0, 1]), classes=2, l2=0.1)
    assert (pilot_weight(data, 1, np.random.default_rng(0)) == 0).all()
    assert pilot_weight(make(), 30, np.random.default_rng(0)).any()
    assert len(keep(data, 1, method="craig", rng=np.random.default_rng(0))) == 1
    assert keep(data, 1, method="craig", rng=np.random.default_rng(0)).weights == pytest.approx([1.0])
