"""A project with a serving release, a predictor and an app for tests of the web API."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient
from tests.flywheel.heard import copied

from yori.flywheel.clips import ClipLimits
from yori.flywheel.database import Database, open_database
from yori.flywheel.log_rules import LogRules
from yori.flywheel.prediction_log import PredictionLog
from yori.flywheel.predictor import Predictor
from yori.flywheel.release import Release, promote
from yori.store import Project
from yori.web.serve import ServeSettings, make_app


@dataclass
class Served:
    """Everything behind one server, and a client for it."""

    project: Project
    release: Release
    database: Database
    predictor: Predictor
    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def client(self, *, raise_server_exceptions: bool = True, **settings: Any) -> TestClient:
        """A client of a new app; use it as a context manager, so that its lifespan runs."""
        how = ServeSettings(
            say=lambda event, facts: self.lines.append((event, dict(facts))), **{"threads": 2, **settings}
        )
        return TestClient(
            make_app(self.predictor, how),
            base_url="http://127.0.0.1:8000",
            raise_server_exceptions=raise_server_exceptions,
        )


def serve(
    folder: Path, *, rules: LogRules | None = None, limits: ClipLimits | None = None, url: str | None = None
) -> Served:
    """A copy of the project of sounds, whose release serves; ``url``: of the database, where it is not in the project."""
    project, release = copied(folder)
    database = open_database(project, url)
    promote(database, project, release.release_id, who="ann", why="a test")
    log = PredictionLog(database, project, rules)
    return Served(project, release, database, Predictor(project, database, log, limits=limits))
