import pytest

from yori.errors import SourceError, ValuesError
from yori.importers.folder import list_folder


def make(data, *uris):
    for uri in uris:
        (data / uri).parent.mkdir(parents=True, exist_ok=True)
        (data / uri).write_bytes(b"x")


def test_classes_are_the_outermost_folders(data):
    make(data, "dog/a.wav", "dog/deep/er/b.flac", "cat/c.ogg", "loose.wav", "cat/notes.txt")
    found = list_folder(data)
    assert [(one.uri, one.label, one.group) for one in found.recordings] == [
        ("cat/c.ogg", "cat", None),
        ("dog/a.wav", "dog", None),
        ("dog/deep/er/b.flac", "dog", None),
    ]
    assert {(one.uri, one.reason) for one in found.left_out} == {
        ("loose.wav", "no label"),
        ("cat/notes.txt", "not audio"),
    }
    assert found.roles == ("label",)
    assert found.root == data


@pytest.mark.parametrize(
    ("levels", "uri", "wanted"),
    [
        ("domain/label", "near/dog/a.wav", {"label": "dog", "domain": "near"}),
        ("label/domain", "dog/near/a.wav", {"label": "dog", "domain": "near"}),
        ("split/label/group", "val/dog/tape7/a.wav", {"label": "dog", "split": "validation", "group": "tape7"}),
        ("-/group/label", "6_dB_fan/id_00/normal/00.wav", {"label": "normal", "group": "id_00", "domain": None}),
    ],
)
def test_other_levels(data, levels, uri, wanted):
    make(data, uri)
    (one,) = list_folder(data, levels=levels).recordings
    assert {name: getattr(one, name) for name in wanted} == wanted


@pytest.mark.parametrize("levels", ["", "domain", "label/label", "label/colour", "label//domain"])
def test_levels_that_cannot_be_read(data, levels):
    with pytest.raises(ValuesError, match="levels"):
        list_folder(data, levels=levels)


def test_an_empty_folder_is_refused(data):
    with pytest.raises(SourceError, match="an empty folder"):
        list_folder(data)
    make(data, "dog/readme.txt")
    with pytest.raises(SourceError, match="1 × not audio"):
        list_folder(data)


def test_a_split_level_with_another_name(data):
    make(data, "fold1/dog/a.wav")
    with pytest.raises(ValuesError, match="fold1"):
        list_folder(data, levels="split/label")
