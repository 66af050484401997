"""A real Label Studio, where one runs: set ``YORI_LABEL_STUDIO`` to its URL and ``LABEL_STUDIO_API_KEY`` to a token."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from yori.flywheel.database import Database
from yori.flywheel.label_studio_api import LabelStudio
from yori.flywheel.label_studio_exchange import project_key, pull, push
from yori.flywheel.queue import Item, add_items, open_answers
from yori.store import Project, write_wav

URL = os.environ.get("YORI_LABEL_STUDIO", "")
pytestmark = pytest.mark.skipif(not URL, reason="no Label Studio: set YORI_LABEL_STUDIO to the URL of one")


def test_a_round_trip_through_label_studio(project: Project, database: Database) -> None:
    write_wav(project.path / "a.wav", np.zeros(8000), 8000)
    common: dict[str, Any] = {"turn": 1, "kind": "audio", "share": "x", "media": "a.wav", "suggested": "horn"}
    add_items(database, [Item(item_id=name, priority=1.0, confidence=0.4, **common) for name in ("a", "b")])
    studio = LabelStudio(URL)
    first = push(project, database, studio=studio)
    assert first.project is not None
    again = push(project, database, studio=studio, studio_project=first.project)
    assert (first.pushed, again.pushed, again.there) == (2, 0, 2)
    tasks = {one["data"]["yori_item"]: one for one in studio.export(first.project)}
    assert {one["data"]["yori_project"] for one in tasks.values()} == {project_key(project)}
    result = [{"from_name": "label", "to_name": "media", "type": "choices", "value": {"choices": ["whistle"]}}]
    studio._ask(f"/api/tasks/{tasks['a']['id']}/annotations/", {"result": result, "lead_time": 1.5})
    assert pull(project, database, studio=studio, studio_project=first.project).added == 1
    (row,) = open_answers(database).to_pylist()
    assert (row["item_id"], row["verdict"], row["label"], row["seconds"]) == ("a", "relabel", "whistle", 1.5)
