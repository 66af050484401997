from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from yori.report.spectrogram import COLUMNS, SHADES, spectrogram_png


def decoded(png: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Shades and palette of a PNG, read by the definition of the format; every checksum is checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(png):
        length, name = struct.unpack(">I4s", png[place : place + 8])
        content = png[place + 8 : place + 8 + length]
        assert struct.unpack(">I", png[place + 8 + length : place + 12 + length])[0] == zlib.crc32(name + content)
        chunks[name], place = content, place + 12 + length
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, colour) == (8, 3)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    assert chunks[b"IEND"] == b""
    return rows[:, 1:], np.frombuffer(chunks[b"PLTE"], dtype=np.uint8).reshape(-1, 3)


@pytest.mark.parametrize("seconds", [0.01, 0.5, 8.0])
def test_a_tone_is_a_bright_row_and_a_higher_tone_lies_above(seconds: float) -> None:
    time = np.arange(round(seconds * 16_000)) / 16_000
    rows = []
    for hertz in (400.0, 3000.0):
        shades, palette = decoded(spectrogram_png(np.sin(2 * np.pi * hertz * time), 16_000))
        assert shades.shape[0] == 64
        assert 1 <= shades.shape[1] <= COLUMNS
        assert shades.max() == SHADES - 1 < len(palette)
        rows.append(int(shades.mean(axis=1).argmax()))
    assert rows[1] < rows[0]


def test_lightness_rises_with_the_shade() -> None:
    _, palette = decoded(spectrogram_png(np.sin(np.arange(4000.0)), 8000))
    light = palette.astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > 0).all()


def test_silence_is_a_picture() -> None:
    shades, _ = decoded(spectrogram_png(np.zeros(4000), 8000))
    assert len(np.unique(shades)) == 1
