"""Every failure of `yori.web.serve` is a sentence in JSON, with the status that says whose it is."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from yori.errors import InputError, StoreError, YoriError
from yori.web.request_guard import RequestLimits


class TooManyRequests(Exception):
    """As many requests are under way as may be."""


def add_errors(
    app: FastAPI, *, limits: RequestLimits, most_requests: int, say: Callable[[str, Mapping[str, Any]], None]
) -> None:
    """Every failure is a sentence in JSON."""

    def sentence(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
        body = json.dumps({"error": text}, ensure_ascii=False).encode("utf-8", "backslashreplace")
        return Response(body, status, headers=headers, media_type="application/json")

    @app.exception_handler(YoriError)
    async def refused(request: Request, error: YoriError) -> Response:
        return sentence(
            422 if isinstance(error, InputError) else 503 if isinstance(error, StoreError) else 500, str(error)
        )

    @app.exception_handler(TooManyRequests)
    async def busy(request: Request, error: TooManyRequests) -> Response:
        return sentence(503, f"{most_requests} requests are under way. Ask again in a second.", {"Retry-After": "1"})

    @app.exception_handler(TimeoutError)
    async def late(request: Request, error: TimeoutError) -> Response:
        return sentence(503, f"expected an answer within {limits.seconds:g} s. Send less at a time.")

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return sentence(400, "the request ended before it was complete.")

    @app.exception_handler(RequestValidationError)
    async def misasked(request: Request, error: RequestValidationError) -> Response:
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5])
        return sentence(422, said)

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> Response:
        return sentence(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        say("failure", {"path": request.url.path, "trace": traceback.format_exception(error)})
        return sentence(500, "something went wrong here; the log of the server says what.")
