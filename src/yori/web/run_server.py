"""Run an app until it is told to stop: what has been asked is answered first."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from yori.errors import YoriError


class _Server(uvicorn.Server):
    """Ends well after SIGTERM or Ctrl-C, instead of dying of the signal after it has cleaned up."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run_server(
    app: Any, *, host: str, port: int, stop_seconds: float = 30.0, listening: Callable[[str], None] = lambda url: None
) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish the requests under way.

    Parameters
    ----------
    app
        An ASGI app.
    host, port
        Where to listen; port 0 takes any free one.
    stop_seconds
        How long requests under way may still take.
    listening
        Told the URL once connections are accepted.

    Raises
    ------
    YoriError
        If the address cannot be used.
    """
    where = f"{host}:{port}"
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise YoriError("an address to listen on", said, where=where, fix="Choose another --port or --host.") from None
    name, number = listener.getsockname()[:2]
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=max(1, round(stop_seconds)),
        server_header=False, ws="none",
    )  # fmt: skip
    listening(f"http://{f'[{name}]' if ':' in name else name}:{number}")
    try:
        _Server(config).run(sockets=[listener])
    finally:
        listener.close()
