import dataclasses
import importlib

import numpy as np
import pytest

from yori.heads import prediction_flops, training_flops
from yori.prove.ledger import counter_agrees, flops_of, parity_of


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
@pytest.mark.parametrize(("batch_size", "dimensions", "classes"), [(1, 2, 2), (32, 16, 4), (8, 1024, 50)])
def test_counting_and_the_closed_formula_agree(link, batch_size, dimensions, classes):
    assert counter_agrees(batch_size=batch_size, dimensions=dimensions, classes=classes, link=link)


def test_a_wrong_formula_is_noticed(monkeypatch):
    monkeypatch.setattr(importlib.import_module("yori.prove.ledger"), "step_flops", lambda **sizes: 1)
    assert not counter_agrees(batch_size=4, dimensions=8, classes=3, link="softmax")


def test_flops_of_two_protocols(one_cell):
    result = one_cell.result
    other = dataclasses.replace(result, cell=dataclasses.replace(result.cell, protocol="lodo:site0"))
    found = flops_of([result, other, other], embedding=7)
    one = training_flops(steps=800, batch_size=32, dimensions=16, classes=4, link="softmax")
    assert found["train_per_arm"] == {"id": one, "lodo": 2 * one}
    assert found["embedding"] == 7
    assert found["inference_per_example"] == prediction_flops(dimensions=16, classes=4, link="softmax")
    assert found["curation"] == 3 * one_cell.arms.facts["flops_curation"] > 0
    assert found["tuning"] == 3 * one_cell.baseline.facts["flops_tuning"] > 0


def test_parity(one_cell):
    found = parity_of([one_cell.result])
    assert found["equal"] is True
    assert found["parameters"] == 68
    arms = dataclasses.replace(one_cell.arms, arrays={**one_cell.arms.arrays, "after": np.zeros((4, 20))})
    other = dataclasses.replace(one_cell.result, arms=arms)
    assert parity_of([other])["equal"] is False
    assert parity_of([one_cell.result, other])["equal"] is False


def test_cells_of_different_widths_are_equal_within_themselves(one_cell):
    def wider(arrays):
        return {
            name: np.pad(array, ((0, 0), (0, 1))) if array.shape == one_cell.baseline.arrays["before"].shape else array
            for name, array in arrays.items()
        }

    baseline = dataclasses.replace(one_cell.baseline, arrays=wider(one_cell.baseline.arrays))
    arms = dataclasses.replace(one_cell.arms, arrays=wider(one_cell.arms.arrays))
    other = dataclasses.replace(one_cell.result, baseline=baseline, arms=arms)
    assert {weight.shape for weight in other.weights().values()} == {(4, 18)}
    assert parity_of([one_cell.result, other])["equal"] is True
