import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.flywheel import mixture_world
from tests.flywheel.mined import answer_all, truth_of

from yori.errors import ConflictError, StoreError
from yori.flywheel.assignment import read_assignment
from yori.flywheel.database import open_database
from yori.flywheel.items import count_items
from yori.flywheel.release import history, list_releases, open_release, rollback, serving_release
from yori.flywheel.schema import ANSWERS, LOOKS
from yori.flywheel.turn import STEPS, alone, turn, turns
from yori.prove.dataset import dataset_of
from yori.task import parse_task

ROOT = Path(__file__).parents[2]


def prepared(folder, url=None, *, shift=0.4, rows=300):
    project, release = mixture_world.copied(folder)
    database = open_database(project, url)
    mixture_world.serving(project, release, database)
    arrived = mixture_world.stream(rows, seed=1, shift=shift)
    mixture_world.log(database, release, arrived)
    task = parse_task(project.task_text(), name="task")
    return project, database, task, release, truth_of(arrived)


def go(project, database, task, truth, **how):
    how = {"budget": 60, "answer": lambda number: answer_all(database, truth), "workers": 1, **how}
    return turn(project, database, task, **how)


@pytest.fixture
def world(tmp_path, database_url):
    made = prepared(tmp_path, database_url)
    yield made
    made[1].close()


def test_a_turn_from_the_log_to_the_gate(world):
    project, database, task, release, truth = world
    done = go(project, database, task, truth)
    assert list(done.steps) == list(STEPS)
    assert done.steps["merge"]["added"] == done.steps["mine"]["asked"] > 30
    made = open_release(project, done.steps["train"]["release"])
    assert made.manifest["head"]["steps"] == release.manifest["head"]["steps"]
    assert made.manifest["turn"] == 1
    passed = done.steps["gate"]["passed"]
    assert serving_release(database) == (made.release_id if passed else release.release_id)
    if not passed:
        assert done.promoted is None
        assert done.steps["end"]["why"]
    # what the gate tested was in no training or validation set
    parts = read_assignment(project)
    data = dataset_of(project, task)
    assert set(parts) >= set(map(str, data.ids))
    assert done.steps["gate"]["examples"] == sum(parts[name] == "test" for name in data.ids)
    with database.connect() as connection:
        assert len(connection.execute(LOOKS.select()).all()) == 1


def test_people_are_waited_for(world):
    project, database, task, _, truth = world
    waiting = go(project, database, task, truth, answer=None)
    assert list(waiting.steps) == ["mine"]
    assert waiting.waiting == sum(count for state, count in count_items(database).items() if state == "open")
    again = go(project, database, task, truth, answer=None)
    assert (again.number, again.waiting) == (1, waiting.waiting)
    answer_all(database, truth)
    assert go(project, database, task, truth, answer=None).done


def test_going_on_without_the_missing_answers(tmp_path):
    project, database, task, _, truth = prepared(tmp_path)
    done = go(project, database, task, truth, answer=None, wait=False)
    assert done.steps["answers"]["unanswered"] > 0
    assert done.steps["merge"]["added"] == 0
    assert done.done


def test_what_is_tested_is_never_trained_on_over_turns(tmp_path):
    project, database, task, release, truth = prepared(tmp_path)
    tested: set[str] = set()
    looks = []
    for number in (1, 2):
        done = go(project, database, task, truth)
        parts = read_assignment(project)
        assert tested <= {name for name, part in parts.items() if part == "test"}
        tested = {name for name, part in parts.items() if part == "test"}
        looks.append(done.steps["gate"]["level"])
        manifest = json.loads((project.path / "proofs" / done.steps["train"]["proof"] / "splits.json").read_text())
        letters = dict(zip(manifest["ids"], manifest["cells"][0]["assignment"], strict=True))
        assert {name for name, letter in letters.items() if letter == "e"} == tested & set(letters)
        more = mixture_world.stream(200, seed=7 + number, shift=0.4)
        mixture_world.log(database, release, more, start=mixture_world.START + 1e5 * number)
        truth |= truth_of(more)
    assert looks[1] > looks[0]  # a second look has less to spend


def test_a_much_better_candidate_is_promoted_and_can_be_rolled_back(tmp_path):
    # The release that serves is worse than its data: a damaged head stands for a model of long ago.
    project, database, task, release, truth = prepared(tmp_path, shift=0.0)
    bad = spoiled(project, release)
    from yori.flywheel.release import promote

    promote(database, project, bad, who="ann", why="an old model")
    loose = dataclasses.replace(task, requirements=dataclasses.replace(task.requirements, latency_ms=None))
    done = go(project, database, loose, truth, budget=40)
    gate = {each["name"]: each for each in done.steps["gate"]["questions"]}
    assert gate["verdict"]["passed"], gate["verdict"]["sentence"]
    if not done.steps["gate"]["passed"]:
        pytest.fail(str(done.steps["end"]["why"]))
    assert serving_release(database) == done.promoted == done.steps["train"]["release"]
    assert rollback(database, project, who="ann", why="just in case") == bad
    assert [each.action for each in history(database)] == ["promote", "promote", "promote", "rollback"]


def spoiled(project, release):
    """A release with noise on its head, made by hand; its id is the hash of its own manifest."""
    import numpy as np
    from safetensors.numpy import save_file

    from yori.flywheel.released_model import release_path
    from yori.store import sha256_bytes, sha256_file

    source = release_path(project, release.release_id)
    aside = project.path / "aside"
    shutil.copytree(source, aside)
    noise = np.random.default_rng(0).standard_normal(release.weight.shape).astype(np.float32)
    save_file({"weight": release.weight + 2 * noise}, aside / "head.safetensors")
    manifest = {**release.manifest, "files": {**release.manifest["files"]}}
    manifest["files"]["head.safetensors"] = sha256_file(aside / "head.safetensors")
    content = json.dumps(manifest).encode()
    (aside / "release.json").write_bytes(content)
    name = sha256_bytes(content)
    aside.rename(source.parent / name)
    return name


def test_two_turns_at_once_are_refused(tmp_path):
    project, database, task, _, truth = prepared(tmp_path)
    with alone(project), pytest.raises(ConflictError, match="another one under way"):
        go(project, database, task, truth)
    assert turns(database) == []


def test_without_a_release_there_is_no_turn(tmp_path):
    project, _ = mixture_world.copied(tmp_path)
    database = open_database(project)
    with pytest.raises(StoreError, match="release that serves"):
        go(project, database, parse_task(project.task_text(), name="task"), {})


def test_a_promotion_by_somebody_else_meanwhile_is_not_undone(tmp_path, monkeypatch):
    project, database, task, release, truth = prepared(tmp_path)
    bad = spoiled(project, release)
    import yori.flywheel.turn as module
    from yori.flywheel.release import promote

    decided = module._gate

    def slow(*args, **kwargs):
        state = decided(*args, **kwargs)
        promote(database, project, bad, who="ben", why="by hand")
        return dataclasses.replace(state, steps={**state.steps, "gate": {**state.steps["gate"], "passed": True}})

    monkeypatch.setattr(module, "_gate", slow)
    with pytest.raises(ConflictError, match="to serve"):
        go(project, database, task, truth)
    assert serving_release(database) == bad


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
import yori.flywheel.turn as module
from pathlib import Path
from tests.flywheel.mined import answer_all
from yori.flywheel.database import open_database
from yori.store import Project
from yori.task import parse_task
import json

def main():
    project = Project.open({project!r})
    database = open_database(project)
    truth = json.loads(Path({truth!r}).read_text())
    kept = module._finished
    def finished(database, state, step, facts):
        if step == {step!r} and not {after!r}:
            os.kill(os.getpid(), signal.SIGKILL)
        made = kept(database, state, step, facts)
        if step == {step!r}:
            os.kill(os.getpid(), signal.SIGKILL)
        return made
    module._finished = finished
    module.turn(project, database, parse_task(project.task_text(), name="task"), budget=60,
                answer=lambda number: answer_all(database, truth), workers=1)

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("after", [False, True], ids=["before it is written down", "right after"])
def test_kill_9_at_every_step_loses_nothing(tmp_path, after):
    project, database, task, release, truth = prepared(tmp_path / "killed")
    whole, other, task_too, _, _ = prepared(tmp_path / "whole")
    reference = go(whole, other, task_too, truth)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    database.close()
    for step in STEPS[:-1]:
        script = tmp_path / f"{step}.py"
        names = {"root": str(ROOT), "project": str(project.path), "truth": str(tmp_path / "truth.json"), "step": step,
                 "after": after}  # fmt: skip
        script.write_text(textwrap.dedent(KILLED.format(**names)))
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment)
        assert ended.returncode == -signal.SIGKILL, ended.stderr[-2000:]
        database = open_database(project)
        assert serving_release(database) == release.release_id  # one release serves throughout
        database.close()
    database = open_database(project)
    done = go(project, database, task, truth)
    assert done.done
    assert len(turns(database)) == 1
    for step in ("mine", "merge"):
        for name in ("asked", "added", "relabelled", "dropped", "conflicts", "shares"):
            assert done.steps[step].get(name) == reference.steps[step].get(name)
    heads = [
        open_release(place, made.steps["train"]["release"]).manifest["files"]
        for place, made in ((project, done), (whole, reference))
    ]
    assert heads[0] == heads[1]
    assert done.steps["gate"]["questions"][0] == reference.steps["gate"]["questions"][0]
    with database.connect() as connection, other.connect() as second:
        assert len(connection.execute(LOOKS.select()).all()) == 1
        answers = [len(each.execute(ANSWERS.select()).all()) for each in (connection, second)]
    assert answers[0] == answers[1]
    assert len(project.log()) == len(whole.log())
    assert len(list_releases(project)) == len(list_releases(whole)) == 2
