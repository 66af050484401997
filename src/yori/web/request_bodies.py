"""What a request to `yori.web.serve` may carry, and how it is described in OpenAPI."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from yori.errors import ShapeError, ValuesError
from yori.flywheel.group_names import LONGEST, check_group, check_groups
from yori.store import open_npy

MOST_FILES = 1000
MOST_JSON_BYTES = 32 * 2**20
LONGEST_NAME = 500

_NUMBERS = {"type": "array", "items": {"type": "number"}}
_FILE = {"type": "string", "format": "binary"}
_RESULT = {
    "type": "object",
    "properties": {
        "source": {"type": "string", "nullable": True},
        "input_sha256": {"type": "string"},
        "start": {"type": "number", "nullable": True, "description": "Of the window, in seconds; null: all of it."},
        "duration": {"type": "number", "nullable": True},
        "label": {"type": "string", "description": "The likeliest, also where it abstained."},
        "confidence": {"type": "number"},
        "abstained": {"type": "boolean"},
        "probs": {**_NUMBERS, "description": "Calibrated, in the order of classes."},
        "error": {"type": "string", "description": "Alone with source: why this file was not answered."},
    },
}
_ANSWERED = {
    "200": {
        "description": "Answers, in the order of what was sent; several for a long recording.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "release_id": {"type": "string"},
                        "classes": {"type": "array", "items": {"type": "string"}},
                        "results": {"type": "array", "items": _RESULT},
                    },
                }
            }
        },
    },
    "422": {
        "description": "Nothing in it can be answered.",
        "content": {"application/json": {"schema": {"type": "object", "properties": {"error": {"type": "string"}}}}},
    },
}
_GROUPS = {"type": "array", "items": {"type": "string", "maxLength": LONGEST}}
_FORM = {
    "type": "object",
    "properties": {
        "file": {"type": "array", "items": _FILE},
        "group": {
            **_GROUPS,
            "description": "What the files belong to, such as a passage: once for all, or once for each; empty: unknown.",
        },
    },
    "required": ["file"],
}
_VECTORS = {
    "type": "object",
    "properties": {
        "embeddings": {"type": "array", "items": _NUMBERS},
        "sources": {"type": "array", "items": {"type": "string"}},
        "groups": {
            "type": "array",
            "items": {"type": "string", "maxLength": LONGEST, "nullable": True},
            "description": "What each belongs to, such as a passage.",
        },
    },
    "required": ["embeddings"],
}


def _described(**content: Any) -> dict[str, Any]:
    kinds = {kind: {"schema": schema} for kind, schema in content["content"].items()}
    return {"requestBody": {"required": True, "content": kinds}, "responses": _ANSWERED}


CLIPS = _described(content={"audio/*": _FILE, "multipart/form-data": _FORM})
EMBEDDINGS = _described(content={"application/json": _VECTORS, "application/octet-stream": _FILE})
"""Parts of the description of OpenAPI that follow from no signature."""


@dataclass(frozen=True)
class SentFile:
    """A file of a request, the sender's name of it, and of the group it belongs to."""

    name: str | None
    content: bytes = field(repr=False)
    group: str | None = None


@dataclass(frozen=True)
class SentVectors:
    """Embeddings of a request as they came, and the sender's names of each and of its group where there are any."""

    vectors: Any = field(repr=False)
    sources: list[str | None] | None = None
    groups: list[str | None] | None = None


async def read_files(request: Request, source: str | None, group: str | None = None) -> list[SentFile]:
    """Every file of a request. ``source`` names the file that is the body, ``group`` is of all files.

    Raises
    ------
    ValuesError
        If there is no file, a field that means nothing, or a group that cannot be kept or is said twice.
    """
    group = check_group(group)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        content = await request.body()
        if not content:
            raise ValuesError("a sound file as the body", "nothing", where="clip")
        return [SentFile(source, content, group)]
    form = await request.form(max_files=MOST_FILES, max_fields=MOST_FILES)
    try:
        uploads = [upload for _, upload in form.multi_items() if isinstance(upload, UploadFile)]
        if not uploads:
            raise ValuesError("at least one file", "none", where="multipart/form-data", fix="Name the field: file.")
        fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        groups = _form_groups(fields, group, len(uploads))
        return [
            SentFile((upload.filename or "")[:LONGEST_NAME] or None, await upload.read(), name)
            for upload, name in zip(uploads, groups, strict=True)
        ]
    finally:
        await form.close()


def _form_groups(fields: list[tuple[str, str]], group: str | None, files: int) -> list[str | None]:
    """The group of each file: the one of the query, or those of the form."""
    for name, _ in fields:
        if name != "group":
            raise ValuesError("files and the field group", f"the field {name[:40]!r}", where="multipart/form-data")
    said: list[str | None] = [value for _, value in fields]
    if said and group is not None:
        raise ValuesError("groups in the query or in the form", "both", where="group")
    if len(said) <= 1:
        said = (said or [group]) * files
    return check_groups(said, files, where="group")


def read_vectors(body: bytes, kind: str) -> SentVectors:
    """Embeddings, their sources and their groups out of JSON, or embeddings alone out of a ``.npy`` file."""
    if kind in ("application/octet-stream", "application/x-npy"):
        with tempfile.NamedTemporaryFile(prefix="yori-npy-") as file:
            file.write(body)
            file.flush()
            return SentVectors(open_npy(Path(file.name)).copy())
    if len(body) > MOST_JSON_BYTES:
        raise ValuesError(
            f"at most {MOST_JSON_BYTES} bytes of JSON", str(len(body)), where="body", fix="Send a .npy file."
        )
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValuesError("JSON, or a .npy file as application/octet-stream", str(error)[:200], where="body") from None
    if not isinstance(content, dict) or not isinstance(content.get("embeddings"), list):
        raise ShapeError('JSON such as {"embeddings": [[0.1, …], …]}', "something else", where="body")
    sources = content.get("sources")
    if sources is not None and not (isinstance(sources, list) and all(isinstance(s, str) for s in sources)):
        raise ShapeError("sources as a list of text", "something else", where="body")
    groups = content.get("groups")
    if groups is not None and not (isinstance(groups, list) and all(g is None or isinstance(g, str) for g in groups)):
        raise ShapeError("groups as a list of text or null", "something else", where="body")
    names = None if sources is None else [name[:LONGEST_NAME] for name in sources]
    return SentVectors(content["embeddings"], names, groups)
