"""One sample proof for all tests of the report that do not change it."""

from __future__ import annotations

import pytest
from tests.report.sample import Sample, make_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Read only."""
    return make_sample(tmp_path_factory.mktemp("sample"))
