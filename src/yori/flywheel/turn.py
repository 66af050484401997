"""One turn of the flywheel: mine → answers → merge → curate, retrain and prove → gate → release → promote.

Every step is written into the database when it is finished, together with what it found, and is skipped from then on; what a
step writes before that is the same when it is written again. So a turn that was killed anywhere goes on where it was, two
turns at once are refused, and whatever happens the old release serves until the very last row names the new one.

A turn that fails its gate is finished, too: it says why, and nothing changes in serving.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, insert, select

from yori.errors import ConflictError, StoreError
from yori.flywheel.assignment import add_assignment, assign, first_assignment, has_assignment, read_assignment
from yori.flywheel.candidate import candidate, turn_data
from yori.flywheel.database import Database
from yori.flywheel.gate import ERROR, Gate, gate
from yori.flywheel.items import count_items
from yori.flywheel.merge import in_conflict, merge, random_examples
from yori.flywheel.mine import mine
from yori.flywheel.released_model import Release, open_release, release_path
from yori.flywheel.schema import ITEMS, LOOKS, TURNS
from yori.flywheel.serving import promote, serving_release
from yori.prove.dataset import dataset_of
from yori.statistics.looks import look_error
from yori.store import Project, content_key
from yori.store.atomic import make_folder
from yori.store.locks import hold
from yori.store.work import job_lock_path
from yori.task import Task
from yori.task.queue_rules import TEST_SHARE, QueueRules
from yori.workers import Progress, silent

STEPS = ("mine", "answers", "merge", "train", "gate", "end")
"""In this order. ``end`` closes the turn, whether it promoted or not."""


@dataclass(frozen=True)
class Turn:
    """Where a turn is.

    Attributes
    ----------
    number
        From 1.
    steps
        What every finished step found, by its name.
    waiting
        Items that still want answers; the turn goes on when there are none, or when it is told not to wait.
    """

    number: int
    steps: Mapping[str, Mapping[str, Any]]
    waiting: int = 0

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return "end" in self.steps

    @property
    def promoted(self) -> str | None:
        """Id of the release it put in service; None if it did not."""
        release: str | None = self.steps.get("end", {}).get("promoted")
        return release


def turn(
    project: Project,
    database: Database,
    task: Task,
    *,
    budget: int | None = None,
    rules: QueueRules | None = None,
    wait: bool = True,
    who: str = "yori turn",
    answer: Callable[[int], None] | None = None,
    workers: int | None = None,
    progress: Progress = silent,
    finish: Callable[[Path], None] = lambda folder: None,
) -> Turn:
    """Begin a turn, or go on with the one that is under way, as far as it goes.

    Parameters
    ----------
    budget
        Labels to ask for; None: ``budget.labels`` of task.yaml.
    rules
        How they are shared out among reasons to ask; None: those of task.yaml.
    wait
        True: stop while items want answers. False: go on with the answers there are; the others stay in the queue.
    who
        Signs what the turn writes.
    answer
        Called with the number of the turn when items wait: a simulation of people, or an import of answers.
    finish
        As in `yori.prove.proof.prove`: writes the report of the turn's proof.

    Raises
    ------
    StoreError
        If no release serves, or nothing is in the log to ask about.
    ConflictError
        If another turn is under way, or somebody promoted another release meanwhile.
    """
    with alone(project):
        state = _current(database)
        asked = task.budget.labels if budget is None else budget
        if "mine" not in state.steps:
            state = _mine(project, database, task, state, asked, rules, progress)
        if "answers" not in state.steps:
            if answer is not None and _open_items(database, state.number):
                answer(state.number)
            state = _answers(project, database, state, wait=wait)
            if "answers" not in state.steps:
                return state
        if "merge" not in state.steps:
            state = _merge(project, database, task, state, who)
        if "train" not in state.steps:
            state = _train(project, database, task, state, workers, progress, finish)
        if "gate" not in state.steps:
            state = _gate(project, database, task, state, progress)
        if "end" not in state.steps:
            state = _end(project, database, state, who)
        return state


@contextlib.contextmanager
def alone(project: Project) -> Iterator[None]:
    """Hold the lock of turns; it goes with the process, so a killed turn leaves none behind."""
    lock = job_lock_path(project.path, "turn")
    make_folder(lock.parent, durable=False)
    with hold(lock, shared=False, patience=0) as held:
        if held is False:
            raise ConflictError(
                "to be the only turn", "another one under way", where=str(project.path),
                fix="Wait for it to end; a second one would ask for the same labels.",
            )  # fmt: skip
        yield


def turns(database: Database) -> list[Turn]:
    """All turns, oldest first."""
    found: dict[int, dict[str, Mapping[str, Any]]] = {}
    with database.connect() as connection:
        for number, step, facts in connection.execute(
            select(TURNS.c.turn, TURNS.c.step, TURNS.c.facts).order_by(TURNS.c.turn)
        ):
            found.setdefault(number, {})[step] = facts
    return [Turn(number, steps) for number, steps in sorted(found.items())]


def _current(database: Database) -> Turn:
    known = turns(database)
    if known and not known[-1].done:
        return known[-1]
    return Turn(known[-1].number + 1 if known else 1, {})


def _finished(database: Database, state: Turn, step: str, facts: Mapping[str, Any]) -> Turn:
    with database.begin() as connection:
        connection.execute(insert(TURNS).values(turn=state.number, step=step, at=time.time(), facts=dict(facts)))
    return Turn(state.number, {**state.steps, step: dict(facts)})


def _mine(
    project: Project,
    database: Database,
    task: Task,
    state: Turn,
    budget: int,
    rules: QueueRules | None,
    progress: Progress,
) -> Turn:
    before = serving_release(database)
    if before is None:
        raise StoreError("a release that serves", "none", where="turn", fix="Make one and let it serve: yori release")
    release = open_release(project, before)
    if not has_assignment(project, 0):
        add_assignment(project, 0, first_assignment(project, task, release))
    rng = np.random.default_rng(list(bytes.fromhex(content_key(turn=state.number, serving=before)[:16])))
    judge = _newest(database) or before
    mine(project, database, budget=budget, turn=state.number, rules=rules, judge=judge, rng=rng, progress=progress)
    asked = _items_of(database, state.number)
    return _finished(
        database, state, "mine", {"serving": before, "budget": budget, "asked": sum(asked.values()), "shares": asked}
    )


def _newest(database: Database) -> str | None:
    """The candidate of the last turn, promoted or not: it knows all labels so far."""
    known = [each for each in turns(database) if each.done and "train" in each.steps]
    return str(known[-1].steps["train"]["release"]) if known else None


def _items_of(database: Database, number: int) -> dict[str, int]:
    with database.connect() as connection:
        rows = connection.execute(
            select(ITEMS.c.share, func.count()).where(ITEMS.c.turn == number).group_by(ITEMS.c.share)
        ).all()
    return {share: int(count) for share, count in rows}


def _open_items(database: Database, number: int) -> int:
    with database.connect() as connection:
        wanted = (ITEMS.c.turn <= number) & (ITEMS.c.state == "open")
        return int(connection.execute(select(func.count()).select_from(ITEMS).where(wanted)).scalar_one())


def _answers(project: Project, database: Database, state: Turn, *, wait: bool) -> Turn:
    waiting = _open_items(database, state.number)
    if waiting and wait:
        return Turn(state.number, state.steps, waiting)
    facts = {"unanswered": waiting, "items": count_items(database), "version": project.version().number}
    return _finished(database, state, "answers", facts)


def _merge(project: Project, database: Database, task: Task, state: Turn, who: str) -> Turn:
    report = merge(project, database, task, who=who)
    data = dataset_of(project, task)
    if not has_assignment(project, state.number):
        random = _for_test(random_examples(database), read_assignment(project), state)
        new = assign(data, read_assignment(project), random=random, task=task)
        add_assignment(project, state.number, new)
    # An earlier attempt at this step may have merged already: what changed is read from the data versions.
    before, after = state.steps["answers"]["version"], project.version().number
    changed = project.diff(before, after)
    facts = {
        **report.to_dict(),
        "before": before,
        "after": after,
        "added": len(changed.added),
        "relabelled": changed.relabelled.num_rows,
        "dropped": len(changed.removed),
        "conflicts": in_conflict(database),
        "seconds": _seconds(database, state.number),
    }
    for name in ("examples", "labelled"):
        del facts[name]
    return _finished(database, state, "merge", facts)


def _for_test(drawn: Sequence[str], known: Mapping[str, str], state: Turn) -> set[str]:
    """Which of the new examples that were asked for at random test from now on: at most `TEST_SHARE` of what was asked."""
    drawn = sorted(name for name in drawn if name not in known)
    most = round(TEST_SHARE * state.steps["mine"]["asked"])
    order = np.random.default_rng([state.number, len(drawn)]).permutation(len(drawn))
    return {drawn[place] for place in order[:most]}


def _seconds(database: Database, number: int) -> float:
    """Seconds that people spent on the items of a turn."""
    from yori.flywheel.schema import ANSWERS

    query = select(func.sum(ANSWERS.c.seconds)).join(ITEMS, ITEMS.c.item_id == ANSWERS.c.item_id)
    with database.connect() as connection:
        return float(connection.execute(query.where(ITEMS.c.turn == number)).scalar_one() or 0.0)


def _train(
    project: Project,
    database: Database,
    task: Task,
    state: Turn,
    workers: int | None,
    progress: Progress,
    finish: Callable[[Path], None],
) -> Turn:
    serving = _serving(project, state)
    turned = turn_data(project, task, serving, read_assignment(project), turn=state.number, progress=progress)
    made, proof = candidate(
        project, task, turned, serving, turn=state.number, workers=workers, progress=progress, finish=finish
    )
    facts = {
        "release": made.release_id,
        "proof": proof.path.name,
        "seal": proof.certificate["seal"],
        "version": project.version().number,
        "train": len(turned.cell.train),
        "validation": len(turned.cell.validation),
        "test": len(turned.cell.test),
        "edits": proof.certificate["edits"]["count"],
        "edits_verdict": proof.certificate["verdict"]["word"],
        "training_flops": _training_flops(made),
    }
    return _finished(database, state, "train", facts)


def _training_flops(release: Release) -> int:
    from yori.heads import training_flops

    head = release.manifest["head"]
    return int(
        training_flops(
            steps=head["steps"], batch_size=head["batch_size"], dimensions=release.dimensions,
            classes=len(release.classes), link=head["link"],
        )
    )  # fmt: skip


def _gate(project: Project, database: Database, task: Task, state: Turn, progress: Progress) -> Turn:
    serving, made = _serving(project, state), open_release(project, state.steps["train"]["release"])
    turned = turn_data(project, task, serving, read_assignment(project), turn=state.number, progress=progress)
    test = turned.test_set(random_examples(database))
    look = _look(database, state.number, content_key(ids=sorted(map(str, test.ids.tolist()))))
    found: Gate = gate(
        serving,
        made,
        test,
        task,
        look=look,
        latency_ms=_latency(made, test.embeddings),
        model_bytes=_bytes(project, made),
        rng=np.random.default_rng(list(bytes.fromhex(made.release_id[:16]))),
    )
    return _finished(database, state, "gate", found.to_dict())


def _look(database: Database, number: int, test_set: str) -> int:
    """The number of this turn's look. It is spent before anything is computed: a killed gate has looked, too."""
    with database.begin() as connection:
        known = connection.execute(select(LOOKS.c.look).where(LOOKS.c.turn == number)).scalar_one_or_none()
        if known is not None:
            return int(known)
        last = connection.execute(select(func.max(LOOKS.c.look))).scalar_one()
        look = (last or 0) + 1
        row = {"look": look, "turn": number, "test_set": test_set, "level": look_error(look, error=ERROR)}
        connection.execute(insert(LOOKS).values(**row, at=time.time()))
    return look


def _latency(release: Release, embeddings: Any) -> float:
    """Median milliseconds of one decision of the head; the backbone is that of the serving release and costs the same."""
    one = embeddings[:1]
    taken = []
    for _ in range(51):
        start = time.perf_counter()
        release.decide(one)
        taken.append(time.perf_counter() - start)
    return 1000 * float(np.median(taken))


def _bytes(project: Project, release: Release) -> int:
    folder = release_path(project, release.release_id)
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix == ".safetensors")


def _end(project: Project, database: Database, state: Turn, who: str) -> Turn:
    facts = state.steps["gate"]
    made, before = state.steps["train"]["release"], state.steps["mine"]["serving"]
    if not facts["passed"]:
        why = [each["sentence"] for each in facts["questions"] if not each["passed"]]
        return _finished(database, state, "end", {"promoted": None, "serving": before, "why": why})
    why_now = f"turn {state.number}: {facts['questions'][0]['sentence']}"
    if serving_release(database) != made:
        promote(database, project, made, who=who, why=why_now, instead_of=before)
    return _finished(database, state, "end", {"promoted": made, "serving": made, "why": [why_now]})


def _serving(project: Project, state: Turn) -> Release:
    return open_release(project, state.steps["mine"]["serving"])
