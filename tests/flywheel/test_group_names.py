"""Names are kept as they are, or refused in a sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import ValuesError
from yori.flywheel.group_names import LONGEST, check_group, check_groups, folder_group, hidden_group

NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=LONGEST).filter(str.strip)


@given(NAMES)
def test_a_name_is_never_changed(name: str) -> None:
    assert check_group(name) == name


@pytest.mark.parametrize("name", [" ", "\t", "a\0", "a\nb", "\x7f", "a\x85", "\ud800", "x" * (LONGEST + 1)])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValuesError, match="group of a"):
        check_group(name, where="group of a")


def test_no_name_is_no_group() -> None:
    assert check_group("") is None
    assert check_groups(["a", "", None], 3) == ["a", None, None]


def test_one_name_for_each() -> None:
    with pytest.raises(ValuesError, match="3 groups"):
        check_groups(["a"], 3)
    with pytest.raises(ValuesError, match="number 2"):
        check_groups(["a", "\0"], 2)


@given(NAMES, NAMES)
def test_hidden_names_are_equal_as_names_are(one: str, other: str) -> None:
    assert (hidden_group(one) == hidden_group(other)) == (one == other)
    assert one not in hidden_group(one) or len(one) < 4
    assert check_group(hidden_group(one)) == hidden_group(one)


def test_the_folder_however_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p1").mkdir()
    monkeypatch.chdir(tmp_path / "p1")
    named = ["a.wav", "./a.wav", "../p1/a.wav", os.fspath(tmp_path / "p1" / "a.wav")]
    assert {folder_group(each) for each in named} == {"p1"}
    assert folder_group("/a.wav") is None
