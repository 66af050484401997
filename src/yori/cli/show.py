"""What verbs print: one JSON object for machines, aligned lines for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """Add ``--json`` to a verb; its parameter is ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")(function)


def show_json(fields: Mapping[str, Any]) -> None:
    """Print an object as JSON; what is no number (NaN, infinity) becomes null."""
    click.echo(json.dumps(_finite(fields), ensure_ascii=False, indent=1, allow_nan=False))


def show_rows(rows: Sequence[Sequence[str]], *, indent: str = "") -> None:
    """Print rows of text in aligned columns.

    Examples
    --------
    >>> show_rows([("a", "1"), ("longer", "2")], indent="  ")
      a       1
      longer  2
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo((indent + "  ".join(cells)).rstrip())


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun.

    Examples
    --------
    >>> counted(1, "class", "classes"), counted(3000, "example")
    ('1 class', '3 000 examples')
    """
    return f"{number:,}".replace(",", " ") + " " + (one if number == 1 else many or f"{one}s")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
