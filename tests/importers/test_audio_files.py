import os

import pytest

from yori.errors import PathEscapeError, SourceError
from yori.importers.audio_files import find_audio, find_files, is_audio


def reasons(left_out):
    return {one.uri: one.reason for one in left_out}


def test_files_come_sorted_and_the_rest_has_a_reason(data):
    for name in ("b.wav", "a/z.FLAC", "a/b/c.ogg", "notes.txt", "a/.DS_Store", "._b.wav", ".git/config", "README"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(b"x")
    found, left_out = find_audio(data)
    assert found == ["a/b/c.ogg", "a/z.FLAC", "b.wav"]
    assert reasons(left_out) == {
        "notes.txt": "not audio",
        "README": "not audio",
        "a/.DS_Store": "hidden",
        "._b.wav": "hidden",
        ".git": "hidden",
    }


def test_a_link_out_of_the_folder_is_refused(data, tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(b"x")
    (data / "in.wav").symlink_to(secret)
    with pytest.raises(PathEscapeError, match=r"in\.wav.*secret\.wav"):
        find_audio(data)


def test_a_linked_folder_out_of_the_folder_is_refused(data, tmp_path):
    (tmp_path / "outside").mkdir()
    (data / "sub").symlink_to(tmp_path / "outside")
    with pytest.raises(PathEscapeError, match="outside"):
        find_audio(data)


def test_links_inside(data):
    (data / "a").mkdir()
    (data / "a" / "x.wav").write_bytes(b"x")
    (data / "same.wav").symlink_to(data / "a" / "x.wav")
    (data / "loop").symlink_to(data / "a")
    (data / "broken.wav").symlink_to(data / "nothing.wav")
    (data / "itself.wav").symlink_to(data / "itself.wav")
    found, left_out = find_audio(data)
    assert found == ["a/x.wav", "same.wav"]
    assert reasons(left_out) == {"loop": "linked folder", "broken.wav": "missing", "itself.wav": "missing"}


def test_a_root_that_is_itself_a_link(data, tmp_path):
    (data / "x.wav").write_bytes(b"x")
    (tmp_path / "link").symlink_to(data)
    assert find_audio(tmp_path / "link")[0] == ["x.wav"]


def test_names_nobody_can_use(data):
    for name in ("a\nb.wav", "a\\b.wav", os.fsdecode(b"\xff.wav"), "fine.wav"):
        (data / name).write_bytes(b"x")
    found, left_out = find_audio(data)
    assert found == ["fine.wav"]
    assert [one.reason for one in left_out] == ["unusable name"] * 3
    assert all(one.uri.isprintable() for one in left_out)
    assert len(find_files(data, any_name=True)[0]) == 4  # they can be heard, but not become examples


def test_what_is_no_regular_file(data):
    os.mkfifo(data / "pipe.wav")
    found, left_out = find_audio(data)
    assert found == []
    assert reasons(left_out) == {"pipe.wav": "not audio"}


def test_a_wrong_root(data):
    with pytest.raises(SourceError, match="nothing"):
        find_audio(data / "nowhere")
    (data / "file").write_bytes(b"")
    with pytest.raises(SourceError, match="a file"):
        find_audio(data / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed(data):
    (data / "closed").mkdir(mode=0)
    found, left_out = find_audio(data)
    assert found == []
    assert reasons(left_out) == {"closed": "unreadable"}


def test_names_of_sound_files():
    assert all(is_audio(name) for name in ("a.wav", "b.MP3", "c/d.opus"))
    assert not any(is_audio(name) for name in ("wav", "a.wav.txt", "a.npy"))
