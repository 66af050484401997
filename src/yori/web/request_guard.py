"""What stands before every request: token, size, time, and one line of JSON in the log afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from yori.web.bytes_in_flight import BytesInFlight
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


DRAIN_SECONDS = 5.0
"""How long the rest of a request that found no room is read and forgotten: a client that is cut off while it sends does not
always see the answer."""


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
    in_flight
        Bytes of all requests together; beyond them a request is told to come back (503).
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
        in_flight: BytesInFlight | None = None,
        seen: Callable[[str, int, float], None] = lambda path, status, seconds: None,
        log: Callable[[str, Mapping[str, Any]], None] = say,
    ) -> None:
        self.app, self.token_hash, self.limits, self.seen, self.log = app, token_hash, limits, seen, log
        self.in_flight = in_flight or BytesInFlight()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        body = _Body()
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
            self._take(body, int(headers.get("content-length", "0")))
            await self.app(scope, self._limited(receive, body, began), sending)
        except _Refused as refused:
            if status == 0:
                # One that waits to be asked for its body (curl does) is not asked.
                if refused.status == 503 and not body.complete and "expect" not in headers:
                    await _drain(receive)
                await _refuse(sending, refused)
        finally:
            self.in_flight.give_back(body.held)
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
        if not (length.isascii() and length.isdigit()) or int(length) > self.limits.most_bytes:
            raise self._too_large()

    def _too_large(self) -> _Refused:
        return _Refused(413, f"expected at most {self.limits.most_bytes} bytes, got more. Send less at a time.")

    def _take(self, body: _Body, count: int) -> None:
        """Hold bytes for a request, or refuse it."""
        if not self.in_flight.take(count, mine=body.held):
            raise _Refused(503, f"{self.in_flight.most} bytes of requests are under way. Ask again in a second.")
        body.held += count

    def _limited(self, receive: Receive, body: _Body, began: float) -> Receive:
        """``receive`` that ends a body which is too large or too slow, or for which there is no room."""

        async def limited() -> Message:
            left = self.limits.seconds - (time.monotonic() - began)
            if body.complete:  # what comes now is the end of the connection, which may take any time
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0.001))
            except TimeoutError:
                raise _Refused(408, f"expected the whole request within {self.limits.seconds:g} s.") from None
            if message["type"] == "http.request":
                body.received += len(message.get("body", b""))
                body.complete = not message.get("more_body", False)
                if body.received > self.limits.most_bytes:
                    raise self._too_large()
                if body.received > body.held:
                    self._take(body, body.received - body.held)
            return message

        return limited


@dataclass
class _Body:
    """What came of the body of one request, and how many bytes are held for it."""

    received: int = 0
    held: int = 0
    complete: bool = False


async def _drain(receive: Receive) -> None:
    """Read the rest of a request and forget it, for a short time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass


async def _refuse(send: Send, refused: _Refused) -> None:
    body = json.dumps({"error": refused.sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if refused.status == 503:
        headers.append((b"retry-after", b"1"))
    # Bytes of the request may still be on the way; the next request cannot follow on this connection.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
