"""What stands before every request: token, size, time, and one line of JSON in the log afterwards."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from yori.web.security import bearer_token, is_addressed_to_loopback, is_loopback, same_token

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""What a load balancer asks without a token; it tells nothing about data."""


@dataclass(frozen=True)
class RequestLimits:
    """``most_bytes`` of a request; ``seconds`` from its first byte to its answer."""

    most_bytes: int = 64 * 2**20
    seconds: float = 60.0


def say(event: str, facts: Mapping[str, Any]) -> None:
    """One line of JSON on stderr."""
    sys.stderr.write(json.dumps({"at": round(time.time(), 3), "event": event, **facts}, default=str) + "\n")


class _Refused(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.sentence = status, sentence


class RequestGuard:
    """ASGI middleware.

    Parameters
    ----------
    app
        What stands behind it.
    token_hash
        SHA-256 of the token every request must bear; None: requests must be addressed to loopback instead, and come from no
        other web page.
    limits
        Of requests.
    seen
        Told the path, status and seconds of every answer.
    log
        Where lines go; `say` by default.
    """

    def __init__(
        self,
        app: App,
        *,
        token_hash: str | None,
        limits: RequestLimits,
        seen: Callable[[str, int, float], None] = lambda path, status, seconds: None,
        log: Callable[[str, Mapping[str, Any]], None] = say,
    ) -> None:
        self.app, self.token_hash, self.limits, self.seen, self.log = app, token_hash, limits, seen, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
                message = {**message, "headers": [*headers, (b"x-content-type-options", b"nosniff")]}
            await send(message)

        try:
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
            self._admit(scope["path"], headers)
            await self.app(scope, self._limited(receive, began), sending)
        except _Refused as refused:
            if status == 0:
                await _refuse(sending, refused)
        finally:
            seconds = time.monotonic() - began
            self.seen(scope["path"], status, seconds)
            line = {"id": request_id, "method": scope["method"], "path": scope["path"], "status": status}
            facts = scope["state"].get("facts", {})
            self.log("request", {**line, "ms": round(1000 * seconds, 1), **facts})

    def _admit(self, path: str, headers: Mapping[str, str]) -> None:
        if self.token_hash is None:
            origin = headers.get("origin")
            if not is_addressed_to_loopback(headers.get("host")):
                raise _Refused(
                    403, "expected a request addressed to this machine. Call it by 127.0.0.1, or set a token."
                )
            if origin is not None and not is_loopback(urlsplit(origin).hostname or ""):
                raise _Refused(403, "expected no request from another web site. Set a token.")
        elif path not in OPEN_PATHS and not same_token(bearer_token(headers.get("authorization")), self.token_hash):
            raise _Refused(401, "expected the token of this server. Send the header Authorization: Bearer TOKEN.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self.limits.most_bytes:
            raise self._too_large()

    def _too_large(self) -> _Refused:
        return _Refused(413, f"expected at most {self.limits.most_bytes} bytes, got more. Send less at a time.")

    def _limited(self, receive: Receive, began: float) -> Receive:
        """``receive`` that ends a body which is too large or too slow."""
        total = 0

        async def limited() -> Message:
            nonlocal total
            left = self.limits.seconds - (time.monotonic() - began)
            if total < 0:  # the body is complete: what comes now is the end of the connection, which may take any time
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0.001))
            except TimeoutError:
                raise _Refused(408, f"expected the whole request within {self.limits.seconds:g} s.") from None
            if message["type"] == "http.request":
                total += len(message.get("body", b""))
                if total > self.limits.most_bytes:
                    raise self._too_large()
                if not message.get("more_body", False):
                    total = -1
            return message

        return limited


async def _refuse(send: Send, refused: _Refused) -> None:
    body = json.dumps({"error": refused.sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    # Bytes of the request may still be on the way; the next request cannot follow on this connection.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
