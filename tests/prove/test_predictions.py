import dataclasses
import importlib

import numpy as np
import pytest

from yori.errors import VerificationError
from yori.prove.arm_names import TRAIN_AND_VALIDATION
from yori.prove.predictions import check_parity, prediction_tables, temperatures
from yori.prove.proof import group_names
from yori.prove.tuning import temperature_of


@pytest.fixture(scope="module")
def tables(one_cell):
    return prediction_tables([one_cell.result], one_cell.data, group_names(one_cell.data))


def rows(table, arm):
    return [row for row in table.to_pylist() if row["arm"] == arm]


def test_logits_are_the_head_applied_to_the_embeddings_of_test_examples(one_cell, tables):
    test, _ = tables
    data, cell = one_cell.data, one_cell.cell
    vectors = one_cell.project.open_embeddings("given").rows_of(data.ids[cell.test].tolist())
    for arm, weight in one_cell.result.weights().items():
        found = rows(test, arm)
        assert [row["example_id"] for row in found] == data.ids[cell.test].tolist()
        wanted = vectors @ weight[:, :-1].T + weight[:, -1]
        np.testing.assert_allclose([row["logits"] for row in found], wanted, rtol=1e-4, atol=1e-4)
        assert [row["label"] for row in found] == data.truth[cell.test].tolist()
        assert [row["domain"] for row in found] == data.domains[cell.test].tolist()


def test_validation_rows_are_those_of_the_cell(one_cell, tables):
    _, validation = tables
    for arm in one_cell.result.weights():
        found = rows(validation, arm)
        assert [row["example_id"] for row in found] == one_cell.data.ids[one_cell.cell.validation].tolist()


def test_one_temperature_for_each_arm_fitted_on_validation(one_cell, tables):
    test, validation = tables
    fitted = temperatures(one_cell.result, one_cell.data)
    for arm in fitted:
        asked = rows(validation, "before" if arm == TRAIN_AND_VALIDATION else arm)
        wanted = temperature_of(np.array([row["logits"] for row in asked]), np.array([row["label"] for row in asked]))
        assert fitted[arm] == pytest.approx(wanted, rel=1e-9)
        assert {row["temperature"] for row in rows(test, arm)} == {fitted[arm]}
    assert fitted[TRAIN_AND_VALIDATION] == fitted["before"]


def test_groups_are_named_by_their_first_example(one_cell, tables):
    data = one_cell.data
    place = {str(name): number for number, name in enumerate(data.ids)}
    for row in rows(tables[0], "before"):
        assert data.groups[place[row["group"]]] == data.groups[place[row["example_id"]]]
        assert row["group"] <= row["example_id"]


def test_block_size_does_not_matter(one_cell, tables, monkeypatch):
    monkeypatch.setattr(importlib.import_module("yori.prove.predictions"), "ROWS_AT_A_TIME", 7)
    test, validation = prediction_tables([one_cell.result], one_cell.data, group_names(one_cell.data))
    left, right = test["logits"].to_pylist(), tables[0]["logits"].to_pylist()
    np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-5)
    assert validation.equals(tables[1])


def test_parity():
    check_parity({"before": np.zeros((2, 3)), "after": np.ones((2, 3))}, "id seed 0")
    with pytest.raises(VerificationError, match="one shape of head"):
        check_parity({"before": np.zeros((2, 3)), "after": np.ones((2, 4))}, "id seed 0")
    with pytest.raises(VerificationError, match="finite weights"):
        check_parity({"before": np.zeros((2, 3)), "after": np.full((2, 3), np.inf)}, "id seed 0")


def test_an_arm_of_another_size_is_refused(one_cell):
    arms = dataclasses.replace(one_cell.arms, arrays={**one_cell.arms.arrays, "after": np.zeros((4, 99))})
    result = dataclasses.replace(one_cell.result, arms=arms)
    with pytest.raises(VerificationError, match="one shape of head"):
        prediction_tables([result], one_cell.data, group_names(one_cell.data))
