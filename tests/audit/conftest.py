"""One audit of a project with planted faults, one of a clean one; read only."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.audit.planted import Planted, make_project

from yori.audit import Audited, audit


@dataclass(frozen=True)
class Case:
    """A project, what was planted in it, and its audit."""

    planted: Planted
    audited: Audited


def _case(factory: pytest.TempPathFactory, *, faults: bool) -> Case:
    planted = make_project(factory.mktemp("planted"), faults=faults)
    return Case(planted, audit(planted.project.path, workers=1))


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """150 clips and every fault four times."""
    return _case(tmp_path_factory, faults=True)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """150 clips in which nothing is wrong."""
    return _case(tmp_path_factory, faults=False)
