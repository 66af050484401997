from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import PathEscapeError, StoreError
from yori.store import safe_join
from yori.store.paths import check_name, is_plain_relative


def test_a_path_below_the_root_is_joined(tmp_path: Path) -> None:
    assert safe_join(tmp_path, "a/b c/소리.wav") == tmp_path.resolve() / "a" / "b c" / "소리.wav"
    assert safe_join(str(tmp_path), "..hidden/x..y") == tmp_path.resolve() / "..hidden" / "x..y"


@pytest.mark.parametrize(
    "relative",
    ["../x", "a/../../x", "a/..", "..", "/etc/passwd", "//x", "a\0b", "C:\\x", "..\\x", "", ".", "./", "a/../b"],
)
def test_what_leaves_or_might_leave_the_root_is_refused(relative: str, tmp_path: Path) -> None:
    with pytest.raises(PathEscapeError, match="stays inside this folder"):
        safe_join(tmp_path, relative)


def test_symbolic_links_may_stay_inside_but_not_lead_outside(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "inner").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_text("s")
    (root / "inside").symlink_to(root / "inner")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    (root / "relative").symlink_to("../outside/secret")
    (root / "dangling").symlink_to(tmp_path / "nowhere")
    (root / "chain").symlink_to(root / "file")
    assert safe_join(root, "inside/x") == root.resolve() / "inner" / "x"
    for relative in ("folder/secret", "folder", "file", "relative", "dangling", "chain"):
        with pytest.raises(PathEscapeError, match="leads to"):
            safe_join(root, relative)


def test_a_root_reached_through_a_link_and_a_sibling_with_the_same_beginning(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data-secret").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert safe_join(tmp_path / "link", "x") == tmp_path.resolve() / "data" / "x"
    (tmp_path / "data" / "trick").symlink_to(tmp_path / "data-secret")
    with pytest.raises(PathEscapeError):
        safe_join(tmp_path / "data", "trick/x")


@given(st.text(alphabet="./a\\\0", max_size=12))
def test_whatever_is_joined_is_below_the_root(relative: str) -> None:
    root = Path("/nowhere/root")
    try:
        joined = safe_join(root, relative)
    except PathEscapeError:
        return
    assert is_plain_relative(relative)
    assert joined.is_relative_to(root)
    assert joined != root


@pytest.mark.parametrize("name", ["a", "A-b_c.9", "x" * 200])
def test_names_that_serve_as_file_names(name: str) -> None:
    assert check_name(name, what="key", where="here") == name


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "ä", "a\n", "x" * 201, "a\0"])
def test_names_that_do_not(name: str) -> None:
    with pytest.raises(StoreError, match="1 to 200 letters"):
        check_name(name, what="key", where="here")
