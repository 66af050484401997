"""``yori predict``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click.testing
import pyarrow.parquet as pq
from sqlalchemy import func, select
from tests.flywheel.heard import copied, write_clips

from yori.flywheel.database import open_database
from yori.flywheel.schema import PREDICTIONS

Run = Callable[..., click.testing.Result]


def test_the_serving_release_answers_and_logs(yori: Run, tmp_path: Path) -> None:
    project, release = copied(tmp_path)
    clips = write_clips(tmp_path / "new", 2)
    out = tmp_path / "out.parquet"
    refused = yori("predict", project.path, clips, "--out", out)
    assert (refused.exit_code, "No release serves" in refused.stderr) == (2, True)
    assert yori("release", project.path, release.release_id, "--promote").exit_code == 0
    done = yori("predict", project.path, clips, "--out", out, "--log", "--domain", "north", "--workers", 1)
    assert done.exit_code == 0, done.stderr
    assert "6 answers for 6 files" in done.stdout
    assert "6 rows added" in done.stdout
    again = yori("predict", project.path, clips, "--out", out, "--log", "--json", "--workers", 1)
    assert json.loads(again.stdout)["logged"] == 0
    database = open_database(project)
    with database.connect() as connection:
        assert connection.execute(select(func.count()).select_from(PREDICTIONS)).scalar_one() == 6
    database.close()


def test_groups_are_named_or_follow_the_folders(yori: Run, tmp_path: Path) -> None:
    project, release = copied(tmp_path)
    clips = write_clips(tmp_path / "new", 2)
    logs = ("predict", project.path, clips, "--out", tmp_path / "out.parquet", "--release", release.release_id,
            "--log", "--workers", 1)  # fmt: skip
    both = yori(*logs, "--group", "ship", "--group-by", "folder")
    assert (both.exit_code, "one of them" in both.stderr) == (2, True)
    wrong = yori(*logs, "--group", "a\tb")
    assert (wrong.exit_code, "control characters" in wrong.stderr) == (2, True)
    done = yori(*logs, "--group-by", "folder")
    assert done.exit_code == 0, done.stderr
    database = open_database(project)
    with database.connect() as connection:
        rows = connection.execute(select(PREDICTIONS.c.source, PREDICTIONS.c.group_name)).all()
    database.close()
    assert len(rows) == 6
    assert all(Path(source).parent.name == group for source, group in rows)


def test_a_file_that_is_no_sound_gives_exit_code_1(yori: Run, tmp_path: Path) -> None:
    project, release = copied(tmp_path)
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    done = yori("predict", project.path, tmp_path / "bad.wav", "--out", tmp_path / "o.parquet",
                "--release", release.release_id[:9], "--workers", 1)  # fmt: skip
    assert done.exit_code == 1
    assert "1 file could not be read" in done.stdout
    assert pq.read_table(tmp_path / "o.parquet")["error"][0].as_py()
