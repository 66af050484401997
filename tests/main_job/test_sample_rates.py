from yori.importers import Listing, Recording
from yori.main_job import sample_rates
from yori.main_job.sample_rates import sample_rate_of


def test_the_rate_of_most_files_and_bad_ones_do_not_count(write, tmp_path):
    for number, rate in enumerate([8000, 16_000, 8000, 44_100]):
        write(f"{number}.wav", number, rate=rate)
    (tmp_path / "bad.wav").write_text("x")
    uris = ["0.wav", "1.wav", "2.wav", "3.wav", "bad.wav", "missing.wav"]
    assert sample_rate_of(Listing(tmp_path, tuple(map(Recording, uris)))) == 8000
    assert sample_rate_of(Listing(tmp_path, (Recording("bad.wav"),))) is None
    assert sample_rate_of(Listing(None, (Recording(""),))) is None


def test_large_sources_are_sampled_evenly(write, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_rates, "LOOKED_AT", 2)
    for number, rate in enumerate([8000, 16_000, 8000, 16_000]):
        write(f"{number}.wav", number, rate=rate)
    assert sample_rate_of(Listing(tmp_path, tuple(Recording(f"{number}.wav") for number in range(4)))) == 8000


def test_clips_in_memory(write, tmp_path):
    content = write("a.wav", 0, rate=22_050).read_bytes()
    found = Listing(None, (Recording("x"),), media=lambda: iter([(b"no sound", "wav"), (content, "wav")]))
    assert sample_rate_of(found) == 22_050
