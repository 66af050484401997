"""Ray: processes of this machine, or a cluster at an address. Extra ``yori[ray]``.

Starting it on one machine takes ten to twenty seconds and half a gigabyte; there processes or Dask are the better choice.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
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
        remote = self.ray.remote(_call)
        progress(what, 0, len(tasks))
        running = {remote.remote(function, task): index for index, task in enumerate(tasks)}
        done = 0
        try:
            while running:
                ended, _ = self.ray.wait(list(running), num_returns=1)
                for reference in ended:
                    index = running.pop(reference)
                    done += 1
                    yield index, self._result(reference, what)
                    progress(what, done, len(tasks))
        finally:
            for reference in running:
                self.ray.cancel(reference)

    def total(
        self, function: Callable[[Task], Float[np.ndarray, "..."]], tasks: Sequence[Task]
    ) -> Float[np.ndarray, "..."]:
        """Shards in parallel, the sum here and in order."""
        remote = self.ray.remote(_call)
        references = [remote.remote(function, task) for task in tasks]
        found = self._result(references[0], "sum over shards")
        for reference in references[1:]:
            found = found + self._result(reference, "sum over shards")
        return found

    def _result(self, reference: Any, what: str) -> Any:
        try:
            return self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, ImportError) or "failed to import" in str(error.cause):
                raise YoriError(
                    "workers that have this code", "one that cannot import it", where=what or "engine ray",
                    fix="Install the same yori on every machine of the cluster.",
                ) from error  # fmt: skip
            raise error.cause from None
        except (self.ray.exceptions.WorkerCrashedError, self.ray.exceptions.OutOfMemoryError):
            raise YoriError(
                "every Ray worker to finish", "one that died", where=what, fix="Give the workers more memory."
            ) from None


def _call(function: Callable[[Task], Result], task: Task) -> Result:
    """What Ray runs: it takes no builtin functions itself."""
    return function(task)


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
            with _path_for_workers(), _quiet():
                ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, configure_logging=False)
        else:
            ray.init(address=address, log_to_driver=False)
    except (ConnectionError, ValueError) as error:
        raise StoreError("a Ray cluster", str(error), where=str(address), fix="Start it: ray start --head") from error
    try:
        yield RayEngine(ray)
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _path_for_workers() -> Iterator[None]:
    """Processes started here import what this process can import, as spawned processes and Dask's do; Ray's do not."""
    saved = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(each for each in sys.path if each)
    try:
        yield
    finally:
        if saved is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = saved


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without Ray's remarks on how it starts."""
    logger = logging.getLogger("ray")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
