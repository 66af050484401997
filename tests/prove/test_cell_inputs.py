"""What a worker is given of a cell: its training and validation examples, and nothing of its test examples."""

import dataclasses

import numpy as np
import pytest

from yori.errors import AlignmentError, ValuesError
from yori.prove.cell_inputs import embeddings_of, input_of, places_of
from yori.workers import silent


def test_places_are_rows_of_the_stored_embeddings(one_cell):
    shards = one_cell.project.open_embeddings("given")
    found = places_of(one_cell.data, shards)
    assert [shards.ids[int(row)].as_py() for row in found] == one_cell.data.ids.tolist()


def test_an_example_without_an_embedding(one_cell):
    ids = one_cell.data.ids.copy()
    ids[3] = "a stranger"
    with pytest.raises(AlignmentError, match="an embedding for every example, got 1 without, such as 'a stranger'"):
        places_of(dataclasses.replace(one_cell.data, ids=ids), one_cell.project.open_embeddings("given"))


def test_training_first_then_validation_and_no_test_example(one_cell):
    data, cell = one_cell.data, one_cell.cell
    given = input_of(one_cell.project, one_cell.task, data, cell, one_cell.project.open_embeddings("given"))
    assert given.ids[: given.n_train].tolist() == data.ids[cell.train].tolist()
    assert given.ids[given.n_train :].tolist() == data.ids[cell.validation].tolist()
    assert not set(given.ids.tolist()) & set(data.ids[cell.test].tolist())


def test_validation_asks_with_verified_labels_and_keeps_those_it_was_given(one_cell):
    data, cell = one_cell.data, one_cell.cell
    given = input_of(one_cell.project, one_cell.task, data, cell, one_cell.project.open_embeddings("given"))
    np.testing.assert_array_equal(given.targets[: given.n_train], data.targets[cell.train])
    np.testing.assert_array_equal(given.targets[given.n_train :], data.truth[cell.validation])
    np.testing.assert_array_equal(given.validation_given, data.targets[cell.validation])
    assert (data.truth != data.targets).any()  # else the two could not be told apart


def test_embeddings_are_not_made_of_what_is_no_audio(one_cell):
    task = dataclasses.replace(one_cell.task, backbone=dataclasses.replace(one_cell.task.backbone, name="patches"))
    with pytest.raises(ValuesError, match=r"expected backbone.name: given, got patches"):
        embeddings_of(one_cell.project, task, one_cell.data, [one_cell.cell], 1, silent)
