"""Processes of this machine: `yori.workers` behind the interface of an engine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from yori.workers import Progress, map_in_processes, silent

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Processes:
    """See `yori.engines.Engine`."""

    workers: int | None

    def map(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], *, what: str = "", progress: Progress = silent
    ) -> Iterator[tuple[int, Result]]:
        """A pool for the length of the call."""
        return map_in_processes(function, tasks, workers=self.workers, what=what, progress=progress)

    def total(
        self, function: Callable[[Task], Float[np.ndarray, "..."]], tasks: Sequence[Task]
    ) -> Float[np.ndarray, "..."]:
        """In this process, shard by shard: its matrix products use all processors already, and nothing has to start."""
        found = function(tasks[0])
        for task in tasks[1:]:
            found = found + function(task)
        return found


@contextlib.contextmanager
def processes(workers: int | None, address: str | None) -> Iterator[Processes]:
    """Nothing to open: pools start when something is mapped."""
    yield Processes(workers)
