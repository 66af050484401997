"""Label Studio over HTTP: make a project, import tasks, let it serve their files, export annotations."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from yori.errors import SourceError, StoreError, ValuesError

TOKEN_VARIABLE = "LABEL_STUDIO_API_KEY"
SECONDS = 600.0
"""Label Studio took 11 s to export 1 000 tasks; projects of 100 000 exist."""

MOST_BYTES = 2_000_000_000
TASKS_AT_ONCE = 500
NO_FILE = "a^"
"""A regular expression that no name matches."""


class LabelStudio:
    """A Label Studio that answers at a URL.

    Parameters
    ----------
    url
        ``http://localhost:8080``; a path below it is kept.
    token
        Access token of an account: a personal one (which is exchanged for a short-lived one) or a legacy one. Default: the
        environment variable ``LABEL_STUDIO_API_KEY``.

    Raises
    ------
    ValuesError
        If the URL is none of HTTP, or there is no token.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValuesError("a URL such as http://localhost:8080", repr(url[:200]), where="--url")
        self.url = url.rstrip("/")
        token = token or os.environ.get(TOKEN_VARIABLE)
        if not token or not token.isascii() or not token.isprintable():
            fix = f"Set {TOKEN_VARIABLE} to the access token of your account page."
            raise ValuesError("an access token", "none that can be sent", where="labelstudio", fix=fix)
        self._opener = build_opener(_NoRedirect)
        self._authorization = f"Token {token}"
        if token.count(".") == 2:  # a personal token is a JWT that buys an access token for a few minutes
            self._personal = token
            self._refresh()
        else:
            self._personal = ""

    def make_project(self, title: str, config: str) -> int:
        """Make a project; returns its number."""
        made = self._ask("/api/projects/", {"title": title[:50], "label_config": config})
        return int(made["id"])

    def import_tasks(self, project: int, tasks: Sequence[dict[str, Any]]) -> int:
        """Add tasks with their predictions; returns how many there are of them."""
        count = 0
        for first in range(0, len(tasks), TASKS_AT_ONCE):
            part = list(tasks[first : first + TASKS_AT_ONCE])
            reply = self._ask(f"/api/projects/{project}/import", part)
            count += int(reply.get("task_count", len(part)))
        return count

    def serve_folder(self, project: int, folder: Path) -> None:
        """Make a folder a local storage of the project, if it is none yet; what Label Studio refuses is left undone."""
        path = str(folder)
        try:
            known = self._ask(f"/api/storages/localfiles?{urlencode({'project': project})}")
            if not isinstance(known, list) or all(one.get("path") != path for one in known if isinstance(one, dict)):
                storage = {"project": project, "title": "yori", "path": path, "use_blob_urls": True}
                # Its button "sync" would make a task of every file that matches, and these tasks exist already.
                self._ask("/api/storages/localfiles", {**storage, "regex_filter": NO_FILE})
        except (StoreError, ValuesError):  # no local files there, another machine, not allowed: `hands_out` tells
            return

    def hands_out(self, address: str) -> bool:
        """Whether Label Studio serves a file of a task, such as ``/data/local-files/?d=…``."""
        request = Request(self.url + address, headers={"Authorization": self._authorization})
        try:
            with self._opener.open(request, timeout=SECONDS) as reply:
                return bool(reply.status == 200)
        except (HTTPError, URLError, OSError):
            return False

    def export(self, project: int) -> list[dict[str, Any]]:
        """All tasks of a project with their annotations."""
        query = urlencode({"exportType": "JSON", "download_all_tasks": "true"})
        found = self._ask(f"/api/projects/{project}/export?{query}")
        if not isinstance(found, list):
            raise SourceError("a list of tasks", type(found).__name__, where=self.url)
        return found

    def _refresh(self) -> None:
        self._authorization = ""
        reply = self._ask("/api/token/refresh/", {"refresh": self._personal}, again=False)
        self._authorization = f"Bearer {reply['access']}"

    def _ask(self, path: str, body: Any = None, *, again: bool = True) -> Any:
        headers = {"Accept": "application/json"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        where = self.url + path.partition("?")[0]
        try:
            with self._opener.open(Request(self.url + path, content, headers), timeout=SECONDS) as reply:
                said = reply.read(MOST_BYTES)
        except HTTPError as error:
            with error:
                status = error.code
            if status == 401 and self._personal and again:
                self._refresh()
                return self._ask(path, body, again=False)
            raise _refused(status, where) from None
        except (URLError, OSError, TimeoutError) as error:
            reason = getattr(error, "reason", None) or error
            fix = "Check the --url, and that Label Studio runs."
            raise StoreError("a Label Studio that answers", str(reason), where=where, fix=fix) from error
        try:
            return json.loads(said)
        except ValueError:
            raise SourceError("JSON from Label Studio", "something else", where=where, fix="Check the --url.") from None


class _NoRedirect(HTTPRedirectHandler):
    """A token must not follow a redirect to somebody else."""

    def redirect_request(self, *args: Any, **more: Any) -> None:
        """Follow nothing."""


def _refused(status: int, where: str) -> ValuesError | StoreError:
    if status in (401, 403):
        fix = (
            f"Check {TOKEN_VARIABLE}: the access token of an account that may use the project; a personal one where legacy "
            "ones are not allowed."
        )
        return ValuesError("a token that Label Studio knows", f"HTTP {status}", where=where, fix=fix)
    if status == 404:
        return ValuesError("a project of this Label Studio", "HTTP 404", where=where, fix="Check --project and --url.")
    fix = "See its log." if status >= 500 else "Check the --url."
    return StoreError("a Label Studio that does as it is asked", f"HTTP {status}", where=where, fix=fix)
