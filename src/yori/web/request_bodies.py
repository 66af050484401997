"""What a request to `yori.web.serve` may carry, and how it is described in OpenAPI."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from yori.errors import ShapeError, ValuesError
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
_FORM = {"type": "object", "properties": {"file": {"type": "array", "items": _FILE}}, "required": ["file"]}
_VECTORS = {
    "type": "object",
    "properties": {
        "embeddings": {"type": "array", "items": _NUMBERS},
        "sources": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["embeddings"],
}


def _described(**content: Any) -> dict[str, Any]:
    kinds = {kind: {"schema": schema} for kind, schema in content["content"].items()}
    return {"requestBody": {"required": True, "content": kinds}, "responses": _ANSWERED}


CLIPS = _described(content={"audio/*": _FILE, "multipart/form-data": _FORM})
EMBEDDINGS = _described(content={"application/json": _VECTORS, "application/octet-stream": _FILE})
"""Parts of the description of OpenAPI that follow from no signature."""


async def read_files(request: Request, source: str | None) -> list[tuple[str | None, bytes]]:
    """Name and content of every file of a request."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        content = await request.body()
        if not content:
            raise ValuesError("a sound file as the body", "nothing", where="clip")
        return [(source, content)]
    form = await request.form(max_files=MOST_FILES, max_fields=0)
    try:
        uploads = [upload for _, upload in form.multi_items() if isinstance(upload, UploadFile)]
        if not uploads:
            raise ValuesError("at least one file", "none", where="multipart/form-data", fix="Name the field: file.")
        return [((upload.filename or "")[:LONGEST_NAME] or None, await upload.read()) for upload in uploads]
    finally:
        await form.close()


def read_vectors(body: bytes, kind: str) -> tuple[Any, list[str | None] | None]:
    """Embeddings and their sources out of JSON or a ``.npy`` file."""
    if kind in ("application/octet-stream", "application/x-npy"):
        with tempfile.NamedTemporaryFile(prefix="yori-npy-") as file:
            file.write(body)
            file.flush()
            return open_npy(Path(file.name)).copy(), None
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
    return content["embeddings"], None if sources is None else [name[:LONGEST_NAME] for name in sources]
