import dataclasses

import numpy as np
import pytest

from yori.prove.proposal import edits_by_cell, propose
from yori.splits import Cell


@pytest.fixture
def vote(one_cell):
    """``vote((position, new), …, train=…)``: a cell that chose these edits, all examples in training by default."""

    def vote(*choices, train=None, effect=-0.1, seed=0):
        data = one_cell.data
        rows = np.arange(len(data)) if train is None else np.array(train)
        cell = Cell("id", seed, rows, np.array([0]), np.array([0]))
        edits = [
            {
                "example_id": str(data.ids[position]), "round": 1 + number, "new": new, "effect": effect,
                "action": "drop" if new is None else "relabel",
                "agreement": 0.5, "out_of_fold": [0.7, 0.1, 0.1, 0.1],
            }
            for number, (position, new) in enumerate(choices)
        ]  # fmt: skip
        arms = dataclasses.replace(one_cell.arms, facts={**one_cell.arms.facts, "edits": edits})
        return dataclasses.replace(one_cell.result, cell=cell, arms=arms)

    return vote


def chosen(proposal):
    return [(edit.example_id, edit.action, edit.new_label) for edit in proposal.edits]


def test_agreement_comes_first_then_the_gain(one_cell, vote):
    data = one_cell.data
    cells = [vote((3, None), (5, None), effect=-9.0), vote((5, None), seed=1), vote((5, None), seed=2)]
    found = propose(cells, data, budget=10, objective="nll")
    assert chosen(found) == [(data.ids[5], "drop", None), (data.ids[3], "drop", None)]
    assert [edit.agreement for edit in found.edits] == pytest.approx([1.0, 1 / 3])
    assert found.edits[0].predicted_gain == pytest.approx((9 + 0.1 + 0.1) / 3)
    assert "Chosen by 3 of 3 runs" in found.edits[0].reason


def test_only_cells_that_train_on_an_example_could_have_chosen_it(one_cell, vote):
    cells = [vote((3, None)), vote((5, None), train=np.delete(np.arange(240), 3), seed=1)]
    found = propose(cells, one_cell.data, budget=10, objective="nll")
    assert {edit.example_id: edit.agreement for edit in found.edits} == {
        one_cell.data.ids[3]: 1.0, one_cell.data.ids[5]: 0.5,
    }  # fmt: skip


def test_the_budget_and_one_edit_for_each_example(one_cell, vote):
    new = (int(one_cell.data.targets[4]) + 1) % 4
    cells = [vote((4, new), (4, None), (6, None), (7, None))]
    found = propose(cells, one_cell.data, budget=2, objective="nll")
    assert len(found.edits) == 2
    assert len({edit.example_id for edit in found.edits}) == 2
    assert len(propose(cells, one_cell.data, budget=0, objective="nll").edits) == 0


def test_what_a_relabel_says(one_cell, vote):
    data = one_cell.data
    new = (int(data.targets[4]) + 1) % 4
    (edit,) = propose([vote((4, new))], data, budget=1, objective="nll").edits
    assert (edit.action, edit.old_label, edit.new_label) == ("relabel", data.labels[4], data.classes[new])
    assert edit.weight == 1.0
    found = propose([vote((4, None))], data, budget=1, objective="nll")
    row = found.table().to_pylist()[0]
    assert (row["action"], row["new_label"], row["weight"]) == ("drop", None, 0.0)
    assert (row["likely_label"], row["likely_probability"]) == ("a", 0.7)
    assert row["label_probability"] == (0.7 if data.targets[4] == 0 else 0.1)


def test_no_class_is_emptied(one_cell, vote):
    data = one_cell.data
    members = np.flatnonzero(data.targets == 0)
    found = propose([vote(*[(int(row), None) for row in members])], data, budget=len(members), objective="nll")
    assert 0 < len(found.edits) < len(members)


def test_no_edits_at_all(one_cell, vote):
    found = propose([vote()], one_cell.data, budget=5, objective="nll")
    assert len(found.edits) == 0
    assert found.table().num_rows == 0
    assert edits_by_cell([vote()], one_cell.data).num_rows == 0


def test_edits_of_each_cell(one_cell, vote):
    data = one_cell.data
    new = (int(data.targets[4]) + 1) % 4
    table = edits_by_cell([vote((3, None)), vote((4, new), seed=1)], data).to_pylist()
    assert [(row["seed"], row["example_id"], row["action"], row["new_label"]) for row in table] == [
        (0, data.ids[3], "drop", None), (1, data.ids[4], "relabel", data.classes[new]),
    ]  # fmt: skip
    assert [row["old_label"] for row in table] == [data.labels[3], data.labels[4]]
    assert {row["predicted_gain"] for row in table} == {0.1}
