"""The flywheel's database: SQLite inside the project by default, PostgreSQL by URL for a team. One code for both.

SQLite runs in WAL mode with ``synchronous=FULL``: readers never wait, a committed row survives a power cut, and writers queue
up (``BEGIN IMMEDIATE``) instead of failing half-way. What goes wrong in a driver leaves as an error of `yori.errors`.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from yori.errors import ConflictError, CorruptError, MissingExtraError, StoreError, ValuesError, YoriError
from yori.flywheel.migrations import is_current, migrate
from yori.store import Project
from yori.store.atomic import make_folder
from yori.store.locks import hold

FILE = "flywheel.db"
VARIABLE = "YORI_DATABASE"
"""Environment variable that holds the URL of a database elsewhere."""

BUSY_SECONDS = 30.0
"""How long a writer waits for its turn."""
CONNECT_SECONDS = 5
_NO_ROOM = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_SHMOPEN", "53100"})
"""Of SQLite and PostgreSQL. SQLite keeps an index of its log beside the file, also to read, and calls that an I/O error."""
_RETRY_SECONDS = 0.1
_WRITE = "yori_write"


@dataclass(frozen=True)
class Database:
    """An open database with up-to-date tables. Safe to use from several threads.

    Parameters
    ----------
    url
        As SQLAlchemy writes it; may hold a password, so it is not part of the representation. For messages: ``where``.
    engine
        The pool of connections.
    """

    url: str = field(repr=False)
    engine: Engine = field(repr=False)

    @property
    def where(self) -> str:
        """The URL without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    def begin(self) -> contextlib.AbstractContextManager[Connection]:
        """A transaction that writes: committed when the block ends well, rolled back when it raises.

        A connection that broke while nobody used it is replaced once. An `sqlalchemy.exc.SQLAlchemyError` that leaves the
        block becomes a `StoreError`, a broken constraint a `ConflictError`, a damaged file a `CorruptError`.
        """
        return self._transaction(write=True)

    def connect(self) -> contextlib.AbstractContextManager[Connection]:
        """A transaction that only reads: one consistent view, rolled back at the end. Errors as `begin`."""
        return self._transaction(write=False)

    def close(self) -> None:
        """Close the idle connections. The database may be used again."""
        self.engine.dispose()

    @contextlib.contextmanager
    def _transaction(self, *, write: bool) -> Iterator[Connection]:
        with self._errors(), self._open(write=write) as connection:
            yield connection
            if write:
                connection.commit()
            else:
                connection.rollback()

    def _open(self, *, write: bool) -> Connection:
        for attempt in (1, 2):
            connection = None
            try:
                connection = self.engine.connect().execution_options(**{_WRITE: write})
                connection.begin()
                return connection
            except DBAPIError as error:
                if connection is not None:
                    connection.close()
                if attempt == 2 or not (error.connection_invalidated or connection is None):
                    raise
                time.sleep(_RETRY_SECONDS)
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise database_error(error, self.where) from error


def open_database(project: Project, url: str | None = None) -> Database:
    """Open the database of a project; make it, or bring it up to date, where needed.

    Parameters
    ----------
    project
        Its folder holds ``flywheel.db`` unless a URL says otherwise.
    url
        ``postgresql://user:password@host/name``, or ``sqlite:////absolute/path``; default: the environment variable
        ``YORI_DATABASE``, then the file in the project.

    Raises
    ------
    ValuesError
        If the URL is none, or names another kind of database.
    NewerVersionError
        If a newer yori wrote the database.
    CorruptError
        If the file is no database.
    StoreError
        If it does not answer or cannot be written.
    MissingExtraError
        If the driver for PostgreSQL is not installed.
    """
    chosen = url or os.environ.get(VARIABLE)
    parsed = _parse(chosen) if chosen else URL.create("sqlite", database=str(project.path / FILE))
    database = Database(parsed.render_as_string(hide_password=False), _engine(parsed))
    # One process at a time turns a new file into a database in WAL mode: SQLite does not wait there.
    make_folder(project.path / ".yori", durable=False)
    with hold(project.path / ".yori" / "flywheel.lock", shared=False, patience=BUSY_SECONDS):
        try:
            with database.connect() as connection:
                current = is_current(connection)
            if not current:
                with database.begin() as connection:
                    migrate(connection, where=database.where)
        except YoriError:
            database.close()
            raise
    return database


def _parse(text: str) -> URL:
    where, fix = f"--database or {VARIABLE}", "Such as postgresql://user:password@host/name."
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValuesError("the URL of a database", "something else", where=where, fix=fix) from None
    kind = url.get_backend_name()
    if kind == "postgres" or url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    elif kind not in ("sqlite", "postgresql"):
        raise ValuesError("sqlite or postgresql", repr(kind), where=where, fix=fix)
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValuesError("a file for SQLite", "none", where=where, fix="Such as sqlite:////data/flywheel.db.")
    return url


def _engine(url: URL) -> Engine:
    sqlite = url.get_backend_name() == "sqlite"
    options: dict[str, Any] = {"timeout": BUSY_SECONDS} if sqlite else {"connect_timeout": CONNECT_SECONDS}
    try:
        engine = sqlalchemy.create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=24, connect_args=options)
    except (ImportError, NoSuchModuleError):
        raise MissingExtraError("A PostgreSQL database", "postgres") from None
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by Python's driver
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITE, True) else "BEGIN")


def database_error(error: SQLAlchemyError, where: str) -> YoriError:
    """What an error of the database means for a person; never shows a password or the values of a row.

    Examples
    --------
    >>> from sqlalchemy.exc import OperationalError
    >>> print(database_error(OperationalError("", {}, Exception("database or disk is full")), "flywheel.db"))
    flywheel.db: expected room to write, got database or disk is full. Free some space, then repeat the command.
    """
    said = " ".join(str(getattr(error, "orig", None) or error).split("\n")[0].split()).rstrip(".")
    if isinstance(error, IntegrityError):
        return ConflictError("rows that agree with those in the database", said, where=where)
    driver = getattr(error, "orig", None)
    codes = {getattr(driver, "sqlite_errorname", None), getattr(driver, "sqlstate", None)}
    if "disk is full" in said or codes & _NO_ROOM:
        return StoreError("room to write", said, where=where, fix="Free some space, then repeat the command.")
    if "not a database" in said or "malformed" in said:
        return CorruptError("a database", said, where=where, fix="Restore it from a backup, or move it away.")
    if isinstance(error, PoolTimeout):
        said = "none of its connections is free"
    return StoreError("a database that answers", said, where=where, fix="Check that it runs and may be written.")
