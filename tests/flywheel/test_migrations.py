"""Steps are taken once, in order, all or none."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, inspect, select, text

from yori.errors import NewerVersionError, StoreError
from yori.flywheel.database import Database, open_database
from yori.flywheel.migrations import MIGRATIONS, STEPS, Migration, migrate
from yori.flywheel.schema import METADATA, PREDICTIONS
from yori.store import Project

OLD = MetaData()
Table("things", OLD, Column("a", Integer, primary_key=True))
NEW = MetaData()
Table("things", NEW, Column("a", Integer, primary_key=True), Column("b", Integer))


def _add_b(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE things ADD COLUMN b INTEGER"))


def _fill_b(connection: Connection) -> None:
    connection.execute(text("UPDATE things SET b = a + 1"))


def _fail(connection: Connection) -> None:
    raise ZeroDivisionError


FIRST = Migration("0001-first", OLD.create_all)
ALL = (FIRST, Migration("0002-b", _add_b), Migration("0003-fill", _fill_b))


@pytest.fixture
def empty(database: Database) -> Database:
    """A database without any table."""
    with database.begin() as connection:
        METADATA.drop_all(connection)
        STEPS.drop(connection)
    return database


def behind(database: Database) -> list[str]:
    with database.connect() as connection:
        return list(connection.execute(select(STEPS.c.name).order_by(STEPS.c.name)).scalars())


def test_an_old_database_takes_the_steps_it_lacks_in_order(empty: Database) -> None:
    with empty.begin() as connection:
        assert migrate(connection, metadata=OLD, migrations=[FIRST]) == ["0001-first"]
        connection.execute(text("INSERT INTO things (a) VALUES (1), (2)"))
    with empty.begin() as connection:
        assert migrate(connection, metadata=NEW, migrations=ALL) == ["0002-b", "0003-fill"]
    with empty.begin() as connection:
        assert migrate(connection, metadata=NEW, migrations=ALL) == []
        assert connection.execute(text("SELECT a, b FROM things ORDER BY a")).all() == [(1, 2), (2, 3)]


def test_a_new_database_takes_none_but_has_them_behind_it(empty: Database) -> None:
    with empty.begin() as connection:
        migrate(connection, metadata=NEW, migrations=ALL)
        assert [column["name"] for column in inspect(connection).get_columns("things")] == ["a", "b"]
    assert behind(empty) == [step.name for step in ALL]


def test_a_step_that_fails_leaves_the_database_as_it_was(empty: Database) -> None:
    with empty.begin() as connection:
        migrate(connection, metadata=OLD, migrations=[FIRST])
    with pytest.raises(ZeroDivisionError), empty.begin() as connection:
        migrate(connection, metadata=NEW, migrations=[*ALL, Migration("0004-fails", _fail)])
    assert behind(empty) == ["0001-first"]
    with empty.connect() as connection:
        assert [column["name"] for column in inspect(connection).get_columns("things")] == ["a"]


def test_a_newer_database_is_refused_and_not_touched(project: Project, database_url: str | None) -> None:
    database = open_database(project, database_url)
    with database.begin() as connection:
        connection.execute(STEPS.insert().values(name="9999-from-the-future", at=0.0))
    with pytest.raises(NewerVersionError, match="9999-from-the-future"):
        open_database(project, database_url)
    assert behind(database) == [*(step.name for step in MIGRATIONS), "9999-from-the-future"]
    database.close()


def test_many_may_open_a_new_database_at_once(project: Project, database_url: str | None) -> None:
    wrong: list[BaseException] = []

    def work() -> None:
        try:
            open_database(project, database_url).close()
        except StoreError as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    database = open_database(project, database_url)
    assert behind(database) == [step.name for step in MIGRATIONS]
    database.close()


def test_a_database_of_before_groups_keeps_its_predictions(empty: Database, project: Project) -> None:
    row = {
        "at": 1.0, "release_id": "r", "kind": "clip", "input_sha256": "ab" * 32, "label": "bell", "confidence": 0.5,
        "abstained": False, "latency_ms": 1.0, "probs": b"",
    }  # fmt: skip
    with empty.begin() as connection:
        METADATA.create_all(connection)
        STEPS.create(connection)
        connection.execute(text("ALTER TABLE predictions DROP COLUMN group_name"))
        connection.execute(STEPS.insert().values(name="0001-first-tables", at=0.0))
        old = PREDICTIONS.insert().compile(dialect=connection.dialect, column_keys=list(row))
        assert "group_name" not in str(old)
        connection.execute(PREDICTIONS.insert(), [row])
    again = open_database(project, None if empty.url.startswith("sqlite") else empty.url)
    try:
        assert behind(again) == [step.name for step in MIGRATIONS]
        with again.begin() as connection:
            connection.execute(PREDICTIONS.insert(), [row | {"group_name": "ship 1"}])
            found = select(PREDICTIONS.c.label, PREDICTIONS.c.group_name).order_by(PREDICTIONS.c.prediction_id)
            assert connection.execute(found).all() == [("bell", None), ("bell", "ship 1")]
            columns = [column["name"] for column in inspect(connection).get_columns("predictions")]
        assert columns == [column.name for column in PREDICTIONS.columns]
    finally:
        again.close()


def test_names_are_ordered_and_differ() -> None:
    names = [step.name for step in MIGRATIONS]
    assert names == sorted(set(names))
