"""Inputs from the log that people have labelled become examples: rows, and where there is no clip, embeddings.

An example gets the group that its input was said to be of when that was said first. A name that the project holds already is
that very group: what is logged of an imported passage joins it. Where nothing was said the input is a group of its own.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float32
from sqlalchemy import select

from yori.backbones.given import GIVEN, given_parts
from yori.flywheel.database import Database
from yori.flywheel.group_names import hidden_group
from yori.flywheel.kept_inputs import copy_of
from yori.flywheel.schema import PREDICTIONS
from yori.store import Project, content_key
from yori.store.media import MEDIA_SOURCE

_AT_ONCE = 500


@dataclass(frozen=True)
class LoggedInput:
    """One logged input that an item asked about."""

    prediction_id: int
    sha256: str
    media: str | None
    start: float | None
    duration: float | None
    source: str | None
    domain: str | None
    at: float
    embedding: Float32[np.ndarray, " d"] | None

    @property
    def example_id(self) -> str:
        """The id its example gets: the same input is the same example, whenever and however often it was heard."""
        window = "" if self.start is None else f"@{self.start:g}"
        return f"{self.own_group}{window}"

    @property
    def own_group(self) -> str:
        """The group of all its windows where the log knows no other."""
        return f"log-{self.sha256[:24]}"


def read_logged(database: Database, prediction_ids: Sequence[int]) -> dict[int, LoggedInput]:
    """Logged inputs by prediction id; those that retention has removed are missing."""
    found: dict[int, LoggedInput] = {}
    c = PREDICTIONS.c
    columns = (
        c.prediction_id,
        c.input_sha256,
        c.input_path,
        c.start,
        c.duration,
        c.source,
        c.domain,
        c.at,
        c.embedding,
    )
    wanted = sorted(set(prediction_ids))
    with database.connect() as connection:
        for first in range(0, len(wanted), _AT_ONCE):
            chosen = c.prediction_id.in_(wanted[first : first + _AT_ONCE])
            for row in connection.execute(select(*columns).where(chosen)).all():
                vector = None if row[8] is None else np.frombuffer(row[8], dtype="<f4")
                found[row[0]] = LoggedInput(*row[:8], vector)
    return found


def usable(logged: LoggedInput, *, audio: bool) -> bool:
    """Whether an example can be made of it: a clip that was kept, or an embedding where the project has no clips."""
    return logged.media is not None if audio else logged.embedding is not None


def keep_media(project: Project, inputs: Sequence[LoggedInput]) -> dict[int, str]:
    """Copy the clips of new examples to where the data versions keep theirs; uri by prediction id.

    A copy that retention removes at this very moment is missing in the answer.
    """
    found: dict[int, str] = {}
    for each in inputs:
        if each.media is None:
            continue
        path = copy_of(project, each.media)
        try:
            content = path.read_bytes()
        except OSError:
            continue
        found[each.prediction_id] = project.add_media(content, path.suffix)
    return found


def groups_of(project: Project, database: Database, inputs: Sequence[LoggedInput]) -> dict[str, str]:
    """Group of every input, by its hash: one for all its windows, because no split may cut them apart.

    If callers said different things about the same input, the first one counts, and before it what the project holds.
    A hash in place of a name (`hidden_group`) is turned back if the project holds an example with that name.
    """
    found: dict[str, str] = {}
    wanted = sorted({each.sha256 for each in inputs})
    c = PREDICTIONS.c
    with database.connect() as connection:
        for first in range(0, len(wanted), _AT_ONCE):
            told = c.input_sha256.in_(wanted[first : first + _AT_ONCE]) & c.group_name.is_not(None)
            query = select(c.input_sha256, c.group_name).where(told).order_by(c.prediction_id)
            for digest, name in connection.execute(query):
                found.setdefault(digest, name)
    examples = project.examples(columns=["sha256", "group"])
    names = set(examples["group"].to_pylist()) - {None} if found else set()
    shown = {hidden_group(name): name for name in names}
    groups = {each.sha256: each.own_group for each in inputs}
    groups |= {digest: shown.get(name, name) for digest, name in found.items()}
    for row in reversed(examples.drop_null().to_pylist()):  # the first one stays
        if row["sha256"] in groups:
            groups[row["sha256"]] = row["group"]
    return groups


def rows_of(inputs: Sequence[LoggedInput], media: Mapping[int, str], groups: Mapping[str, str]) -> pa.Table:
    """Rows without labels; the label comes as a patch that says who gave it.

    Parameters
    ----------
    media
        What `keep_media` returned; empty for a project without clips.
    groups
        What `groups_of` returned.
    """
    uris = [media.get(each.prediction_id) for each in inputs]
    return pa.table(
        {
            "example_id": [each.example_id for each in inputs],
            "uri": pa.array(uris, pa.string()),
            "source": pa.array([None if uri is None else MEDIA_SOURCE for uri in uris], pa.string()),
            "start": pa.array([each.start for each in inputs], pa.float64()),
            "duration": pa.array([each.duration for each in inputs], pa.float64()),
            "label": pa.array([None for _ in inputs], pa.string()),
            "domain": pa.array([each.domain for each in inputs], pa.string()),
            "group": [groups[each.sha256] for each in inputs],
            "time": [
                datetime.datetime.fromtimestamp(each.at, datetime.UTC).isoformat(timespec="seconds") for each in inputs
            ],
            "sha256": [each.sha256 for each in inputs],
        }
    )


def write_vectors(project: Project, inputs: Sequence[LoggedInput]) -> None:
    """Store the embeddings of new examples of a project that has no clips, as an import would."""
    vectors = {each.example_id: each.embedding for each in inputs if each.embedding is not None}
    known = {str(one) for part in given_parts(project) for one in part.ids.to_pylist()}
    ids = sorted(set(vectors) - known)
    if not ids:
        return
    array = np.stack([vectors[one] for one in ids]).astype(np.float32)
    key = f"{GIVEN}-{content_key(ids=ids, vectors=array)[:32]}"
    project.write_embeddings(key, lambda start: iter([array[start:]]), ids, {"backbone": GIVEN, "file": "log"})
