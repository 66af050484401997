"""The documents are true: commands exist, the map is the tree, snippets run, pages are fresh."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click import Context
from docs.cli_reference import TARGET, reference

from yori.cli.main import VERBS, main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_map_names_every_folder_of_the_package_and_no_other():
    drawn = set(re.findall(r"^  (\w+)/ ", README, flags=re.MULTILINE))
    package = ROOT / "src" / "yori"
    there = {path.name for path in package.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert drawn == there


def test_every_command_of_the_readme_exists():
    used = set(re.findall(r"^yori ([\w-]+)", README, flags=re.MULTILINE))
    assert used
    assert used <= VERBS.keys()


def test_the_make_targets_of_the_readme_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"^make ([\w-]+)", README, flags=re.MULTILINE)) <= targets


@pytest.mark.parametrize("snippet", re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL))
def test_python_snippets_run_and_print_what_they_say(snippet: str, capsys: pytest.CaptureFixture[str]):
    exec(compile(snippet, "README.md", "exec"), {})
    assert capsys.readouterr().out.split() == re.findall(r"print\(.*\)\s+# (.*)", snippet)


def test_links_and_pictures_lead_somewhere():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_command_reference_is_fresh():
    assert TARGET.read_text(encoding="utf-8") == reference(), "run: make docs"


def test_every_verb_shows_an_example():
    with Context(main) as context:
        for name in VERBS:
            command = main.get_command(context, name)
            assert command is not None
            assert "yori " + name in (command.epilog or ""), name
