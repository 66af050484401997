"""The words of Label Studio: tasks with predictions, and the labeling configuration.

Everything a task needs to find home travels in its ``data``, which Label Studio returns unchanged: ``yori_item``,
``yori_project`` and ``yori_version``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

from yori.errors import ValuesError
from yori.flywheel.answer_check import LABELS_APART
from yori.task import Task

MEDIA_TAGS = {
    "audio": '<Audio name="media" value="$audio" spectrogram="true" hotkey="space"/>',
    "image": '<Image name="media" value="$image" zoom="true"/>',
    "text": '<Text name="media" value="$text"/>',
    "row": '<Table name="media" value="$fields"/>',
}
"""Kind of item → the tag that shows it."""

MEDIA_FIELDS = {"audio": "audio", "image": "image", "text": "text", "row": "fields"}
LABEL, VERDICT, NOTE = "label", "verdict", "note"
VERDICTS_SHOWN = {"unsure": ("cannot tell", "u"), "drop": ("drop from the data", "d")}
"""Verdicts beside the labels: what is shown, and its key."""


def labeling_config(task: Task, kind: str) -> str:
    """The XML that a Label Studio project for items of one kind needs; digits are the keys of the first classes.

    Raises
    ------
    ValuesError
        If the kind is unknown, or a class begins with ``$``, which means a field of the task there.

    Examples
    --------
    >>> from yori.task import parse_task
    >>> task = parse_task("name: t\\nclasses: [{name: bell, means: 'Rings & fades.'}, horn]")
    >>> print(labeling_config(task, "text"))
    <View>
      <Header value="t"/>
      <Text name="media" value="$text"/>
      <Choices name="label" toName="media" choice="single" showInline="true">
        <Choice value="bell" hotkey="1" hint="Rings &amp; fades."/>
        <Choice value="horn" hotkey="2"/>
      </Choices>
      <Choices name="verdict" toName="media" choice="single" showInline="true">
        <Choice value="cannot tell" alias="unsure" hotkey="u"/>
        <Choice value="drop from the data" alias="drop" hotkey="d"/>
      </Choices>
      <TextArea name="note" toName="media" rows="2" placeholder="note" editable="true"/>
    </View>
    """
    if kind not in MEDIA_TAGS:
        raise ValuesError(f"a kind out of {', '.join(MEDIA_TAGS)}", repr(kind), where="labelstudio")
    choices = []
    for place, one in enumerate(task.classes):
        if one.name.startswith("$"):
            raise ValuesError("a class that does not begin with $", repr(one.name), where="labelstudio")
        key = f' hotkey="{(place + 1) % 10}"' if place < 10 else ""
        hint = f" hint={quoteattr(one.means)}" if one.means else ""
        choices.append(f"    <Choice value={quoteattr(one.name)}{key}{hint}/>")
    several = "multiple" if task.labels == "multiple" else "single"
    verdicts = [
        f'    <Choice value="{shown}" alias="{name}" hotkey="{key}"/>' for name, (shown, key) in VERDICTS_SHOWN.items()
    ]
    lines = [
        "<View>",
        f"  <Header value={quoteattr(task.name)}/>",
        f"  {MEDIA_TAGS[kind]}",
        f'  <Choices name="{LABEL}" toName="media" choice="{several}" showInline="true">',
        *choices,
        "  </Choices>",
        f'  <Choices name="{VERDICT}" toName="media" choice="single" showInline="true">',
        *verdicts,
        "  </Choices>",
        f'  <TextArea name="{NOTE}" toName="media" rows="2" placeholder="note" editable="true"/>',
        "</View>",
    ]
    return "\n".join(lines)


def task_of(
    item: Mapping[str, Any], media: Any, *, project: str, version: int, suggestions: bool, model: str = "yori"
) -> dict[str, Any]:
    """One task of Label Studio.

    Parameters
    ----------
    item
        Row of the item. Its gold answer and its share do not travel.
    media
        Address of the file, the text, or the fields of a row.
    project, version
        What `project_key` gives, and the data version the item was asked about.
    suggestions
        Whether the suggestion travels as a prediction.
    """
    data: dict[str, Any] = {
        MEDIA_FIELDS[item["kind"]]: media,
        "yori_item": item["item_id"],
        "yori_project": project,
        "yori_version": version,
        "yori_suggestion": bool(suggestions and item["suggested"] is not None),
    }
    if suggestions:
        data["why"] = "; ".join(str(one.get("text", "")) for one in item["reasons"])
    task: dict[str, Any] = {"data": data, "predictions": []}
    if data["yori_suggestion"]:
        choice = {
            "id": hashlib.sha256(f"{item['item_id']} suggestion".encode()).hexdigest()[:10],
            **{"from_name": LABEL, "to_name": "media", "type": "choices"},
            "value": {"choices": item["suggested"].split(LABELS_APART)},
        }
        prediction: dict[str, Any] = {"model_version": model, "result": [choice]}
        if item["confidence"] is not None:
            prediction["score"] = item["confidence"]
        task["predictions"].append(prediction)
    return task


def pushed_items(exported: Iterable[Mapping[str, Any]]) -> set[str]:
    """Items that a Label Studio project holds already."""
    return {str((one.get("data") or {}).get("yori_item")) for one in exported}
