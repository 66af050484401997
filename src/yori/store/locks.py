"""Advisory locks between processes: who is working here, and is it still alive.

A lock (``flock``) vanishes with the process that held it, so a crash never leaves one behind. Correctness of a
commit does not rest on locks (`yori.store.atomic.create_if_absent` decides); they keep garbage collection away from
work in progress.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

_UNSUPPORTED = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL}
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def hold(path: Path, *, shared: bool, patience: float | None = None) -> Iterator[bool | None]:
    """Hold a lock on a file for the length of the block; the file is created if missing.

    Parameters
    ----------
    path
        The lock file.
    shared
        True lets other shared holders in; False wants to be alone.
    patience
        Seconds to wait; None waits for ever, 0 does not wait.

    Yields
    ------
    True if the lock is held, False if patience ran out, None if the file system knows no locks.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lock = Path(folder) / "lock"
    ...     with hold(lock, shared=True) as first, hold(lock, shared=False, patience=0) as second:
    ...         print(first, second)
    True False
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield _acquire(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, patience)
    finally:
        os.close(descriptor)  # gives the lock back


def _acquire(descriptor: int, kind: int, patience: float | None) -> bool | None:
    deadline = None if patience is None else time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, kind if deadline is None else kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if deadline is None or time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                return None
            raise
