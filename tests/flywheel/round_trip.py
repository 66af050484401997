"""Seven questions, and what two people do with them in Label Studio: what the live test does, and what was recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.flywheel.real_label_studio import Account, choice, note

from yori.flywheel.database import Database
from yori.flywheel.queue import Item, add_items
from yori.store import Project, write_wav

RATE = 8000

AFTER_ALL = [
    ("item0", 1, "accept", "horn", "far away\n두 번째 줄"),
    ("item1", 1, "relabel", "whistle", None),
    ("item1", 2, "relabel", "bell", None),
    ("item2", 1, "skip", None, None),
    ("item2", 2, "relabel", "bell", 'a "quoted", comma\ttab'),
    ("item3", 1, "unsure", None, '["like a list"]'),
    ("item4", 2, "drop", None, None),
    ("item5", 1, "relabel", "whistle", None),
]
"""Item, number of the person, verdict, label and note of every answer in force once `play` has been pulled."""


def ask(project: Project, database: Database) -> None:
    """Seven items of half a second, out of one file of four seconds."""
    write_wav(project.path / "clips" / "horn" / "long.wav", np.random.default_rng(0).normal(0, 0.1, 4 * RATE), RATE)
    common: dict[str, Any] = {
        **{"turn": 1, "kind": "audio", "share": "secret-share", "gold": "secret-gold", "suggested": "horn"},
        **{"media": "clips/horn/long.wav", "duration": 0.5, "confidence": 0.41},
        "reasons": [{"kind": "uncertain", "text": "confidence 0.41"}],
    }
    add_items(
        database,
        [
            Item(item_id=f"item{number}", priority=1 - number / 10, start=number / 2, **common)
            for number in range(7)
        ],
    )  # fmt: skip


def tasks_of(account: Account, number: int) -> dict[str, dict[str, Any]]:
    """The tasks of a Label Studio project by the item they ask about."""
    tasks = account.ask("GET", f"/api/projects/{number}/export?exportType=JSON&download_all_tasks=true")
    return {one["data"]["yori_item"]: one for one in tasks}


def play(ann: Account, eun: Account, number: int) -> None:
    """Accept, relabel twice, skip, change, remove, say it twice, and leave drafts and empty submissions."""
    tasks = {item: one["id"] for item, one in tasks_of(ann, number).items()}
    suggested = tasks_of(ann, number)["item0"]["predictions"][0]
    said = choice("label", "horn", origin="prediction")
    ann.annotate(tasks["item0"], [said, note("far away", "두 번째 줄")], parent_prediction=suggested)
    ann.annotate(tasks["item1"], [choice("label", "whistle")])
    eun.annotate(tasks["item1"], [choice("label", "bell", id="k3Jd8sQx1b", origin="manual")])
    ann.annotate(tasks["item2"], [], skip=True)
    eun.annotate(tasks["item2"], [choice("label", "bell"), note('a "quoted", comma\ttab')])
    changed = ann.annotate(tasks["item3"], [choice("label", "bell")])
    ann.ask("PATCH", f"/api/annotations/{changed}/", {"result": [choice("verdict", "unsure"), note('["like a list"]')]})
    eun.annotate(tasks["item4"], [choice("verdict", "drop")])
    removed = ann.annotate(tasks["item4"], [choice("label", "horn")])
    ann.ask("DELETE", f"/api/annotations/{removed}/")
    ann.annotate(tasks["item5"], [choice("label", "horn")])
    ann.annotate(tasks["item5"], [choice("label", "whistle")])
    eun.annotate(tasks["item6"], [])
    ann.ask("POST", f"/api/tasks/{tasks['item6']}/drafts", {"result": [choice("label", "horn")], "lead_time": 1.0})


def foreign(account: Account) -> int:
    """A project that yori knows nothing of, with regions and choices of its own; its number."""
    config = """<View><Audio name="audio" value="$sound"/><Labels name="other" toName="audio"><Label value="Speech"/></Labels>
    <Choices name="label" toName="audio"><Choice value="horn"/><Choice value="bell"/></Choices></View>"""
    number = int(account.ask("POST", "/api/projects/", {"title": "another", "label_config": config})["id"])
    account.ask("POST", f"/api/projects/{number}/import", [{"sound": "/data/upload/x.wav", "site": "north"}])
    (task,) = account.ask("GET", f"/api/projects/{number}/export?exportType=JSON&download_all_tasks=true")
    region = {"start": 0.1, "end": 0.4, "channel": 0, "labels": ["Speech"]}
    where = {"from_name": "other", "to_name": "audio", "type": "labels", "original_length": 1.0, "id": "wavesurfer_1"}
    account.annotate(task["id"], [{**where, "value": region}, {**choice("label", "horn"), "to_name": "audio"}])
    return number
