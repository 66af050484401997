from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import ShapeError, ValuesError
from yori.synthetic import flip_labels


def rng(seed=0):
    return np.random.default_rng(seed)


@given(
    labels=st.lists(st.integers(0, 4), max_size=60),
    fraction=st.floats(0, 1),
    kind=st.sampled_from(["uniform", "pair"]),
    seed=st.integers(0, 99),
)
def test_exact_number_of_flips_never_to_itself_input_untouched(labels, fraction, kind, seed):
    true = np.array(labels, dtype=np.int64)
    before = true.copy()
    noisy, flipped = flip_labels(true, fraction, classes=5, rng=rng(seed), kind=kind)
    np.testing.assert_array_equal(true, before)
    assert flipped.sum() == round(fraction * len(true))
    np.testing.assert_array_equal(noisy != true, flipped)
    assert ((noisy >= 0) & (noisy < 5)).all()


def test_uniform_flips_reach_all_other_classes_equally():
    noisy, _ = flip_labels(np.zeros(30_000, dtype=np.int64), 1.0, classes=4, rng=rng())
    np.testing.assert_allclose(np.bincount(noisy, minlength=4) / 30_000, [0, 1 / 3, 1 / 3, 1 / 3], atol=0.015)


def test_uniform_flips_do_not_prefer_any_row():
    hits = sum(flip_labels(np.zeros(20, dtype=np.int64), 0.25, classes=2, rng=rng(s))[1] for s in range(4000))
    np.testing.assert_allclose(hits / 4000, 0.25, atol=0.04)


def test_pairs_go_to_the_next_class_by_default():
    true = np.arange(300) % 3
    noisy, flipped = flip_labels(true, 0.5, classes=3, rng=rng(), kind="pair")
    np.testing.assert_array_equal(noisy[flipped], (true[flipped] + 1) % 3)


def test_pairs_of_a_map_leave_other_classes_alone():
    true = np.arange(300) % 3
    noisy, flipped = flip_labels(true, 0.2, classes=3, rng=rng(), kind="pair", pairs={0: 2})
    assert set(true[flipped]) == {0}
    assert set(noisy[flipped]) == {2}
    assert flipped.sum() == 60


def test_domain_flips_stay_in_the_noisy_domains():
    true = np.arange(300) % 3
    domains = np.repeat(["near", "middle", "far"], 100)
    noisy, flipped = flip_labels(
        true, 0.2, classes=3, rng=rng(), kind="domain", domains=domains, noisy_domains=["far", "near"]
    )
    assert flipped.sum() == 60
    assert set(domains[flipped]) == {"far", "near"}
    assert (noisy != true).sum() == 60


def test_half_of_the_domains_are_noisy_by_default_and_which_depends_on_the_rng():
    true = np.zeros(400, dtype=np.int64)
    domains = np.arange(400) % 4
    chosen = {
        tuple(np.unique(domains[flip_labels(true, 0.3, classes=2, rng=rng(s), kind="domain", domains=domains)[1]]))
        for s in range(20)
    }
    assert all(len(c) == 2 for c in chosen)
    assert len(chosen) > 2


def test_same_seed_same_flips():
    true = np.arange(50) % 5
    first, second = (flip_labels(true, 0.3, classes=5, rng=rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fraction": 1.5}, "fraction in 0"),
        ({"fraction": float("nan")}, "fraction in 0"),
        ({"classes": 1, "labels": [0, 0]}, "at least 2 classes"),
        ({"kind": "weekly"}, "uniform, pair or domain"),
        ({"kind": "pair", "pairs": {0: 0}}, "two different classes"),
        ({"kind": "pair", "pairs": {0: 9}}, "two different classes"),
        ({"kind": "pair", "pairs": {0: 1}, "fraction": 0.9}, "at least 5 examples that may be flipped"),
        ({"kind": "domain"}, "domains for kind='domain'"),
        ({"kind": "domain", "domains": list("aabbcc"), "noisy_domains": ["z"]}, "noisy domains of"),
        ({"kind": "domain", "domains": list("aabbcc"), "noisy_domains": ["a"], "fraction": 0.5}, "at least 3"),
        ({"labels": [0, 1, 7]}, "labels in 0"),
    ],
)
def test_refuses(options, message):
    arguments = {"labels": [0, 1, 2, 0, 1, 2], "fraction": 0.2, "classes": 3} | options
    labels, fraction = np.array(arguments.pop("labels")), arguments.pop("fraction")
    with pytest.raises(ValuesError, match=message):
        flip_labels(labels, fraction, rng=rng(), **arguments)


@pytest.mark.usefixtures("unchecked")
def test_refuses_domains_of_another_length():
    with pytest.raises(ShapeError, match="3 rows in domains"):
        flip_labels(np.array([0, 1, 0]), 0.3, classes=2, rng=rng(), kind="domain", domains=np.array(["a"]))
