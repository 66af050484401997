import os

import pytest

from yori.errors import ConflictError, StoreError
from yori.main_job.new_folder import check_free, new_folder


def fill(content):
    (content / "data").mkdir()
    (content / "data" / "x").write_text("x")
    (content / "yori.json").write_text("{}")


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("place", ["new", "a/b/new", "empty"])
def test_the_folder_appears_whole(tmp_path, place):
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / place) as content:
        fill(content)
        assert not (tmp_path / place / "yori.json").exists()
    assert names(tmp_path / place) == ["data", "data/x", "yori.json"]
    assert not [name for name in names(tmp_path) if ".yori-init" in name]


@pytest.mark.parametrize("place", ["new", "a/b/new", "empty"])
@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit])
def test_or_not_at_all(tmp_path, place, error):
    (tmp_path / "empty").mkdir()

    def attempt():
        with new_folder(tmp_path / place) as content:
            fill(content)
            raise error

    with pytest.raises(error):
        attempt()
    assert names(tmp_path) == ["empty"]


@pytest.mark.parametrize("place", ["a/b/new", "empty"])
@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_fault_while_it_is_put_in_place(tmp_path, place, fails_at, monkeypatch):
    from yori.store import atomic

    (tmp_path / "empty").mkdir()
    real, calls = os.replace, []

    def rename(a, b):
        calls.append(a)
        if len(calls) == (fails_at if place == "empty" else 1):
            raise OSError(28, "No space left on device")
        real(a, b)

    monkeypatch.setattr(atomic, "_rename", rename)
    with pytest.raises(StoreError, match="Free some space"), new_folder(tmp_path / place) as content:
        fill(content)
    assert names(tmp_path) == ["empty"]


def test_what_a_killed_process_left_is_replaced(tmp_path):
    left = tmp_path / ".yori-init-new" / "content"
    left.mkdir(parents=True)
    (left / "old").write_text("x")
    with new_folder(tmp_path / "new") as content:
        assert not content.is_dir() or not os.listdir(content)
        fill(content)
    assert names(tmp_path) == ["new", "new/data", "new/data/x", "new/yori.json"]


def test_what_a_killed_process_left_in_an_empty_folder(tmp_path):
    (tmp_path / ".yori-init-here" / "content").mkdir(parents=True)
    target = tmp_path / "here"
    target.mkdir()
    (tmp_path / ".yori-init-here").rename(target / ".yori-init-here")
    check_free(target)
    with new_folder(target) as content:
        fill(content)
    assert names(target) == ["data", "data/x", "yori.json"]


def test_two_processes_at_once(tmp_path):
    with new_folder(tmp_path / "new") as content:
        with pytest.raises(ConflictError, match="another process"), new_folder(tmp_path / "new"):
            pass
        fill(content)
    assert names(tmp_path / "new") == ["data", "data/x", "yori.json"]


def test_what_is_in_the_way(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "yori.json").write_text("{}")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    before = names(tmp_path)
    for place, said in (
        ("file", "Not a directory"),
        ("full", "holds x"),
        ("project", "yori import"),
        ("broken", "No such file"),
    ):
        with pytest.raises(StoreError, match=said), new_folder(tmp_path / place) as content:
            fill(content)
    with pytest.raises(StoreError, match="Not a directory"), new_folder(tmp_path / "file" / "below") as content:
        fill(content)
    assert names(tmp_path) == before


def test_an_error_names_the_folder_the_user_knows(tmp_path):
    with pytest.raises(StoreError) as caught, new_folder(tmp_path / "new") as content:
        raise StoreError("a thing", "another", where=str(content / "data"), fix="Do it.")
    assert str(caught.value) == f"{tmp_path / 'new' / 'data'}: expected a thing, got another. Do it."
