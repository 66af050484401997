from collections import Counter

import numpy as np
from tests.importers.conftest import RATE, chirp

from yori.importers.candidates import RECORDINGS_PER_TASK, audio_candidates
from yori.importers.recording import Listing, Recording
from yori.workers import silent


def candidates(listing, root, *, window=None, hop=None, workers=1, prefix="", progress=silent):
    return audio_candidates(
        listing, str(root), window=window, hop=hop, workers=workers, prefix=prefix, progress=progress
    )


def test_candidates_come_in_the_order_of_the_listing(write, data):
    for seed in range(RECORDINGS_PER_TASK + 3):
        write(f"{seed:02}.wav", seed, seconds=0.1)
    uris = [f"{seed:02}.wav" for seed in range(RECORDINGS_PER_TASK + 3)][::-1]
    found, listed = candidates(Listing(data, tuple(map(Recording, uris))), data)
    assert [one.example_id for one in found] == uris
    assert listed == []


def test_stretches_of_one_file_are_read_once_and_named_by_time(write, data):
    write("a.wav", 1, seconds=2.0)
    recordings = (
        Recording("a.wav", "x", start=0.0, duration=0.5),
        Recording("a.wav", "y", start=1.0, duration=0.5),
        Recording("a.wav", "z", start=1.5, example_id="last"),
    )
    found, _ = candidates(Listing(data, recordings), data)
    assert [(one.example_id, one.recording.label, one.start, one.seconds) for one in found] == [
        ("a.wav#t=0.000,0.500", "x", 0.0, 0.5),
        ("a.wav#t=1.000,1.500", "y", 1.0, 0.5),
        ("last", "z", 1.5, 0.5),
    ]
    windows, _ = candidates(Listing(data, recordings[2:]), data, window=0.25)
    assert [one.example_id for one in windows] == ["last#t=1.500,1.750", "last#t=1.750,2.000"]
    prefixed, _ = candidates(Listing(data, recordings), data, prefix="b/")
    assert [one.example_id for one in prefixed] == ["b/a.wav#t=0.000,0.500", "b/a.wav#t=1.000,1.500", "last"]


def test_remarks_name_the_window(write, data):
    samples = np.r_[chirp(1), np.zeros(RATE // 2), np.clip(chirp(2) * 20, -0.99, 0.99)]
    write("a.wav", samples=samples)
    found, listed = candidates(Listing(data, (Recording("a.wav", "x"),)), data, window=0.5)
    assert [one.start for one in found] == [0.0, 1.0]
    assert [(one.start, one.reason, one.action) for one in listed] == [
        (0.5, "digital silence", "left out"),
        (1.0, "clipping", "kept"),
    ]


def test_progress_counts_tasks(write, data):
    for seed in range(RECORDINGS_PER_TASK + 1):
        write(f"{seed:02}.wav", seed, seconds=0.05)
    calls = Counter()
    uris = [f"{seed:02}.wav" for seed in range(RECORDINGS_PER_TASK + 1)]
    candidates(
        Listing(data, tuple(map(Recording, uris))),
        data,
        progress=lambda what, done, total: calls.update([(done, total)]),
    )
    assert set(calls) == {(0, 2), (1, 2), (2, 2)}
