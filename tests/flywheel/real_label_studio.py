"""A real Label Studio for a while: started in an empty folder on loopback, with the accounts of two people.

The program is never one of our dependencies: ``YORI_LABEL_STUDIO`` names ``bin/label-studio`` of an environment of its own.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

PROGRAM = os.environ.get("YORI_LABEL_STUDIO", "")
PEOPLE = ("ann@example.org", "eun+a@example.org")
_PASSWORD = "round-trip-of-a-test"
_QUIET = {
    **{"LATEST_VERSION_CHECK": "false", "COLLECT_ANALYTICS": "false"},  # it asks nothing of the network
    **{"SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "", "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true"},
}


class Account:
    """A person who is logged in with a browser's cookies, as whoever opens the page of Label Studio is."""

    def __init__(self, url: str, email: str, *, new: bool) -> None:
        self.email = email
        self.http = httpx.Client(base_url=url, timeout=60, headers={"Referer": url})
        path = "/user/signup/" if new else "/user/login/"
        self.http.get(path).raise_for_status()
        form = {"email": email, "password": _PASSWORD, "csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        self.http.post(path, data=form)
        self.number = int(self.ask("GET", "/api/current-user/whoami")["id"])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the API; what it answers."""
        token = {"X-CSRFToken": self.http.cookies["csrftoken"]}
        answer = self.http.request(method, path, json=body, headers=token)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json() if answer.content else None

    def personal_token(self) -> str:
        """What the account page of a new installation offers."""
        return str(self.ask("POST", "/api/token/")["token"])

    def legacy_token(self) -> str:
        """What the account page of an old one offered; the organisation has to allow it."""
        self.ask("POST", "/api/jwt/settings", {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True})
        return str(self.ask("GET", "/api/current-user/token")["token"])

    def annotate(self, task: int, result: list[dict[str, Any]], *, skip: bool = False, **more: Any) -> int:
        """Submit or skip a task, as the page does; the number of the annotation."""
        body = {"result": result, "lead_time": 1.5, "was_cancelled": skip, **more}
        query = "?was_cancelled=1" if skip else ""
        return int(self.ask("POST", f"/api/tasks/{task}/annotations/{query}", body)["id"])

    def exported(self, project: int, kind: str) -> bytes:
        """An export as the page hands it out: finished tasks only."""
        answer = self.http.get(f"/api/projects/{project}/export", params={"exportType": kind})
        answer.raise_for_status()
        return answer.content


def choice(name: str, *chosen: str, **more: Any) -> dict[str, Any]:
    """One result of a control that has choices."""
    where = {"from_name": name, "to_name": "media", "type": "choices"}
    return {**where, "value": {"choices": list(chosen)}, **more}


def note(*lines: str) -> dict[str, Any]:
    """One result of the control for notes."""
    return {"from_name": "note", "to_name": "media", "type": "textarea", "value": {"text": list(lines)}}


@contextmanager
def label_studio(folder: Path, *, document_root: Path, program: str = PROGRAM) -> Iterator[tuple[str, list[Account]]]:
    """A server with an empty database in ``folder``: its URL, and two people who are logged in."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(document_root), "LABEL_STUDIO_BASE_DATA_DIR": str(folder)}
    command = [program, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    account = ["--username", PEOPLE[0], "--password", _PASSWORD, "--data-dir", str(folder)]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, *account], stdout=log, stderr=log, env={**os.environ, **_QUIET, **settings}
        )
    url = f"http://127.0.0.1:{port}"
    accounts: list[Account] = []
    try:
        _wait(url, server, folder / "server.log")
        accounts += [Account(url, email, new=place > 0) for place, email in enumerate(PEOPLE)]
        yield url, accounts
    finally:
        for one in accounts:
            one.http.close()
        server.terminate()
        server.wait(60)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300  # it makes its database first
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    server.kill()
    raise AssertionError(f"Label Studio does not answer: {log.read_text(errors='replace')[-2000:]}")
