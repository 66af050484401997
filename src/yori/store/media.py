"""Content-addressed copies of clips that have no file of their own, such as those out of an archive."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from yori.errors import StoreError
from yori.store import atomic
from yori.store.hashes import sha256_bytes, sha256_file
from yori.store.work import workspace, writing

MEDIA_SOURCE = "media"
"""Name of the source whose root is `MEDIA_FOLDER`; rows refer to it like to any other source."""

MEDIA_FOLDER = "data/media"

MEDIA_NAME = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{1,8}")


def add_media(root: Path, content: bytes, extension: str) -> str:
    """Keep a clip in the project under the hash of its bytes, and return its uri within the source ``media``.

    The same bytes are kept once. Until a commit names the uri in a row, the copy is an orphan: garbage collection
    leaves it alone for its grace period only.

    Raises
    ------
    StoreError
        If the extension is not 1 to 8 letters or digits, or the disk is full or cannot be written.
    """
    name = f"{sha256_bytes(content)}.{extension.lower().lstrip('.')}"
    if not MEDIA_NAME.fullmatch(name):
        raise StoreError("an extension of 1 to 8 letters or digits", repr(extension), where="add_media")
    final = root / MEDIA_FOLDER / name
    with atomic.disk_errors(final), writing(root):
        if final.is_file() and sha256_file(final) == name[:64]:
            with contextlib.suppress(PermissionError):
                os.utime(final)  # young again for garbage collection
            return name
        with workspace(root) as aside:
            atomic.write_new(aside / name, [content])
            atomic.put_in_place(aside / name, final)
    return name
