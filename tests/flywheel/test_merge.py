import numpy as np
import pyarrow as pa
import pytest
from tests.flywheel import mixture_world
from tests.flywheel.mined import answer_all, ask_about_log, truth_of

from yori.backbones.given import open_given
from yori.flywheel.database import open_database
from yori.flywheel.given_answers import GivenAnswer, give_answers
from yori.flywheel.items import Item, add_items, count_items, item_key
from yori.flywheel.merge import merge
from yori.flywheel.schema import ANSWERS, PREDICTIONS
from yori.task import parse_task

CLASSES = mixture_world.CLASSES


@pytest.fixture
def setting(tmp_path, database_url):
    project, release = mixture_world.copied(tmp_path)
    database = open_database(project, database_url)
    mixture_world.serving(project, release, database)
    arrived = mixture_world.stream(40)
    mixture_world.log(database, release, arrived)
    yield project, database, parse_task(project.task_text(), name="task"), arrived
    database.close()


def say(database, *answers):
    given = [
        GivenAnswer(item_id=item, person=person, verdict=verdict, label=label, key=f"{item}{person}{verdict}{label}")
        for item, person, verdict, label in answers
    ]
    return give_answers(database, given, classes=CLASSES, origin="file")


def about(example, **fields):
    """An item about an example of the project."""
    return Item(
        item_id=item_key(example_id=example),
        turn=1,
        kind="row",
        share="audit",
        priority=1.0,
        example_id=example,
        **fields,
    )


def test_answers_about_the_log_become_examples_with_labels_and_embeddings(setting):
    project, database, task, arrived = setting
    ask_about_log(database, 20)
    truth = truth_of(arrived)
    answer_all(database, truth)
    report = merge(project, database, task)
    assert (report.labelled, report.added, report.conflicts, report.lost) == (20, 20, 0, 0)
    assert (report.before, report.after) == (1, 3)
    rows = [row for row in project.examples().to_pylist() if row["example_id"].startswith("log-")]
    assert len(rows) == 20
    shards = open_given(project)
    vectors = shards.rows_of(pa.array([row["example_id"] for row in rows]))
    place = {f"log-{digest[:24]}": number for number, digest in enumerate(truth)}
    for row, vector in zip(rows, vectors, strict=True):
        number = place[row["example_id"]]
        assert row["label"] == CLASSES[arrived.truth[number]]
        assert row["domain"] == arrived.domains[number]
        np.testing.assert_array_equal(vector, arrived.embeddings[number])
    assert count_items(database) == {"merged": 20}


def test_merging_again_changes_nothing(setting):
    project, database, task, arrived = setting
    ask_about_log(database, 5)
    answer_all(database, truth_of(arrived))
    first = merge(project, database, task)
    second = merge(project, database, task)
    assert second.after == first.after
    assert (second.labelled, second.added) == (0, 0)


@pytest.mark.parametrize("stop", ["write_vectors", "add_rows", "add_labels", "_close"])
def test_a_merge_that_is_cut_off_is_finished_by_the_next(setting, monkeypatch, stop):
    project, database, task, arrived = setting
    items = ask_about_log(database, 6)
    answer_all(database, truth_of(arrived))
    say(database, (items[0], "p1", "relabel", "a"))
    import yori.flywheel.merge as module
    from yori.store import Project

    class Cut(Exception):
        pass

    def cut(*args, **kwargs):
        raise Cut

    with monkeypatch.context() as patched:
        owner = Project if stop in ("add_rows", "add_labels") else module
        patched.setattr(owner, stop, cut)
        with pytest.raises(Cut):
            merge(project, database, task)
    report = merge(project, database, task)
    rows = [row for row in project.examples().to_pylist() if row["example_id"].startswith("log-")]
    assert all(row["label"] for row in rows)
    assert len(rows) == len({row["example_id"] for row in rows}) == 6 - report.conflicts
    assert count_items(database).get("merged", 0) == 6 - report.conflicts


def test_examples_are_relabelled_confirmed_and_dropped(setting):
    project, database, task, _ = setting
    labels = {row["example_id"]: row["label"] for row in project.examples().to_pylist()}
    names = sorted(labels)[:3]
    other = next(name for name in CLASSES if name != labels[names[0]])
    add_items(database, [about(name, current=labels[name]) for name in names])
    said = [("relabel", other), ("accept", None), ("drop", None)]
    say(database, *((item_key(example_id=name), "ann", *each) for name, each in zip(names, said, strict=True)))
    report = merge(project, database, task)
    assert (report.labelled, report.confirmed, report.dropped) == (1, 1, 1)
    now = {row["example_id"]: row["label"] for row in project.examples().to_pylist()}
    assert now[names[0]] == other
    assert now[names[1]] == labels[names[1]]
    assert names[2] not in now
    assert project.examples(1).num_rows == len(labels)  # the old version is as it was


def test_the_patch_says_who_and_why(setting):
    project, database, task, _ = setting
    row = project.examples().to_pylist()[0]
    other = next(name for name in CLASSES if name != row["label"])
    add_items(database, [about(row["example_id"], current=row["label"], wanted=2)])
    item = item_key(example_id=row["example_id"])
    say(database, (item, "ann", "relabel", other), (item, "ben", "relabel", other))
    merge(project, database, task)
    from yori.store.examples import read_patches

    patch = read_patches(project.path, project.version(), "one").to_pylist()[-1]
    assert patch["who"] == "ann, ben"
    assert patch["why"].startswith("turn 1: audit")
    assert patch["old"] == row["label"]


def test_a_conflict_goes_back_to_the_queue_and_others_go_on(setting):
    project, database, task, arrived = setting
    items = ask_about_log(database, 2)
    truth = list(truth_of(arrived).values())
    say(database, (items[0], "ann", "relabel", truth[0]), (items[1], "ann", "unsure", None))
    report = merge(project, database, task)
    assert (report.added, report.conflicts) == (1, 1)
    assert count_items(database) == {"merged": 1, "open": 1}
    say(database, (items[1], "ben", "relabel", truth[1]))
    assert merge(project, database, task).added == 1
    assert count_items(database) == {"merged": 2}


def test_items_that_want_more_answers_wait(setting):
    project, database, task, _ = setting
    row = project.examples().to_pylist()[0]
    add_items(database, [about(row["example_id"], current=row["label"], wanted=2)])
    say(database, (item_key(example_id=row["example_id"]), "ann", "drop", None))
    assert merge(project, database, task).after == 1


def test_control_questions_change_no_label(setting):
    project, database, task, _ = setting
    row = project.examples().to_pylist()[0]
    other = next(name for name in CLASSES if name != row["label"])
    add_items(database, [about(row["example_id"], current=row["label"], gold=row["label"])])
    say(database, (item_key(example_id=row["example_id"]), "ann", "relabel", other))
    report = merge(project, database, task)
    assert report.after == report.before
    assert count_items(database) == {"merged": 1}


def test_an_input_that_retention_removed_is_counted_as_lost(setting):
    project, database, task, arrived = setting
    ask_about_log(database, 3)
    answer_all(database, truth_of(arrived))
    with database.begin() as connection:
        connection.execute(PREDICTIONS.update().values(embedding=None))
    report = merge(project, database, task)
    assert (report.added, report.lost, report.after) == (0, 3, 1)


def test_no_answer_is_ever_changed_or_removed(setting):
    project, database, task, arrived = setting
    ask_about_log(database, 10)
    answer_all(database, truth_of(arrived))
    with database.connect() as connection:
        before = connection.execute(ANSWERS.select().order_by(ANSWERS.c.answer_id)).all()
    merge(project, database, task)
    with database.connect() as connection:
        assert connection.execute(ANSWERS.select().order_by(ANSWERS.c.answer_id)).all() == before


def test_nothing_to_merge(setting):
    project, database, task, _ = setting
    assert merge(project, database, task).to_dict()["after"] == 1


def test_a_label_of_a_class_that_is_gone_is_asked_again(setting):
    import dataclasses

    project, database, task, arrived = setting
    items = ask_about_log(database, 1)
    say(database, (items[0], "ann", "relabel", "d"))
    fewer = dataclasses.replace(task, classes=task.classes[:3])
    assert merge(project, database, fewer).conflicts == 1
    assert len(arrived.truth) == 40
