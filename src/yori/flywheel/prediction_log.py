"""The prediction log: every answer with what it was about, written behind the back of whoever serves.

`PredictionLog.offer` never waits for a disk or a database. Rows wait in memory, up to a bound; a thread of its own writes
them in batches, again and again while the database is away. What does not fit is let go by the rules of
`yori.flywheel.log_rules` and counted, in memory and in the table ``sheds``. A row that was accepted is written at least once:
where a connection breaks in the middle of a commit nobody can know whether it arrived, and it is written again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from sqlalchemy import insert
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, StatementError

from yori.errors import YoriError
from yori.flywheel.database import Database
from yori.flywheel.group_names import hidden_group
from yori.flywheel.kept_inputs import copy_path, forget, keep_copies
from yori.flywheel.log_rules import BUSY, CLOSED, FULL, NO_ROOM, NOT_WRITTEN, REFUSED, SAMPLED_OUT, LogRules, falls_into
from yori.flywheel.schema import PREDICTIONS, SHEDS
from yori.store import Project, sha256_bytes

BATCH = 1000
GATHER_SECONDS = 0.1
"""How long rows are gathered before they are written: a commit waits for the disk, however few rows it has."""
LONGEST_PAUSE = 5.0
FORGET_SECONDS = 3600.0


@dataclass(frozen=True)
class Logged:
    """One answer. ``content``: the bytes that arrived, for a copy; None where there is nothing to copy."""

    release_id: str
    kind: str
    input_sha256: str
    label: str
    confidence: float
    abstained: bool
    latency_ms: float
    probs: Float[np.ndarray, " c"]
    embedding: Float[np.ndarray, " d"] | None = None
    content: bytes | None = field(default=None, repr=False)
    extension: str = "bin"
    start: float | None = None
    duration: float | None = None
    source: str | None = None
    domain: str | None = None
    group: str | None = None
    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class LogCounts:
    """What has become of the rows so far; ``failing``: what the database last said, while it does not answer."""

    offered: int
    waiting: int
    written: int
    shed: Mapping[str, int]
    failing: str | None

    @property
    def rows_shed(self) -> int:
        """Rows (not only copies) that were let go."""
        return sum(count for rule, count in self.shed.items() if not rule.startswith("copy"))


class PredictionLog:
    """A bounded queue and the thread that empties it into the database.

    Parameters
    ----------
    database, project
        Where rows and copies go.
    rules
        What is kept; the defaults of `LogRules` if None.
    say
        Told when the database fails and when it is back.
    """

    def __init__(
        self,
        database: Database,
        project: Project,
        rules: LogRules | None = None,
        *,
        say: Callable[[str, Mapping[str, Any]], None] = lambda event, facts: None,
    ) -> None:
        self.database, self.project, self._say = database, project, say
        self.rules = rules or LogRules()
        self._waiting: deque[Logged] = deque()
        self._held: dict[str, int] = {}  # hash of a waiting copy → rows that wait with it
        self._bytes = 0
        self._lock = threading.Lock()
        self._rows = threading.Condition(self._lock)
        self._idle = threading.Condition(self._lock)
        self._writing = 0
        self._offered = self._written = 0
        self._shed: Counter[str] = Counter()
        self._shed_written: Counter[str] = Counter()
        self._failing: str | None = None
        self._closing = False
        self._deadline = float("inf")
        self._next_forget = 0.0
        self._thread = threading.Thread(target=self._run, name="prediction log", daemon=True)
        self._thread.start()

    def offer(self, rows: Iterable[Logged]) -> int:
        """Take rows for writing, without waiting for anything; returns how many were let go."""
        with self._lock:
            before = sum(self._shed.values())
            for row in rows:
                self._offered += 1
                rule = self._refusal(row)
                if rule is not None:
                    self._shed[rule] += 1
                    continue
                row = self._trimmed(row)
                self._waiting.append(row)
                self._hold(row, 1)
            self._rows.notify()
            return sum(self._shed.values()) - before

    def counts(self) -> LogCounts:
        """What has become of the rows so far."""
        with self._lock:
            waiting = len(self._waiting) + self._writing
            return LogCounts(self._offered, waiting, self._written, dict(self._shed), self._failing)

    def flush(self, timeout: float) -> bool:
        """Wait until nothing waits; False if that took longer than ``timeout`` seconds."""
        with self._lock:
            return self._idle.wait_for(lambda: not self._waiting and not self._writing, timeout)

    def close(self, timeout: float) -> bool:
        """Write what waits and stop. After ``timeout`` seconds what is left is let go and counted; False then."""
        with self._lock:
            self._closing, self._deadline = True, time.monotonic() + timeout
            self._rows.notify_all()
        self._thread.join(timeout + 1)
        with self._lock:
            left = len(self._waiting) + self._writing
            self._waiting.clear()
            self._writing = 0
            if left:
                self._shed[CLOSED] += left
            return left == 0

    # -- what is taken ----------------------------------------------------------------------------------------------

    def _refusal(self, row: Logged) -> str | None:
        waiting = len(self._waiting) + self._writing
        if self._closing or waiting >= self.rules.most_waiting:
            return FULL
        if row.abstained:
            return None
        if not falls_into(self.rules.rows, row.input_sha256):
            return SAMPLED_OUT
        return BUSY if waiting >= self.rules.busy else None

    def _trimmed(self, row: Logged) -> Logged:
        """The row without what the rules do not keep."""
        rules = self.rules
        changes: dict[str, Any] = {}
        if not (row.abstained or falls_into(rules.embeddings, row.input_sha256)):
            changes["embedding"] = None
        if row.content is not None:
            if rules.private or not (row.abstained or falls_into(rules.inputs, row.input_sha256)):
                changes["content"] = None
            elif row.input_sha256 not in self._held and self._bytes + len(row.content) > rules.most_waiting_bytes:
                changes["content"] = None
                self._shed[NO_ROOM] += 1
        if rules.private:
            seen = row.probs if row.embedding is None else row.embedding
            group = None if row.group is None else hidden_group(row.group)
            changes |= {"source": None, "group": group, "input_sha256": sha256_bytes(_bytes(seen))}
        return dataclasses.replace(row, **changes) if changes else row

    def _hold(self, row: Logged, change: int) -> None:
        """Count the bytes of a copy once, however many windows of it wait."""
        if row.content is None:
            return
        before = self._held.get(row.input_sha256, 0)
        if before + change:
            self._held[row.input_sha256] = before + change
        else:
            del self._held[row.input_sha256]
        if not before or not before + change:
            self._bytes += change * len(row.content)

    # -- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            batch, sheds = self._next()
            if batch is None:
                return
            if (batch or sheds) and not self._persist(batch, sheds):
                return
            self._forget_sometimes()

    def _next(self) -> tuple[list[Logged] | None, Counter[str]]:
        with self._lock:
            self._rows.wait_for(
                lambda: self._waiting or self._closing or self._shed != self._shed_written, FORGET_SECONDS
            )
            if len(self._waiting) < BATCH and not self._closing:
                self._rows.wait_for(lambda: len(self._waiting) >= BATCH or self._closing, GATHER_SECONDS)
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            for row in batch:
                self._hold(row, -1)
            self._writing = len(batch)
            sheds = self._shed - self._shed_written
            over = self._closing and not batch and not sheds
            return (None if over else batch), sheds

    def _persist(self, batch: Sequence[Logged], sheds: Counter[str]) -> bool:
        """Write a batch, however long the database is away; False if the log was closed meanwhile."""
        pause = 0.1
        copies = {copy_path(row.input_sha256, row.extension): row.content for row in batch if row.content is not None}
        failed = keep_copies(self.project, copies)
        if failed:
            sheds = sheds + Counter({NOT_WRITTEN: len(failed)})
        rows = [_values(row, failed) for row in batch]
        while True:
            try:
                with self.database.begin() as connection:
                    if rows:
                        connection.execute(insert(PREDICTIONS), rows)
                    if sheds:
                        now = time.time()
                        told = [{"at": now, "rule": rule, "count": count} for rule, count in sheds.items()]
                        connection.execute(insert(SHEDS), told)
            except YoriError as error:
                if rows and _is_fault_of_rows(error):
                    rows = self._usable(rows, sheds)
                    continue
                self._note(str(error))
                with self._lock:
                    if self._closing and time.monotonic() + pause > self._deadline:
                        return False
                    self._rows.wait_for(lambda: self._closing, pause)
                if self._closing:
                    time.sleep(0.05)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            self._note(None)
            with self._lock:
                self._written += len(rows)
                self._writing = 0
                if failed:
                    self._shed[NOT_WRITTEN] += len(failed)
                self._shed_written += sheds
                self._idle.notify_all()
            return True

    def _usable(self, rows: Sequence[dict[str, Any]], sheds: Counter[str]) -> list[dict[str, Any]]:
        """The rows that the database takes, each tried alone; the others are let go and counted in ``sheds``."""
        usable = []
        for row in rows:
            try:
                with self.database.begin() as connection, connection.begin_nested() as trial:
                    connection.execute(insert(PREDICTIONS), [row])
                    trial.rollback()
            except YoriError as error:
                if _is_fault_of_rows(error):
                    sheds[REFUSED] += 1
                    with self._lock:
                        self._shed[REFUSED] += 1
                    continue
            usable.append(row)
        return usable

    def _note(self, failing: str | None) -> None:
        with self._lock:
            before, self._failing = self._failing, failing
        if failing is not None and before is None:
            self._say("log waits for the database", {"error": failing})
        elif failing is None and before is not None:
            self._say("log writes again", {})

    def _forget_sometimes(self) -> None:
        if time.monotonic() >= self._next_forget and not self._closing:
            self._next_forget = time.monotonic() + FORGET_SECONDS
            with contextlib.suppress(YoriError, OSError):  # next time
                forget(self.database, self.project, self.rules)


def _bytes(values: Float[np.ndarray, " n"]) -> bytes:
    return np.ascontiguousarray(values, dtype="<f4").tobytes()


def _text(value: str | None) -> str | None:
    """Text that every database can store: no NUL, no half of a character."""
    return (
        None if value is None else value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
    )


def _is_fault_of_rows(error: YoriError) -> bool:
    """Whether a database that answers does not want a row: trying again would be in vain, and for ever."""
    cause = error.__cause__
    if isinstance(cause, DBAPIError):
        return isinstance(cause, DataError | IntegrityError | ProgrammingError)
    return isinstance(cause, StatementError)


def _values(row: Logged, failed: set[str]) -> dict[str, Any]:
    path = copy_path(row.input_sha256, row.extension) if row.content is not None else None
    return {
        "at": row.at,
        "release_id": row.release_id,
        "kind": row.kind,
        "input_sha256": row.input_sha256,
        "input_path": None if path in failed else path,
        "start": row.start,
        "duration": row.duration,
        "source": _text(row.source),
        "domain": _text(row.domain),
        "label": row.label,
        "confidence": float(row.confidence),
        "abstained": bool(row.abstained),
        "latency_ms": row.latency_ms,
        "probs": _bytes(row.probs),
        "embedding": None if row.embedding is None else _bytes(row.embedding),
        "group_name": _text(row.group),
    }
