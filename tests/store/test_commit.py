"""Committers that race: exactly one wins each number, the loser rebases, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from yori.errors import ConflictError
from yori.store import Project, atomic
from yori.store.add_rows import prepare_rows
from yori.store.commit import commit

PROGRAM = """
    import sys, pyarrow as pa, pyarrow.compute, pyarrow.parquet
    from yori.errors import ConflictError
    from yori.store import Project
    folder, name, mode = sys.argv[1:]
    project = Project.open(folder)
    print("ready", flush=True)
    sys.stdin.readline()
    won = 0
    for k in range(50 if mode == "rows" else 20):
        if mode == "rows":
            table = pa.table({"example_id": [f"{name}-{k:02}"], "label": [name]})
            commit = project.add_rows(table, sources={}, message=name, who=name)
            assert commit.added == 1
        else:
            patch = {"example_id": [f"x{k:02}"], "action": ["relabel"], "old": ["bell"], "new": [name], "who": [name]}
            try:
                project.add_labels(pa.table(patch), message=name)
                won += 1
            except ConflictError as error:
                assert f"x{k:02}" in str(error)
    print(won)
"""


def race(folder: Path, mode: str) -> list[int]:
    run = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(folder)]
    racers = [
        subprocess.Popen([*run, name, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("horn", "ship")
    ]
    results = []
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        output = racer.communicate(timeout=200)[0]
        assert racer.returncode == 0
        results.append(int(output))
    return results


def test_two_processes_with_fifty_commits_each_lose_none(project: Project) -> None:
    race(project.path, "rows")
    log = project.log()
    assert [version.number for version in log] == list(range(1, 101))
    assert [version.parents for version in log] == [(), *((n,) for n in range(1, 100))]
    assert [version.counts["examples"] for version in log] == list(range(1, 101))
    table = project.examples(columns=["example_id", "label"])
    assert table["example_id"].to_pylist() == sorted(f"{who}-{k:02}" for who in ("horn", "ship") for k in range(50))
    assert {version.who for version in log} == {"horn", "ship"}
    for earlier, later in pairwise(log):
        assert later.files[: len(earlier.files)] == earlier.files
    assert [orphan for orphan in project.gc(grace=0) if "work" in orphan.path] == []
    project.check()


def test_two_processes_that_relabel_the_same_examples_agree_on_one_winner_each(project: Project) -> None:
    rows = pa.table({"example_id": [f"x{k:02}" for k in range(20)], "label": ["bell"] * 20})
    project.add_rows(rows, sources={}, message="m", who="w")
    won = race(project.path, "labels")
    assert sum(won) == 20
    labels = project.examples()["label"].to_pylist()
    assert [labels.count("horn"), labels.count("ship")] == won
    assert project.version().number == 21


def test_the_loser_of_a_race_prepares_again_on_top_of_the_winner(
    bells: Project, make_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, heads = atomic.create_if_absent, []

    def overtaken(aside: Path, final: Path) -> bool:
        if final.name == "2.json" and len(heads) == 1:
            monkeypatch.setattr(atomic, "create_if_absent", real)
            bells.add_rows(make_rows("xy"), sources={}, message="faster", who="ben")
        return real(aside, final)

    def prepare(head: Any) -> Any:
        heads.append(head.number)
        return prepare_rows(bells.path, head, make_rows("yz"), {})

    monkeypatch.setattr(atomic, "create_if_absent", overtaken)
    done = commit(bells.path, prepare, message="slower", who="ann")
    assert heads == [1, 2]
    assert (done.version.number, done.added, done.skipped) == (3, 1, 1)
    assert [version.message for version in bells.log()] == ["five sounds", "faster", "slower"]
    assert bells.examples()["example_id"].to_pylist() == list("abcdexyz")
    # The file the loser prepared for number 2 holds y and z, so it is an orphan now.
    assert len(bells.gc(grace=0)) == 1
    bells.check()


def test_a_true_conflict_in_a_race_is_raised(bells: Project, make_patch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = atomic.create_if_absent

    def overtaken(aside: Path, final: Path) -> bool:
        monkeypatch.setattr(atomic, "create_if_absent", real)
        bells.add_labels(make_patch(("a", "relabel", "bell", "ship")), message="faster")
        return real(aside, final)

    monkeypatch.setattr(atomic, "create_if_absent", overtaken)
    with pytest.raises(ConflictError, match=r"'a'.*labelled 'ship'"):
        bells.add_labels(make_patch(("a", "relabel", "bell", "horn"), ("b", "drop")), message="slower")
    assert bells.version().number == 2
    assert bells.version().counts["dropped"] == 0


def test_what_a_commit_says_about_itself(bells: Project) -> None:
    version = bells.version()
    assert (version.number, version.parents, version.message, version.who) == (1, (), "five sounds", "ann")
    assert version.when.endswith("+00:00")
    assert version.counts == {
        "examples": 5,
        "dropped": 0,
        "relabelled": 0,
        "unlabelled": 1,
        "classes": {"bell": 3, "horn": 1},
    }
