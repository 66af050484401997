"""Sound files in and out: a window of a file as float32 samples, and PCM16 WAV."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float

from yori.errors import ShapeError, SourceError, ValuesError
from yori.store import atomic

OVERHANG_SECONDS = 0.05
"""How far a window may run past the end of its file: annotations are rounded. What is missing is not filled up."""

_UNKNOWN_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True)
class AudioInfo:
    """What a sound file says about itself.

    Parameters
    ----------
    frames
        Samples in each channel.
    rate
        Samples in a second.
    channels
        Number of channels.
    subtype
        How samples are stored, in the words of libsndfile: ``PCM_16``, ``FLOAT``, ``VORBIS``, …
    """

    frames: int
    rate: int
    channels: int
    subtype: str

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate


def audio_info(path: str | Path) -> AudioInfo:
    """Read the header of a sound file.

    Raises
    ------
    SourceError
        If the file is missing, empty, truncated, without samples, or no sound file.
    """
    with _opened(Path(path)) as sound:
        return AudioInfo(int(sound.frames), int(sound.samplerate), int(sound.channels), str(sound.subtype))


def read_audio(
    path: str | Path,
    *,
    start: float | None = None,
    duration: float | None = None,
    sample_rate: int | None = None,
    mono: bool = True,
) -> tuple[Float[np.ndarray, "samples *channels"], int]:
    """Read a sound file, or a window of it, as float32; full scale is 1.

    Parameters
    ----------
    path
        WAV, FLAC, OGG, or whatever else libsndfile reads.
    start, duration
        The window in seconds, from the beginning and to the end by default. Only the window is read.
    sample_rate
        Resample to this rate (soxr, high quality); the rate of the file by default.
    mono
        True: the mean of the channels, shape ``(samples,)``. False: shape ``(samples, channels)``.

    Returns
    -------
    The samples and their rate.

    Raises
    ------
    SourceError
        If the file is missing, empty, truncated, without samples, no sound file, or holds NaN or infinity.
    ValuesError
        If the window does not lie in the file, but for `OVERHANG_SECONDS` at its end.
    """
    path = Path(path)
    if sample_rate is not None and sample_rate <= 0:
        raise ValuesError("a sample rate > 0", str(sample_rate), where="read_audio")
    with _opened(path) as sound:
        rate = int(sound.samplerate)
        first, count = _window(start, duration, rate, int(sound.frames), path)
        try:
            sound.seek(first)
            samples = sound.read(count, dtype="float32", always_2d=True)
        except (RuntimeError, ValueError) as error:
            raise SourceError("a sound file that can be decoded", str(error), where=str(path)) from error
    if len(samples) < count:
        raise _truncated(path, f"{count} samples from {first} on", f"{len(samples)}")
    if not np.isfinite(samples).all():
        row = int(np.argmin(np.isfinite(samples).all(axis=1)))
        raise SourceError("finite samples", f"NaN or infinity at sample {first + row}", where=str(path))
    if mono:
        samples = samples.mean(axis=1, dtype=np.float32)
    if sample_rate is not None and sample_rate != rate:
        import soxr

        samples, rate = soxr.resample(samples, rate, sample_rate, quality="HQ"), int(sample_rate)
    return np.ascontiguousarray(samples, dtype=np.float32), rate


def wav_bytes(samples: Any, rate: int) -> bytes:
    """Encode samples as a PCM16 WAV file in memory; what exceeds full scale is clipped.

    Samples that came from PCM16 return to exactly the numbers they came from.

    Parameters
    ----------
    samples
        ``(samples,)`` or ``(samples, channels)``, full scale 1.
    rate
        Samples in a second.

    Examples
    --------
    >>> len(wav_bytes([0.0, 0.5, -1.0], 8000))
    50
    """
    array = np.asarray(samples, dtype=np.float64)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ShapeError(
            "samples of shape (samples,) or (samples, channels)", f"shape {array.shape}", where="wav_bytes"
        )
    if not np.isfinite(array).all():
        raise ValuesError("finite samples", "NaN or infinity", where="wav_bytes")
    channels = 1 if array.ndim == 1 else array.shape[1]
    if not 0 < rate < 2**32 or channels >= 2**15:
        raise ValuesError(
            "a sample rate > 0 and fewer than 32768 channels", f"{rate} and {channels}", where="wav_bytes"
        )
    data = np.clip(np.round(array * 32768), -32768, 32767).astype("<i2").tobytes()
    if len(data) + 36 >= 2**32:
        raise ValuesError("less than 4 GB of samples", f"{len(data)} bytes", where="wav_bytes", fix="Cut the clip.")
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16),
        *(b"data", len(data)),
    )
    return header + data


def write_wav(path: str | Path, samples: Any, rate: int) -> None:
    """Write samples as a PCM16 WAV file, see `wav_bytes`; a file that is there is replaced in one step.

    Raises
    ------
    StoreError
        If the disk is full or the folder cannot be written.
    """
    content = wav_bytes(samples, rate)
    path = Path(path)
    aside = path.with_name(f".{path.name}.part")
    with atomic.disk_errors(path):
        atomic.make_folder(path.parent)
        atomic.remove_file(aside)
        try:
            atomic.write_new(aside, [content])
            atomic.put_in_place(aside, path)
        except BaseException:
            atomic.remove_file(aside)
            raise


def _opened(path: Path) -> Any:
    """Open a sound file after looking for what libsndfile lets pass in silence."""
    import soundfile

    try:
        size = path.stat().st_size
        if size == 0:
            raise SourceError("a sound file", "an empty file", where=str(path), fix="Copy the file again.")
        with path.open("rb") as file:
            _check_wav_length(file, size, path)
        # As bytes: a name that is no UTF-8 cannot be encoded again, and libsndfile takes the bytes as they are on the disk.
        sound = soundfile.SoundFile(path if _is_text(path) else os.fsencode(path))
    except OSError as error:
        raise SourceError("a file that can be read", error.strerror or str(error), where=str(path)) from error
    except (RuntimeError, TypeError) as error:
        fix = "Check that the file is what its name says."
        raise SourceError("a sound file", str(error), where=str(path), fix=fix) from error
    if sound.frames <= 0:
        sound.close()
        raise SourceError("a sound file with at least one sample", "none", where=str(path), fix="Leave it out.")
    return sound


def _is_text(path: Path) -> bool:
    """Whether the name can be encoded: file systems hold names of any bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_wav_length(file: BinaryIO, size: int, path: Path) -> None:
    """Refuse a WAV file whose header promises more samples than the file holds; libsndfile would just read less."""
    head = file.read(12)
    if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
        return
    long_data = None
    while len(chunk := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", chunk)
        if name == b"ds64":
            body = file.read(length)
            long_data = struct.unpack("<Q", body[8:16])[0] if len(body) >= 16 else None
            continue
        if name == b"data":
            # A recorder that writes to a pipe cannot know the length and promises nothing.
            promised = long_data if length == _UNKNOWN_LENGTH else length
            if promised is not None and file.tell() + promised > size:
                raise _truncated(path, f"{promised} bytes of samples", f"{size - file.tell()}")
            return
        file.seek(length + length % 2, 1)


def _window(start: float | None, duration: float | None, rate: int, frames: int, path: Path) -> tuple[int, int]:
    """First sample and number of samples of a window."""
    for name, value, smallest in (("start", start, 0.0), ("duration", duration, 0.0)):
        if value is not None and not (np.isfinite(value) and value >= smallest):
            raise ValuesError(f"a {name} ≥ 0 in seconds", str(value), where=str(path))
    first = round((start or 0.0) * rate)
    count = frames - first if duration is None else round(duration * rate)
    if first >= frames or count <= 0 or first + count > frames + OVERHANG_SECONDS * rate:
        length = f"{frames / rate:.6g} s"
        wanted = f"{start or 0.0:.6g} s to " + ("the end" if duration is None else f"{(start or 0.0) + duration:.6g} s")
        raise ValuesError(f"a window within the {length} of the file", wanted, where=str(path))
    return first, min(count, frames - first)


def _truncated(path: Path, promised: str, found: str) -> SourceError:
    return SourceError(promised, f"{found}: the file is truncated", where=str(path), fix="Copy the file again.")
