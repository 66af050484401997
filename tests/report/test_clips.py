from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import soundfile
from tests.report.sample import TASK_TEXT, Sample

from yori.report.clips import HEARD_RATE, MOST_SECONDS, Clip, clips_of
from yori.store import Project, write_wav


def project_of(folder: Path, clips: dict[str, tuple[np.ndarray, int]], **columns: list[float | None]) -> Project:
    for name, (samples, rate) in clips.items():
        write_wav(folder / "sound" / f"{name}.wav", samples, rate)
    project = Project.create(folder / "project", TASK_TEXT)
    rows = {"example_id": list(clips), "uri": [f"{name}.wav" for name in clips], "source": ["sound"] * len(clips),
            "label": ["tug"] * len(clips), **columns}  # fmt: skip
    project.add_rows(pa.table(rows), sources={"sound": folder / "sound"}, message="m", who="w")
    return project


def heard(clip: object) -> tuple[np.ndarray, int]:
    assert isinstance(clip, Clip)
    return soundfile.read(io.BytesIO(base64.b64decode(clip.sound.removeprefix("data:audio/wav;base64,"))))


def tone(seconds: float, rate: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 300 * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def test_sound_is_the_clip_and_what_is_long_or_fast_is_reduced(tmp_path: Path) -> None:
    project = project_of(
        tmp_path, {"a": (tone(0.5, 8000), 8000), "b": (tone(12, 8000), 8000), "c": (tone(1, 44_100), 44_100)}
    )
    found = clips_of(["a", "b", "c"], project, version=1, modality="audio").found
    samples, rate = heard(found["a"])
    assert rate == 8000
    assert np.abs(samples - tone(0.5, 8000)).max() < 1e-4
    assert len(heard(found["b"])[0]) == MOST_SECONDS * 8000
    assert isinstance(found["b"], Clip)
    assert found["b"].shortened
    assert found["b"].whole_seconds == 12
    samples, rate = heard(found["c"])
    assert (rate, len(samples)) == (HEARD_RATE, HEARD_RATE)
    assert isinstance(found["c"], Clip)
    assert not found["c"].shortened


def test_a_window_of_a_recording(tmp_path: Path) -> None:
    sound = np.concatenate([np.zeros(8000), tone(1, 8000), np.zeros(8000)]).astype(np.float32)
    project = project_of(tmp_path, {"a": (sound, 8000)}, start=[1.0], duration=[1.0])
    found = clips_of(["a"], project, version=1, modality="audio").found["a"]
    samples, _ = heard(found)
    assert np.abs(samples - tone(1, 8000)).max() < 1e-4
    assert isinstance(found, Clip)
    assert not found.shortened


def test_the_first_ones_get_players_until_the_file_is_full(tmp_path: Path) -> None:
    project = project_of(tmp_path, {f"{i}": (tone(0.2, 8000), 8000) for i in range(6)})
    ids = [str(i) for i in (3, 1, 5, 0, 2, 4)]
    whole = clips_of(ids, project, version=1, modality="audio").found
    sizes = [len(clip.sound) + len(clip.picture) for clip in whole.values() if isinstance(clip, Clip)]
    some = clips_of(ids, project, version=1, modality="audio", most_bytes=sum(sizes[:3]) + 5)
    assert [isinstance(some.found[each], Clip) for each in ids] == [True] * 3 + [False] * 3
    assert some.missing("full") == 3


def test_reasons(sample: Sample, tmp_path: Path) -> None:
    assert clips_of(["clip_001"], None, version=1, modality="audio").missing("project") == 1
    assert clips_of(["clip_001"], None, version=1, modality="embeddings").missing("modality") == 1
    assert clips_of(["clip_001"], sample.project, version=9, modality="audio").missing("version") == 1
    assert clips_of(["nobody"], sample.project, version=1, modality="audio").missing("file") == 1
    known = clips_of(["clip_001"], sample.project, version=1, modality="embeddings")
    assert known.missing("modality") == 1
    assert known.columns["clip_001"]["group"] == "passage 0"
    project = project_of(tmp_path, {"gone": (tone(0.2, 8000), 8000), "text": (tone(0.2, 8000), 8000)})
    (tmp_path / "sound" / "gone.wav").unlink()
    (tmp_path / "sound" / "text.wav").write_text("not a sound")
    assert clips_of(["gone", "text"], project, version=1, modality="audio").missing("file") == 2
