"""Map a function over tasks in several processes: one BLAS thread each, a progress report, a clean end on Ctrl-C.

Processes are spawned, not forked (threads and locks of the parent do not leak into them), and watch their parent: when it is
killed they end within a second, so nothing keeps running behind the user's back.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from yori.errors import YoriError

Task = TypeVar("Task")
Result = TypeVar("Result")

Progress = Callable[[str, int, int], None]
"""``progress(what, done, total)``: called from the main process whenever a task ends."""

_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def silent(what: str, done: int, total: int) -> None:
    """A `Progress` that says nothing."""


def default_workers() -> int:
    """Processors this process may use."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # pragma: no cover - not on Linux
        return max(1, os.cpu_count() or 1)


def _watch_parent(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and ends the pool

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back for the length of the block: processes that start in it never hear it, the parent hears it after.

    The mask of this thread is what processes inherit. It does not protect the parent, whose other threads may take the signal
    and have it raised here, in the middle of handing a process its work; so the handler waits, too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler if handler is not None else signal.default_int_handler)
        if heard:
            raise KeyboardInterrupt


def map_in_processes(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    workers: int | None = None,
    what: str = "",
    progress: Progress = silent,
) -> Iterator[tuple[int, Result]]:
    """Yield ``(index, result)`` of every task as it ends, in any order.

    Parameters
    ----------
    function
        A module-level function of one task.
    tasks
        What to do; small enough to send (paths and indices, not arrays).
    workers
        Processes; default: all processors; 1 = in this process.
    what
        Name of the work, for ``progress``.

    Raises
    ------
    YoriError
        If a process dies, most often because memory ran out. Errors of ``function`` itself are raised as they are.
    """
    count = min(default_workers() if workers is None else workers, len(tasks))
    progress(what, 0, len(tasks))
    if count <= 1:
        for index, task in enumerate(tasks):
            yield index, function(task)
            progress(what, index + 1, len(tasks))
        return
    saved = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_watch_parent, initargs=(os.getpid(),))
    try:
        # Only a few tasks wait in the queue, so that Ctrl-C has little to cancel.
        waiting = iter(enumerate(tasks))
        running: dict[Future[Result], int] = {}
        with (
            _without_interrupts()
        ):  # processes start here; one hit by Ctrl-C while Python starts would print a traceback
            for index, task in waiting:
                running[pool.submit(function, task)] = index
                if len(running) >= 2 * count:
                    break
        done = 0
        while running:
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                index = running.pop(future)
                result = future.result()
                for next_index, task in waiting:
                    running[pool.submit(function, task)] = next_index
                    break
                done += 1
                yield index, result
                progress(what, done, len(tasks))
    except BrokenProcessPool:
        raise YoriError(
            "every worker process to finish", "one that died", where=what, fix="Free some memory or lower --workers."
        ) from None
    finally:
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()
        # A process that ended in the middle of a result leaves the reader waiting for the rest as long as we, too, hold
        # the writing end; this process would then never end.
        writer = getattr(getattr(pool, "_result_queue", None), "_writer", None)
        if writer is not None:
            with contextlib.suppress(OSError):
                writer.close()
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
