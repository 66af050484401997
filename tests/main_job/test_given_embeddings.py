import numpy as np
import pytest

from yori.backbones.given import given_parts
from yori.errors import AlignmentError, StoreError
from yori.main_job import init, read_given
from yori.store import Project


def test_no_embeddings(clips, tmp_path):
    init(tmp_path / "p", clips)
    assert given_parts(Project.open(tmp_path / "p")) == []
    with pytest.raises(StoreError, match="layout arrays"):
        read_given(Project.open(tmp_path / "p"), ["cat/0.wav"])


def test_an_example_without_embedding(arrays, tmp_path):
    init(tmp_path / "p", arrays(20))
    project = Project.open(tmp_path / "p")
    with pytest.raises(AlignmentError, match="none for 'x9'"):
        read_given(project, ["e000", "x9"])
    assert read_given(project, []).shape == (0, 3)
    twice = read_given(project, ["e003", "e000", "e003"])
    assert np.array_equal(twice, np.load(tmp_path / "X.npy")[[3, 0, 3]])
