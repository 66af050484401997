"""What every selection strategy and every subset method must do, whatever its idea: run over both registries."""

import numpy as np
import pytest

from yori.errors import InputError, ShapeError, ValuesError
from yori.selection import COLD, DRAWS, STRATEGIES, SUBSETS, keep, make_labelled, make_pool, select

D, CLASSES = 4, 3


def make(n=60, k=15, dtype=np.float64, seed=0):
    """Three Gaussian classes: candidates, known examples, their labels."""
    rng = np.random.default_rng(seed)
    centres = 3.0 * np.eye(CLASSES, D)
    labels = np.arange(n + k) % CLASSES
    x = (centres[labels] + rng.normal(size=(n + k, D))).astype(dtype)
    return x[k:], labels[k:], x[:k], labels[:k]


def pool_of(n=60, k=15, dtype=np.float64, seed=0, order=None, **more):
    x, _, known, known_labels = make(n, k, dtype, seed)
    x = x if order is None else x[order]
    return make_pool(x, classes=CLASSES, known=known, known_labels=known_labels, l2=0.05, **more)


def pick(name, pool, budget=8, seed=0):
    return select(pool, budget, strategy=name, rng=np.random.default_rng(seed))


def check(selection, budget, n):
    assert selection.rows.shape == selection.scores.shape == (budget,)
    assert selection.rows.dtype == np.int64
    assert selection.scores.dtype == np.float64
    assert np.isfinite(selection.scores).all()
    assert len(set(selection.rows.tolist())) == budget
    assert selection.rows.min() >= 0
    assert selection.rows.max() < n


@pytest.mark.parametrize("budget", [1, 8, 60])
@pytest.mark.parametrize("name", STRATEGIES)
def test_exactly_the_budget_each_once_and_out_of_the_pool(name, budget):
    check(pick(name, pool_of(), budget), budget, 60)


@pytest.mark.parametrize("name", STRATEGIES)
def test_same_seed_same_result(name):
    one, two = pick(name, pool_of(), seed=3), pick(name, pool_of(), seed=3)
    np.testing.assert_array_equal(one.rows, two.rows)
    np.testing.assert_array_equal(one.scores, two.scores)


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - DRAWS))
def test_the_order_of_candidates_and_the_seed_are_irrelevant_to_those_that_do_not_draw(name):
    order = np.random.default_rng(1).permutation(60)
    one, two = pick(name, pool_of()), pick(name, pool_of(order=order), seed=5)
    np.testing.assert_array_equal(order[two.rows], one.rows)


@pytest.mark.parametrize("name", STRATEGIES)
def test_inputs_stay_as_they_were(name):
    x, _, known, labels = make()
    arrays = [x, known, labels]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    pick(name, make_pool(x, classes=CLASSES, known=known, known_labels=labels, l2=0.05))
    for array, old in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize("name", STRATEGIES)
def test_an_only_candidate(name):
    check(pick(name, pool_of(n=1), 1), 1, 1)


@pytest.mark.parametrize("name", STRATEGIES)
def test_identical_candidates_are_still_different_examples(name):
    _, _, known, labels = make()
    pool = make_pool(np.ones((20, D)), classes=CLASSES, known=known, known_labels=labels, l2=0.05)
    check(pick(name, pool, 12), 12, 20)


@pytest.mark.parametrize("name", STRATEGIES)
def test_known_classes_of_one_example_and_a_class_never_seen(name):
    x, _, known, _ = make()
    pool = make_pool(x, classes=CLASSES, known=known[:2], known_labels=np.array([0, 1]), l2=0.05)
    check(pick(name, pool), 8, 60)


@pytest.mark.parametrize("known", [0, 1])
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_cold_start_is_taken_or_refused_in_words(name, known):
    """No label, or labels of one class: there is no head."""
    x, _, have, _ = make()
    pool = make_pool(x, classes=CLASSES, known=have[:known], known_labels=np.zeros(known, dtype=int), l2=0.05)
    if name in COLD:
        check(pick(name, pool), 8, 60)
    else:
        with pytest.raises(ValuesError, match="at least two classes"):
            pick(name, pool)


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - DRAWS))
def test_single_precision_says_the_same(name):
    one, two = pick(name, pool_of()), pick(name, pool_of(dtype=np.float32))
    assert len(np.intersect1d(one.rows, two.rows)) >= 7


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("budget", [0, -1, 61])
def test_a_budget_that_the_pool_has_not_is_refused(name, budget):
    with pytest.raises(ValuesError, match=r"a budget of 1 … 60"):
        pick(name, pool_of(), budget)


@pytest.mark.parametrize("name", STRATEGIES)
def test_quotas_are_kept(name):
    domains = np.array(["near"] * 40 + ["far"] * 20)
    found = select(
        pool_of(), 10, strategy=name, domains=domains, quotas={"near": 1, "far": 4}, rng=np.random.default_rng(0)
    )
    check(found, 10, 60)
    assert (domains[found.rows] == "far").sum() == 8


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("what", ["embeddings", "known", "query", "cost"])
def test_nan_is_refused(what):
    x, _, known, labels = make()
    arrays = {"embeddings": x, "known": known, "query": known.copy(), "cost": np.ones(60)}
    arrays[what][4] = np.nan
    rest = {name: array for name, array in arrays.items() if name != "embeddings"}
    with pytest.raises(InputError, match="row 4"):
        make_pool(arrays["embeddings"], classes=CLASSES, known_labels=labels, query_labels=labels, l2=0.05, **rest)


def test_an_empty_pool_is_refused():
    with pytest.raises(ShapeError, match="Everything is labelled already"):
        make_pool(np.empty((0, D)), classes=CLASSES, l2=0.05)


def test_the_lists_name_strategies():
    assert set(STRATEGIES) >= DRAWS
    assert set(STRATEGIES) >= COLD


# -- subsets ----------------------------------------------------------------------------------------------------------


def labelled(n=60, seed=0, classes=CLASSES, **more):
    x, labels, asks, answers = make(n=n, seed=seed)
    return make_labelled(x, labels % classes, classes=CLASSES, l2=0.05, query=asks, query_labels=answers, **more)


def kept(name, data, budget=12, seed=0):
    return keep(data, budget, method=name, rng=np.random.default_rng(seed))


def check_subset(subset, budget, n):
    assert subset.rows.shape == subset.weights.shape == (budget,)
    assert len(set(subset.rows.tolist())) == budget
    assert subset.rows.min() >= 0
    assert subset.rows.max() < n
    assert (subset.weights > 0).all()
    assert subset.weights.mean() == pytest.approx(1)


@pytest.mark.parametrize("budget", [1, 2, 12, 60])
@pytest.mark.parametrize("name", SUBSETS)
def test_a_subset_has_exactly_the_budget(name, budget):
    check_subset(kept(name, labelled(), budget), budget, 60)


@pytest.mark.parametrize("name", SUBSETS)
def test_a_subset_depends_on_the_seed_alone(name):
    one, two = kept(name, labelled(), seed=3), kept(name, labelled(), seed=3)
    np.testing.assert_array_equal(one.rows, two.rows)
    np.testing.assert_array_equal(one.weights, two.weights)


@pytest.mark.parametrize("name", sorted(set(SUBSETS) - {"random"}))
def test_a_subset_keeps_the_balance_of_the_classes(name):
    data = labelled()
    counts = np.bincount(data.labels[kept(name, data).rows], minlength=CLASSES)
    np.testing.assert_array_equal(counts, [4, 4, 4])


@pytest.mark.parametrize("name", SUBSETS)
def test_a_subset_of_one_class_of_identical_rows_of_one_row(name):
    check_subset(kept(name, labelled(classes=1)), 12, 60)
    same = make_labelled(np.ones((9, D)), np.arange(9) % 3, classes=CLASSES, l2=0.05)
    check_subset(kept(name, same, 6), 6, 9)
    alone = make_labelled(np.ones((1, D)), np.array([2]), classes=CLASSES, l2=0.05)
    check_subset(kept(name, alone, 1), 1, 1)


@pytest.mark.parametrize("name", SUBSETS)
def test_a_class_of_one_example(name):
    data = make_labelled(np.eye(9, D), np.array([0] * 8 + [2]), classes=CLASSES, l2=0.05)
    check_subset(kept(name, data, 5), 5, 9)


@pytest.mark.parametrize("budget", [0, 61])
@pytest.mark.parametrize("name", SUBSETS)
def test_a_subset_larger_than_the_data_is_refused(name, budget):
    with pytest.raises(ValuesError, match=r"a budget of 1 … 60"):
        kept(name, labelled(), budget)


@pytest.mark.usefixtures("unchecked")
def test_nan_and_nothing_are_refused_before_any_subset():
    x, labels, _, _ = make()
    x[4, 0] = np.nan
    with pytest.raises(InputError, match="row 4"):
        make_labelled(x, labels, classes=CLASSES, l2=0.05)
    with pytest.raises(ShapeError, match="examples to choose from"):
        make_labelled(x[:0], labels[:0], classes=CLASSES, l2=0.05)
