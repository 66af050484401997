import errno
import subprocess
import sys

import click
import pytest

from yori.cli import main as cli
from yori.errors import SplitError, VerificationError, YoriError


def test_help_lists_every_verb_in_the_order_of_the_registry(yori):
    shown = yori("--help").stdout
    places = [shown.index(f"\n  {name} ") for name in cli.VERBS]
    assert places == sorted(places)
    assert all(sentence in shown for _, sentence in cli.VERBS.values())


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_loads_and_its_help_shows_an_example(yori, verb):
    result = yori(verb, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"yori {verb} " in result.stdout.split("Example", 1)[1]


def test_an_unknown_verb_is_a_usage_error(yori):
    result = yori("cook")
    assert result.exit_code == 2
    assert "No such command 'cook'" in result.stderr


def test_the_version(yori):
    import yori as package

    assert yori("--version").stdout == f"yori {package.__version__}\n"


def test_help_loads_no_verb_and_nothing_heavy():
    program = (
        "import sys, click.testing\nfrom yori.cli.main import main\n"
        "assert click.testing.CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "heavy = {'numpy', 'pyarrow', 'scipy', 'soundfile', 'yaml', 'tqdm', 'yori.cli.init'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Failing:
    """Registers a verb ``fail`` that raises what it is told to."""

    error: BaseException = RuntimeError()


@pytest.fixture
def fail(yori, monkeypatch):
    @click.command()
    def command() -> None:
        raise Failing.error

    monkeypatch.setattr(Failing, "command", command, raising=False)
    monkeypatch.setitem(sys.modules, "yori.cli.fail", Failing)
    monkeypatch.setitem(cli.VERBS, "fail", ("yori.cli.fail:command", "Fail."))

    def run(error):
        monkeypatch.setattr(Failing, "error", error)
        return yori("fail")

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (YoriError("a thing", "another", where="here", fix="Do it."), 1),
        (SplitError("a thing", "another", where="here", fix="Do it."), 3),
        (VerificationError("a thing", "another", where="here", fix="Do it."), 7),
    ],
)
def test_errors_of_yori_are_a_sentence_and_their_exit_code(fail, error, code):
    result = fail(error)
    assert result.exit_code == code
    assert result.stderr == "yori: here: expected a thing, got another. Do it.\n"
    assert result.stdout == ""


def test_ctrl_c(fail):
    result = fail(KeyboardInterrupt())
    assert result.exit_code == 130
    assert "Interrupted" in result.stderr


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "Free some space"),
        (OSError(errno.EACCES, "Permission denied", "/x"), "Check its permissions"),
        (OSError(errno.EIO, "Input/output error"), "Check the path and the disk"),
        (MemoryError(), "memory"),
    ],
)
def test_errors_of_the_system_are_a_sentence(fail, error, said):
    result = fail(error)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_mistake_in_yori_itself_is_not_hidden(fail):
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())


def test_control_codes_do_not_reach_the_terminal(fail):
    result = fail(YoriError("a name", "\x1b[31mred\udcff"))
    assert "\x1b" not in result.stderr
    assert r"\x1b[31mred" in result.stderr


def test_a_reader_that_has_gone_is_no_error_message(tmp_path):
    program = "import yori.cli.main as m; m.main(['--help'])"
    done = subprocess.run(
        f'{sys.executable} -c "{program}" | head -c 1', shell=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_a_process_whose_thread_waits_for_ever():
    """What a pool of processes leaves when it is stopped in the middle of a result: a thread that reads a pipe."""
    program = (
        "import os, sys, threading, click\n"
        "from yori.cli import main as cli\n"
        "cli.PATIENCE_SECONDS = 0.2\n"
        "class Stuck:\n"
        "    @click.command()\n"
        "    def command():\n"
        "        threading.Thread(target=os.read, args=(os.pipe()[0], 1)).start()\n"
        "        raise KeyboardInterrupt\n"
        "sys.modules['yori.cli.stuck'] = Stuck\n"
        "cli.VERBS['stuck'] = ('yori.cli.stuck:command', 'Stay.')\n"
        "sys.argv = ['yori', 'stuck']\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 130
    assert done.stderr.startswith("yori: Interrupted.")
    assert len(done.stderr.splitlines()) == 1
