"""The only place through which bytes of a project reach the disk: written aside, fsynced, then put in place.

The protocol, in the order that makes it hold at a power cut:

1. a new file is written under a name nobody reads, and fsynced (`write_new`);
2. it is renamed to its final name, and the folder that holds the name is fsynced (`put_in_place`);
3. what must have one winner is linked instead, which fails if the name is taken (`create_if_absent`).

The system calls have module-level names so that the fault tests can stop the process at each one of them.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from yori.errors import StoreError
from yori.store.locks import hold

_write = os.write
_fsync = os.fsync
_link = os.link
_rename = os.replace
_unlink = os.unlink
_mkdir = os.mkdir

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def is_disk_full(error: OSError) -> bool:
    """Whether the system said that there is no room: the disk, the quota, or the largest file allowed.

    Examples
    --------
    >>> is_disk_full(OSError(28, "No space left on device")), is_disk_full(OSError(13, "Permission denied"))
    (True, False)
    >>> is_disk_full(OSError("300000 requested and 131056 written"))  # NumPy saves an array, and drops the number
    True
    """
    return error.errno in _FULL or (error.errno is None and bool(_SHORT_WRITE.fullmatch(str(error))))


@contextlib.contextmanager
def disk_errors(where: str | Path) -> Iterator[None]:
    """Turn an `OSError` inside the block into a `StoreError` that says what to do.

    Examples
    --------
    >>> with disk_errors("/project"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    yori.errors.StoreError: /project: expected room to write, got No space left on device. Free some space ...
    """
    try:
        yield
    except OSError as error:
        said = error.strerror or str(error)
        path = str(error.filename or where)
        if is_disk_full(error):
            fix = "Free some space and repeat the command: nothing half-written is left, the last version is intact."
            raise StoreError("room to write", said, where=str(where), fix=fix) from error
        if error.errno in _DENIED:
            fix = "Choose a folder you may write to, or change its permissions."
            raise StoreError("a folder that can be written", said, where=path, fix=fix) from error
        raise StoreError(
            "a file system that reads and writes", said, where=path, fix="Check the disk, then repeat the command."
        ) from error


def write_new(path: Path, blocks: Iterable[bytes | memoryview]) -> str:
    """Write a file that does not exist yet, fsync it, and return the SHA-256 of its bytes.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_new(Path(folder) / "a", [b"yo", b"ri"])[:8]
    '662f2791'
    """
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        for block in blocks:
            digest.update(block)
            left = memoryview(block)
            while left:  # the system may take fewer bytes than it was given
                left = left[_write(descriptor, left) :]
        _fsync(descriptor)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Fsync every file and folder below, which others wrote, from the leaves up."""
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    _fsync(descriptor)
                finally:
                    os.close(descriptor)
        sync_folder(Path(parent))


def make_folder(folder: Path, *, durable: bool = True) -> None:
    """Create a folder and its missing parents; ``durable`` ones survive a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent, durable=durable)
    try:
        _mkdir(folder)
    except FileExistsError as error:  # another process was faster, or a file stands where the folder should be
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error
    if durable:
        sync_folder(folder.parent)


def put_in_place(aside: Path, final: Path) -> None:
    """Rename a finished file to its content-addressed name; one that is already there is replaced by its equal."""
    make_folder(final.parent)
    _rename(aside, final)
    sync_folder(final.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that others see the old one or the new one, whole; nothing is left beside it when that fails.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace_file(Path(folder) / "deep" / "page.html", b"one")
    ...     replace_file(Path(folder) / "deep" / "page.html", b"two")
    ...     [(each.name, each.read_bytes()) for each in (Path(folder) / "deep").iterdir()]
    [('page.html', b'two')]
    """
    final = path.absolute()
    aside = final.with_name(f".{final.name}.part")
    with disk_errors(path):
        make_folder(final.parent)
        remove_file(aside)
        try:
            write_new(aside, [content])
            put_in_place(aside, final)
        except BaseException:
            remove_file(aside)
            raise


def create_if_absent(aside: Path, final: Path) -> bool:
    """Give a finished file its final name unless the name is taken; of any number of racers exactly one wins.

    A hard link does this in one step. Where the file system has none, an exclusive lock beside the target stands in.

    Returns
    -------
    True for the winner, False if somebody else was first.
    """
    make_folder(final.parent)
    try:
        _link(aside, final)
    except FileExistsError:
        # A network file system may have made the link and lost the answer.
        if not os.path.samefile(aside, final):
            return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with hold(final.parent / ".lock", shared=False) as held:
            if not held:
                raise StoreError(
                    "a file system with hard links or locks", "neither", where=str(final), fix="Use a local disk."
                ) from error
            if final.exists():
                return False
            _rename(aside, final)
    sync_folder(final.parent)
    return True


def remove_file(path: Path) -> None:
    """Remove a file if it is still there."""
    with contextlib.suppress(FileNotFoundError):
        _unlink(path)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all it holds, as far as possible; links are removed, not followed."""
    shutil.rmtree(folder, ignore_errors=True)
