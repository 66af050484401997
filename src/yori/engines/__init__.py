"""Where a function of shards runs: processes of this machine, or an engine that is there already.

process.py   a process pool (`yori.workers`); the default, needs nothing
dask.py      Dask: processes of this machine, or a cluster at an address
ray.py       Ray: the same

What travels is small: names of shards, sums, best-of lists; never rows. A function of a shard is a module-level function, and
it does the same whichever engine calls it, so results differ at most by the rounding of sums, which are taken in the order of
the shards. There is no engine of our own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float

from yori.errors import ValuesError
from yori.workers import Progress, silent

Task = TypeVar("Task")
Result = TypeVar("Result")

ENGINES: dict[str, str] = {
    "process": "yori.engines.process:processes",
    "dask": "yori.engines.dask:cluster",
    "ray": "yori.engines.ray:cluster",
}
"""Name → ``module:function`` that opens it; loaded when it is used."""


@runtime_checkable
class Engine(Protocol):
    """An engine that is open."""

    def map(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], *, what: str = "", progress: Progress = silent
    ) -> Iterator[tuple[int, Result]]:
        """Yield ``(index, result)`` of every task as it ends, in any order. Errors of ``function`` are raised as they are."""

    def total(
        self, function: Callable[[Task], Float[np.ndarray, "..."]], tasks: Sequence[Task]
    ) -> Float[np.ndarray, "..."]:
        """The sum of the results, taken in the order of the tasks. Cheap to call again and again: a solver does."""


def open_engine(name: str, *, workers: int | None = None, address: str | None = None) -> AbstractContextManager[Engine]:
    """Open an engine for the length of a ``with`` block.

    Parameters
    ----------
    name
        A key of `ENGINES`.
    workers
        Processes to start on this machine; by default one for each processor.
    address
        Of a running Dask scheduler or Ray cluster; it is used, not ended.

    Raises
    ------
    ValuesError
        If nobody knows the engine, or processes are given an address.
    MissingExtraError
        If its package is not installed.
    """
    if name not in ENGINES:
        raise ValuesError(f"an engine out of {', '.join(ENGINES)}", repr(name), where="engine")
    if workers is not None and workers < 1:
        raise ValuesError("at least one worker", str(workers), where="engine")
    if name == "process" and address is not None:
        raise ValuesError("no address for engine 'process'", repr(address), where="engine", fix="Choose dask or ray.")
    module, _, function = ENGINES[name].partition(":")
    opened: AbstractContextManager[Engine] = getattr(importlib.import_module(module), function)(workers, address)
    return opened


def map_shards(
    function: Callable[[Any], Result],
    tasks: Sequence[Any],
    *,
    engine: str = "process",
    workers: int | None = None,
    address: str | None = None,
    what: str = "",
    progress: Progress = silent,
) -> Iterator[tuple[int, Result]]:
    """Yield ``(index, result)`` of every task as it ends, in any order.

    Parameters
    ----------
    function
        A module-level function of one task.
    tasks
        What to do; small enough to send (paths and numbers, not arrays).
    engine, workers, address
        As for `open_engine`.
    what
        Name of the work, for ``progress``.

    Raises
    ------
    YoriError
        If a worker dies. Errors of ``function`` itself are raised as they are.

    Examples
    --------
    >>> sorted(map_shards(abs, [-3, 2], workers=1))
    [(0, 3), (1, 2)]
    """
    with open_engine(engine, workers=workers, address=address) as opened:
        yield from opened.map(function, tasks, what=what, progress=progress)
