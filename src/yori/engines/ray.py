"""Ray: processes of this machine, or a cluster at an address. Extra ``yori[ray]``.

Starting it takes about half a minute and a gigabyte; on one machine processes or Dask are the better choice.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from yori.errors import MissingExtraError, StoreError, YoriError
from yori.workers import Progress, default_workers, silent

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class RayEngine:
    """See `yori.engines.Engine`."""

    ray: Any

    def map(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], *, what: str = "", progress: Progress = silent
    ) -> Iterator[tuple[int, Result]]:
        """One Ray task each."""
        remote = self.ray.remote(function)
        progress(what, 0, len(tasks))
        running = {remote.remote(task): index for index, task in enumerate(tasks)}
        done = 0
        while running:
            ended, _ = self.ray.wait(list(running), num_returns=1)
            for reference in ended:
                index = running.pop(reference)
                done += 1
                yield index, self._result(reference, what)
                progress(what, done, len(tasks))

    def total(
        self, function: Callable[[Task], Float[np.ndarray, "..."]], tasks: Sequence[Task]
    ) -> Float[np.ndarray, "..."]:
        """Shards in parallel, the sum here and in order."""
        remote = self.ray.remote(function)
        references = [remote.remote(task) for task in tasks]
        found = self._result(references[0], "sum over shards")
        for reference in references[1:]:
            found = found + self._result(reference, "sum over shards")
        return found

    def _result(self, reference: Any, what: str) -> Any:
        try:
            return self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self.ray.exceptions.WorkerCrashedError:
            raise YoriError(
                "every Ray worker to finish", "one that died", where=what, fix="Give the workers more memory."
            ) from None


@contextlib.contextmanager
def cluster(workers: int | None, address: str | None) -> Iterator[RayEngine]:
    """Connect to ``address``, or start Ray on this machine and end it afterwards.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    StoreError
        If nobody answers at ``address``.
    """
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise MissingExtraError("engine ray", "ray") from None
    try:
        if address is None:
            count = default_workers() if workers is None else workers
            ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, configure_logging=False)
        else:
            ray.init(address=address, log_to_driver=False)
    except (ConnectionError, ValueError) as error:
        raise StoreError("a Ray cluster", str(error), where=str(address), fix="Start it: ray start --head") from error
    try:
        yield RayEngine(ray)
    finally:
        ray.shutdown()
