from dataclasses import replace
from pathlib import Path

import pytest

from yori.errors import SourceError, ValuesError
from yori.importers import LAYOUTS, Listing, Recording
from yori.importers.recording import LeftOut
from yori.main_job.data_source import OPTIONS, DataSource, audio_root, list_source, with_labels, without_folder


def test_every_layout_says_what_it_understands():
    assert set(OPTIONS) == set(LAYOUTS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layout": "zip"}, "'zip'"),
        ({"layout": "folder", "pattern": "{label}.wav"}, "'pattern'"),
        ({"layout": "pattern", "columns": {"domain": "x"}}, "name the field"),
        ({"layout": "deepship", "table": Path("x")}, "none"),
        ({"layout": "esc50", "path": Path(), "columns": {"label": "x"}}, "only the column of the domain"),
    ],
)
def test_options_that_a_layout_does_not_understand(options, said):
    with pytest.raises(ValuesError, match=said):
        list_source(DataSource(**options))


@pytest.mark.parametrize(
    ("layout", "missing"), [("folder", "--from"), ("table", "--from"), ("arrays", "--embeddings"), ("vtuad", "--from")]
)
def test_what_a_layout_needs(layout, missing):
    with pytest.raises(SourceError, match=f"Give {missing} PATH"):
        list_source(DataSource(layout=layout))


def test_levels_and_columns_arrive(write, tmp_path):
    write("data/near/dog/a.wav", 0)
    write("data/far/cat/b.wav", 1)
    (tmp_path / "data" / "rows.csv").write_text("file;kind\nnear/dog/a.wav;x|y\n")
    folder = list_source(DataSource(layout="folder", path=tmp_path / "data", levels="domain/label"))
    assert [(one.label, one.domain) for one in folder.recordings] == [("cat", "far"), ("dog", "near")]
    source = DataSource(
        layout="csv", path=tmp_path / "data" / "rows.csv", columns={"label": "kind"}, label_separator="|"
    )
    for one in (source, replace(source, path=tmp_path / "data", table=tmp_path / "data" / "rows.csv")):
        found = list_source(one)
        assert [(one.uri, one.label) for one in found.recordings] == [("near/dog/a.wav", ("x", "y"))]
        assert audio_root(one, found) == tmp_path / "data"


def test_esc50_and_its_fold_as_domain(write, tmp_path):
    write("esc/audio/a.wav", 0)
    (tmp_path / "esc" / "meta").mkdir()
    (tmp_path / "esc" / "meta" / "x.csv").write_text("filename,fold,category\na.wav,3,dog\n")
    source = DataSource(layout="esc50", path=tmp_path / "esc", table=Path("meta/x.csv"), columns={"domain": "fold"})
    assert list_source(source).recordings[0].domain == "3"


def test_one_label_and_several():
    one = Listing(Path(), (Recording("a", "x", verified="y"), Recording("b")))
    several = with_labels(one, "multiple")
    assert [(r.label, r.verified) for r in several.recordings] == [(("x",), ("y",)), (None, None)]
    assert several.labels == "multiple"
    assert with_labels(several, "single") == one
    assert with_labels(one, "single") is one
    with pytest.raises(ValuesError, match="2 for 'c'"):
        with_labels(Listing(Path(), (Recording("c", ("x", "y")),)), "single")


def test_what_lies_in_the_project_is_no_data(tmp_path):
    recordings = tuple(Recording(uri) for uri in ("p/a.wav", "pp/a.wav", "a.wav"))
    left_out = (LeftOut("p/x", "not audio", ""), LeftOut("x", "not audio", ""))
    found = Listing(tmp_path, recordings, left_out)
    own = without_folder(found, tmp_path / "p")
    assert [one.uri for one in own.recordings] == ["pp/a.wav", "a.wav"]
    assert [one.uri for one in own.left_out] == ["x"]
    assert without_folder(found, tmp_path.parent / "elsewhere") is found
    assert without_folder(replace(found, root=None), tmp_path) == replace(found, root=None)
