"""One cell with everything that workers make of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from yori.prove.baseline import Baseline, CellInput
from yori.prove.dataset import Dataset
from yori.prove.predictions import CellResult
from yori.splits import Cell
from yori.store import Project
from yori.task import Task


@dataclass(frozen=True)
class OneCell:
    """A small project, its only cell, and what `make_baseline` and `make_arms` made. Read only."""

    project: Project
    task: Task
    data: Dataset
    cell: Cell
    given: CellInput
    baseline: Baseline
    arms: Baseline
    result: CellResult
    arms_key: str


@pytest.fixture(scope="session")
def one_cell(tmp_path_factory: pytest.TempPathFactory) -> OneCell:
    """240 examples, 10 % wrong labels, budget 5 %."""
    from tests.prove.mixture import inputs_of, make_small

    from yori.prove.arms import ArmsInput, make_arms
    from yori.prove.baseline import make_baseline, read_stage
    from yori.prove.cell_inputs import places_of

    project = make_small(tmp_path_factory.mktemp("one_cell") / "project", n=240)
    task, data, (cell,), (given,) = inputs_of(project)
    before = make_baseline(given)
    after = make_arms(ArmsInput(given, before, task.budget.edits, task.objective))
    baseline, arms = read_stage(project, before), read_stage(project, after)
    shards = project.open_embeddings("given")
    result = CellResult(cell, baseline, arms, shards, places_of(data, shards))
    return OneCell(project, task, data, cell, given, baseline, arms, result, after)
