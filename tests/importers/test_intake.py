from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tests.importers.conftest import RATE, chirp

from yori.errors import AlignmentError, PathEscapeError, SourceError, ValuesError
from yori.importers import Known, LeftOut, Listing, Recording, list_arrays, list_folder, take_in
from yori.importers.recording import REASONS
from yori.store import Project


@pytest.fixture
def pets(write):
    """Two dogs and two cats."""
    for seed, uri in enumerate(("dog/a.wav", "dog/b.wav", "cat/c.wav", "cat/d.wav")):
        write(uri, seed)


def lines(intake):
    return [(one["uri"], one["reason"], one["action"]) for one in intake.left_out.to_pylist()]


def test_rows_are_ready_for_the_project(pets, data, tmp_path):
    intake = take_in(list_folder(data), source="pets")
    project = Project.create(tmp_path / "project", "x")
    assert project.add_rows(intake.rows, sources={"pets": data}, message="m", who="w").added == 4
    first = project.examples().to_pylist()[0]
    assert (first["example_id"], first["uri"], first["source"], first["label"]) == (
        "cat/c.wav",
        "cat/c.wav",
        "pets",
        "cat",
    )
    assert (first["start"], first["duration"], first["group"]) == (None, 0.5, "cat/c.wav")
    assert len(first["sha256"]) == 64
    assert intake.counts == {"recordings": 4, "examples": 4, "known": 0, "left out": 0, "remarks": 0}
    assert intake.quality["example_id"].to_pylist() == intake.rows["example_id"].to_pylist()


def test_nothing_is_left_out_silently(pets, data, write):
    samples = chirp(7)
    write("dog/copy.wav", samples=chirp(0))
    write("cat/other_label.wav", samples=chirp(1))
    write("dog/quieter.wav", samples=chirp(2) * 0.5)
    write("dog/silent.wav", samples=np.zeros(RATE // 2))
    write("dog/hushed.wav", samples=chirp(8) * 1e-6, subtype="FLOAT")
    write("dog/clipped.wav", samples=np.clip(samples * 20, -0.999, 0.999))
    write("dog/offset.wav", samples=chirp(9) * 0.1 + 0.5)
    write("dog/gap.wav", samples=np.where(np.arange(RATE // 2) // 1000 == 2, 0, chirp(10)))
    write("dog/short.wav", 11, seconds=0.01)
    write("dog/nan.wav", samples=np.full(RATE, np.nan), subtype="FLOAT")
    (data / "dog" / "empty.wav").write_bytes(b"")
    (data / "dog" / "text.wav").write_text("no sound")
    (data / "dog" / "note.txt").write_text("x")
    (data / "dog" / ".hidden").write_text("x")
    (data / "loose.wav").write_bytes(b"x")
    listing = list_folder(data)
    gone = Recording("dog/gone.wav", "dog")
    intake = take_in(replace(listing, recordings=(*listing.recordings, gone)), source="pets")
    found = set(lines(intake))
    assert found >= {
        ("dog/copy.wav", "exact duplicate", "left out"),
        ("dog/silent.wav", "digital silence", "left out"),
        ("dog/hushed.wav", "near silence", "kept"),
        ("dog/clipped.wav", "clipping", "kept"),
        ("dog/offset.wav", "constant offset", "kept"),
        ("dog/gap.wav", "dropout", "kept"),
        ("dog/short.wav", "shorter than a window", "left out"),
        ("dog/nan.wav", "unreadable", "left out"),
        ("dog/empty.wav", "empty", "left out"),
        ("dog/text.wav", "unreadable", "left out"),
        ("dog/note.txt", "not audio", "left out"),
        ("dog/.hidden", "hidden", "left out"),
        ("loose.wav", "no label", "left out"),
        ("dog/gone.wav", "missing", "left out"),
    }
    exact = {uri for uri, reason, action in found if (reason, action) == ("exact duplicate", "kept")}
    assert exact <= {"dog/b.wav", "cat/other_label.wav"}
    assert len(exact) == 1
    near = {uri for uri, reason, _ in found if reason == "near duplicate"}
    assert near <= {"cat/c.wav", "dog/quieter.wav"}
    assert len(near) == 1
    files = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()} | {"dog/gone.wav"}
    kept, gone = set(intake.rows["uri"].to_pylist()), {uri for uri, _, action in found if action == "left out"}
    assert kept | gone == files
    assert not kept & gone
    assert intake.counts["left out"] + intake.counts["remarks"] == len(intake.left_out) == sum(intake.reasons.values())
    assert set(intake.reasons) <= set(REASONS)


def test_copies_share_a_cluster_across_labels(pets, data, write):
    write("cat/other_label.wav", samples=chirp(0))
    intake = take_in(list_folder(data), source="pets")
    cluster = dict(zip(intake.rows["example_id"].to_pylist(), intake.rows["duplicates"].to_pylist(), strict=True))
    assert cluster["cat/other_label.wav"] == cluster["dog/a.wav"] != None  # noqa: E711
    assert {cluster["cat/c.wav"], cluster["dog/b.wav"]} == {None}
    (line,) = intake.left_out.to_pylist()
    assert "labelled 'cat', this one 'dog'" in line["detail"]


def test_windows_of_a_recording_are_one_group(pets, data, write):
    write("dog/long.wav", 5, seconds=1.3)
    intake = take_in(list_folder(data), source="pets", window=0.5, hop=0.25)
    rows = [one for one in intake.rows.to_pylist() if one["uri"] == "dog/long.wav"]
    assert [one["example_id"] for one in rows] == [
        f"dog/long.wav#t={start:.3f},{start + 0.5:.3f}" for start in (0, 0.25, 0.5, 0.75)
    ]
    assert {one["group"] for one in rows} == {"dog/long.wav"}
    assert ("dog/long.wav", "remainder", "left out") in lines(intake)


def test_the_number_of_processes_changes_nothing(data, write):
    for seed in range(40):
        write(f"{('cat', 'dog')[seed % 2]}/{seed}.wav", seed % 36, seconds=0.1)
    listing = list_folder(data)
    one, two = (take_in(listing, source="s", workers=workers) for workers in (1, 2))
    assert one.rows.equals(two.rows)
    assert one.left_out.equals(two.left_out)
    assert one.quality.equals(two.quality)


def known(intake):
    return Known.from_rows(intake.rows)


def test_a_second_import_knows_what_is_there(pets, data, write):
    first = take_in(list_folder(data), source="pets")
    write("cat/new.wav", 9)
    write("cat/c.wav", 10)
    listing = list_folder(data)
    wrong = tuple(replace(one, label="cat") if one.uri == "dog/a.wav" else one for one in listing.recordings)
    again = take_in(replace(listing, recordings=wrong), source="pets", known=known(first))
    assert again.rows["example_id"].to_pylist() == ["cat/new.wav"]
    assert again.counts["known"] == 3
    assert set(lines(again)) == {("cat/c.wav", "changed", "left out"), ("dog/a.wav", "label changed", "kept")}


def test_nothing_new_is_no_error_but_nothing_at_all_is(pets, data):
    first = take_in(list_folder(data), source="pets")
    again = take_in(list_folder(data), source="pets", known=known(first))
    assert (again.rows.num_rows, again.counts["known"]) == (0, 4)
    for path in data.rglob("*.wav"):
        path.write_text("no sound")
    with pytest.raises(SourceError, match=r"4 × unreadable.*'cat/c\.wav'"):
        take_in(list_folder(data), source="pets")


def test_a_copy_of_a_known_example_joins_its_cluster(pets, data, write):
    first = take_in(list_folder(data), source="pets")
    write("cat/quieter.wav", samples=chirp(0) * 0.5)
    write("dog/exact.wav", samples=chirp(0))
    again = take_in(list_folder(data), source="pets", known=known(first))
    assert again.rows.select(["example_id", "duplicates"]).to_pylist() == [
        {"example_id": "cat/quieter.wav", "duplicates": "dog/a.wav"}
    ]
    assert ("dog/exact.wav", "exact duplicate", "left out") in lines(again)


def test_a_prefix_for_ids_made_of_paths(pets, data):
    intake = take_in(list_folder(data), source="pets", prefix="more/")
    assert intake.rows["example_id"].to_pylist()[0] == "more/cat/c.wav"
    assert intake.rows["uri"].to_pylist()[0] == "cat/c.wav"
    named = Listing(data, (Recording("cat/c.wav", "x", example_id="a"), Recording("dog/a.wav", "y", example_id="b")))
    assert take_in(named, source="pets", prefix="more/").rows["example_id"].to_pylist() == ["a", "b"]


def test_labels_are_checked_before_anything_is_read(data):
    listing = Listing(data / "nowhere", (Recording("a", "x"), Recording("b", "y")))
    with pytest.raises(ValuesError, match="'y', first for 'b'"):
        take_in(listing, source="s", classes=["x", "z"])
    with pytest.raises(ValuesError, match="none for any recording"):
        take_in(replace(listing, recordings=(Recording("a"),)), source="s")
    with pytest.raises(ValuesError, match="at least two classes, got one, 'x'"):
        take_in(replace(listing, recordings=(Recording("a", "x"),)), source="s")


def test_one_class_is_left(pets, data):
    for path in (data / "cat").iterdir():
        path.write_text("no sound")
    with pytest.raises(ValuesError, match="one, 'dog', after leaving out 2 × unreadable"):
        take_in(list_folder(data), source="s")


def test_one_label_or_none_of_it_is_two_classes(pets, data):
    recordings = (Recording("dog/a.wav", ("dog",)), Recording("cat/c.wav", ()))
    intake = take_in(Listing(data, recordings), source="s")
    assert intake.rows["label"].to_pylist() == [["dog"], []]


@pytest.mark.parametrize(
    ("window", "hop"), [(0.01, None), (float("nan"), None), (None, 1.0), (1.0, 0.0), (1.0, float("inf"))]
)
def test_windows_that_cannot_be(pets, data, window, hop):
    with pytest.raises(ValuesError, match=r"window|hop"):
        take_in(list_folder(data), source="s", window=window, hop=hop)


def test_two_examples_of_one_id(pets, data):
    recordings = (Recording("dog/a.wav", "x", example_id="e"), Recording("cat/c.wav", "y", example_id="e"))
    with pytest.raises(AlignmentError, match="'e'"):
        take_in(Listing(data, recordings), source="s")


def test_a_path_that_leads_out(pets, data):
    recordings = (Recording("dog/a.wav", "x"), Recording("../secret.wav", "y"))
    with pytest.raises(PathEscapeError):
        take_in(Listing(data, recordings), source="s", workers=1)


def test_media_needs_a_root(pets, data):
    listing = Listing(None, (Recording("a.wav", "x"), Recording("b.wav", "y")), media=lambda: iter([]))
    with pytest.raises(ValuesError, match="add_media"):
        take_in(listing, source="media")


def test_embeddings_keep_their_order_and_their_copies(data):
    array = np.array([[1, 0], [0, 1], [1, 0], [0, 0]], dtype=np.float32)
    np.save(data / "X.npy", array)
    (data / "rows.csv").write_text("id,label\nd,x\nb,y\nc,x\na,y\n")
    listing = list_arrays(data / "X.npy", table=data / "rows.csv")
    intake = take_in(listing, source="given")
    assert intake.rows["example_id"].to_pylist() == ["d", "b", "c", "a"]
    assert intake.rows["duplicates"].to_pylist() == ["d", None, "d", None]
    assert set(lines(intake)) == {("c", "exact duplicate", "kept"), ("a", "zero vector", "kept")}
    assert np.array_equal(np.concatenate(list(intake.embeddings.blocks())), array)
    first = Known.from_rows(intake.rows.slice(0, 2))
    again = take_in(listing, source="given", known=first)
    assert np.array_equal(np.concatenate(list(again.embeddings.blocks())), array[2:])
    assert again.quality.num_rows == 0
    assert isinstance(again.rows, pa.Table)


def test_what_the_listing_left_out_is_in_the_report(pets, data):
    listing = replace(list_folder(data), left_out=(LeftOut("x", "no row", "why", start=1.5),))
    assert take_in(listing, source="s").left_out.to_pylist() == [
        {"uri": "x", "start": 1.5, "reason": "no row", "detail": "why", "action": "left out"}
    ]
