import numpy as np
import pytest

from yori.errors import ShapeError, ValuesError
from yori.heads import Recipe, Spectrum, fit_sigmoid, fit_softmax, train_head
from yori.heads.flop_counter import CountingArray, Ledger
from yori.heads.flops import prediction_flops, step_flops, training_flops
from yori.heads.training import descend


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(500, 20)) * np.logspace(-1, 1, 20)).astype(np.float32)
    y = (x @ rng.normal(size=(20, 4)) * 0.3 + rng.gumbel(size=(500, 4))).argmax(axis=1)
    return x, y


def train(x, y, rows, recipe, seed=1, **options):
    return train_head(
        x, y, rows, classes=4, recipe=recipe, spectrum=Spectrum.of(x), rng=np.random.default_rng(seed), **options
    )


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_training_ends_near_the_optimum(data, link):
    x, y = data
    targets = y if link == "softmax" else np.eye(4, dtype=int)[y]
    head, _ = train(x, targets, np.arange(500), Recipe(0.01, 800, 64, link))
    exact = (fit_softmax if link == "softmax" else fit_sigmoid)(x, targets, l2=0.01)
    assert head.gradient_norm < 5e-3
    assert np.abs(head.probs(x) - exact.probs(x)).max() < 0.02


def test_arms_share_their_luck(data):
    """The effect of leaving examples out, at equal seeds, is the effect on the optimum; another seed's noise is larger."""
    x, y = data
    recipe, rest = Recipe(0.01, 800, 64), np.arange(10, 500)
    full, _ = train(x, y, np.arange(500), recipe)
    part, _ = train(x, y, rest, recipe)
    expected = fit_softmax(x[rest], y[rest], l2=0.01).logits(x) - fit_softmax(x, y, l2=0.01).logits(x)
    assert np.corrcoef((part.logits(x) - full.logits(x)).ravel(), expected.ravel())[0, 1] > 0.99


def test_same_seed_same_head_and_row_order_is_the_pool_order(data):
    x, y = data
    recipe = Recipe(0.01, 50, 64)
    one, _ = train(x, y, np.arange(500), recipe)
    two, _ = train(x, y, np.arange(500)[::-1].copy(), recipe)
    np.testing.assert_array_equal(one.weight, two.weight)


def test_weights_move_the_head_like_the_optimum(data):
    x, y = data
    weights = np.ones(500)
    weights[:50] = 4
    head, _ = train(x, y, np.arange(500), Recipe(0.01, 2000, 64), sample_weight=weights)
    exact = fit_softmax(x, y, l2=0.01, sample_weight=weights)
    assert np.abs(head.probs(x) - exact.probs(x)).max() < 0.03


def test_checkpoints(data):
    x, y = data
    head, kept = train(x, y, np.arange(500), Recipe(0.01, 90, 64), checkpoints=3)
    assert [step for step, _ in kept] == [30, 60, 90]
    np.testing.assert_array_equal(kept[-1][1], head.weight)


def test_batches_are_full_even_when_the_training_set_is_smaller(data):
    x, y = data
    head, _ = train(x, y, np.arange(5), Recipe(0.01, 20, 64))
    assert np.isfinite(head.weight).all()


@pytest.mark.usefixtures("unchecked")
def test_no_rows(data):
    with pytest.raises(ShapeError, match="at least one training example"):
        train(*data, np.arange(0), Recipe(0.01, 20, 64))


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
@pytest.mark.usefixtures("unchecked")
def test_the_counter_agrees_with_the_formula(link):
    b, d, c = 32, 17, 5
    rng, ledger = np.random.default_rng(0), Ledger()
    count = lambda *shape: CountingArray.wrap(rng.normal(size=shape).astype(np.float32), ledger)  # noqa: E731
    descend(
        count(c, d + 1), count(c, d + 1), count(b, d), count(b, c), count(b, 1), count(d + 1, d + 1),
        step_size=0.1, l2=0.1, link=link,
    )  # fmt: skip
    assert ledger.flops == step_flops(batch_size=b, dimensions=d, classes=c, link=link)


def test_the_counter_refuses_what_it_does_not_know():
    array = CountingArray.wrap(np.ones(4), Ledger())
    with pytest.raises(ValuesError, match=r"rfft"):
        np.fft.rfft(array)
    with pytest.raises(ValuesError, match="arctan"):
        np.arctan(array)


def test_totals():
    assert training_flops(steps=10, batch_size=2, dimensions=3, classes=2) == 10 * step_flops(
        batch_size=2, dimensions=3, classes=2
    )
    assert prediction_flops(dimensions=3, classes=2) == 2 * 3 * 2 + 2 + 10
    assert Recipe.steps_for(1800, epochs=60, batch_size=256) == 800
    assert Recipe.steps_for(10_000, epochs=60, batch_size=256) == 2344
    assert Recipe.steps_for(10**6, epochs=60, batch_size=256) == 4000
