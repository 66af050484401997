"""Layout ``huggingface``: a folder that the ``datasets`` library wrote with ``save_to_disk``, read without that library.

One data set is a folder with ``state.json`` (``_data_files``: names of its shards in order), ``dataset_info.json``
(``features``: name → type, with the names of a ``ClassLabel``) and the shards, Arrow IPC streams. A ``DatasetDict`` is a
folder with ``dataset_dict.json`` (``{"splits": [...]}``) and one such folder for each split. A column of type ``Audio`` is a
struct of ``bytes`` (a whole sound file) and ``path`` (its name, which leads nowhere on another machine).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from yori.errors import SourceError, ValuesError
from yori.importers.column_roles import find_roles
from yori.importers.recording import LeftOut, Listing, Recording, listing, split_of
from yori.importers.table import read_roles
from yori.store.paths import safe_join

_MAGIC = ((b"RIFF", "wav"), (b"RF64", "wav"), (b"fLaC", "flac"), (b"OggS", "ogg"), (b"ID3", "mp3"), (b"FORM", "aiff"))


@dataclass(frozen=True)
class _Part:
    """One data set: its shards, its features, and the split it is."""

    folder: Path
    shards: tuple[Path, ...]
    features: Mapping[str, Any]
    split: str | None


def list_huggingface(
    root: str | Path, *, audio: str | None = None, columns: Mapping[str, str | None] | None = None
) -> Listing:
    """List the rows of a data set on disk.

    If a row carries its sound file as bytes, all clips come as ``media`` for the project to keep, under the hash of their
    bytes; otherwise paths are used that lie inside the folder. A ``DatasetDict`` gives ``split`` where the name of a split is
    one of ours; other names become the column ``official_split``.

    Parameters
    ----------
    root
        The folder that ``save_to_disk`` wrote.
    audio
        The column with the audio; by default the only one of type ``Audio``.
    columns
        Role → column, as for `yori.importers.table.list_table`. By default a ``ClassLabel`` (or a list of them) is the
        label if no column is called so.

    Raises
    ------
    SourceError
        If the folder is something else, damaged, or has no audio.
    PathEscapeError
        If a shard's name leads out of the folder.
    """
    root = Path(root)
    parts = list(_parts(root))
    name = _audio_column(parts[0], audio)
    from_bytes = any(clip["bytes"] is not None for part in parts for clip in _clips(part, name))
    recordings: list[Recording] = []
    left_out: list[LeftOut] = []
    for part in parts:
        _read(part, root, name, columns, from_bytes, recordings, left_out)

    def media() -> Iterator[tuple[bytes, str]]:
        for part in parts:
            for clip in _clips(part, name):
                content = _content(clip, root)
                if content is not None:
                    yield content, _extension(content, clip["path"])

    return listing(root, recordings, left_out, layout="huggingface", media=media if from_bytes else None)


def _parts(root: Path) -> Iterator[_Part]:
    index = root / "dataset_dict.json"
    if not index.is_file():
        yield _part(root, None)
        return
    names = _json(index).get("splits")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise SourceError("names of splits in dataset_dict.json", repr(names)[:60], where=str(index))
    for name in names:
        yield _part(safe_join(root, name), name)


def _part(folder: Path, split: str | None) -> _Part:
    state = folder / "state.json"
    if not state.is_file():
        raise SourceError(
            "a folder written by save_to_disk of the datasets library",
            "no state.json",
            where=str(folder),
            fix="Write it again with dataset.save_to_disk(path).",
        )
    entries, features = _json(state).get("_data_files"), _json(folder / "dataset_info.json").get("features")
    if not isinstance(entries, list) or not isinstance(features, dict):
        raise SourceError("_data_files in state.json and features in dataset_info.json", "others", where=str(folder))
    names = [entry.get("filename") if isinstance(entry, dict) else None for entry in entries]
    if not names or not all(isinstance(name, str) for name in names):
        raise SourceError("names of shards in state.json", repr(names)[:60], where=str(state))
    return _Part(folder, tuple(safe_join(folder, str(name)) for name in names), features, split)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError("a JSON file", str(error), where=str(path)) from error
    if not isinstance(found, dict):
        raise SourceError("a JSON object", type(found).__name__, where=str(path))
    return found


def _batches(part: _Part, columns: list[str] | None = None) -> Iterator[pa.Table]:
    for shard in part.shards:
        try:
            with pa.memory_map(str(shard)) as source, pa.ipc.open_stream(source) as stream:
                names = columns or stream.schema.names
                yield stream.schema.empty_table().select(names)  # a shard may hold no batch
                for batch in stream:
                    yield pa.Table.from_batches([batch]).select(names)
        except (OSError, pa.ArrowException, KeyError) as error:
            raise SourceError("an Arrow stream", str(error), where=str(shard), fix="Copy the file again.") from error


def _clips(part: _Part, name: str) -> Iterator[dict[str, Any]]:
    for table in _batches(part, [name]):
        for cell in table[name].to_pylist():
            cell = {"path": cell} if isinstance(cell, str) else (cell or {})
            yield {"bytes": cell.get("bytes"), "path": cell.get("path")}


def _audio_column(part: _Part, audio: str | None) -> str:
    found = [name for name, kind in part.features.items() if isinstance(kind, dict) and kind.get("_type") == "Audio"]
    wanted = audio or (found[0] if len(found) == 1 else None)
    if wanted not in part.features:
        raise SourceError(
            "one column of type Audio" if audio is None else f"a column {audio!r}",
            f"the columns {', '.join(part.features)}",
            where=str(part.folder),
            fix="Name it, for example audio='audio'.",
        )
    return str(wanted)


def _class_names(kind: Any) -> list[str] | None:
    """Names of a ClassLabel, or of the ClassLabels in a list."""
    if isinstance(kind, list):
        return _class_names(kind[0]) if kind else None
    if not isinstance(kind, dict):
        return None
    if kind.get("_type") == "ClassLabel" and isinstance(kind.get("names"), list):
        return [str(name) for name in kind["names"]]
    return _class_names(kind.get("feature"))


def _read(
    part: _Part,
    root: Path,
    audio: str,
    columns: Mapping[str, str | None] | None,
    from_bytes: bool,
    recordings: list[Recording],
    left_out: list[LeftOut],
) -> None:
    where = str(part.folder)
    names = [name for name in part.features if name != audio]
    classes = {name: found for name in names if (found := _class_names(part.features[name])) is not None}
    said: dict[str, str | None] = {"uri": None, **(columns or {})}
    if "label" not in said and "label" not in names and classes:
        said["label"] = next(iter(classes))
    roles = find_roles(names, said, where=where)
    table = pa.concat_tables(_batches(part, names))
    for name, known in classes.items():
        cells = [_named(cell, known, name, where) for cell in table[name].to_pylist()]
        table = table.set_column(table.column_names.index(name), name, pa.array(cells))
    fields = read_roles(table, roles, None, where=where)
    fields.pop("uri")
    extra = {name: [_plain(cell) for cell in table[name].to_pylist()] for name in names if name not in roles.values()}
    split, official = _split(part.split)
    width = len(str(max(0, table.num_rows - 1)))
    for row, clip in enumerate(_clips(part, audio)):
        own = {name: cells[row] for name, cells in fields.items()}
        place = f"{part.split or 'rows'}/{row:0{width}d}"
        uri, problem = _uri(clip, root, from_bytes)
        if problem:
            left_out.append(LeftOut(clip["path"] or place, "missing", f"row {row} of {part.folder.name}: {problem}"))
            continue
        own["example_id"] = own["example_id"] or (place if from_bytes else None)
        own["split"] = own["split"] or split
        more = {name: cells[row] for name, cells in extra.items()} | ({"official_split": official} if official else {})
        if from_bytes and clip["path"]:
            more.setdefault("file_name", clip["path"])
        recordings.append(Recording(uri, extra=more, **own))


def _split(name: str | None) -> tuple[str | None, str | None]:
    try:
        return split_of(name, where=""), None
    except ValuesError:
        return None, name


def _named(cell: Any, names: list[str], column: str, where: str) -> Any:
    if cell is None or isinstance(cell, list):
        return None if cell is None else [_named(one, names, column, where) for one in cell if one is not None]
    if isinstance(cell, int) and 0 <= cell < len(names):
        return names[cell]
    if cell == -1:  # how the library writes a label that is not known, as in many test sets
        return None
    raise ValuesError(f"class numbers in 0 … {len(names) - 1} in column {column!r}", repr(cell), where=where)


def _plain(cell: Any) -> Any:
    return json.dumps(cell, ensure_ascii=False, default=str) if isinstance(cell, dict | list) else cell


def _uri(clip: Mapping[str, Any], root: Path, from_bytes: bool) -> tuple[str, str]:
    """Where a clip is found, and what is wrong with it."""
    if from_bytes:
        content = _content(clip, root)
        if content is None:
            return "", "neither bytes nor a file inside the folder"
        return f"{hashlib.sha256(content).hexdigest()}.{_extension(content, clip['path'])}", ""
    place = _place(clip["path"], root)
    if place is None:
        return "", "no file inside the folder"
    return place.relative_to(os.path.realpath(root)).as_posix(), ""


def _place(path: str | None, root: Path) -> Path | None:
    """The file a path means, if it lies inside the folder."""
    if not path or "\0" in path:
        return None
    inside = os.path.realpath(root)
    target = os.path.realpath(os.path.join(inside, path))
    return Path(target) if target.startswith(inside + os.sep) and os.path.isfile(target) else None


def _content(clip: Mapping[str, Any], root: Path) -> bytes | None:
    if clip["bytes"] is not None:
        return bytes(clip["bytes"])
    place = _place(clip["path"], root)
    return None if place is None else place.read_bytes()


def _extension(content: bytes, path: str | None) -> str:
    for magic, extension in _MAGIC:
        if content.startswith(magic):
            return extension
    suffix = os.path.splitext(path or "")[1].lstrip(".").lower()
    return suffix if suffix.isascii() and suffix.isalnum() and len(suffix) <= 8 else "bin"
