import pytest

from yori.errors import SourceError, ValuesError
from yori.importers.recording import LeftOut, Listing, Recording, listing, split_of


def test_what_a_listing_says_about_itself(data):
    found = listing(data, [Recording("a", label="x", group="g"), Recording("b")], [], layout="folder")
    assert found.labels == "single"
    assert found.roles == ("label", "group")
    assert found.classes == ("x",)
    assert Listing(None, (Recording("a", label=("y", "x")), Recording("b", label=()))).labels == "multiple"
    assert Listing(None, (Recording("a", label=("y", "x")), Recording("b", label=()))).classes == ("x", "y")


def test_nothing_found_says_why(data):
    with pytest.raises(SourceError, match="an empty folder"):
        listing(data, [], [], layout="folder")
    missed = [LeftOut("a", "not audio", "x"), LeftOut("b", "not audio", "x"), LeftOut("c", "hidden", "x")]
    with pytest.raises(SourceError, match=r"2 × not audio, 1 × hidden.*'a'"):
        listing(data, [], missed, layout="folder")


@pytest.mark.parametrize(("name", "split"), [("Train", "train"), ("dev", "validation"), ("evaluation", "test")])
def test_usual_names_of_splits(name, split):
    assert split_of(name, where="") == split


def test_an_unknown_split_is_refused():
    with pytest.raises(ValuesError, match="fold3"):
        split_of("fold3", where="rows.csv")
