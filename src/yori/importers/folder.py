"""Layout ``folder``: one folder for each class, ``root/<class>/**/*.wav``; other levels on request."""

from __future__ import annotations

from pathlib import Path

from yori.errors import ValuesError
from yori.importers.audio_files import find_audio
from yori.importers.recording import LeftOut, Listing, Recording, listing, split_of

LEVEL_ROLES = ("label", "domain", "group", "split")


def list_folder(root: str | Path, *, levels: str = "label") -> Listing:
    """List sound files whose folders say what they are.

    Parameters
    ----------
    root
        The folder above the class folders.
    levels
        What the folder levels below ``root`` mean, outermost first, separated by slashes: ``label`` (the default),
        ``domain/label``, ``label/domain``, ``split/label``, … out of label, domain, group and split; ``-`` skips a
        level. Deeper folders mean nothing.

    Raises
    ------
    SourceError
        If the folder is missing or holds no recording.
    PathEscapeError
        If a link leads out of the folder.
    ValuesError
        If ``levels`` cannot be read, or a folder on a split level is no split.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for place in ("near/dog", "far/dog", "far/cat"):
    ...         (Path(root) / place).mkdir(parents=True)
    ...         _ = (Path(root) / place / "a.wav").write_bytes(b"RIFF")
    ...     found = list_folder(root, levels="domain/label")
    >>> [(one.uri, one.label, one.domain) for one in found.recordings]
    [('far/cat/a.wav', 'cat', 'far'), ('far/dog/a.wav', 'dog', 'far'), ('near/dog/a.wav', 'dog', 'near')]
    """
    roles = _parse(levels)
    uris, left_out = find_audio(root)
    recordings = []
    for uri in uris:
        folders = uri.split("/")[:-1]
        if len(folders) < len(roles):
            left_out.append(
                LeftOut(uri, "no label", f"{len(folders)} folders above it where {levels!r} needs {len(roles)}")
            )
            continue
        named = {role: name for role, name in zip(roles, folders, strict=False) if role != "-"}
        split = split_of(named.get("split"), where=f"{root}/{uri}")
        recordings.append(
            Recording(uri, label=named["label"], domain=named.get("domain"), group=named.get("group"), split=split)
        )
    return listing(root, recordings, left_out, layout="folder")


def _parse(levels: str) -> list[str]:
    roles = levels.split("/")
    named = [role for role in roles if role != "-"]
    if "label" not in named or len(set(named)) < len(named) or not set(named) <= set(LEVEL_ROLES):
        raise ValuesError(
            f"levels made of {', '.join(LEVEL_ROLES)} and -, each at most once, with label",
            repr(levels),
            where="list_folder",
            fix="For example levels='domain/label'.",
        )
    return roles
