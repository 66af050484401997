from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select
from tests.flywheel.mixture_world import Stream, copied, log, serving, stream

from yori.curate import Edit, EditSet
from yori.errors import StoreError, ValuesError
from yori.flywheel.database import Database, open_database
from yori.flywheel.mine import MineReport, mine
from yori.flywheel.release import Release
from yori.flywheel.schema import ITEMS
from yori.store import Project
from yori.task.queue_rules import QueueRules


@dataclass
class World:
    project: Project
    release: Release
    database: Database

    def mine(self, **options: object) -> MineReport:
        return mine(self.project, self.database, **{"rng": np.random.default_rng(3), **options})  # type: ignore[arg-type]

    def items(self) -> list[dict[str, object]]:
        with self.database.connect() as connection:
            return [dict(row) for row in connection.execute(select(ITEMS)).mappings()]


@pytest.fixture
def any_world(tmp_path: Path, database_url: str | None) -> Iterator[World]:
    project, release = copied(tmp_path)
    database = open_database(project, database_url)
    serving(project, release, database)
    yield World(project, release, database)
    database.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    project, release = copied(tmp_path)
    database = open_database(project)
    serving(project, release, database)
    yield World(project, release, database)
    database.close()


def test_every_reason_is_asked_within_the_budget_and_says_why(any_world: World) -> None:
    world = any_world
    log(world.database, world.release, stream(400, seed=1, shift=0.5, rare=12))
    found = world.mine(budget=60)
    rows = world.items()
    assert found.added == len(rows)
    assert sum(row["wanted"] for row in rows) == found.answers <= 60  # type: ignore[misc]
    assert found.answers >= 58
    shares = Counter(row["share"] for row in rows)
    assert set(shares) == {"abstained", "uncertain", "drifted", "rare", "disagreeing", "influence", "random"}
    for row in rows:
        assert row["reasons"][0]["kind"] == row["share"]  # type: ignore[index]
        assert row["reasons"][0]["text"]  # type: ignore[index]
        assert 0 < row["priority"] < 1  # type: ignore[operator]
        assert row["kind"] == "row"
        assert len(row["content"]["neighbours"]) == 5  # type: ignore[index]
    assert sum(row["wanted"] == 2 for row in rows) == pytest.approx(0.1 * len(rows), abs=1)
    json.dumps(found.fields(), allow_nan=False)


def test_what_is_rare_is_found_first(world: World) -> None:
    arrived = stream(400, seed=2, rare=8)
    log(world.database, world.release, arrived)
    found = world.mine(budget=40)
    rare = [each for each in found.items if each.share == "rare"]
    first = max(rare, key=lambda each: each.priority)
    assert first.prediction_id is not None
    assert first.prediction_id > 400 - 8
    assert "one of 8 alike" in first.reasons[0]["text"]


def test_abstentions_are_abstentions(world: World) -> None:
    log(world.database, world.release, stream(300, seed=3))
    for each in world.mine(budget=40).items:
        assert each.confidence is not None
        if each.share == "abstained":
            assert each.confidence < world.release.threshold
        if each.share == "uncertain":
            assert each.confidence >= world.release.threshold


def test_without_drift_nothing_is_called_drifted(world: World) -> None:
    log(world.database, world.release, stream(300, seed=4))
    assert "drifted" not in world.mine(budget=40).shares


def test_a_turn_asks_once_and_the_next_turn_something_else(world: World) -> None:
    log(world.database, world.release, stream(300, seed=5))
    first = world.mine(budget=30)
    again = world.mine(budget=30)
    assert again.added == 0
    more = world.mine(budget=40)
    assert 0 < more.answers <= 10
    second = world.mine(budget=30, turn=2)
    ids = [row["item_id"] for row in world.items()]
    assert len(ids) == len(set(ids)) == first.added + more.added + second.added
    assert second.passed["asked before"] == first.added + more.added


def test_one_input_is_one_question_and_known_examples_are_none(world: World) -> None:
    arrived = stream(40, seed=6)
    twice = Stream(np.tile(arrived.embeddings, (3, 1)), np.tile(arrived.truth, 3), arrived.domains * 3)
    log(world.database, world.release, twice)
    found = world.mine(budget=100)
    assert found.added <= 40
    assert found.passed["the same input again"] == 80


def test_near_copies_are_passed_over(world: World) -> None:
    arrived = stream(30, seed=7)
    noise = np.random.default_rng(0).normal(0, 1e-4, (300, 16)).astype(np.float32)
    near = Stream(np.tile(arrived.embeddings, (10, 1)) + noise, np.tile(arrived.truth, 10), arrived.domains * 10)
    log(world.database, world.release, near)
    found = world.mine(budget=100, rules=QueueRules(shares=(("abstained", 1.0), ("uncertain", 1.0)), double=0.0))
    assert found.added <= 30
    assert found.passed["near-duplicate"] > 100


def test_limits_of_a_domain(world: World) -> None:
    log(world.database, world.release, stream(300, seed=8))
    rules = QueueRules(shares=(("uncertain", 1.0), ("influence", 1.0)), double=0.0, per_domain=0.3)
    found = world.mine(budget=40, rules=rules)
    assert max(Counter(each.domain for each in found.items).values()) <= 12
    assert found.added == 40


def test_what_the_audit_and_the_proof_doubt_is_asked(world: World) -> None:
    audit(world.project, {"e0003": "high", "e0004": "low"})
    proof(world.project, [Edit("e0007", "review", "a", "b", 1.0, 0.1, "looks like b", 1, 0.9)])
    log(world.database, world.release, stream(300, seed=9))
    found = world.mine(budget=60)
    asked = {each.example_id: each for each in found.items if each.share == "audit"}
    assert set(asked) == {"e0003", "e0004", "e0007"}
    assert asked["e0007"].suggested == "b"
    assert asked["e0007"].priority > asked["e0004"].priority
    assert asked["e0003"].current in "abcd"
    assert asked["e0003"].reasons[0]["text"] == "its neighbours say b"
    assert world.mine(budget=60, turn=2).shares.get("audit") is None


def test_without_a_log_the_audit_is_asked(world: World) -> None:
    audit(world.project, {f"e{row:04}": "medium" for row in range(50)})
    found = world.mine(budget=22)
    assert set(found.shares) == {"audit"}
    assert found.answers == 22
    assert "holds nothing" in found.notes[0]


def audit(project: Project, severities: dict[str, str]) -> None:
    folder = project.path / "audits" / "x"
    folder.mkdir(parents=True)
    rows = [
        {"example_id": name, "kind": "label_error", "code": "c", "severity": severity, "score": 0.5,
         "evidence": "its neighbours say b", "suggested_action": "listen", "effect": "", "related": [],
         "values": json.dumps({"suggested": "b"})}
        for name, severity in severities.items()
    ]  # fmt: skip
    rows.append({**rows[0], "example_id": None, "kind": "drift"})
    pq.write_table(pa.Table.from_pylist(rows), folder / "findings.parquet")
    summary = {"created": "2026-11-21T00:00:00+00:00", "content_hash": project.version().content_hash}
    (folder / "summary.json").write_text(json.dumps(summary))


def proof(project: Project, edits: list[Edit]) -> None:
    folder = project.path / "proofs" / "p"
    folder.mkdir(parents=True)
    (folder / "certificate.json").write_text(json.dumps({"created": "2026-11-21T00:00:00+00:00"}))
    pq.write_table(EditSet.of(edits).table(), folder / "edits.parquet")


def test_gold_looks_like_chance(world: World) -> None:
    table = world.project.examples(columns=["example_id", "label"]).slice(0, 30)
    rows = pa.table(
        {"example_id": [f"gold{n}" for n in range(30)], "label": table["label"], "verified": table["label"]}
    )
    world.project.add_rows(rows, sources={}, message="verified", who="ann")
    log(world.database, world.release, stream(300, seed=10))
    found = world.mine(budget=50, rules=QueueRules(gold=0.1))
    gold = [each for each in found.items if each.share == "gold"]
    assert len(gold) == 5
    assert {each.reasons[0]["text"] for each in gold} == {
        each.reasons[0]["text"] for each in found.items if each.share == "random"
    }
    assert all(each.gold and each.suggested for each in gold)  # others have a suggestion, too
    assert found.answers <= 50


def test_without_embeddings_only_confidence_speaks(world: World) -> None:
    log(world.database, world.release, stream(300, seed=11), keep=False)
    found = world.mine(budget=30)
    assert set(found.shares) == {"abstained", "uncertain", "random"}
    assert "No embedding" in found.notes[0]


def test_a_sound_without_copy_cannot_be_asked(world: World) -> None:
    path = world.project.path / "task.yaml"
    path.write_text(path.read_text().replace("modality: embeddings", "modality: audio"))
    log(world.database, world.release, stream(50, seed=12))
    found = world.mine(budget=30)
    assert found.added == 0
    assert found.passed["no copy to hear"] == 50


def test_the_same_seed_asks_the_same(world: World, tmp_path: Path) -> None:
    log(world.database, world.release, stream(300, seed=13))
    first = [each.item_id for each in world.mine(budget=30).items]
    (tmp_path / "other").mkdir()
    project, release = copied(tmp_path / "other")
    database = open_database(project)
    serving(project, release, database)
    log(database, release, stream(300, seed=13))
    assert [each.item_id for each in World(project, release, database).mine(budget=30).items] == first
    database.close()


def test_no_budget_and_no_release_are_said(world: World, tmp_path: Path) -> None:
    with pytest.raises(ValuesError, match=r"Set budget\.labels in task\.yaml"):
        world.mine(budget=0)
    (tmp_path / "other").mkdir()
    project, _ = copied(tmp_path / "other")
    database = open_database(project)
    with pytest.raises(StoreError, match="a release that serves"):
        mine(project, database, rng=np.random.default_rng(0))
    database.close()


def test_the_budget_of_the_task_is_the_default(world: World) -> None:
    log(world.database, world.release, stream(200, seed=14))
    assert world.mine().budget == 40
