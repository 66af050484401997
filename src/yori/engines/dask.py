"""Dask: processes of this machine, or a cluster at an address. Extra ``yori[dask]``."""

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

CONNECT_SECONDS = 10


@dataclass(frozen=True)
class DaskEngine:
    """See `yori.engines.Engine`."""

    distributed: Any
    client: Any

    def map(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], *, what: str = "", progress: Progress = silent
    ) -> Iterator[tuple[int, Result]]:
        """One Dask task each."""
        progress(what, 0, len(tasks))
        futures = {self._submitted(function, task): index for index, task in enumerate(tasks)}
        try:
            for done, future in enumerate(self.distributed.as_completed(list(futures)), start=1):
                index = futures.pop(future)
                yield index, self._result(future, what)
                progress(what, done, len(tasks))
        finally:
            for future in futures:
                future.cancel()

    def total(
        self, function: Callable[[Task], Float[np.ndarray, "..."]], tasks: Sequence[Task]
    ) -> Float[np.ndarray, "..."]:
        """Shards in parallel, the sum here and in order."""
        futures = [self._submitted(function, task) for task in tasks]
        found = self._result(futures[0], "sum over shards")
        for future in futures[1:]:
            found = found + self._result(future, "sum over shards")
        return found

    def _submitted(self, function: Callable[[Task], Result], task: Task) -> Any:
        return self.client.submit(function, task, pure=False)

    def _result(self, future: Any, what: str) -> Any:
        try:
            return future.result()
        except self.distributed.KilledWorker:
            raise YoriError(
                "every Dask worker to finish", "one that died", where=what, fix="Give the workers more memory."
            ) from None


@contextlib.contextmanager
def cluster(workers: int | None, address: str | None) -> Iterator[DaskEngine]:
    """Connect to ``address``, or start processes of one thread each and end them afterwards.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    StoreError
        If nobody answers at ``address``.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise MissingExtraError("engine dask", "dask") from None
    with contextlib.ExitStack() as stack:
        target: Any = address
        if address is None:
            local = distributed.LocalCluster(
                n_workers=default_workers() if workers is None else workers, threads_per_worker=1, processes=True,
                dashboard_address="127.0.0.1:0", host="127.0.0.1", silence_logs=50,
            )  # fmt: skip
            target = stack.enter_context(local)
        try:
            client = distributed.Client(target, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            fix = "Start it: dask scheduler"
            raise StoreError("a Dask scheduler", str(error), where=str(address), fix=fix) from error
        yield DaskEngine(distributed, stack.enter_context(client))
