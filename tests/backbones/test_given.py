from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yori.backbones.given import given_parts, open_given
from yori.errors import StoreError
from yori.store import Project

TASK = "format: 1\nname: t\nclasses: [a, b]\n"


def test_none_one_and_several_imports(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "p", TASK)
    assert given_parts(project) == []
    with pytest.raises(StoreError, match="layout arrays"):
        open_given(project)
    first, second = np.arange(6, dtype=np.float32).reshape(3, 2), np.ones((2, 2), dtype=np.float32)
    project.write_embeddings("given", [first], ["a", "b", "c"])
    assert open_given(project).path.name == "given"
    project.write_embeddings("given-1", [second], ["e", "d"])
    joined = open_given(project)
    assert joined.ids.to_pylist() == ["a", "b", "c", "e", "d"]
    assert np.array_equal(joined.rows(np.arange(5)), np.concatenate([first, second]))
    assert open_given(project).path == joined.path
    assert [part.path.name for part in given_parts(project)] == ["given", "given-1"]
