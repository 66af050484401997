"""How a recording is cut: everything is heard, nothing outside it, and within the limits."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.flywheel.heard import RATE, encoded, heard, sound

from yori.errors import SourceError, ValuesError
from yori.flywheel.clips import ClipLimits, Window, _cut, pieces_of, windows_of
from yori.store import AudioInfo


@given(
    frames=st.integers(1, 200_000),
    window=st.floats(0.05, 3.0),
    hop=st.floats(0.01, 3.0),
    more=st.floats(0.0, 2.0),
)
def test_windows_lie_inside_and_reach_the_end(frames: int, window: float, hop: float, more: float) -> None:
    info = AudioInfo(frames, RATE, 1, "PCM_16")
    found = _cut(info, window, window + more, hop, most=10**6)
    if info.seconds <= window + more + 0.05:
        assert found == [Window(None, info.seconds)]
        return
    starts = [one.start for one in found]
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert {one.duration for one in found} == {window}
    assert starts[-1] + window <= info.seconds + 1e-5
    assert starts[-1] + window >= info.seconds - 0.05 - 1e-6
    gaps = np.diff(starts)
    assert (gaps <= hop + 1e-5).all()
    np.testing.assert_allclose(gaps[:-1], hop, atol=2e-6)


def test_pieces_are_the_samples_of_the_recording(tmp_path: Path) -> None:
    _, release = heard()
    samples = np.round(sound("tone", 4, seconds=2.7) * 32000) / 32768
    (tmp_path / "a.wav").write_bytes(encoded(samples, subtype="FLOAT"))
    pieces = list(pieces_of(tmp_path / "a.wav", release, name="a"))
    assert [window.start for window, _ in pieces] == pytest.approx([0, 1, 1.7])
    for window, piece in pieces:
        first = round(window.start * RATE)
        np.testing.assert_array_equal(piece, samples[first : first + RATE].astype(np.float32))


def test_what_is_beyond_the_limits_is_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, release = heard()
    path = tmp_path / "a.wav"
    path.write_bytes(encoded(sound("tone", 0, seconds=5)))
    monkeypatch.setattr("yori.flywheel.clips.read_audio", None)  # reading would fail
    with pytest.raises(ValuesError, match="at most 4 s"):
        windows_of(path, release, name="a", limits=ClipLimits(seconds=4))
    with pytest.raises(ValuesError, match="fewer than 3 windows"):
        windows_of(path, release, name="a", limits=ClipLimits(windows=3))
    with pytest.raises(ValuesError, match="samples to decode"):
        windows_of(path, release, name="a", limits=ClipLimits(samples=1000))
    for hop in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValuesError, match="hop"):
            windows_of(path, release, name="a", hop=hop)
    path.write_bytes(b"")
    with pytest.raises(SourceError, match=r"^mine: "):
        windows_of(path, release, name="mine")
