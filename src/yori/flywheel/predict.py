"""Answers for many files, offline: sound files, folders of them, or ``.npy`` files of embeddings.

Work is cut into parts of a few files. Every finished part is kept beside the result until all are done; the same command goes
on from there after Ctrl-C or ``kill -9``. The name of a part is a hash of the release, the options, and name, size and time of
its files, so what has changed is done again.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from yori.errors import CorruptError, SourceError, YoriError
from yori.flywheel.clips import ClipLimits, read_window, windows_of
from yori.flywheel.released_model import Release, open_release
from yori.importers.audio_files import find_files, is_audio
from yori.store import Project, atomic, content_key, open_npy, sha256_bytes, sha256_file
from yori.store.npy import as_float32
from yori.workers import Progress, map_in_processes, silent

FILES_PER_PART = 32
WINDOWS_AT_A_TIME = 256
VERSION = 1
OFFLINE_LIMITS = ClipLimits(seconds=7 * 86_400.0, windows=10_000_000)

SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("kind", pa.string()),
        ("start", pa.float64()),
        ("duration", pa.float64()),
        ("label", pa.string()),
        ("confidence", pa.float64()),
        ("abstained", pa.bool_()),
        ("probs", pa.list_(pa.float32())),
        ("input_sha256", pa.string()),
        ("release_id", pa.string()),
        ("error", pa.string()),
        ("embedding", pa.list_(pa.float32())),
    ]
)
"""One row for each clip, window or embedding; a file that cannot be read has one row with ``error`` and nothing else."""


@dataclass(frozen=True)
class Predicted:
    """What `predict` did: ``rows`` answers (``abstained`` of them without confidence) of ``files`` files, ``failed`` of which
    could not be read; ``reused`` of ``parts`` were there already.
    """

    out: Path
    release_id: str
    files: int
    failed: int
    rows: int
    abstained: int
    parts: int
    reused: int


@dataclass(frozen=True)
class _Part:
    project: Path
    release_id: str
    files: tuple[str, ...]
    hop: float | None
    limits: ClipLimits
    target: Path


def predict(
    project: Project,
    release_id: str,
    files: Sequence[str | Path],
    out: str | Path,
    *,
    hop: float | None = None,
    embeddings: bool = False,
    limits: ClipLimits = OFFLINE_LIMITS,
    workers: int | None = None,
    progress: Progress = silent,
) -> Predicted:
    """Answer for files and write one Parquet table, see `SCHEMA`.

    Parameters
    ----------
    release_id
        Of a release of the project.
    files
        Sound files and ``.npy`` files of embeddings; of a folder every one below it.
    out
        The table; one that is there is replaced once all is done.
    hop
        Seconds between the windows of a long recording; by default that of the task.
    embeddings
        Keep the column ``embedding``.
    workers
        Processes; None = one for each processor.

    Raises
    ------
    SourceError
        If there is no file, or one that was named does not exist.
    StoreError, CorruptError
        If the release cannot be opened or the result not be written.
    """
    release = open_release(project, release_id)
    named = list(_expand(files))
    if not named:
        raise SourceError("at least one sound file or .npy file", "none", where="predict", fix="Check the paths.")
    target = Path(out).absolute()
    aside = target.with_name(f".{target.name}.parts")
    with atomic.disk_errors(aside):
        atomic.make_folder(aside)
    parts = []
    for begin in range(0, len(named), FILES_PER_PART):
        group = tuple(named[begin : begin + FILES_PER_PART])
        facts = [(_shown(os.path.abspath(name)), *_stamp(name)) for name in group]
        key = content_key(
            version=VERSION, release=release_id, hop=hop, limits=repr(limits), files=[list(f) for f in facts]
        )
        parts.append(_Part(project.path, release.release_id, group, hop, limits, aside / f"{key[:40]}.parquet"))
    missing = [part for part in parts if not part.target.exists()]
    for _ in map_in_processes(_predict_part, missing, workers=workers, what="predict", progress=progress):
        pass
    return _join(target, aside, parts, len(missing), release_id, len(named), embeddings)


def part_tables(parts: Sequence[Path]) -> Iterator[pa.Table]:
    """Finished parts, one after the other."""
    for path in parts:
        try:
            yield pq.read_table(path, schema=SCHEMA)
        except (OSError, pa.ArrowInvalid) as error:
            raise CorruptError("a readable part", str(error), where=str(path), fix="Remove it and repeat.") from None


def _join(
    target: Path, aside: Path, parts: Sequence[_Part], missing: int, release_id: str, files: int, embeddings: bool
) -> Predicted:
    keep = [name for name in SCHEMA.names if embeddings or name != "embedding"]
    rows = abstained = failed = 0
    with atomic.disk_errors(target):
        joined = aside / "joined"
        schema = pa.schema([SCHEMA.field(name) for name in keep]).with_metadata({"release_id": release_id})
        with pq.ParquetWriter(joined, schema, compression="zstd") as writer:
            for table in part_tables([part.target for part in parts]):
                writer.write_table(table.select(keep).replace_schema_metadata(schema.metadata))
                wrong = table["error"].null_count
                rows += wrong
                failed += len(table) - wrong
                abstained += sum(bool(each) for each in table["abstained"].to_pylist())
        atomic.sync_tree(aside)
        atomic.put_in_place(joined, target)
        shutil.rmtree(aside, ignore_errors=True)
    return Predicted(target, release_id, files, failed, rows, abstained, len(parts), len(parts) - missing)


def _expand(files: Sequence[str | Path]) -> Iterator[str]:
    for each in files:
        path = Path(each)
        if path.is_dir():
            inside, _ = find_files(path, any_name=True)
            yield from (str(path / uri) for uri in inside if is_audio(uri) or uri.endswith(".npy"))
        elif path.exists():
            yield str(path)
        else:
            raise SourceError("a file or a folder", "nothing", where=str(path), fix="Check the path.")


def _shown(name: str) -> str:
    """A file name as text, also where its bytes are none."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _stamp(name: str) -> tuple[int, int]:
    found = os.stat(name)
    return found.st_size, found.st_mtime_ns


@functools.lru_cache(maxsize=2)
def _opened(project: Path, release_id: str) -> Release:
    return open_release(Project(project), release_id)


def _predict_part(part: _Part) -> None:
    release = _opened(part.project, part.release_id)
    rows: list[dict[str, Any]] = []
    for name in part.files:
        begun = len(rows)
        try:
            found = _embedding_rows(name, release) if name.endswith(".npy") else _clip_rows(name, release, part)
            rows.extend(found)
        except YoriError as error:
            del rows[begun:]
            said = str(error).encode("utf-8", "backslashreplace").decode()
            rows.append({"file": _shown(name), "release_id": release.release_id, "error": said})
    with atomic.disk_errors(part.target):
        half = part.target.with_name(f".{part.target.name}.{os.getpid()}")
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), half)
        os.replace(half, part.target)


def _clip_rows(name: str, release: Release, part: _Part) -> Iterator[dict[str, Any]]:
    path = Path(name)
    windows = windows_of(path, release, name=name, limits=part.limits, hop=part.hop)
    digest = sha256_file(path)
    for begin in range(0, len(windows), WINDOWS_AT_A_TIME):
        some = windows[begin : begin + WINDOWS_AT_A_TIME]
        vectors = release.embed([read_window(path, window, release, name=name) for window in some])
        places = [
            {"kind": "clip" if w.start is None else "window", "start": w.start, "duration": w.duration} for w in some
        ]
        yield from _rows(name, [digest] * len(some), places, vectors, release)


def _embedding_rows(name: str, release: Release) -> Iterator[dict[str, Any]]:
    vectors = as_float32(open_npy(name), first_row=0, where=name)
    digests = [sha256_bytes(vector.tobytes()) for vector in vectors]
    places = [{"kind": "embedding", "start": None, "duration": None}] * len(vectors)
    return _rows(name, digests, places, vectors, release)


def _rows(
    name: str, digests: Sequence[str], places: Sequence[dict[str, Any]], vectors: np.ndarray, release: Release
) -> Iterator[dict[str, Any]]:
    found = release.decide(vectors)
    for row, (digest, place) in enumerate(zip(digests, places, strict=True)):
        yield {
            "file": _shown(name),
            **place,
            "label": str(found.labels[row]),
            "confidence": float(found.confidence[row]),
            "abstained": bool(found.abstained[row]),
            "probs": found.probs[row].astype(np.float32),
            "input_sha256": digest,
            "release_id": release.release_id,
            "embedding": vectors[row],
        }
