"""Runs the review page until somebody stops it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from yori.errors import StoreError, ValuesError
from yori.flywheel.database import Database
from yori.store import Project
from yori.web.review import review_app
from yori.web.review_view import ReviewSettings
from yori.web.security import is_loopback

STOP_SECONDS = 10
"""How long a stop waits for requests that are under way."""


def run_review(
    project: Project,
    database: Database,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    settings: ReviewSettings | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    ready: Callable[[str], None],
) -> None:
    """Answer requests until SIGINT or SIGTERM.

    Parameters
    ----------
    host, port
        Where to listen; port 0 = one that is free.
    certificate, key
        PEM files, for HTTPS.
    ready
        Called with the address of the page once somebody listens there.

    Raises
    ------
    ValuesError
        If only one of certificate and key is there.
    StoreError
        If the address cannot be used.
    """
    if (certificate is None) != (key is None):
        raise ValuesError("a certificate and its key", "one of them", where="--certificate and --key")
    app = review_app(project, database, settings, loopback_only=is_loopback(host))
    config = uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    listener = _listen(host, port)
    with listener:
        name = f"[{host}]" if ":" in host else host
        ready(f"{'https' if certificate else 'http'}://{name}:{listener.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        said = getattr(error, "strerror", None) or str(error)
        fix = "Choose another --port or --host."
        raise StoreError("an address to listen on", said, where=f"{host}:{port}", fix=fix) from error
