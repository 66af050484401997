"""Nothing is lost that is not counted, nobody waits, and what may not be kept is not kept."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from tests.flywheel.postgres import Cluster

from yori.errors import StoreError, ValuesError
from yori.flywheel import kept_inputs, prediction_log
from yori.flywheel.database import Database, open_database
from yori.flywheel.group_names import hidden_group
from yori.flywheel.kept_inputs import copy_of, forget, keep_copies
from yori.flywheel.log_rules import LogRules, falls_into
from yori.flywheel.prediction_log import Logged, PredictionLog
from yori.flywheel.schema import ITEMS, PREDICTIONS, SHEDS
from yori.store import Project

KEEP_ALL = LogRules(inputs=1.0)


def row(number: int, *, abstained: bool = False, content: bytes | None = None, **how: object) -> Logged:
    """An answer about input ``number``."""
    seen = content if content is not None else str(number).encode()
    return Logged(
        release_id="r", kind="clip", input_sha256=hashlib.sha256(seen).hexdigest(), label="bell", confidence=0.5,
        abstained=abstained, latency_ms=1.0, probs=np.array([0.5, 0.5]), embedding=np.arange(3.0) + number,
        content=content, extension="wav", source=f"clip {number}", **how,
    )  # fmt: skip


def rows_in(database: Database) -> list[dict]:
    with database.connect() as connection:
        found = connection.execute(select(PREDICTIONS).order_by(PREDICTIONS.c.prediction_id)).mappings()
        return [dict(one) for one in found]


def sheds_in(database: Database) -> dict[str, int]:
    found: dict[str, int] = {}
    with database.connect() as connection:
        for rule, count in connection.execute(select(SHEDS.c.rule, SHEDS.c.count)):
            found[rule] = found.get(rule, 0) + count
    return found


class Gone(Database):
    """A database that does not answer until `come_back`."""

    def __init__(self, real: Database) -> None:
        super().__init__(real.url, real.engine)
        object.__setattr__(self, "away", [True])

    def come_back(self) -> None:
        self.away.clear()

    def begin(self) -> object:
        if self.away:
            raise StoreError("a database that answers", "none")
        return super().begin()


# -- rows -----------------------------------------------------------------------------------------------------------


def test_what_is_offered_is_in_the_database(database: Database, project: Project) -> None:
    log = PredictionLog(database, project, KEEP_ALL)
    log.offer([row(n, start=0.5 * n, duration=1.0, domain="north", group=f"ship {n // 2}") for n in range(5)])
    assert log.flush(20)
    assert log.close(5)
    found = rows_in(database)
    assert [one["source"] for one in found] == [f"clip {n}" for n in range(5)]
    assert [one["start"] for one in found] == [0, 0.5, 1, 1.5, 2]
    np.testing.assert_array_equal(np.frombuffer(found[3]["embedding"], "<f4"), [3, 4, 5])
    np.testing.assert_array_equal(np.frombuffer(found[3]["probs"], "<f4"), [0.5, 0.5])
    assert found[0]["input_path"] is None
    assert [one["group_name"] for one in found] == ["ship 0", "ship 0", "ship 1", "ship 1", "ship 2"]
    counts = log.counts()
    assert (counts.offered, counts.written, counts.waiting, dict(counts.shed)) == (5, 5, 0, {})


def test_closing_writes_what_waits(database: Database, project: Project) -> None:
    log = PredictionLog(database, project)
    log.offer(row(n) for n in range(2500))
    assert log.close(30)
    assert len(rows_in(database)) == 2500
    assert log.offer([row(0)]) == 1  # afterwards nothing is taken


def test_a_database_that_went_away_and_came_back(database: Database, project: Project) -> None:
    gone, said = Gone(database), []
    log = PredictionLog(gone, project, LogRules(most_waiting=100), say=lambda event, facts: said.append(event))
    log.offer(row(n) for n in range(10))
    deadline = time.monotonic() + 10
    while log.counts().failing is None and time.monotonic() < deadline:
        time.sleep(0.01)
    started = time.monotonic()
    shed = log.offer(row(n) for n in range(10, 300))
    assert time.monotonic() - started < 5  # serving goes on
    assert shed == 290 - 65  # from 75 waiting rows on, confident ones are let go
    assert log.offer([row(400, abstained=True)]) == 0
    gone.come_back()
    assert log.close(30)
    assert [one["source"] for one in rows_in(database)] == [f"clip {n}" for n in [*range(75), 400]]
    assert sheds_in(database) == {"confident while busy": 225} == dict(log.counts().shed)
    assert said == ["log waits for the database", "log writes again"]


def test_a_server_that_is_restarted(project: Project, postgres: Cluster) -> None:
    database = open_database(project, postgres.new_database())
    log = PredictionLog(database, project)
    log.offer([row(0)])
    assert log.flush(20)
    postgres.stop("immediate")
    try:
        log.offer([row(1)])
        deadline = time.monotonic() + 20
        while log.counts().failing is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert log.counts().failing is not None
        assert log.counts().waiting == 1
    finally:
        postgres.start()
    log.offer([row(2)])
    assert log.close(30)
    assert [one["source"] for one in rows_in(database)] == ["clip 0", "clip 1", "clip 2"]
    database.close()


def test_text_that_no_database_stores(database: Database, project: Project) -> None:
    log = PredictionLog(database, project)
    log.offer([dataclasses.replace(row(1), source="a\0b\ud800", domain="\0")])
    assert log.close(20)
    (found,) = rows_in(database)
    assert found["source"] == "a\N{REPLACEMENT CHARACTER}b?"


def test_a_row_the_database_refuses_does_not_stop_the_others(
    database: Database, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = prediction_log._values
    label = {"clip 1": None}
    monkeypatch.setattr(
        prediction_log, "_values", lambda one, failed: values(one, failed) | {"label": label.get(one.source, "bell")}
    )
    log = PredictionLog(database, project)
    log.offer([row(0), row(1), row(2)])
    assert log.flush(20)
    log.offer([row(3)])
    assert log.close(20)
    assert [one["source"] for one in rows_in(database)] == ["clip 0", "clip 2", "clip 3"]
    assert sheds_in(database) == {"refused by the database": 1} == dict(log.counts().shed)
    assert log.counts().written == 3


def test_what_cannot_be_written_before_the_end_is_counted(project: Project) -> None:
    log = PredictionLog(Gone(open_database(project)), project)
    log.offer(row(n) for n in range(7))
    assert not log.close(0.3)
    assert dict(log.counts().shed) == {"closed before written": 7}


@settings(max_examples=10, deadline=None)
@given(
    offers=st.lists(st.lists(st.booleans(), max_size=30), max_size=8),
    most=st.integers(1, 40),
    share=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_every_row_is_written_or_counted(
    tmp_path_factory: pytest.TempPathFactory, offers: list[list[bool]], most: int, share: float
) -> None:
    folder = tmp_path_factory.mktemp("counted")
    project = Project.create(folder / "p", "format: 1\nname: bells\nclasses: [bell, horn]\n")
    database = open_database(project)
    log = PredictionLog(database, project, LogRules(rows=share, most_waiting=most))
    number = 0
    for offer in offers:
        log.offer(row(number + k, abstained=abstained) for k, abstained in enumerate(offer))
        number += len(offer)
    assert log.close(30)
    counts = log.counts()
    assert counts.offered == number == counts.written + counts.rows_shed
    assert counts.written == len(rows_in(database))
    assert sheds_in(database) == dict(counts.shed)
    database.close()


# -- copies ---------------------------------------------------------------------------------------------------------


def test_a_copy_is_kept_once_under_the_hash_of_its_content(database: Database, project: Project) -> None:
    log = PredictionLog(database, project, KEEP_ALL)
    log.offer([row(n, content=b"RIFFsame", start=float(n), duration=1.0) for n in range(3)])
    assert log.close(20)
    paths = {one["input_path"] for one in rows_in(database)}
    digest = hashlib.sha256(b"RIFFsame").hexdigest()
    assert paths == {f"media/{digest[:2]}/{digest}.wav"}
    assert copy_of(project, paths.pop()).read_bytes() == b"RIFFsame"
    assert [path.name for path in (project.path / "media").rglob("*") if path.is_file()] == [f"{digest}.wav"]


def test_abstained_inputs_are_always_kept_and_others_by_share(database: Database, project: Project) -> None:
    log = PredictionLog(database, project, LogRules(inputs=0.3, embeddings=0.5))
    log.offer(row(n, content=b"%d" % n, abstained=n < 20) for n in range(400))
    assert log.close(30)
    found = rows_in(database)
    assert all(one["input_path"] and one["embedding"] for one in found[:20])
    copied = [one["input_path"] is not None for one in found[20:]]
    assert copied == [falls_into(0.3, one["input_sha256"]) for one in found[20:]]
    assert 0.2 < np.mean(copied) < 0.4
    assert 0.4 < np.mean([one["embedding"] is not None for one in found[20:]]) < 0.6


def test_private_keeps_embeddings_only(database: Database, project: Project) -> None:
    log = PredictionLog(database, project, LogRules(inputs=1.0, private=True))
    log.offer([row(1, content=b"secret", abstained=True, group="the secret ship")])
    assert log.close(20)
    (found,) = rows_in(database)
    assert found["group_name"] == hidden_group("the secret ship")
    assert found["input_path"] is None
    assert found["source"] is None
    assert found["input_sha256"] == hashlib.sha256(found["embedding"]).hexdigest()
    assert not (project.path / "media").exists()


def test_copies_that_wait_are_bounded_and_counted(project: Project) -> None:
    gone = Gone(open_database(project))
    log = PredictionLog(gone, project, LogRules(inputs=1.0, most_waiting_bytes=2500))
    log.offer([row(0)])
    while log.counts().failing is None:  # the writer holds the first row, the others wait behind it
        time.sleep(0.01)
    log.offer(row(n, content=bytes([n]) * 1000, abstained=True) for n in range(1, 6))
    log.offer([row(9, content=bytes([1]) * 1000, start=1.0)])  # another window of one that waits already
    gone.come_back()
    assert log.close(30)
    assert [one["input_path"] is not None for one in rows_in(gone)] == [
        False,
        True,
        True,
        False,
        False,
        False,
        True,
    ]
    assert sheds_in(gone) == {"copy: too much waiting": 3}


def test_a_copy_that_cannot_be_written_does_not_cost_the_row(database: Database, project: Project) -> None:
    (project.path / "media").write_text("in the way")
    log = PredictionLog(database, project, KEEP_ALL)
    log.offer([row(1, content=b"abc")])
    assert log.close(20)
    assert rows_in(database)[0]["input_path"] is None
    assert sheds_in(database) == {"copy: not written": 1}


def test_a_disk_that_is_full_for_copies(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, blocks: object) -> str:
        path.write_bytes(b"part")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_inputs.atomic, "write_new", full)
    assert keep_copies(project, {"media/ab/abc.wav": b"abc"}) == {"media/ab/abc.wav"}
    assert [path for path in (project.path / "media").rglob("*") if path.is_file()] == []


# -- retention ------------------------------------------------------------------------------------------------------

DAY = 86_400.0


def put(database: Database, project: Project, number: int, *, days_ago: float, now: float, size: int = 10) -> str:
    content = bytes([number]) * size
    digest = hashlib.sha256(content).hexdigest()
    path = f"media/{digest[:2]}/{digest}.wav"
    keep_copies(project, {path: content})
    os.utime(project.path / path, (now - days_ago * DAY,) * 2)
    values = {
        "at": now - days_ago * DAY, "release_id": "r", "kind": "clip", "input_sha256": digest, "input_path": path,
        "label": "bell", "confidence": 0.5, "abstained": False, "latency_ms": 1.0, "probs": b"", "embedding": b"1234",
    }  # fmt: skip
    with database.begin() as connection:
        connection.execute(insert(PREDICTIONS).values(**values))
    return path


def test_old_copies_and_embeddings_are_forgotten_and_rows_stay(database: Database, project: Project) -> None:
    now = time.time()
    old, new = put(database, project, 1, days_ago=91, now=now), put(database, project, 2, days_ago=1, now=now)
    again = put(database, project, 3, days_ago=100, now=now)
    assert put(database, project, 3, days_ago=2, now=now) == again  # asked again the day before yesterday
    asked = put(database, project, 4, days_ago=200, now=now)
    item = {
        "item_id": "i", "at": now, "turn": 0, "kind": "audio", "media": asked, "content": {}, "reasons": [],
        "share": "random", "priority": 1.0, "wanted": 1, "state": "open",
    }  # fmt: skip
    with database.begin() as connection:
        connection.execute(insert(ITEMS).values(**item))
    orphan = "media/00/" + "0" * 64 + ".wav"
    keep_copies(project, {orphan: b"left by a crash"})
    os.utime(project.path / orphan, (now - 200 * DAY,) * 2)
    assert forget(database, project, LogRules(), now=now) == 2
    assert [(project.path / path).exists() for path in (old, new, again, asked, orphan)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    found = rows_in(database)
    assert len(found) == 5
    assert [one["input_path"] is None for one in found] == [True, False, False, False, False]
    assert [one["embedding"] is None for one in found] == [True, False, True, False, True]
    assert forget(database, project, LogRules(days=None), now=now) == 0


def test_the_oldest_copies_make_room(database: Database, project: Project) -> None:
    now = time.time()
    paths = [put(database, project, n, days_ago=n, now=now, size=100) for n in range(1, 6)]
    assert forget(database, project, LogRules(days=None, most_bytes=250), now=now) == 3
    assert [(project.path / path).exists() for path in paths] == [True, True, False, False, False]


@pytest.mark.parametrize("how", [{"rows": 1.5}, {"inputs": -0.1}, {"days": 0.0}, {"most_waiting": 0}])
def test_rules_that_make_no_sense(how: dict) -> None:
    with pytest.raises(ValuesError):
        LogRules(**how)
