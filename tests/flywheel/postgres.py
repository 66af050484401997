"""A throw-away PostgreSQL in a temporary folder, reached through a Unix socket only."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("/usr/local/bin", "/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin")
ACCOUNT = "postgres"
"""PostgreSQL refuses to run as root; then it runs as this user."""


def missing() -> str | None:
    """Why there can be no PostgreSQL here; None if there can."""
    if _program("initdb") is None or _program("postgres") is None:
        return "PostgreSQL is not installed"
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        return "PostgreSQL does not run as root, and runuser is missing"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    return None


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *FOLDERS]))


def _as_account(*command: str) -> list[str]:
    return ["runuser", "-u", ACCOUNT, "--", *command] if os.geteuid() == 0 else list(command)


@dataclass(frozen=True)
class Cluster:
    """A running server; ``start`` and ``stop`` may be called again and again."""

    folder: Path

    def url(self, name: str) -> str:
        """URL of one of its databases."""
        return f"postgresql://yori@/{name}?host={self.folder}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-c listen_addresses='' -c fsync=off -c unix_socket_directories={self.folder} -c max_connections=100"
        self._control("start", "-l", str(self.folder / "log"), "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop it; ``immediate`` as a crash would."""
        self._control("stop", "-m", mode)

    def new_database(self) -> str:
        """URL of an empty database."""
        import psycopg

        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def _control(self, verb: str, *rest: str) -> None:
        program = _program("pg_ctl")
        assert program is not None
        command = _as_account(program, verb, "-w", "-D", str(self.folder / "data"), *rest)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", timeout=60)


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Make, start and at the end remove a server."""
    folder = Path(tempfile.mkdtemp(prefix="yori-pg-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, ACCOUNT)
    program = _program("initdb")
    assert program is not None
    made = Cluster(folder)
    try:
        command = _as_account(
            program, "-D", str(folder / "data"), "-U", "yori", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"
        )
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=120)
        made.start()
        yield made
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            made.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
