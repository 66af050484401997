"""Every test of the flywheel that touches a database runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.flywheel.postgres import Cluster, cluster, missing

from yori.flywheel.database import Database, open_database
from yori.store import Project


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server for the whole session; tests that need it are skipped where there is none."""
    why = missing()
    if why:
        pytest.skip(why)
    with cluster() as made:
        yield made


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project of three classes of sound."""
    return Project.create(tmp_path / "project", "format: 1\nname: bells\nclasses: [bell, horn, whistle]\n")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """None (the file in the project), then the URL of an empty PostgreSQL database."""
    if request.param == "sqlite":
        return None
    server: Cluster = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def database(project: Project, database_url: str | None) -> Iterator[Database]:
    """An empty database with all tables, of `project`."""
    opened = open_database(project, database_url)
    yield opened
    opened.close()
