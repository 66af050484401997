import pytest

from yori.importers.candidates import Candidate
from yori.importers.duplicates import settle_copies
from yori.importers.known import Known, KnownExample
from yori.importers.recording import Recording


def candidate(name, content, label="x"):
    return Candidate(Recording(name, label), name, content * 64)


def settle(new, *, seen=(), known=None, keep_exact=False):
    return settle_copies(known or Known(), seen, new, root=None, keep_exact=keep_exact)


def said(settled):
    return [(one.uri, one.reason, one.action) for one in settled.listed]


def test_the_first_of_equal_clips_with_one_label_stays():
    settled = settle([candidate("a", "1"), candidate("b", "1"), candidate("c", "2")])
    assert [one.example_id for one in settled.kept] == ["a", "c"]
    assert settled.cluster == {}
    assert said(settled) == [("b", "exact duplicate", "left out")]


def test_equal_clips_with_two_labels_stay_together():
    settled = settle([candidate("a", "1", "x"), candidate("b", "1", "y"), candidate("c", "1", "y")])
    assert [one.example_id for one in settled.kept] == ["a", "b"]
    assert settled.cluster == {"a": "a", "b": "a"}
    assert said(settled) == [("b", "exact duplicate", "kept"), ("c", "exact duplicate", "left out")]
    assert "labelled 'x', this one 'y'" in settled.listed[0].detail


def test_a_labelled_copy_is_preferred_to_one_without_label():
    settled = settle([candidate("a", "1", None), candidate("b", "1", "x")])
    assert [one.example_id for one in settled.kept] == ["b"]
    assert said(settled) == [("a", "exact duplicate", "left out")]


def test_embeddings_that_are_equal_stay():
    settled = settle([candidate("a", "1"), candidate("b", "1")], keep_exact=True)
    assert [one.example_id for one in settled.kept] == ["a", "b"]
    assert settled.cluster == {"a": "a", "b": "a"}


@pytest.mark.parametrize("cluster", [None, "older"])
def test_copies_of_what_the_project_has(cluster):
    known = Known({"old": KnownExample("1" * 64, "x", cluster), "void": KnownExample(None, "x", None)})
    settled = settle([candidate("a", "1"), candidate("b", "1", "y")], known=known)
    assert [one.example_id for one in settled.kept] == ["b"]
    assert settled.cluster == {"b": cluster or "old"}
    assert said(settled) == [("a", "exact duplicate", "left out"), ("b", "exact duplicate", "kept")]


def test_what_was_seen_again_is_not_listed_and_not_kept():
    known = Known({"old": KnownExample("1" * 64, "x", None), "twin": KnownExample("1" * 64, "y", "old")})
    settled = settle([], seen=[candidate("old", "1"), candidate("twin", "1", "y")], known=known)
    assert settled.kept == []
    assert settled.listed == []
