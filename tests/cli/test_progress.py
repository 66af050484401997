import contextlib
import os
import pty
import subprocess
import sys

import pytest

from yori.cli.progress import progress_bars
from yori.workers import silent


class Terminal:
    """Enough of a stream to draw on."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return True


@pytest.fixture
def watch(monkeypatch):
    """Call it inside the test: pytest puts its own stream in place after fixtures are made."""

    def watch():
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return watch


def work(report):
    for done in range(4):
        report("cutting", done, 3)
    report("peeling", 0, 2)
    report("peeling", 2, 2)


def test_a_terminal_sees_bars_by_name_and_they_go_away(watch):
    terminal = watch()
    with progress_bars(delay=0) as report:
        work(report)
    assert "cutting" in terminal.text
    assert "peeling" in terminal.text
    assert terminal.text.rstrip(" ").endswith("\r")


def test_short_work_shows_nothing(watch):
    terminal = watch()
    with progress_bars(delay=60) as report:
        work(report)
    assert terminal.text == ""


def test_no_bars_where_nobody_looks(monkeypatch, watch):
    monkeypatch.setattr(Terminal, "isatty", lambda self: False)
    stream = watch()
    with progress_bars() as report:
        assert report is silent
    with progress_bars(True, delay=0) as report:
        work(report)
    assert "cutting" in stream.text
    with progress_bars(False, delay=0) as report:
        assert report is silent


def test_an_error_takes_the_bar_away(watch):
    terminal = watch()

    def attempt():
        with progress_bars(delay=0) as report:
            report("cutting", 1, 3)
            raise KeyError

    with pytest.raises(KeyError):
        attempt()
    assert terminal.text.rstrip(" ").endswith("\r")


def test_a_real_terminal_that_does_not_know_its_size():
    """A pseudo-terminal of 0 columns, as some runners give."""
    program = (
        "from yori.cli.progress import progress_bars\n"
        "with progress_bars(delay=0) as report:\n"
        "    report('cutting', 1, 3)\n"
    )
    mine, theirs = pty.openpty()
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=theirs, timeout=60)
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(mine, 4096):
            seen += part
    os.close(mine)
    assert done.returncode == 0
    assert done.stdout == b""
    assert b"cutting:" in seen
