"""`yori mine`: what people should hear next, from the log and from the latest audit, within the label budget."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from sqlalchemy import func, select

from yori.errors import StoreError, ValuesError
from yori.flywheel.candidates import Neighbourhood, Reason, neighbourhood, reasons_of
from yori.flywheel.database import Database
from yori.flywheel.doubtful_examples import Doubt, doubts
from yori.flywheel.drift_look import drift_look, logged_side, reference_side
from yori.flywheel.items import Item, add_items
from yori.flywheel.logged import Logged, read_logged
from yori.flywheel.mined_items import (
    AUDIT,
    Fact,
    example_item,
    example_key,
    facts_of,
    gold_items,
    logged_item,
    logged_key,
    pick_gold,
)
from yori.flywheel.picking import RANDOM, Picked, part_of, pick
from yori.flywheel.reference import Reference, reference_of, tuned_penalty
from yori.flywheel.released_model import BACKBONE, Release, list_releases, open_manifest, open_release
from yori.flywheel.schema import ITEMS, PREDICTIONS
from yori.flywheel.serving import serving_release
from yori.shift import neighbour_distance, novel_clusters, novelty
from yori.store import Project
from yori.task import Task, parse_task
from yori.task.queue_rules import QueueRules
from yori.workers import Progress, silent

ROWS = 5000
"""The newest so many logged predictions are looked at."""

SAME = 0.25
"""Rows nearer than this part of the usual distance between neighbours are the same thing again."""

_AT_ONCE = 500


@dataclass(frozen=True)
class MineReport:
    """What was put into the queue.

    Attributes
    ----------
    added
        New items.
    answers
        Answers they want, those of the double-labelling share counted twice.
    shares
        Reason → items taken under it.
    passed
        Why others were passed over → how many.
    budget
        Answers asked for in this turn, earlier runs of the same turn included.
    notes
        What should be known, in sentences.
    """

    turn: int
    added: int
    answers: int
    shares: Mapping[str, int]
    passed: Mapping[str, int]
    budget: int
    looked_at: int
    items: Sequence[Item]
    notes: Sequence[str]

    def fields(self) -> dict[str, Any]:
        """The object of ``--json``."""
        return {
            "turn": self.turn,
            "added": self.added,
            "answers": self.answers,
            "budget": self.budget,
            "shares": dict(self.shares),
            "passed_over": dict(self.passed),
            "looked_at": self.looked_at,
            "items": [
                {"item_id": each.item_id, "share": each.share, "priority": each.priority,
                 "example_id": each.example_id, "prediction_id": each.prediction_id, "suggested": each.suggested,
                 "why": [dict(one)["text"] for one in each.reasons], "wanted": each.wanted}
                for each in self.items
            ],
            "notes": list(self.notes),
        }  # fmt: skip


def mine(
    project: Project,
    database: Database,
    *,
    budget: int | None = None,
    turn: int = 1,
    rows: int = ROWS,
    rules: QueueRules | None = None,
    judge: str | None = None,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> MineReport:
    """Fill the queue for one turn. Run again, it adds only what the budget of the turn still allows.

    Parameters
    ----------
    budget
        Answers that may be asked for in this turn; None: ``budget.labels`` of task.yaml.
    turn
        Round of the flywheel.
    rows
        How many of the newest logged predictions of the serving release are looked at.
    rules
        Shares and quotas; None: those of task.yaml.
    judge
        Release whose doubts count, of the same backbone as the one that serves; None: the one that serves. A candidate that
        its gate has kept out knows more than the release that goes on serving, and asks better questions.
    rng
        Draws the random share, and who is asked twice.

    Raises
    ------
    ValuesError
        If there is no budget.
    StoreError
        If no release serves.
    """
    task = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
    chosen = rules or task.queue
    whole = task.budget.labels if budget is None else budget
    if whole < 1 or rows < 1:
        raise ValuesError(
            "a budget of at least one answer", str(whole), where="mine",
            fix="Set budget.labels in task.yaml, or pass --budget.",
        )  # fmt: skip
    serving = serving_release(database)
    if serving is None:
        raise StoreError("a release that serves", "none", where=str(project.path), fix="See: yori release --help")
    left = whole - _wanted_in(database, turn)
    notes: list[str] = []
    if left < 1:
        notes.append(f"The budget of turn {turn} ({whole} answers) is already in the queue.")
        return MineReport(turn, 0, 0, {}, {}, whole, 0, (), notes)
    release = open_release(project, judge or serving)
    progress("look at the log", 0, 4)
    reference = reference_of(project, release)
    logged = read_logged(
        database, _alike(project, release), classes=len(release.classes), dimensions=release.dimensions, limit=rows
    )
    if not _is_own(database, release.release_id, logged):
        logged = logged.judged(release)
    progress("look at the log", 1, 4)
    near = neighbourhood(reference, logged)
    reasons = _reasons(project, reference, logged, near, task.objective, rng, notes)
    progress("look at the log", 2, 4)
    passed: Counter[str] = Counter()
    eligible, asked = _eligible(project, database, logged, task, passed)
    facts = facts_of(project)
    doubted = _open_doubts(project, database, facts)
    gold = pick_gold(facts, int(chosen.gold * left), rng)
    count = int((left - len(gold)) / (1 + chosen.double))
    audit, picked = _share_out(reference, logged, reasons, doubted, eligible, asked, chosen, count, rng)
    passed.update(picked.passed)
    progress("look at the log", 3, 4)
    twice = _twice(len(picked.picks) + len(audit), left - len(gold), chosen.double, rng)
    wanted = np.where(twice, 2, 1).tolist()
    items = gold_items(gold, facts, turn, task)
    for number, one in enumerate(picked.picks):
        items.append(logged_item(reference, logged, reasons, near, one, turn, wanted[number], task))
    for number, doubt in enumerate(audit):
        place, answers = (number + 0.5) / len(audit), wanted[len(picked.picks) + number]
        items.append(example_item(doubt, facts[doubt.example_id], place, turn, answers, task))
    added = add_items(database, items)
    progress("look at the log", 4, 4)
    used = Counter(each.share for each in items)
    if added < min(left, count):
        notes.append("Fewer items than the budget allows: there is nothing else to ask about.")
    return MineReport(
        turn, added, sum(each.wanted for each in items), dict(used), dict(passed), whole, len(logged), items, notes
    )


def _reasons(
    project: Project,
    reference: Reference,
    rows: Logged,
    near: Neighbourhood | None,
    objective: str,
    rng: np.random.Generator,
    notes: list[str],
) -> dict[str, Reason]:
    if len(rows) == 0:
        notes.append("The log holds nothing of the serving release yet.")
        return {}
    if near is None:
        notes.append("No embedding was logged: only abstentions and uncertainty can be seen.")
        return reasons_of(reference, rows, novel=None, clusters=(), newness=np.zeros(0), drifted=False,
                          objective=objective, l2=1.0, near=None)  # fmt: skip
    # No alarm comes of it, so this look spends nothing of the monitor's level.
    drift = drift_look(reference_side(reference), logged_side(rows), level=0.0, rng=rng)
    novel = novelty(reference.known, reference.validation, rows.embeddings)
    known = reference.classes_of[: reference.trained].astype(np.int64)
    clusters = novel_clusters(rows.embeddings, novel, reference.known, known, classes=len(reference.release.classes))
    return reasons_of(
        reference, rows, novel=novel, clusters=clusters, newness=drift.newness, drifted=drift.suspicious,
        objective=objective, l2=tuned_penalty(project, reference), near=near,
    )  # fmt: skip


def _alike(project: Project, release: Release) -> list[str]:
    """Releases whose embeddings are those of a release: the same backbone and the same classes."""
    found = []
    for name in list_releases(project):
        manifest = open_manifest(project, name)
        same = ("backbone", "dimensions"), ("files", BACKBONE)
        if manifest["classes"] == release.manifest["classes"] and all(
            manifest[part].get(key) == release.manifest[part].get(key) for part, key in same
        ):
            found.append(name)
    return found


def _is_own(database: Database, release_id: str, rows: Logged) -> bool:
    """Whether all rows were answered by this release."""
    newest = rows["prediction_id"].tolist()
    if not newest:
        return True
    table = PREDICTIONS.c
    others = select(func.count()).where(table.prediction_id >= newest[0], table.release_id != release_id)
    with database.connect() as connection:
        return not connection.execute(others).scalar_one()


def _eligible(
    project: Project, database: Database, rows: Logged, task: Task, passed: Counter[str]
) -> tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Which rows may be asked about, and which were asked about before; each input once, its newest row."""
    keys = np.array([logged_key(rows, row) for row in range(len(rows))], dtype=object)
    asked = np.isin(keys, list(_known_items(database, [str(each) for each in keys])))
    known = set(project.examples(columns=["sha256"])["sha256"].to_pylist()) - {None}
    labelled = np.array([each in known for each in rows["input_sha256"]], dtype=np.bool_)
    newest = np.zeros(len(rows), dtype=np.bool_)
    if len(rows):
        newest[len(rows) - 1 - np.unique(keys[::-1], return_index=True)[1]] = True
    silent_ = np.array([_silent(task, path) for path in rows["input_path"]], dtype=np.bool_)
    for name, out in (
        ("asked before", asked), ("an example already", labelled & ~asked), ("the same input again", ~newest),
        ("no copy to hear", silent_),
    ):  # fmt: skip
        if out.any():
            passed[name] += int(out.sum())
    return newest & ~asked & ~labelled & ~silent_, asked & newest


def _silent(task: Task, path: str | None) -> bool:
    """Whether nobody could judge the row: a sound of which no copy was kept."""
    return task.modality == "audio" and path is None


def _known_items(database: Database, keys: Sequence[str]) -> set[str]:
    found: set[str] = set()
    with database.connect() as connection:
        for begin in range(0, len(keys), _AT_ONCE):
            chunk = list(keys[begin : begin + _AT_ONCE])
            found |= set(connection.execute(select(ITEMS.c.item_id).where(ITEMS.c.item_id.in_(chunk))).scalars())
    return found


def _wanted_in(database: Database, turn: int) -> int:
    query = select(func.sum(ITEMS.c.wanted)).where(ITEMS.c.turn == turn, ITEMS.c.state != "withdrawn")
    with database.connect() as connection:
        return int(connection.execute(query).scalar_one() or 0)


def _open_doubts(project: Project, database: Database, facts: Mapping[str, Fact]) -> list[Doubt]:
    found = doubts(project)
    keys = {each.example_id: example_key(each.example_id, facts[each.example_id].label) for each in found}
    known = _known_items(database, list(keys.values()))
    return [each for each in found if keys[each.example_id] not in known]


def _share_out(
    reference: Reference,
    rows: Logged,
    reasons: Mapping[str, Reason],
    doubted: Sequence[Doubt],
    eligible: Bool[np.ndarray, " n"],
    asked: Bool[np.ndarray, " n"],
    rules: QueueRules,
    count: int,
    rng: np.random.Generator,
) -> tuple[Sequence[Doubt], Picked]:
    weights = rules.weights
    scores = {name: each.score for name, each in reasons.items()}
    there = {name: int((eligible & np.isfinite(score)).sum()) for name, score in scores.items()}
    there |= {RANDOM: int(eligible.sum()), AUDIT: len(doubted)}
    rest = {name: weight for name, weight in weights.items() if name != AUDIT}
    # A row has several reasons, so what is there for all of them together is the rows.
    most = part_of(count, weights, there).get(AUDIT, 0)
    from_audit = min(len(doubted), max(most, count - int(eligible.sum())))
    if weights.get(AUDIT, 0) <= 0:
        from_audit = 0
    budget = count - from_audit
    limits = [
        (rows["domain"], None if rules.per_domain is None else int(rules.per_domain * count), "enough of its domain"),
        (rows["label"], None if rules.per_class is None else int(rules.per_class * count), "enough of its class"),
    ]
    picked = pick(
        scores, rest, budget, eligible=eligible, asked=asked, embeddings=_wide(rows), radius=_same(reference),
        limits=limits, rng=rng,
    )  # fmt: skip
    return doubted[: from_audit + max(0, budget - len(picked.picks))] if from_audit else (), picked


def _wide(rows: Logged) -> Float[np.ndarray, "n d"] | None:
    if len(rows.embeddings) == 0:
        return None
    wide = np.full((len(rows), rows.embeddings.shape[1]), np.nan, dtype=np.float32)
    wide[rows.embedded] = rows.embeddings
    return wide


def _same(reference: Reference) -> float:
    if len(reference.validation) == 0:
        return 0.0
    distance, _ = neighbour_distance(reference.known, reference.validation, neighbours=1)
    return SAME * float(np.median(distance))


def _twice(items: int, budget: int, share: float, rng: np.random.Generator) -> Bool[np.ndarray, " n"]:
    """Which items two people answer: a share of them by chance, as far as the budget goes."""
    twice = np.zeros(items, dtype=np.bool_)
    number = min(math.ceil(share * items), max(0, budget - items), items)
    twice[rng.permutation(items)[:number]] = True
    return twice
