"""The command ``yori``: a readable registry of verbs, each loaded when it is used, and what happens when one fails.

========  ======================================================================================================
exit      meaning
========  ======================================================================================================
0         done
1         the verb says no (such as a verdict that was asked to gate), or an error without a number of its own
2         the command line or something handed over is not usable
3 … 8     see `yori.errors`
130       Ctrl-C; what was finished is kept, the same command goes on from there
========  ======================================================================================================
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

import click

from yori import __version__
from yori.errors import YoriError

VERBS: dict[str, tuple[str, str]] = {
    "init": ("yori.cli.init:command", "Make a project of clips, a table, or embeddings."),
    "import": ("yori.cli.import_data:command", "Add what is new to a project."),
    "audit": ("yori.cli.audit:command", "Say what is wrong with the data."),
    "guide": ("yori.cli.guide:command", "Write or update the annotation guide."),
    "prepare": ("yori.cli.prepare:command", "Check, fill, balance, resample, normalise."),
    "run": ("yori.cli.run:command", "Do the main job, from splits to the report."),
    "attribute": ("yori.cli.attribute:command", "Score which training examples help or hurt."),
    "select": ("yori.cli.select:command", "Say which examples to label next, and why."),
    "simulate": ("yori.cli.simulate:command", "Draw learning curves, beside random."),
    "reduce": ("yori.cli.reduce:command", "Choose a smaller training set; does it pay?"),
    "verify": ("yori.cli.verify:command", "Check a certificate: every number again."),
    "report": ("yori.cli.report:command", "Write a report again, in English or Korean."),
    "apply": ("yori.cli.apply:command", "Make edits the next data version, or undo them."),
    "plan": ("yori.cli.plan:command", "Say beforehand what this test set can show."),
    "compare": ("yori.cli.compare:command", "Compare any two systems' predictions."),
    "monitor": ("yori.cli.monitor:command", "Notice when the world moves away."),
    "mine": ("yori.cli.mine:command", "Pick what people should hear next."),
    "review": ("yori.cli.review:command", "Open the page where people answer."),
    "people": ("yori.cli.people:command", "Say who may answer."),
    "labelstudio": ("yori.cli.labelstudio:command", "Exchange items with Label Studio."),
    "answers": ("yori.cli.answers:command", "Questions and answers as CSV or JSON Lines."),
    "merge": ("yori.cli.merge:command", "Make answers the next data version."),
    "turn": ("yori.cli.turn:command", "Ask, merge, curate, retrain, prove, gate, release."),
    "history": ("yori.cli.history:command", "Show what each turn changed, cost and bought."),
    "release": ("yori.cli.release:command", "Make a release, or let one serve."),
    "serve": ("yori.cli.serve:command", "Serve the present release over HTTP."),
    "predict": ("yori.cli.predict:command", "Answer for files with a release."),
    "log": ("yori.cli.log:command", "List the data versions of a project."),
    "diff": ("yori.cli.diff:command", "Show what changed between data versions."),
    "gc": ("yori.cli.gc:command", "Remove what nothing names and no job needs."),
    "demo": ("yori.cli.demo:command", "Run the main job on simulated ships."),
    "demo-flywheel": ("yori.cli.demo_flywheel:command", "Turn three times in a simulated world."),
}
"""Verb → ``module:command`` and one sentence, in the order of the main job."""

INTERRUPTED = 130
PATIENCE_SECONDS = 2.0
"""After Ctrl-C the process ends within this time, whatever still waits for whom."""


class Verbs(click.Group):
    """A group that loads a verb when it is used, so that ``yori --help`` is quick, and says what is wrong in a sentence."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run the command line; as a process of its own (no ``args``) it ends soon after Ctrl-C."""
        try:
            return super().main(args, *rest, **options)
        except SystemExit as end:
            if args is None and end.code == INTERRUPTED:
                _end_soon()
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of the main job."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a verb; None if there is none of this name."""
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs from the registry, without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in VERBS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; turn what goes wrong into a sentence on stderr and an exit code."""
        try:
            return super().invoke(ctx)
        except YoriError as error:
            _say(str(error))
            ctx.exit(error.exit_code)
        except (KeyboardInterrupt, ImportError) as error:
            # Ctrl-C while a compiled module is loaded arrives as a failed import.
            if isinstance(error, ImportError) and not isinstance(
                error.__cause__ or error.__context__, KeyboardInterrupt
            ):
                raise
            _say("Interrupted. Nothing is half-written; the same command goes on with what is finished.")
            ctx.exit(INTERRUPTED)
        except MemoryError:
            _say("expected enough memory, got none. Close other programs, or lower --workers.")
            ctx.exit(1)
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of our output has gone, as with `| head`
                raise
            _say(os_sentence(error))
            ctx.exit(1)


def os_sentence(error: OSError) -> str:
    """What an error of the system means for a person.

    Examples
    --------
    >>> os_sentence(PermissionError(13, "Permission denied", "/root/x"))
    '/root/x: expected a file or folder that can be used, got Permission denied. Check its permissions.'
    """
    from yori.store.atomic import is_disk_full

    said, place = error.strerror or str(error), f"{error.filename}: " if error.filename else ""
    if is_disk_full(error):
        return f"{place}expected room to write, got {said}. Free some space and repeat the command."
    denied = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    fix = "Check its permissions." if denied else "Check the path and the disk, then repeat the command."
    return f"{place}expected a file or folder that can be used, got {said}. {fix}"


def _say(sentence: str) -> None:
    # A file name may hold bytes that are no text, or control codes; a terminal gets neither.
    shown = "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in sentence)
    click.echo(f"yori: {shown.encode('utf-8', 'backslashreplace').decode()}", err=True)


def _end_soon() -> None:
    """See that this process ends, and says nothing more.

    A pool of worker processes that Ctrl-C has stopped in the middle of a result can wait for the rest of it for ever, or fail
    while Python takes it down. Everything that matters has been cleaned up by now.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    watch = threading.Timer(PATIENCE_SECONDS, os._exit, (INTERRUPTED,))
    watch.daemon = True
    watch.start()


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start: yori init DIR --layout folder --from CLIPS, then edit DIR/task.yaml.",
)
@click.version_option(__version__, prog_name="yori", message="%(prog)s %(version)s")
def main() -> None:
    """Hold the model. Improve the data. Prove it.

    Finds which training examples help or hurt a frozen classifier, edits at most 1 % of them, and proves with paired
    statistics whether reliability improved.
    """


if __name__ == "__main__":
    main()
