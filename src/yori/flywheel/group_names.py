"""What callers call the group of an input: everything with one name is of one source, and no split cuts it.

A passage of a ship, a session with a person, a burst of a device. A name is used as it is, so an input that is said to be of
a group which was imported joins it. Inputs without a name are called ``log-`` and 24 digits of their hash; a name that happens
to be the same would join two groups, which makes a test smaller but never leaky.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from yori.errors import ValuesError
from yori.store import sha256_bytes

LONGEST = 255
"""Characters: what the name of a folder may have."""

_NO_NAME = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and halves of characters."""


def check_group(name: str | None, *, where: str = "group") -> str | None:
    """A name that may be kept, or None where none is given; empty text is none.

    It is never changed: two names that differ in anything are two groups.

    Raises
    ------
    ValuesError
        If it is blank or longer than `LONGEST`, or holds control characters or half a character.

    Examples
    --------
    >>> check_group("ship 7"), check_group(""), check_group(None)
    ('ship 7', None, None)
    """
    if name is None or name == "":
        return None
    if len(name) > LONGEST:
        raise ValuesError(f"at most {LONGEST} characters", str(len(name)), where=where, fix="Give a shorter name.")
    if not name.strip() or _NO_NAME.search(name):
        raise ValuesError(
            "a name without control characters", ascii(name[:40]), where=where, fix="Leave it out if there is none."
        )
    return name


def check_groups(names: Sequence[str | None], count: int, *, where: str = "groups") -> list[str | None]:
    """One checked name for each of ``count`` inputs.

    Raises
    ------
    ValuesError
        If there are more or fewer, or one may not be kept.
    """
    if len(names) != count:
        raise ValuesError(f"{count} groups, one for each", str(len(names)), where=where)
    return [check_group(each, where=f"{where}, number {place}") for place, each in enumerate(names, 1)]


def hidden_group(name: str) -> str:
    """What a private log notes instead of a name: a hash, so that what belongs together stays together.

    Who guesses a name can confirm it.

    Examples
    --------
    >>> hidden_group("ship 7")
    'hidden-4385dbeb52fc43c5251aaf20'
    """
    digest = sha256_bytes(name.encode("utf-8", "backslashreplace"))
    return f"hidden-{digest[:24]}"


def folder_group(file: str) -> str | None:
    """The name of the folder a file lies in, wherever that folder lies; None for the root.

    The same however the file was named on the command line. Folders of one name are one group.

    Examples
    --------
    >>> folder_group("/data/north/ship 7/0001.wav")
    'ship 7'
    """
    return os.path.basename(os.path.dirname(os.path.abspath(file))) or None
