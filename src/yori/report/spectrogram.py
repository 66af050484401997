"""A clip's log-mel spectrogram as a PNG picture, written with zlib alone."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from jaxtyping import Float, UInt8

from yori.signal.log_mel import log_mel

COLUMNS = 200
"""Widest picture; longer clips are averaged over neighbouring frames."""

SHADES = 32
"""Few enough that the picture packs well, enough to look smooth."""

_ANCHORS = np.array(
    [(13, 8, 35), (59, 15, 112), (121, 29, 119), (183, 55, 95), (237, 104, 71), (252, 177, 95), (252, 253, 191)]
)
"""Dark to bright with evenly rising lightness, so that it also reads in grey and with colour-blind eyes."""


def spectrogram_png(samples: Float[np.ndarray, " samples"], rate: int) -> bytes:
    """Picture of a clip: time from left to right, 64 mel bands from low (bottom) to high, brighter = louder.

    Parameters
    ----------
    samples
        Mono samples in [−1, 1].
    rate
        Hz.

    Returns
    -------
    A PNG file with a palette of `SHADES` colours.

    Examples
    --------
    >>> spectrogram_png(np.sin(np.arange(8000) / 3), 8000)[1:4]
    b'PNG'
    """
    frames = log_mel(samples, rate)
    if len(frames) > COLUMNS:
        edges = np.linspace(0, len(frames), COLUMNS + 1).round().astype(np.int64)
        frames = np.add.reduceat(frames, edges[:-1], axis=0) / np.diff(edges)[:, None]
    low, high = float(frames.min()), float(frames.max())
    shares = (frames - low) / (high - low) if high > low else np.zeros_like(frames)
    shades = np.minimum(np.floor(shares * SHADES), SHADES - 1).astype(np.uint8)
    return _png(np.ascontiguousarray(shades.T[::-1]))


def data_uri(content: bytes, kind: str) -> str:
    """A file inside a page.

    Examples
    --------
    >>> data_uri(b"yori", "text/plain")
    'data:text/plain;base64,eW9yaQ=='
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _png(shades: UInt8[np.ndarray, "rows columns"]) -> bytes:
    place = np.linspace(0, len(_ANCHORS) - 1, SHADES)
    palette = np.stack([np.interp(place, np.arange(len(_ANCHORS)), channel) for channel in _ANCHORS.T], axis=1)
    height, width = shades.shape
    # Every row starts with its filter, 0 = none.
    rows = np.concatenate([np.zeros((height, 1), dtype=np.uint8), shades], axis=1).tobytes()
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette.round().astype(np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
