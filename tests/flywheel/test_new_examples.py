"""What belongs together is never trained on and tested, in whichever turns it is labelled."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import select
from tests.flywheel import mixture_world
from tests.flywheel.mined import answer_all, ask_about_log, truth_of

from yori.flywheel.assignment import add_assignment, assign, cell_of, first_assignment, read_assignment
from yori.flywheel.database import Database, open_database
from yori.flywheel.group_names import hidden_group
from yori.flywheel.merge import merge, random_examples
from yori.flywheel.new_examples import LoggedInput, groups_of, read_logged
from yori.flywheel.released_model import Release
from yori.flywheel.schema import PREDICTIONS
from yori.prove.dataset import dataset_of
from yori.store import Project
from yori.task import parse_task

World = tuple[Project, Release, Database]


@pytest.fixture
def world(tmp_path: Path, database_url: str | None) -> Iterator[World]:
    project, release = mixture_world.copied(tmp_path)
    database = open_database(project, database_url)
    mixture_world.serving(project, release, database)
    yield project, release, database
    database.close()


def arrive(database: Database, release: Release, groups: list[str | None], *, seed: int = 0) -> mixture_world.Stream:
    """A stream whose rows are said to be of these groups."""
    arrived = mixture_world.stream(len(groups), seed=seed)
    with database.connect() as connection:
        before = len(connection.execute(select(PREDICTIONS.c.prediction_id)).all())
    mixture_world.log(database, release, arrived)
    tell(database, {before + place: name for place, name in enumerate(groups)})
    return arrived


def tell(database: Database, names: dict[int, str | None]) -> None:
    """Groups of logged rows, by their place in the log."""
    c = PREDICTIONS.c
    with database.begin() as connection:
        ids = connection.execute(select(c.prediction_id).order_by(c.prediction_id)).scalars().all()
        for place, name in names.items():
            connection.execute(PREDICTIONS.update().where(c.prediction_id == ids[place]).values(group_name=name))


def logged(database: Database) -> list[LoggedInput]:
    with database.connect() as connection:
        ids = connection.execute(select(PREDICTIONS.c.prediction_id)).scalars().all()
    found = read_logged(database, ids)
    return [found[each] for each in sorted(found)]


def parts_after(project: Project, database: Database, release: Release, turn: int) -> dict[str, str]:
    """What a turn assigns, as `yori.flywheel.turn` does."""
    task = parse_task(project.task_text(), name="task")
    merge(project, database, task)
    known = read_assignment(project) or add_assignment(project, 0, first_assignment(project, task, release))
    new = assign(dataset_of(project, task), known, random=random_examples(database), task=task)
    return add_assignment(project, turn, new)


def test_no_group_is_in_two_parts_over_three_turns(world: World) -> None:
    project, release, database = world
    rng = np.random.default_rng(0)
    names = [f"ship {each}" if each < 12 else None for each in rng.integers(0, 14, 90).tolist()]
    truth: dict[str, str] = {}
    for turn, share in ((1, "random"), (2, "uncertain"), (3, "random")):
        arrived = arrive(database, release, names[30 * (turn - 1) : 30 * turn], seed=turn)
        truth |= truth_of(arrived)
        ask_about_log(database, 30, turn=turn, share=share)
        answer_all(database, truth)
        parts = parts_after(project, database, release, turn)
    rows = project.examples().to_pylist()
    of_ship: dict[str, set[str]] = {}
    sizes: dict[str, int] = {}
    for row in rows:
        if (row["group"] or "").startswith("ship"):
            of_ship.setdefault(row["group"], set()).add(parts[row["example_id"]])
            sizes[row["group"]] = sizes.get(row["group"], 0) + 1
    assert set(of_ship) == {name for name in names if name}
    assert max(sizes.values()) > 3
    assert all(len(places) == 1 for places in of_ship.values())
    assert {place for places in of_ship.values() for place in places} >= {"test"}
    # Those that were asked for by a strategy in turn 2 and are of a ship that is tested are tested, too.
    data = dataset_of(project, parse_task(project.task_text(), name="task"))
    cell = cell_of(data, parts, turn=3)
    assert not set(data.groups[cell.train]) & set(data.groups[cell.test])
    assert len(cell.train) + len(cell.validation) + len(cell.test) == len(data)
    assert len([row for row in rows if row["example_id"].startswith("log-")]) == 90


def test_without_names_the_same_inputs_are_cut_apart(world: World) -> None:
    project, release, database = world
    truth = truth_of(arrive(database, release, [None] * 4))
    for turn, share in ((1, "random"), (2, "uncertain")):
        ask_about_log(database, 2, turn=turn, share=share)
        answer_all(database, truth)
        parts = parts_after(project, database, release, turn)
    assert len({parts[each.example_id] for each in logged(database)}) > 1


def test_a_name_of_the_project_joins_what_was_imported(world: World) -> None:
    project, release, database = world
    more = pa.table({"example_id": ["old"], "label": ["a"], "domain": ["site0"], "group": ["ship 1"]})
    project.add_rows(more, sources={}, message="more", who="ann")
    vector = np.zeros((1, 16), np.float32)
    project.write_embeddings("given-more", [vector], ["old"])
    truth = truth_of(arrive(database, release, ["ship 1", hidden_group("ship 1"), hidden_group("ship 2")]))
    ask_about_log(database, 3, share="random")
    answer_all(database, truth)
    parts = parts_after(project, database, release, 1)
    first, second, third = logged(database)
    assert parts[first.example_id] == parts[second.example_id] == parts["old"]
    found = {row["example_id"]: row["group"] for row in project.examples().to_pylist()}
    assert (found[first.example_id], found[second.example_id]) == ("ship 1", "ship 1")
    assert found[third.example_id] == hidden_group("ship 2")


def test_windows_of_one_input_are_one_group_whatever_was_said(world: World) -> None:
    project, release, database = world
    arrived = mixture_world.stream(4)
    mixture_world.log(database, release, arrived, inputs=["ab" * 32] * 4)
    tell(database, {1: "late", 2: "later"})
    with database.begin() as connection:
        c = PREDICTIONS.c
        for place, each in enumerate(logged(database)):
            row = c.prediction_id == each.prediction_id
            connection.execute(PREDICTIONS.update().where(row).values(start=float(place), duration=1.0))
    windows = logged(database)
    assert groups_of(project, database, windows) == {"ab" * 32: "late"}
    held = pa.table({"example_id": ["x", "y"], "label": ["a", "a"], "domain": ["site0"] * 2,
                     "group": ["first", "second"], "sha256": ["ab" * 32] * 2})  # fmt: skip
    project.add_rows(held, sources={}, message="held", who="ann")
    assert groups_of(project, database, windows[3:]) == {"ab" * 32: "first"}


def test_an_input_nobody_named_is_a_group_of_its_own(world: World) -> None:
    project, release, database = world
    arrive(database, release, [None, None])
    one, other = logged(database)
    assert groups_of(project, database, [one, other]) == {
        one.sha256: f"log-{one.sha256[:24]}", other.sha256: f"log-{other.sha256[:24]}",
    }  # fmt: skip
    window = dataclasses.replace(one, start=1.5)
    assert window.example_id == f"{window.own_group}@1.5"
