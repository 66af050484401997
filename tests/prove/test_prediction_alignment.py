"""Alignment through whole files, and every refusal, is in test_compare_files.py."""

import numpy as np
import pytest

from yori.errors import AlignmentError
from yori.prove.prediction_alignment import align_predictions
from yori.prove.prediction_files import PredictionTable

PROBS = np.random.default_rng(0).dirichlet([1.0, 1.0], 12)


def table(order, **columns):
    """Six examples in two seeds of one domain, rows in this order."""
    whole = {
        "ids": np.tile(list("abcdef"), 2),
        "labels": np.tile(["0", "1", "0", "1", "0", "1"], 2),
        "seeds": np.repeat(["0", "1"], 6),
        "groups": np.tile(["g", "g", "h", "h", "i", "i"], 2),
        "probs": PROBS,
        **columns,
    }
    kept = {name: column[order] for name, column in whole.items() if column is not None}
    return PredictionTable("rows", classes=("0", "1"), **kept)


def test_rows_of_an_example_come_together_whatever_the_order():
    rng, order = np.random.default_rng(1), np.arange(12)
    expected = align_predictions(table(order), table(order))
    for _ in range(5):
        arms = align_predictions(table(rng.permutation(12)), table(rng.permutation(12)))
        for name in ("seeds", "groups"):
            np.testing.assert_array_equal(getattr(arms, name), getattr(expected, name))
        for arm in (arms.before, arms.after):
            np.testing.assert_array_equal(arm.ids, expected.before.ids)
            np.testing.assert_array_equal(arm.probs, expected.before.probs)
            np.testing.assert_array_equal(arm.labels, expected.before.labels)
    assert expected.domains is None
    assert expected.seeds.tolist() == ["0"] * 6 + ["1"] * 6


def test_labels_and_groups_may_come_from_either_file():
    order = np.arange(12)
    full = align_predictions(table(order), table(order))
    for before, after in (({"labels": None}, {"groups": None}), ({"groups": None}, {"labels": None})):
        arms = align_predictions(table(order, **before), table(order, **after))
        np.testing.assert_array_equal(arms.groups, full.groups)
        np.testing.assert_array_equal(arms.after.correct, full.after.correct)


def test_pooled_seeds_and_a_seed_that_one_file_lacks():
    order = np.arange(12)
    with pytest.raises(AlignmentError, match="6 repeated rows, first id 'a'"):
        align_predictions(table(order, seeds=None), table(order, seeds=None))
    with pytest.raises(AlignmentError, match="a column 'seed' in both files"):
        align_predictions(table(order), table(order, seeds=None))
    first = np.arange(6)
    arms = align_predictions(table(first), table(first[::-1], seeds=None))
    assert arms.seeds.tolist() == ["0"] * 6
