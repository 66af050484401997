"""Transactions, and what a person is told when the database fails."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from tests.flywheel.postgres import Cluster

from yori.errors import ConflictError, CorruptError, MissingExtraError, StoreError, ValuesError
from yori.flywheel import database as module
from yori.flywheel.database import Database, open_database
from yori.flywheel.schema import METADATA, PEOPLE, SHEDS
from yori.store import Project


def shed(count: int = 1) -> dict:
    return {"at": 0.0, "rule": "test", "count": count}


def sheds(database: Database) -> int:
    with database.connect() as connection:
        return connection.execute(select(func.count()).select_from(SHEDS)).scalar_one()


def test_a_new_database_has_every_table_and_opens_again(project: Project, database_url: str | None) -> None:
    for _ in range(2):
        opened = open_database(project, database_url)
        with opened.connect() as connection:
            for table in METADATA.sorted_tables:
                connection.execute(select(table))
        opened.close()
    assert (project.path / "flywheel.db").exists() == (database_url is None)


def test_a_block_that_ends_well_is_committed_and_one_that_raises_is_not(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(insert(SHEDS), [shed(), shed()])

    def fail() -> None:
        with database.begin() as connection:
            connection.execute(insert(SHEDS), [shed()])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert sheds(database) == 2


def test_reading_leaves_nothing_behind(database: Database) -> None:
    with database.connect() as connection:
        connection.execute(insert(SHEDS), [shed()])
    assert sheds(database) == 0


def test_a_reader_sees_one_state_and_does_not_wait_for_a_writer(database: Database) -> None:
    with database.begin() as writer:
        writer.execute(insert(SHEDS), [shed()])
        assert sheds(database) == 0
    assert sheds(database) == 1


def test_counting_up_from_many_threads_loses_nothing(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(insert(SHEDS), [shed(0)])

    def work() -> None:
        for _ in range(10):
            with database.begin() as connection:
                locked = select(SHEDS.c.count).with_for_update()  # SQLite ignores it: the whole transaction is alone
                value = connection.execute(locked).scalar_one()
                connection.execute(SHEDS.update().values(count=value + 1))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.connect() as connection:
        assert connection.execute(select(SHEDS.c.count)).scalar_one() == 60


def test_a_broken_constraint_is_a_conflict(database: Database) -> None:
    person = {"person": "ann", "token_sha256": "0" * 64, "role": "annotator", "at": 0.0, "active": True}
    with database.begin() as connection:
        connection.execute(insert(PEOPLE), [person])
    with pytest.raises(ConflictError) as caught, database.begin() as connection:
        connection.execute(insert(PEOPLE), [person])
    assert "0000" not in str(caught.value).replace("DETAIL", "")


def test_a_bad_statement_is_no_traceback(database: Database) -> None:
    with pytest.raises(StoreError), database.begin() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))


def test_sqlite_is_in_wal_mode_and_fully_synchronous(project: Project) -> None:
    database = open_database(project)
    with database.connect() as connection:
        answers = [connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("journal_mode", "synchronous")]
        assert answers == ["wal", 2]
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    database.close()


def test_a_writer_that_waits_too_long_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    database = open_database(project)
    with database.begin(), pytest.raises(StoreError, match="locked"), database.begin():
        pass
    database.close()


def test_a_file_that_is_no_database(project: Project) -> None:
    (project.path / "flywheel.db").write_bytes(b"This is a letter, not a database. " * 100)
    with pytest.raises(CorruptError, match="backup"):
        open_database(project)


def test_a_full_disk(project: Project) -> None:
    database = open_database(project)
    with database.begin() as connection:
        connection.execute(text("PRAGMA max_page_count = 40"))
    with pytest.raises(StoreError, match="room to write"), database.begin() as connection:
        connection.execute(insert(SHEDS), [{"at": 0.0, "rule": "x" * 60, "count": n} for n in range(5000)])
    assert sheds(database) == 0
    database.close()


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("flywheel.db", "URL"),
        ("mysql://u:secret@h/d", "sqlite or postgresql"),
        ("sqlite://", "a file"),
        ("postgresql://u:secret@h:port/d", "URL"),
    ],
)
def test_a_url_that_is_of_no_use(project: Project, url: str, what: str) -> None:
    with pytest.raises(ValuesError, match=what) as caught:
        open_database(project, url)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there(project: Project, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="answers") as caught:
        open_database(project, f"postgresql://ann:secret@/x?host={tmp_path}")
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(caught.value.__dict__)


def test_the_password_is_not_shown(project: Project, tmp_path: Path) -> None:
    opened = Database(
        "postgresql+psycopg://ann:secret@h/d", module._engine(module._parse("postgresql://ann:secret@h/d"))
    )
    assert "secret" not in repr(opened)
    assert "secret" not in opened.where


def test_the_environment_names_a_database(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YORI_DATABASE", f"sqlite:///{tmp_path}/elsewhere.db")
    open_database(project).close()
    assert (tmp_path / "elsewhere.db").exists()
    assert not (project.path / "flywheel.db").exists()


def test_a_missing_driver_prints_its_install_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"yori\[postgres\]"):
        open_database(project, "postgresql://h/d")


def test_a_server_that_was_restarted_is_found_again(project: Project, postgres: Cluster) -> None:
    database = open_database(project, postgres.new_database())
    assert sheds(database) == 0
    postgres.stop("immediate")
    with pytest.raises(StoreError, match="answers"), database.begin():
        pass
    postgres.start()
    with database.begin() as connection:
        connection.execute(insert(SHEDS), [shed()])
    assert sheds(database) == 1
    database.close()


def test_a_killed_writer_leaves_nothing_half_done(project: Project) -> None:
    open_database(project).close()
    program = f"""
import os, signal
from sqlalchemy import insert
from yori.flywheel.database import open_database
from yori.flywheel.schema import SHEDS
from yori.store import Project
database = open_database(Project.open({str(project.path)!r}))
row = {shed()!r}
with database.begin() as connection:
    connection.execute(insert(SHEDS), [row])
with database.begin() as connection:
    connection.execute(insert(SHEDS), [row] * 100)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, timeout=60)
    assert ended.returncode == -9
    database = open_database(project)
    assert sheds(database) == 1
    database.close()
    assert sqlite3.connect(project.path / "flywheel.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)
