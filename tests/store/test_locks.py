from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from yori.store import locks
from yori.store.locks import hold


def test_shared_holders_meet_and_an_exclusive_one_waits(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with hold(lock, shared=True) as one, hold(lock, shared=True) as two:
        assert one is True
        assert two is True
        with hold(lock, shared=False, patience=0.05) as three:
            assert three is False
    with hold(lock, shared=False, patience=0) as four:
        assert four is True


def test_a_lock_vanishes_with_the_process_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from yori.store.locks import hold\n"
        "with hold(Path(sys.argv[1]), shared=False):\n    print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "lock")], stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with hold(tmp_path / "lock", shared=True, patience=0) as held:
            assert held is False
        holder.kill()
        holder.wait()
        with hold(tmp_path / "lock", shared=True, patience=0) as held:
            assert held is True


def test_a_file_system_without_locks_says_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(descriptor: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuses)
    with hold(tmp_path / "lock", shared=True) as held:
        assert held is None
