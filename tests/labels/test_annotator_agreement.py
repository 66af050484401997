import numpy as np
import pytest
from tests.labels.crowds import crowd

from yori.errors import ValuesError
from yori.labels import Votes, annotator_table, class_agreement, dawid_skene, majority, pairwise_kappa
from yori.statistics import cohen_kappa, fleiss_kappa, krippendorff_alpha


def test_equals_the_statistics_of_dense_tables():
    _, made = crowd(120, ("careful",) * 3, 3, 3)
    dense = np.full((120, 3), np.nan)
    dense[made.votes.example, made.votes.annotator] = made.votes.answer
    found = class_agreement(made.votes)
    np.testing.assert_allclose(found.overall_alpha, krippendorff_alpha(dense))
    np.testing.assert_allclose(found.overall_kappa, fleiss_kappa(made.votes.counts()))
    for k in range(3):
        np.testing.assert_allclose(found.alpha[k], krippendorff_alpha((dense == k).astype(float)))
        own = (dense == k).sum(axis=1)
        np.testing.assert_allclose(found.kappa[k], fleiss_kappa(np.stack([3 - own, own], axis=1)))
    pairs = pairwise_kappa(made.votes)
    np.testing.assert_allclose(pairs[0, 2], cohen_kappa(dense[:, 0].astype(int), dense[:, 2].astype(int)))
    np.testing.assert_array_equal(pairs, pairs.T)


def test_uneven_numbers_of_answers():
    _, made = crowd(60, ("careful",) * 4, 2, 4)
    votes = made.votes.take(np.arange(240) % 5 != 0)
    dense = np.full((60, 4), np.nan)
    dense[votes.example, votes.annotator] = votes.answer
    found = class_agreement(votes)
    np.testing.assert_allclose(found.overall_alpha, krippendorff_alpha(dense))
    assert found.raters == np.bincount(votes.per_example()).argmax() == 3


def test_two_annotators_who_never_overlap():
    votes = Votes(np.arange(6), np.arange(6) % 2, np.array([0, 1, 1, 0, 1, 1]), 6, 2, 2)
    assert np.isnan(pairwise_kappa(votes)[0, 1])
    found = class_agreement(votes)
    assert np.isnan([found.overall_alpha, found.overall_kappa, *found.alpha, *found.kappa]).all()
    assert dawid_skene(votes).probs.shape == (6, 2)


def test_one_class_only_and_an_annotator_with_one_answer_or_none():
    votes = Votes(np.array([0, 0, 1, 1, 0]), np.array([0, 1, 0, 1, 2]), np.zeros(5, int), 2, 4, 2)
    assert np.isnan(class_agreement(votes).overall_alpha)
    table = annotator_table(votes, majority(votes))
    np.testing.assert_array_equal(table.answers, [2, 2, 1, 0])
    assert np.isnan(table.kappa).all()
    assert np.isnan(table.skill[3])
    assert np.isnan(table.information[3])
    np.testing.assert_allclose(table.skill[:3], 1)
    for method in (majority, dawid_skene):
        assert (method(votes).labels == 0).all()


def test_table_names_the_biased_class():
    _, made = crowd(1500, ("careful",) * 5 + ("adversary",), 3, 4, skill=(0.85, 0.95))
    table = annotator_table(made.votes, dawid_skene(made.votes))
    true, wrong = table.most_confused[5]
    assert wrong == (true + 1) % 3
    assert table.kappa[5] < 0 < table.kappa[:5].min()


def test_a_crowd_is_too_large_for_pairs():
    votes = Votes(np.zeros(1, int), np.zeros(1, int), np.zeros(1, int), 1_000_000, 100, 2)
    with pytest.raises(ValuesError, match="50 million"):
        pairwise_kappa(votes)
