from __future__ import annotations

import hashlib
import os
import time
from typing import Any

import pytest

from yori.errors import StoreError
from yori.store import Project, read_audio, wav_bytes


def test_a_clip_is_kept_once_under_its_hash_and_read_back(project: Project, make_rows: Any) -> None:
    clip = wav_bytes([0.0, 0.5, -0.5], 8000)
    uri = project.add_media(clip, "wav")
    assert uri == f"{hashlib.sha256(clip).hexdigest()}.wav"
    assert project.add_media(clip, ".WAV") == uri
    project.add_rows(make_rows("a", uri=[uri], source=["media"]), sources={}, message="m", who="w")
    assert dict(project.version().sources) == {"media": "data/media"}
    samples, rate = read_audio(project.locate("media", uri))
    assert (samples.tolist(), rate) == ([0.0, 0.5, -0.5], 8000)


def test_a_clip_that_is_added_again_is_young_again_and_a_damaged_one_is_repaired(project: Project) -> None:
    uri = project.add_media(b"clip", "wav")
    path = project.path / "data" / "media" / uri
    os.utime(path, (0, 0))
    project.add_media(b"clip", "wav")
    assert path.stat().st_mtime > time.time() - 100
    path.write_bytes(b"clap")
    project.add_media(b"clip", "wav")
    assert path.read_bytes() == b"clip"


@pytest.mark.parametrize("extension", ["", "../x", "a/b", "wave file", "x" * 9, "wav\n"])
def test_an_extension_is_letters_and_digits(project: Project, extension: str) -> None:
    with pytest.raises(StoreError, match="an extension of 1 to 8"):
        project.add_media(b"clip", extension)
