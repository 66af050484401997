import numpy as np
import pytest
from tests.audit.planted import make_project

from yori.audit import clip_measures
from yori.audit.clip_measures import measure_clips
from yori.errors import CorruptError


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path, faults=False, n=12).project


def test_pieces_are_kept_and_the_order_is_that_of_the_table(project, monkeypatch):
    whole, prints = measure_clips(project, project.examples(), workers=1)
    monkeypatch.setattr(clip_measures, "CHUNK", 5)
    pieces, same = measure_clips(project, project.examples(), workers=1)
    np.testing.assert_array_equal(whole.level, pieces.level)
    np.testing.assert_array_equal(prints, same)
    assert whole.readable.all()
    assert (whole.seconds == 1.0).all()
    table = project.examples()
    few, _ = measure_clips(project, table.take([7, 3]), workers=1)
    np.testing.assert_array_equal(few.level, whole.level[[7, 3]])


def test_an_interrupted_measurement_goes_on(project, monkeypatch):
    monkeypatch.setattr(clip_measures, "CHUNK", 4)
    measured = []
    one = clip_measures._one

    def stops(*given):
        if len(measured) == 6:
            raise KeyboardInterrupt
        measured.append(given)
        return one(*given)

    monkeypatch.setattr(clip_measures, "_one", stops)
    with pytest.raises(KeyboardInterrupt):
        measure_clips(project, project.examples(), workers=1)
    again = []
    monkeypatch.setattr(clip_measures, "_one", lambda *given: again.append(given) or one(*given))
    measure_clips(project, project.examples(), workers=1)
    assert len(again) == 8  # the first piece of four was finished


def test_a_file_that_is_gone_or_broken_is_a_value(project):
    clips = project.roots()["clips"]
    (clips / "c003.wav").write_bytes(b"RIFF")
    (clips / "c005.wav").unlink()
    found, _ = measure_clips(project, project.examples(), workers=1)
    assert np.flatnonzero(~found.readable).tolist() == [3, 5]
    assert all(found.problem[k] for k in (3, 5))
    assert np.isnan(found.level[3])


def test_a_damaged_piece_is_named(project):
    measure_clips(project, project.examples(), workers=1)
    [folder] = (project.path / "cache").glob("audit-clips-*")
    (folder / "numbers.npy").write_bytes(b"x")
    with pytest.raises(CorruptError, match="Remove the folder"):
        measure_clips(project, project.examples(), workers=1)
