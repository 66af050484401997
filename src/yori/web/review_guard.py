"""What stands between the network and the review page: who may send what from where, and what a browser may do with it."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yori.web.security import is_addressed_to_loopback

MOST_BODY_BYTES = 65_536
BODY_SECONDS = 20.0
"""A request that trickles in must not hold a connection for ever."""

HEADER = "x-yori"
"""A header that a page from elsewhere cannot send without asking first, which nobody answers."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class ReviewGuard:
    """Wraps an app: refuses requests from other pages, to other names, or too large; adds headers to every reply.

    Parameters
    ----------
    app
        The app behind.
    loopback_only
        Refuse requests that were addressed to another name than this machine's: a page elsewhere can give its own name
        the address 127.0.0.1.
    """

    def __init__(self, app: ASGIApp, *, loopback_only: bool) -> None:
        self._app = app
        self._loopback_only = loopback_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                known = {name.lower() for name, _ in headers}
                fresh = {"cache-control": "no-store", **_HEADERS}
                headers += [(k.encode(), v.encode()) for k, v in fresh.items() if k.encode() not in known]
            await send(message)

        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refusal(scope["method"], headers)
        if refused is not None:
            await _say(guarded, *refused)
            return
        body: bytes | None = b""
        if scope["method"] not in ("GET", "HEAD"):
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _body(receive)
            except TimeoutError:
                await _say(guarded, 408, f"expected a whole request within {BODY_SECONDS:g} s, got a part of one.")
                return
            if body is None:
                await _say(guarded, 413, f"expected a request under {MOST_BODY_BYTES:,} bytes, got a larger one.")
                return
        sent = False

        async def again() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, again, guarded)

    def _refusal(self, method: str, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host")
        if self._loopback_only and not is_addressed_to_loopback(host):
            return 421, "expected a request to this machine's own name, got another. Use http://127.0.0.1."
        if method in ("GET", "HEAD"):
            return None
        if method != "POST":
            return 405, "expected GET or POST, got another method."
        origin = headers.get("origin")
        other = origin is not None and (origin == "null" or urlsplit(origin).netloc != host)
        if other or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "expected a request of this page, got one of another."
        if HEADER not in headers:
            return 403, f"expected the header {HEADER}, got none."
        if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            return 415, "expected application/json, got another content type."
        return None


async def _body(receive: Receive) -> bytes | None:
    """The body of a request; None if it is too large."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False) and message["type"] == "http.request"
        if len(body) > MOST_BODY_BYTES:
            return None
    return body


async def _say(send: Send, status: int, sentence: str) -> None:
    content = json.dumps({"error": sentence, "kind": "refused"}).encode()
    kind = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": kind})
    await send({"type": "http.response.body", "body": content})
