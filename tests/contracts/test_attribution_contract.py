"""What every attribution method must do, whatever its idea: run over the whole registry."""

import numpy as np
import pytest

from yori.attribution.methods import ASKS_THE_QUERY, DRAWS, METHODS, Question
from yori.errors import InputError
from yori.heads import fit_softmax

EXACT_IN_ORDER = frozenset(METHODS) - DRAWS
"""Methods that see the same examples in another order as the same problem; the others draw by position."""


def make(n=12, m=12, d=3, classes=2, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    labels, answers = np.arange(n) % classes, np.arange(m) % classes
    centres = 2.5 * np.eye(classes, d)
    x = (centres[labels] + rng.normal(size=(n, d))).astype(dtype)
    xq = (centres[answers] + rng.normal(size=(m, d))).astype(dtype)
    return x, labels, xq, answers


def ask(x, labels, xq, answers, classes=2, l2=0.05, **options):
    head = fit_softmax(x, labels, l2=l2, classes=classes, tolerance=1e-6 if x.dtype == np.float32 else 1e-10)
    return Question(x, labels, head.weight, xq, answers, l2, **{"calls": 30, **options})


def score(name, question, seed=0):
    return METHODS[name](question, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def question():
    return ask(*make())


@pytest.mark.parametrize("name", METHODS)
def test_one_finite_float_per_training_example(name, question):
    scores = score(name, question)
    assert scores.shape == (12,)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", METHODS)
def test_same_seed_same_result(name, question):
    np.testing.assert_array_equal(score(name, question, 3), score(name, question, 3))
    same = np.array_equal(score(name, question, 3), score(name, question, 4))
    assert same == (name not in DRAWS)


@pytest.mark.parametrize("name", METHODS)
def test_inputs_stay_as_they_were(name):
    question = ask(*make())
    arrays = (*question.sides,)
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    score(name, question)
    for array, old in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize("name", sorted(EXACT_IN_ORDER))
def test_the_order_of_examples_is_irrelevant(name):
    x, y, xq, yq = make()
    order, other = np.random.default_rng(1).permutation(12), np.random.default_rng(2).permutation(12)
    one = score(name, ask(x, y, xq, yq))
    two = score(name, ask(x[order], y[order], xq[other], yq[other]))
    scale = np.abs(one).max()
    np.testing.assert_allclose(two, one[order], rtol=1e-4, atol=1e-4 * scale)


@pytest.mark.parametrize("name", sorted(ASKS_THE_QUERY))
def test_positive_helps(name):
    """An example whose label is wrong lies below zero, most others above, whoever is asked."""
    x, y, xq, yq = make(n=14, m=40, seed=5)
    y = y.copy()
    y[0] = 1 - y[0]
    scores = score(name, ask(x, y, xq, yq, calls=300))
    assert 0 in np.argsort(scores)[:2]
    assert np.mean(scores[1:] > 0) > 0.5
    if "knn" not in name:  # with nearly as many neighbours as examples, any example is better than none
        assert scores[0] < 0


@pytest.mark.parametrize("name", sorted(ASKS_THE_QUERY))
def test_the_query_decides_the_sign(name):
    """Query labels turned round: what helped now hurts. The penalty is strong, so that gains and losses are alike."""
    x, y, xq, yq = make(m=40)
    one, two = (score(name, ask(x, y, xq, answers, l2=3.0, calls=120)) for answers in (yq, 1 - yq))
    assert np.corrcoef(one, two)[0, 1] < -0.3


@pytest.mark.parametrize("name", METHODS)
def test_an_only_example(name):
    x, y, xq, yq = make(n=1)
    scores = score(name, ask(x, y, xq, yq))
    assert scores.shape == (1,)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", METHODS)
def test_one_class_in_training(name):
    """The head has two classes, training only one of them."""
    x, _, xq, yq = make()
    assert np.isfinite(score(name, ask(x, np.zeros(12, dtype=np.int64), xq, yq))).all()


@pytest.mark.parametrize("name", METHODS)
def test_one_query_example(name):
    x, y, xq, yq = make(m=1)
    assert score(name, ask(x, y, xq, yq)).shape == (12,)


@pytest.mark.parametrize("name", sorted(EXACT_IN_ORDER))
def test_constant_features_and_duplicates(name):
    x, y, xq, yq = make()
    x[:, 2], xq[:, 2] = 1.0, 1.0
    x[5] = x[7]
    scores = score(name, ask(x, y, xq, yq))
    assert np.isfinite(scores).all()
    if "knn" not in name:  # equally distant neighbours are taken in the order they come in
        assert scores[5] == pytest.approx(scores[7], rel=1e-6)


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"random"}))
def test_single_precision_says_the_same(name):
    one, two = score(name, ask(*make())), score(name, ask(*make(dtype=np.float32)))
    assert np.corrcoef(one, two)[0, 1] > 0.999


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("name", "where"),
    [(name, "training") for name in sorted(METHODS) if name != "random"]
    + [(name, "query") for name in sorted(ASKS_THE_QUERY)],
)
def test_nan_is_refused(name, where):
    good = ask(*make())
    x, xq = good.embeddings.copy(), good.query_embeddings.copy()
    (x if where == "training" else xq)[4, 1] = np.nan
    bad = Question(x, good.labels, good.weight, xq, good.query_labels, good.l2, calls=20)
    with pytest.raises(InputError, match="row 4"):
        score(name, bad)


def test_the_lists_name_methods():
    assert set(METHODS) >= ASKS_THE_QUERY
    assert set(METHODS) >= DRAWS
