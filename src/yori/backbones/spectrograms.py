"""Log-mel spectrograms of every example, computed once per data version and read by all backbones.

Kept in chunks of examples, each a finished output of its own: after Ctrl-C or ``kill -9`` only the chunks under work are
made again. Half precision is enough: values are natural logarithms of a size of ten, rounded at 0.005.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float16, Float32, Int64

from yori.errors import CorruptError, YoriError
from yori.signal import log_mel as front_end
from yori.store import Project, content_key, read_audio, safe_join
from yori.workers import Progress, map_in_processes, silent

CHUNK = 256
VERSION = 1
REMAKE = "Remove the folder; it is remade."


@dataclass(frozen=True)
class SpectrogramChunk:
    """What one worker computes: where the clips are and where the result goes."""

    project: Path
    key: str
    paths: tuple[str, ...]
    starts: tuple[float | None, ...]
    durations: tuple[float | None, ...]
    sample_rate: int


class SpectrogramCache(Sequence[Float32[np.ndarray, "_frames bands"]]):
    """Spectrograms of examples, read by position; memory-mapped."""

    def __init__(self, project: Path, keys: Sequence[str], counts: Sequence[int]) -> None:
        self.folders = [project / "cache" / key for key in keys]
        self.first = np.concatenate([[0], np.cumsum(counts)])
        self._open: dict[int, tuple[Float16[np.ndarray, "frames bands"], Int64[np.ndarray, " m"]]] = {}

    def __len__(self) -> int:
        return int(self.first[-1])

    def __getitem__(self, index: int) -> Float32[np.ndarray, "frames bands"]:  # type: ignore[override]
        chunk = int(np.searchsorted(self.first, index, side="right")) - 1
        if chunk not in self._open:
            folder = self.folders[chunk]
            try:
                frames = np.load(folder / "frames.npy", mmap_mode="r", allow_pickle=False)
                ends = np.load(folder / "ends.npy", allow_pickle=False)
            except (OSError, ValueError, EOFError) as error:
                raise CorruptError("a readable spectrogram chunk", str(error), where=str(folder), fix=REMAKE) from None
            self._open[chunk] = (frames, ends)
        frames, ends = self._open[chunk]
        place = index - int(self.first[chunk])
        begin = int(ends[place - 1]) if place else 0
        return np.asarray(frames[begin : int(ends[place])], dtype=np.float32)

    def subset(self, index: Int64[np.ndarray, " k"]) -> _Subset:
        """A view of some positions, in order."""
        return _Subset(self, index)


class _Subset(Sequence[Float32[np.ndarray, "_frames bands"]]):
    def __init__(self, whole: SpectrogramCache, index: Int64[np.ndarray, " k"]) -> None:
        self.whole, self.positions = whole, index

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, place: int) -> Float32[np.ndarray, "frames bands"]:  # type: ignore[override]
        return self.whole[int(self.positions[place])]


def _compute(chunk: SpectrogramChunk) -> None:
    parts: list[Float16[np.ndarray, "frames bands"]] = []
    for path, start, duration in zip(chunk.paths, chunk.starts, chunk.durations, strict=True):
        try:
            samples, rate = read_audio(path, start=start, duration=duration, sample_rate=chunk.sample_rate)
        except YoriError as error:
            raise type(error)(
                error.expected, error.arrived, where=error.where or path, fix="Restore the file, or drop the example."
            ) from None
        parts.append(front_end.log_mel(samples, rate).astype(np.float16))
    with Project(chunk.project).stage_folder("cache", chunk.key) as folder:
        np.save(folder / "frames.npy", np.concatenate(parts))
        np.save(folder / "ends.npy", np.cumsum([len(part) for part in parts]).astype(np.int64))


def cache_spectrograms(
    project: Project,
    examples: pa.Table,
    *,
    sample_rate: int,
    workers: int | None = None,
    progress: Progress = silent,
) -> SpectrogramCache:
    """Compute what is missing and open the rest.

    Parameters
    ----------
    examples
        Rows with ``uri``, ``source``, ``start``, ``duration``, ``sha256``, in the order of the result.
    sample_rate
        Hz; clips are resampled to it.
    """
    roots = project.roots()
    columns = {
        name: examples[name].to_pylist() for name in ("example_id", "uri", "source", "start", "duration", "sha256")
    }
    tasks, keys, counts = [], [], []
    for begin in range(0, len(examples), CHUNK):
        part = {name: values[begin : begin + CHUNK] for name, values in columns.items()}
        key = "mel-" + content_key(
            version=VERSION, rate=sample_rate, ids=part["example_id"], content=part["sha256"], start=part["start"],
            duration=part["duration"],
        )[:32]  # fmt: skip
        keys.append(key)
        counts.append(len(part["uri"]))
        if not project.has_stage("cache", key):
            paths = tuple(
                str(safe_join(roots[source], uri)) for source, uri in zip(part["source"], part["uri"], strict=True)
            )
            tasks.append(
                SpectrogramChunk(project.path, key, paths, tuple(part["start"]), tuple(part["duration"]), sample_rate)
            )
    for _ in map_in_processes(_compute, tasks, workers=workers, what="spectrograms", progress=progress):
        pass
    return SpectrogramCache(project.path, keys, counts)
