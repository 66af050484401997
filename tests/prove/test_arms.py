import dataclasses
import importlib

import numpy as np
import pytest

from yori.curate import Choice, Curation, Round
from yori.heads import fit_softmax
from yori.prove.arms import AFTER, CONFIDENT_LEARNING, HIGHEST_LOSS, ORACLE, RANDOM, ArmsInput, _arms, make_arms


def curation(*choices):
    """One accepted round of ``(position, new label)``."""
    made = tuple(Choice(position, new, -0.1, 1.0) for position, new in choices)
    return Curation((Round(1, made, -0.1, 0.01, True),), np.zeros(1), 1.0, 0.9, 0)


@pytest.fixture
def wishes(one_cell):
    """Weight and label of every example by arm, for edits that are known: drop 0, relabel 1."""
    new = (int(one_cell.given.targets[1]) + 1) % 4
    task = ArmsInput(one_cell.given, "", 0.05, one_cell.task.objective)
    return _arms(task, one_cell.baseline, curation((0, None), (1, new))), new


def test_the_budget_is_rounded_down(one_cell):
    n = one_cell.given.n_train
    assert n == 144
    assert ArmsInput(one_cell.given, "", 0.05, "nll").edits == 7
    assert ArmsInput(one_cell.given, "", 7 / 144, "nll").edits == 7


def test_after_holds_the_edits_and_nothing_else(one_cell, wishes):
    (arms, new), given = wishes, one_cell.given
    weight, targets = arms[AFTER]
    assert np.flatnonzero(weight != given.weight).tolist() == [0]
    assert weight[0] == 0
    assert np.flatnonzero(targets != given.targets).tolist() == [1]
    assert targets[1] == new


def test_controls_drop_as_many_as_the_budget_allows(one_cell, wishes):
    for name in (RANDOM, CONFIDENT_LEARNING, HIGHEST_LOSS):
        weight, targets = wishes[0][name]
        assert (weight == 0).sum() == 7
        assert (weight[one_cell.given.n_train :] == one_cell.given.weight[one_cell.given.n_train :]).all()
        assert (targets == one_cell.given.targets).all()


def test_highest_loss_drops_the_highest_losses(one_cell, wishes):
    given = one_cell.given
    logits = one_cell.baseline.arrays["training:before"].astype(np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    loss = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(logits)), given.targets[: given.n_train]]
    assert set(np.flatnonzero(wishes[0][HIGHEST_LOSS][0] == 0)) == set(np.argsort(-loss)[:7])


def test_confident_learning_hits_wrong_labels_more_often_than_chance(one_cell, wishes):
    given = one_cell.given
    wrong = given.targets[: given.n_train] != given.truth
    dropped = np.flatnonzero(wishes[0][CONFIDENT_LEARNING][0] == 0)
    assert wrong[dropped].mean() >= 3 * wrong.mean()


def test_the_oracle_corrects_wrong_labels_only_and_to_the_truth(one_cell, wishes):
    given = one_cell.given
    weight, targets = wishes[0][ORACLE]
    assert (weight == given.weight).all()
    changed = np.flatnonzero(targets != given.targets)
    assert 0 < len(changed) <= 7
    assert (targets[changed] == given.truth[changed]).all()


def test_without_known_truth_there_is_no_oracle(one_cell):
    given = one_cell.given
    blind = dataclasses.replace(given, truth=given.targets[: given.n_train])
    assert ORACLE not in _arms(ArmsInput(blind, "", 0.05, "nll"), one_cell.baseline, curation())


def test_every_arm_is_trained_by_the_same_recipe(one_cell):
    """Stored heads are near the exact fits of what the arm says."""
    given, facts = one_cell.given, one_cell.arms.facts
    n = given.n_train
    place = {str(name): position for position, name in enumerate(given.ids)}
    weight, targets = given.weight[:n].copy(), given.targets[:n].copy()
    for edit in facts["edits"]:
        if edit["new"] is None:
            weight[place[edit["example_id"]]] = 0
        else:
            targets[place[edit["example_id"]]] = edit["new"]
    kept = weight > 0
    exact = fit_softmax(given.vectors()[:n][kept], targets[kept], classes=4, l2=0.1)
    found = one_cell.arms.arrays[AFTER]
    assert np.linalg.norm(found - exact.weight) < 0.05 * np.linalg.norm(exact.weight)


def test_facts_of_a_cell(one_cell):
    facts = one_cell.arms.facts
    assert facts["budget"] == 7
    assert len(facts["edits"]) <= 7
    assert sum(each["accepted"] for each in facts["rounds"]) <= len(facts["rounds"])
    assert {edit["example_id"] for edit in facts["edits"]} <= set(one_cell.given.ids[: one_cell.given.n_train].tolist())
    for edit in facts["edits"]:
        assert sum(edit["out_of_fold"]) == pytest.approx(1, abs=1e-3)
        assert 0 <= edit["agreement"] <= 1
    assert len([name for name in one_cell.arms.arrays if name.startswith("checkpoint:")]) == 4
    assert len([name for name in one_cell.arms.arrays if name.startswith("resample:")]) == 4


def test_a_finished_stage_is_not_made_again(one_cell, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("curated again")

    monkeypatch.setattr(importlib.import_module("yori.prove.arms"), "curate_cell", refuse)
    key = one_cell.given.baseline_key()
    again = ArmsInput(one_cell.given, key, one_cell.task.budget.edits, one_cell.task.objective)
    assert make_arms(again) == one_cell.arms_key
    with pytest.raises(AssertionError, match="curated again"):
        make_arms(dataclasses.replace(again, budget=0.04))
