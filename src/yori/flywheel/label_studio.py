"""The words of Label Studio: tasks with predictions, the labeling configuration, and annotations read back.

Everything a task needs to find home travels in its ``data``, which Label Studio returns unchanged: ``yori_item``,
``yori_project`` and ``yori_version``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from yori.errors import AlignmentError, SourceError, ValuesError
from yori.flywheel.answer_check import LABELS_APART
from yori.flywheel.given_answers import GivenAnswer
from yori.flywheel.people import check_person
from yori.store.tables import some_ids
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


def read_annotations(exported: Any, *, project: str, where: str) -> list[GivenAnswer]:
    """Answers out of an export, in the format JSON or JSON_MIN.

    A cancelled annotation is a skip; one without a choice says nothing and is left out. Regions, spans and other results
    that our configuration does not ask for are left out, too. In an export the predictions are ids only, and are not read.

    Parameters
    ----------
    exported
        What the JSON file holds: a list of tasks, or of flat rows.
    project
        What `project_key` gives for this project.
    where
        Name of the file, for errors.

    Raises
    ------
    SourceError
        If it is no export of Label Studio.
    AlignmentError
        If the tasks are not those that yori pushed from this project.
    """
    if not isinstance(exported, list) or not all(isinstance(one, dict) for one in exported):
        fix = "Export as JSON or JSON-MIN."
        raise SourceError("a list of tasks as Label Studio exports it", "something else", where=where, fix=fix)
    rows = [one.get("data", one) for one in exported]
    if not all(isinstance(row, dict) for row in rows):
        raise SourceError("tasks with data", "a task without", where=where)
    strangers = [str(one.get("id", place)) for place, (one, row) in enumerate(zip(exported, rows, strict=True))
                 if not isinstance(row.get("yori_item"), str) or row.get("yori_project") != project]  # fmt: skip
    if strangers:
        known = sum(isinstance(row.get("yori_item"), str) for row in rows)
        arrived = "tasks of another yori project" if known else "tasks that yori did not push"
        fix = "Choose the export of the project that `yori labelstudio push` filled."
        raise AlignmentError("tasks of this project", f"{arrived}: {some_ids(strangers)}", where=where, fix=fix)
    answers = []
    for one, row in zip(exported, rows, strict=True):
        flat = "annotations" not in one
        for annotation in [one] if flat else _list(one["annotations"], where):
            found = _flat(annotation) if flat else _results(annotation, where)
            answer = _answer(row, annotation, found, where)
            if answer is not None:
                answers.append(answer)
    return answers


def _answer(
    row: Mapping[str, Any], annotation: Mapping[str, Any], found: Mapping[str, list[str]], where: str
) -> GivenAnswer | None:
    verdict, label = _said(annotation, found, where)
    if verdict is None:
        return None
    number = annotation.get("annotation_id", annotation.get("id"))
    note = "\n".join(found.get(NOTE, []))[:2000]
    seconds = annotation.get("lead_time")
    return GivenAnswer(
        item_id=row["yori_item"],
        person=_person(annotation.get("completed_by", annotation.get("annotator"))),
        verdict=verdict,
        label=label,
        note=note or None,
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        suggestion_shown=bool(row.get("yori_suggestion")),
        key=f"{number} {annotation.get('updated_at') or annotation.get('created_at')}",
    )


def _said(annotation: Mapping[str, Any], found: Mapping[str, list[str]], where: str) -> tuple[str | None, str | None]:
    if annotation.get("was_cancelled"):
        return "skip", None
    if found.get(VERDICT):
        verdict = found[VERDICT][0]
        shown = {sentence: name for name, (sentence, _) in VERDICTS_SHOWN.items()}
        verdict = shown.get(verdict, verdict)
        if verdict not in VERDICTS_SHOWN:
            expected = f"a verdict out of {', '.join(VERDICTS_SHOWN)}"
            raise SourceError(expected, repr(verdict[:80]), where=where, fix="Was the configuration changed?")
        return verdict, None
    labels = found.get(LABEL)
    return ("relabel", LABELS_APART.join(labels)) if labels else (None, None)


def _results(annotation: Any, where: str) -> dict[str, list[str]]:
    """Choices and texts of an annotation by the name of their control."""
    if not isinstance(annotation, dict):
        raise SourceError("an annotation", "something else", where=where)
    found: dict[str, list[str]] = {}
    for one in _list(annotation.get("result") or [], where):
        value = one.get("value") if isinstance(one, dict) else None
        if not isinstance(value, dict):
            raise SourceError("results with a value", "one without", where=where)
        kind = {"choices": "choices", "textarea": "text"}.get(str(one.get("type")))
        if kind is not None and one.get("from_name") in (LABEL, VERDICT, NOTE):
            found.setdefault(one["from_name"], []).extend(_texts(value.get(kind)))
    return found


def _flat(row: Mapping[str, Any]) -> dict[str, list[str]]:
    """The same out of JSON_MIN, where one choice is a text and several are a mapping."""
    found = {}
    for name in (LABEL, VERDICT, NOTE):
        value = row.get(name)
        found[name] = _texts(value.get("choices") if isinstance(value, dict) else value)
    return found


def _texts(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _list(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise SourceError("a list", type(value).__name__, where=where)
    return value


def _person(completed_by: Any) -> str:
    """A name for whoever annotated: the address if it is there, else the number."""
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    if isinstance(completed_by, str) and "@" in completed_by:
        return check_person(completed_by)
    return check_person(f"label studio {completed_by}" if completed_by is not None else "label studio")


def pushed_items(exported: Iterable[Mapping[str, Any]]) -> set[str]:
    """Items that a Label Studio project holds already."""
    return {str((one.get("data") or {}).get("yori_item")) for one in exported}
