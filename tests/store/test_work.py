from __future__ import annotations

from pathlib import Path

import pytest

from yori.errors import ConflictError
from yori.store.work import work_path, workspace


def test_what_is_left_is_removed_at_the_end(tmp_path: Path) -> None:
    with workspace(tmp_path) as one, workspace(tmp_path) as two:
        assert one != two
        (one / "x").write_text("x")
    assert list(work_path(tmp_path).iterdir()) == []


def test_named_work_is_found_again_after_an_error(tmp_path: Path) -> None:
    def interrupted() -> None:
        with workspace(tmp_path, "job", keep_on_error=True) as folder:
            (folder / "x").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with workspace(tmp_path, "job", keep_on_error=True) as folder:
        assert (folder / "x").read_text() == "x"
    assert list(work_path(tmp_path).iterdir()) == []


def test_named_work_belongs_to_one_at_a_time(tmp_path: Path) -> None:
    with (
        workspace(tmp_path, "job") as folder,
        pytest.raises(ConflictError, match="another process at work"),
        workspace(tmp_path, "job"),
    ):
        pass
    assert not folder.exists()
