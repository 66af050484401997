"""Write docs/cli.md from the commands themselves; ``--check`` only says whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from yori.cli.main import VERBS, main

TARGET = Path(__file__).with_name("cli.md")


def reference() -> str:
    """The whole page."""
    parts = ["# Commands\n\nMade by `make docs` from the commands themselves.\n"]
    with click.Context(main, info_name="yori", **main.context_settings) as parent:
        for name in VERBS:
            command = main.get_command(parent, name)
            assert command is not None
            with click.Context(
                command, info_name=name, parent=parent, terminal_width=110, max_content_width=110
            ) as context:
                parts.append(f"## yori {name}\n\n```text\n{command.get_help(context).rstrip()}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    page = reference()
    if "--check" in sys.argv:
        sys.exit(
            0 if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == page else "docs/cli.md is stale: make docs"
        )
    TARGET.write_text(page, encoding="utf-8")
