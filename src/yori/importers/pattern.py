"""Layout ``pattern``: the file name says everything, ``{label}_{domain}_{index}.wav``."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import Any

from yori.errors import ValuesError
from yori.importers.audio_files import find_audio
from yori.importers.recording import ROLES, LeftOut, Listing, Recording, listing, split_of

_TEXT_ROLES = tuple(role for role in ROLES if role != "split")


def list_pattern(root: str | Path, *, pattern: str = "{label}_{domain}_{index}.wav") -> Listing:
    """List sound files whose path matches a pattern.

    Parameters
    ----------
    root
        The folder the paths are relative to.
    pattern
        Text with fields in braces. ``label``, ``domain``, ``group``, ``split``, ``annotator``, ``time``, ``verified``
        and ``id`` have their meaning, any other field becomes a column. A field matches one or more characters up to
        the character that follows it in the pattern, never a slash. A pattern with a slash describes the whole path
        below ``root``, one without describes the file name in whatever folder.

    Raises
    ------
    SourceError
        If the folder is missing or nothing matches.
    PathEscapeError
        If a link leads out of the folder.
    ValuesError
        If the pattern cannot be read, or a split is no split.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     _ = (Path(root) / "7_jackson_32.wav").write_bytes(b"RIFF")
    ...     found = list_pattern(root, pattern="{label}_{domain}_{index}.wav")
    >>> found.recordings[0].label, found.recordings[0].domain, found.recordings[0].extra
    ('7', 'jackson', {'index': '32'})
    """
    expression = compile_pattern(pattern)
    uris, left_out = find_audio(root)
    recordings = []
    for uri in uris:
        match = expression.fullmatch(uri if "/" in pattern else uri.rsplit("/", 1)[-1])
        if match is None:
            left_out.append(LeftOut(uri, "no match", f"does not match {pattern!r}"))
            continue
        fields: dict[str, str] = match.groupdict()
        split = split_of(fields.pop("split", None), where=f"{root}/{uri}")
        own: dict[str, Any] = {role: fields.pop(role) for role in _TEXT_ROLES if role in fields}
        recordings.append(Recording(uri, split=split, example_id=fields.pop("id", None), extra=fields, **own))
    return listing(root, recordings, left_out, layout="pattern")


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Turn a pattern into a regular expression that runs in linear time: no field can give back what it took.

    Raises
    ------
    ValuesError
        If a brace is open, a field has no name, a wrong one, occurs twice or follows another without text in between.

    Examples
    --------
    >>> compile_pattern("{label}-{index}.wav").fullmatch("dog-12.wav").groupdict()
    {'label': 'dog', 'index': '12'}
    """
    try:
        pieces = list(Formatter().parse(pattern))
    except ValueError as error:
        raise _refused(pattern, str(error)) from error
    expression, names = "", set()
    for number, (literal, name, form, conversion) in enumerate(pieces):
        expression += re.escape(literal)
        if name is None:
            continue
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or form or conversion:
            raise _refused(pattern, f"the field {name!r}")
        if name in names:
            raise _refused(pattern, f"{name!r} twice")
        names.add(name)
        follows = pieces[number + 1][0][:1] if number + 1 < len(pieces) else ""
        if number + 1 < len(pieces) and not follows:
            raise _refused(pattern, f"no text after the field {name!r}")
        expression += f"(?P<{name}>[^/{re.escape(follows)}]+)"
    if not names:
        raise _refused(pattern, "no field")
    return re.compile(expression, re.DOTALL)


def _refused(pattern: str, arrived: str) -> ValuesError:
    return ValuesError(
        "a pattern of named fields in braces with text between them",
        arrived,
        where=f"pattern {pattern!r}",
        fix="For example {label}_{domain}_{index}.wav.",
    )
