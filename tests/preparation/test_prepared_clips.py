import numpy as np
import pytest
import soundfile
from tests.prove.mixture import make_project

from yori.errors import SourceError
from yori.preparation.audio_steps import RemoveOffset
from yori.preparation.prepared_clips import CHUNK, Source, prepare_clips
from yori.store import read_audio
from yori.store.media import MEDIA_FOLDER


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "p", n=12)


def test_windows_are_cut_channels_averaged_and_order_kept(project, tmp_path):
    t = np.arange(8000) / 8000
    left, right = 0.2 * np.sin(2 * np.pi * 200 * t), 0.2 * np.sin(2 * np.pi * 900 * t)
    soundfile.write(tmp_path / "two.wav", np.stack([left, right], axis=1), 8000, subtype="FLOAT")
    sources = [Source(str(tmp_path), "two.wav", start, 0.25) for start in (0.5, 0.0, 0.25)]
    made = prepare_clips(project, sources, [], workers=1)
    assert [each.seconds for each in made] == [0.25] * 3
    assert len({each.sha256 for each in made}) == 3
    for source, clip in zip(sources, made, strict=True):
        samples, rate = read_audio(project.path / MEDIA_FOLDER / clip.uri)
        begin = round(source.start * 8000)
        np.testing.assert_allclose(samples, (left + right)[begin : begin + 2000] / 2, atol=2 / 32768)
        assert rate == 8000


def test_steps_apply_in_order_and_equal_results_are_one_file(project, tmp_path):
    tone = 0.1 * np.sin(np.arange(4000))
    for name, offset in (("a", 0.1), ("b", 0.1)):
        soundfile.write(tmp_path / f"{name}.wav", tone + offset, 8000, subtype="FLOAT")
    one, two = prepare_clips(
        project, [Source(str(tmp_path), f"{name}.wav", None, None) for name in "ab"], [RemoveOffset()], workers=1
    )
    assert one == two
    samples, _ = read_audio(project.path / MEDIA_FOLDER / one.uri)
    assert abs(float(samples.mean())) < 1e-4


def test_more_clips_than_a_chunk_and_none(project, tmp_path):
    soundfile.write(tmp_path / "a.wav", 0.1 * np.sin(np.arange(8000)), 8000)
    sources = [Source(str(tmp_path), "a.wav", k / 200, 0.1) for k in range(CHUNK + 3)]
    made = prepare_clips(project, sources, [], workers=1)
    assert len({each.sha256 for each in made}) == CHUNK + 3
    assert prepare_clips(project, [], [], workers=1) == []


def test_a_clip_that_is_not_there_is_named(project, tmp_path):
    with pytest.raises(SourceError, match="gone"):
        prepare_clips(project, [Source(str(tmp_path), "gone.wav", None, None)], [], workers=1)
