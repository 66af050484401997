"""Sound files: windows, channels, rates, formats; and files that are not what their name says."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from yori.errors import ShapeError, SourceError, ValuesError
from yori.store import audio_info, read_audio, wav_bytes, write_wav

pytestmark = pytest.mark.usefixtures("unchecked")

RATE = 8000


def sine(frequency: float, seconds: float, rate: int = RATE, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("x.wav", "PCM_16", 2**-15),
        ("x.wav", "PCM_24", 2**-23),
        ("x.wav", "PCM_U8", 2**-7),
        ("x.wav", "FLOAT", 0),
        ("x.wav", "DOUBLE", 0),
        ("x.flac", "PCM_16", 2**-15),
        ("x.ogg", "VORBIS", 0.05),
    ],
)
def test_formats(tmp_path: Path, name: str, subtype: str, tolerance: float) -> None:
    samples = sine(440, 0.5)
    soundfile.write(tmp_path / name, samples, RATE, subtype=subtype)
    found, rate = read_audio(tmp_path / name)
    assert rate == RATE
    assert found.dtype == np.float32
    assert np.abs(found - samples).max() <= tolerance
    info = audio_info(tmp_path / name)
    assert (info.frames, info.rate, info.channels, info.subtype, info.seconds) == (4000, RATE, 1, subtype, 0.5)


def test_stereo_is_the_mean_of_its_channels_or_kept(tmp_path: Path) -> None:
    both = np.stack([sine(440, 0.1), sine(1000, 0.1)], axis=1)
    soundfile.write(tmp_path / "x.wav", both, RATE, subtype="FLOAT")
    assert (read_audio(tmp_path / "x.wav", mono=False)[0] == both).all()
    assert np.allclose(read_audio(tmp_path / "x.wav")[0], both.mean(axis=1), atol=1e-7)
    assert read_audio(tmp_path / "x.wav", mono=False, sample_rate=4000)[0].shape == (400, 2)


@given(start=st.integers(0, 99), length=st.integers(1, 100))
def test_a_window_equals_a_slice(tmp_path_factory: pytest.TempPathFactory, start: int, length: int) -> None:
    path = tmp_path_factory.getbasetemp() / "window.wav"
    samples = (np.arange(100) / 128).astype(np.float32)
    if not path.exists():
        soundfile.write(path, samples, 1000, subtype="FLOAT")
    length = min(length, 100 - start)
    found, _ = read_audio(path, start=start / 1000, duration=length / 1000)
    assert (found == samples[start : start + length]).all()
    assert (read_audio(path, start=start / 1000)[0] == samples[start:]).all()


@pytest.mark.parametrize("name", ["x.wav", "x.flac", "x.ogg"])
def test_a_window_of_every_format(tmp_path: Path, name: str) -> None:
    soundfile.write(tmp_path / name, sine(440, 2), RATE)
    whole = read_audio(tmp_path / name)[0]
    window = read_audio(tmp_path / name, start=0.5, duration=0.25)[0]
    assert np.allclose(window, whole[4000:6000], atol=1e-4)


def test_only_the_window_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "x.wav", sine(440, 2), RATE)
    asked = []
    real = soundfile.SoundFile.read
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda self, frames, **rest: asked.append(frames) or real(self, frames, **rest)
    )
    read_audio(tmp_path / "x.wav", start=1, duration=0.01)
    assert asked == [80]


def test_a_window_may_run_a_little_over_the_end_but_not_much(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", sine(440, 1), RATE)
    assert len(read_audio(tmp_path / "x.wav", start=0.9, duration=0.149)[0]) == 800
    for start, duration in ((0.9, 0.2), (1.0, None), (1.0, 0.01), (0.0, 0.0), (5.0, 1.0)):
        with pytest.raises(ValuesError, match="a window within the 1 s of the file"):
            read_audio(tmp_path / "x.wav", start=start, duration=duration)
    for start, duration in ((-0.1, None), (float("nan"), None), (0, -1), (0, float("inf"))):
        with pytest.raises(ValuesError, match="≥ 0 in seconds"):
            read_audio(tmp_path / "x.wav", start=start, duration=duration)
    with pytest.raises(ValuesError, match="a sample rate > 0, got 0"):
        read_audio(tmp_path / "x.wav", sample_rate=0)


@pytest.mark.parametrize("target", [4000, 16000, 11025, 44100])
def test_resampling_keeps_a_tone_below_both_limits(tmp_path: Path, target: int) -> None:
    soundfile.write(tmp_path / "x.wav", sine(440, 1), RATE, subtype="FLOAT")
    found, rate = read_audio(tmp_path / "x.wav", sample_rate=target)
    assert (rate, len(found)) == (target, target)
    middle = slice(target // 10, -target // 10)
    assert np.abs(found - sine(440, 1, target))[middle].max() < 1e-3


def test_resampling_removes_a_tone_above_the_new_limit(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", sine(3000, 1), RATE, subtype="FLOAT")
    found, _ = read_audio(tmp_path / "x.wav", sample_rate=4000)
    assert np.abs(found[400:-400]).max() < 1e-3


def test_the_rate_of_the_file_is_no_resampling(tmp_path: Path) -> None:
    samples = sine(440, 0.1)
    soundfile.write(tmp_path / "x.wav", samples, RATE, subtype="FLOAT")
    assert (read_audio(tmp_path / "x.wav", sample_rate=RATE)[0] == samples).all()


@pytest.mark.parametrize("content", [b"this is text", b"RIFF", b"RIFF\0\0\0\0WAVE", b"\0" * 1000, b"OggS" + b"x" * 100])
def test_what_is_no_sound_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.wav").write_bytes(content)
    for read in (read_audio, audio_info):
        with pytest.raises(SourceError, match=r"x\.wav: expected a sound file"):
            read(tmp_path / "x.wav")


def test_an_empty_file_no_file_a_folder_and_no_samples(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    with pytest.raises(SourceError, match="an empty file"):
        read_audio(tmp_path / "empty.wav")
    with pytest.raises(SourceError, match="No such file"):
        read_audio(tmp_path / "nothing.wav")
    with pytest.raises(SourceError, match="Is a directory"):
        read_audio(tmp_path)
    soundfile.write(tmp_path / "silent.wav", np.zeros(0), RATE)
    with pytest.raises(SourceError, match="at least one sample"):
        audio_info(tmp_path / "silent.wav")


@pytest.mark.parametrize("keep", [45, 100, 4000, -1])
def test_a_truncated_wav_is_found_before_it_is_read(tmp_path: Path, keep: int) -> None:
    content = wav_bytes(sine(440, 1), RATE)
    (tmp_path / "x.wav").write_bytes(content[:keep])
    for read in (read_audio, audio_info):
        with pytest.raises(SourceError, match=r"16000 bytes of samples.*truncated"):
            read(tmp_path / "x.wav")


def test_a_truncated_rf64_and_a_truncated_flac(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", sine(440, 1), RATE, format="RF64", subtype="PCM_16")
    whole = (tmp_path / "x.wav").read_bytes()
    assert whole[:4] == b"RF64"
    assert len(read_audio(tmp_path / "x.wav")[0]) == RATE
    (tmp_path / "x.wav").write_bytes(whole[:-100])
    with pytest.raises(SourceError, match="truncated"):
        read_audio(tmp_path / "x.wav")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, RATE)
    soundfile.write(tmp_path / "x.flac", noise, RATE)
    whole = (tmp_path / "x.flac").read_bytes()
    (tmp_path / "x.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"truncated|decoded"):
        read_audio(tmp_path / "x.flac")


def test_a_recorder_that_did_not_know_the_length_is_read_to_the_end(tmp_path: Path) -> None:
    content = bytearray(wav_bytes(sine(440, 1), RATE))
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "x.wav").write_bytes(bytes(content))
    assert len(read_audio(tmp_path / "x.wav")[0]) == RATE


def test_other_chunks_before_and_after_the_samples_do_not_matter(tmp_path: Path) -> None:
    content = wav_bytes(sine(440, 0.1), RATE)
    note = b"LIST" + struct.pack("<I", 5) + b"abcde\0"
    mixed = content[:36] + note + content[36:] + note
    mixed = mixed[:4] + struct.pack("<I", len(mixed) - 8) + mixed[8:]
    (tmp_path / "x.wav").write_bytes(mixed)
    assert len(read_audio(tmp_path / "x.wav")[0]) == 800
    (tmp_path / "x.wav").write_bytes(mixed[:-100])
    with pytest.raises(SourceError, match="truncated"):
        read_audio(tmp_path / "x.wav")


def test_nan_in_a_float_file_is_named(tmp_path: Path) -> None:
    samples = np.zeros(100, np.float32)
    samples[42] = np.nan
    soundfile.write(tmp_path / "x.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(SourceError, match="NaN or infinity at sample 42"):
        read_audio(tmp_path / "x.wav")


@given(hnp.arrays(np.int16, st.tuples(st.integers(1, 50), st.integers(1, 3))))
def test_pcm16_makes_the_round_trip_bit_for_bit(codes: np.ndarray) -> None:
    content = wav_bytes(codes / 32768, RATE)
    found, rate = soundfile.read(io.BytesIO(content), dtype="int16", always_2d=True)
    assert rate == RATE
    assert (found == codes).all()


def test_wav_bytes_equal_what_libsndfile_writes() -> None:
    sink = io.BytesIO()
    codes = np.arange(-500, 500, dtype=np.int16)
    soundfile.write(sink, codes, 16000, format="WAV", subtype="PCM_16")
    assert wav_bytes(codes / 32768, 16000) == sink.getvalue()


def test_what_exceeds_full_scale_is_clipped(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", [2.0, -2.0, 1.0], RATE)
    assert read_audio(tmp_path / "x.wav")[0].tolist() == [32767 / 32768, -1.0, 32767 / 32768]


def test_write_wav_replaces_in_one_step_and_leaves_nothing_aside(tmp_path: Path) -> None:
    write_wav(tmp_path / "deep" / "x.wav", [0.5], RATE)
    write_wav(str(tmp_path / "deep" / "x.wav"), [0.25, 0.25], RATE)
    assert len(read_audio(tmp_path / "deep" / "x.wav")[0]) == 2
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["x.wav"]


@pytest.mark.parametrize(
    ("samples", "rate", "error"),
    [
        ([], RATE, ShapeError),
        (0.5, RATE, ShapeError),
        (np.zeros((2, 2, 2)), RATE, ShapeError),
        ([np.nan], RATE, ValuesError),
        ([0.0], 0, ValuesError),
        ([0.0], 2**32, ValuesError),
    ],
)
def test_samples_that_cannot_be_written(samples: object, rate: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="wav_bytes"):
        wav_bytes(samples, rate)


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """File systems hold any bytes; a name from an old machine need not be UTF-8."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 \xff.wav"))
    try:
        path.write_bytes(wav_bytes(sine(440, 0.5), RATE))
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes UTF-8 names only")
    same = tmp_path / "cafe.wav"
    same.write_bytes(path.read_bytes())
    assert np.array_equal(read_audio(path, start=0.1, duration=0.2)[0], read_audio(same, start=0.1, duration=0.2)[0])
    assert audio_info(path) == audio_info(same)
    for content in (b"", b"no sound at all", path.read_bytes()[:100]):
        path.write_bytes(content)
        with pytest.raises(SourceError):
            read_audio(path)
