"""The log of a release as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Shaped
from sqlalchemy import func, select

from yori.errors import CorruptError
from yori.flywheel.answer_check import LABELS_APART
from yori.flywheel.database import Database
from yori.flywheel.released_model import LABEL_SEPARATOR, Release
from yori.flywheel.schema import PREDICTIONS
from yori.splits import merge_groups

_SCALARS = (
    "prediction_id", "at", "kind", "input_sha256", "input_path", "start", "duration", "source", "domain", "label",
    "confidence", "abstained", "latency_ms", "group_name",
)  # fmt: skip


@dataclass(frozen=True)
class Logged:
    """Logged predictions of one release, in the order they were logged.

    Attributes
    ----------
    columns
        Every scalar column of the table ``predictions``, by name, ``(n,)`` each.
    probs
        ``(n, c)`` calibrated.
    embeddings
        ``(k, d)`` of the rows in ``embedded``, ``(n,)`` True where an embedding was kept.
    """

    columns: dict[str, Shaped[np.ndarray, " n"]]
    probs: Float32[np.ndarray, "n c"]
    embeddings: Float32[np.ndarray, "k d"]
    embedded: Bool[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.probs)

    def __getitem__(self, name: str) -> Shaped[np.ndarray, " n"]:
        return self.columns[name]

    @property
    def groups(self) -> Int[np.ndarray, " n"]:
        """Windows of one input belong together, and inputs that callers said to be of one group; ``(n,)``."""
        return merge_groups(self["input_sha256"], self["group_name"])

    def take(self, rows: Int[np.ndarray, " k"] | Bool[np.ndarray, " n"]) -> Logged:
        """Some of the rows."""
        chosen = np.arange(len(self))[rows]
        place = np.cumsum(self.embedded) - 1
        return Logged(
            {name: array[chosen] for name, array in self.columns.items()},
            self.probs[chosen],
            self.embeddings[place[chosen[self.embedded[chosen]]]],
            self.embedded[chosen],
        )

    def judged(self, release: Release) -> Logged:
        """The rows with an embedding, as another release of the same backbone answers them."""
        rows = self.take(self.embedded)
        said = release.decide(rows.embeddings)
        answers = {"label": said.labels, "confidence": said.confidence, "abstained": said.abstained}
        return Logged({**rows.columns, **answers}, said.probs.astype(np.float32), rows.embeddings, rows.embedded)


def count_logged(database: Database, release_id: str) -> int:
    """Predictions of a release in the log."""
    query = select(func.count()).select_from(PREDICTIONS).where(PREDICTIONS.c.release_id == release_id)
    with database.connect() as connection:
        return int(connection.execute(query).scalar_one())


def read_logged(
    database: Database,
    release_id: str | Sequence[str],
    *,
    classes: int,
    dimensions: int,
    since: float | None = None,
    after: int | None = None,
    limit: int,
    oldest: bool = False,
) -> Logged:
    """Read logged predictions of a release, or of several.

    Parameters
    ----------
    classes, dimensions
        Of the release; rows that hold other numbers are refused.
    since
        Seconds since 1970; rows logged before are left out.
    after
        Only rows with a larger ``prediction_id``.
    limit
        At most so many, the newest.
    oldest
        The oldest instead.

    Raises
    ------
    CorruptError
        If the probabilities or the embedding of a row are not those of the release.
    """
    table = PREDICTIONS.c
    columns = [table[name] for name in _SCALARS] + [table.probs, table.embedding]
    releases = [release_id] if isinstance(release_id, str) else list(release_id)
    query = select(*columns).where(table.release_id.in_(releases))
    if since is not None:
        query = query.where(table.at >= since)
    if after is not None:
        query = query.where(table.prediction_id > after)
    order = table.prediction_id.asc() if oldest else table.prediction_id.desc()
    with database.connect() as connection:
        rows = connection.execute(query.order_by(order).limit(limit)).all()
    return _arrays(rows if oldest else rows[::-1], classes, dimensions)


def read_confidence(
    database: Database, release_id: str, *, most: int
) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Ids and confidences of a release's whole log, oldest first, one for each input; evenly thinned to about ``most``."""
    stride = max(1, -(-count_logged(database, release_id) // most))
    table = PREDICTIONS.c
    query = select(table.prediction_id, table.input_sha256, table.confidence).where(table.release_id == release_id)
    if stride > 1:
        query = query.where(table.prediction_id % stride == 0)
    first: dict[str, tuple[int, float]] = {}
    with database.connect() as connection:
        for number, sha256, confidence in connection.execute(query.order_by(table.prediction_id)):
            first.setdefault(sha256, (int(number), float(confidence)))
    ids, confidences = zip(*first.values(), strict=True) if first else ((), ())
    return np.array(ids, dtype=np.int64), np.array(confidences, dtype=np.float64)


def _arrays(rows: Sequence[Any], classes: int, dimensions: int) -> Logged:
    columns: dict[str, Shaped[np.ndarray, " n"]] = {}
    kinds = {"prediction_id": np.int64, "at": float, "confidence": float, "latency_ms": float, "abstained": bool}
    for place, name in enumerate(_SCALARS):
        columns[name] = np.array([row[place] for row in rows], dtype=kinds.get(name, object))
    embedded = np.array([row[-1] is not None for row in rows], dtype=np.bool_)
    probs = _table([row[-2] for row in rows], classes, columns["prediction_id"], "probs")
    found = [row[-1] for row in rows if row[-1] is not None]
    return Logged(columns, probs, _table(found, dimensions, columns["prediction_id"][embedded], "embedding"), embedded)


def _table(cells: Sequence[bytes], width: int, ids: Int[np.ndarray, " n"], name: str) -> Float32[np.ndarray, "n w"]:
    for each, row in zip(ids, cells, strict=True):
        if len(row) != 4 * width:
            raise CorruptError(
                f"{width} numbers as {name}", f"{len(row) / 4:g}", where=f"prediction {each}",
                fix="Restore the database from a backup.",
            )  # fmt: skip
    array = np.frombuffer(b"".join(cells), dtype="<f4").reshape(len(cells), width).astype(np.float32)
    if not np.isfinite(array).all():
        bad = ids[~np.isfinite(array).all(axis=1)]
        raise CorruptError(f"finite numbers as {name}", "NaN or infinity", where=f"prediction {bad[0]}")
    return array


def labels_by_chance(answers: Any, rows: Logged) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Rows whose label people gave after they were picked by chance: positions, and whether the model was right (0 or 1).

    ``answers``: the table of `yori.flywheel.queue.open_answers` over all states. Where several people answered, the row
    counts by the share that agreed with the model.
    """
    place = {int(each): number for number, each in enumerate(rows["prediction_id"])}
    votes: dict[int, list[bool]] = {}
    picked = zip(
        answers["prediction_id"].to_pylist(), answers["share"].to_pylist(), answers["verdict"].to_pylist(),
        answers["label"].to_pylist(), strict=True,
    )  # fmt: skip
    for prediction, share, verdict, label in picked:
        if share == "random" and verdict in ("accept", "relabel") and prediction in place:
            said = set(str(rows["label"][place[prediction]]).split(LABEL_SEPARATOR))
            votes.setdefault(place[prediction], []).append(set(str(label).split(LABELS_APART)) == said)
    positions = np.array(sorted(votes), dtype=np.int64)
    return positions, np.array([np.mean(votes[each]) for each in positions.tolist()], dtype=np.float64)
