import numpy as np
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from tests.importers.conftest import RATE, chirp

from yori.importers.copies import COMPARED_HZ, COMPARED_SECONDS, Waveform, exact_copies, near_copies
from yori.signal.fingerprint import fingerprint


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", None])), max_size=12),
)
def test_every_repeat_points_to_a_clip_of_the_same_content(clips):
    hashes, labels = [one for one, _ in clips], [label for _, label in clips]
    copies = exact_copies(hashes, labels)
    assert len(copies) == len(hashes) - len(set(hashes))
    assert len({copy.clip for copy in copies}) == len(copies)
    originals = set(range(len(clips))) - {copy.clip for copy in copies}
    for copy in copies:
        assert hashes[copy.clip] == hashes[copy.of]
        assert copy.exact
        assert copy.clip != copy.of
        same = [i for i in range(len(clips)) if hashes[i] == hashes[copy.clip]]
        (original,) = originals & set(same)
        if labels[original] is None:
            assert all(labels[i] is None for i in same)
        if labels[copy.clip] is not None and labels[original] == labels[copy.clip]:
            assert labels[copy.of] == labels[copy.clip]


def listen(data, uris):
    prints, waveforms = [], []
    for uri in uris:
        samples, rate = soundfile.read(data / uri, dtype="float32", always_2d=True)
        prints.append(fingerprint(samples, rate))
        waveforms.append(Waveform(data, uri, None, len(samples) / rate))
    return np.stack(prints), waveforms


def test_copies_with_other_gain_coding_and_rate_are_found_and_strangers_are_not(write, data):
    write("a.wav", 1, seconds=1.0)
    write("gain.wav", samples=chirp(1, 1.0) * 0.3)
    write("coded.ogg", 1, seconds=1.0)
    write("noise.wav", samples=chirp(1, 1.0) + np.random.default_rng(0).normal(0, 0.003, RATE))
    for seed in range(2, 8):
        write(f"{seed}.wav", seed, seconds=1.0)
    uris = ["a.wav", "gain.wav", "coded.ogg", "noise.wav", *(f"{seed}.wav" for seed in range(2, 8))]
    copies = near_copies(*listen(data, uris))
    assert {copy.clip for copy in copies} | {copy.of for copy in copies} == {0, 1, 2, 3}
    assert len(copies) == 3
    assert all(not copy.exact and copy.correlation > 0.9 for copy in copies)


def test_windows_of_one_recording_are_not_compared(write, data):
    write("a.wav", samples=np.tile(chirp(1, 0.5), 2))
    prints, _ = listen(data, ["a.wav", "a.wav"])
    waveforms = [Waveform(data, "a.wav", start, 0.5) for start in (0.0, 0.5)]
    assert near_copies(prints, waveforms) == []


def test_of_long_clips_the_middle_is_compared(write, data):
    write("a.wav", 1, seconds=COMPARED_SECONDS + 4)
    middle = Waveform(data, "a.wav", None, COMPARED_SECONDS + 4).middle()
    assert len(middle) == COMPARED_SECONDS * COMPARED_HZ
    samples, _ = soundfile.read(data / "a.wav", dtype="float32")
    assert np.allclose(middle, samples[2 * RATE : -2 * RATE])
