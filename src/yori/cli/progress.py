"""Progress bars on stderr, only for work of more than two seconds, only where a person looks."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from yori.workers import Progress, silent

DELAY_SECONDS = 2.0
"""Shorter work shows no bar."""

F = TypeVar("F", bound=Callable[..., Any])


def progress_option(function: F) -> F:
    """Add ``--progress / --no-progress`` to a verb; its parameter ``progress`` is True, False or None."""
    return click.option(
        "--progress/--no-progress",
        default=None,
        help="Show progress bars on stderr. Default: if stderr is a terminal.",
    )(function)


@contextlib.contextmanager
def progress_bars(show: bool | None = None, *, delay: float = DELAY_SECONDS) -> Iterator[Progress]:
    """Yield a `Progress` that draws one bar at a time.

    Parameters
    ----------
    show
        None = only if stderr is a terminal.
    delay
        Seconds before a bar appears.
    """
    if show is False or (show is None and not sys.stderr.isatty()):
        yield silent
        return
    bars = _Bars(delay)
    try:
        yield bars.report
    finally:
        bars.close()


class _Bars:
    """The bar of the work in progress; another name or a smaller count begins the next one."""

    def __init__(self, delay: float) -> None:
        self._delay, self._what, self._done = delay, "", 0
        self._bar: Any = None

    def report(self, what: str, done: int, total: int) -> None:
        """`yori.workers.Progress`."""
        from tqdm import tqdm

        if self._bar is None or what != self._what or done < self._done:
            self.close()
            size = shutil.get_terminal_size()  # 80 × 24 where a terminal does not know; tqdm would then draw nothing
            self._bar = tqdm(
                total=total,
                desc=what,
                file=sys.stderr,
                delay=self._delay,
                leave=False,
                ncols=size.columns,
                nrows=size.lines,
            )
            self._what, self._done = what, 0
        self._bar.total = total
        self._bar.update(done - self._done)
        self._done = done
        if done >= total:
            self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
