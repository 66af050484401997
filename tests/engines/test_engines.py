"""Every engine does the same. Functions that workers call are in shard_functions.py, which they can import."""

import importlib.util
import os
import sys
from pathlib import Path

import dask
import numpy as np
import pytest

from yori.engines import ENGINES, map_shards, open_engine
from yori.errors import MissingExtraError, StoreError, ValuesError, YoriError

sys.path.insert(0, str(Path(__file__).parent))  # spawned workers inherit the path
import shard_functions as functions

RAY = importlib.util.find_spec("ray") is not None
WITHOUT_RAY = pytest.mark.skipif(not RAY, reason="ray is not installed: pip install 'yori[ray]'")
NAMES = ["process", "dask", pytest.param("ray", marks=WITHOUT_RAY)]


@pytest.fixture(scope="module", params=NAMES)
def engine(request):
    dask.config.set({"distributed.scheduler.allowed-failures": 0})  # a task whose worker died is not tried again
    with open_engine(request.param, workers=2) as opened:
        yield opened


def test_maps_in_any_order_and_says_which(engine):
    assert dict(engine.map(functions.square, list(range(7)))) == {index: index**2 for index in range(7)}
    assert sorted(index for index, _ in engine.map(functions.slow_first, [0, 1, 2])) == [0, 1, 2]


def test_reports_progress(engine):
    heard = []
    list(engine.map(functions.square, [1, 2, 3], what="squares", progress=lambda *said: heard.append(said)))
    assert heard == [("squares", done, 3) for done in range(4)]


def test_no_tasks(engine):
    assert list(engine.map(functions.square, [])) == []


def test_sums_in_order(engine):
    for _ in range(3):
        np.testing.assert_array_equal(engine.total(functions.array, [1, 2, 3]), np.full((2, 3), 6.0))


def test_errors_of_the_function_arrive_as_they_are(engine):
    with pytest.raises(ValuesError, match="refuses: expected a small task, got 2") as error:
        dict(engine.map(functions.refuses, [1, 2, 3]))
    assert error.value.exit_code == 2
    with pytest.raises(ValuesError, match="a small task"):
        engine.total(functions.refuses, [1, 2])
    assert dict(engine.map(functions.square, [5])) == {0: 25}  # and the engine goes on


def test_builtin_functions(engine):
    assert dict(engine.map(abs, [-3, 2])) == {0: 3, 1: 2}


def test_whoever_stops_listening_cancels_the_rest(engine):
    found = engine.map(functions.slow_first, [1, 0, 0])
    assert next(found)[0] == 0
    found.close()
    assert dict(engine.map(functions.square, [4])) == {0: 16}


def test_work_is_done_by_other_processes(engine):
    found = {pid for _, pid in engine.map(functions.process_of, list(range(16)))}
    assert os.getpid() not in found
    assert len(found) == 2


def test_a_worker_that_dies_is_a_sentence(engine):
    with pytest.raises(YoriError, match=r"pieces: expected every (worker process|Dask worker|Ray worker) to finish"):
        dict(engine.map(functions.dies, [0, 1, 2], what="pieces"))


def test_a_running_scheduler_is_used_and_left_running():
    import distributed

    with distributed.LocalCluster(
        n_workers=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1", silence_logs=50
    ) as running:
        for _ in range(2):
            found = dict(map_shards(functions.square, [3], engine="dask", address=running.scheduler_address))
            assert found == {0: 9}


def test_nobody_at_the_address(monkeypatch):
    monkeypatch.setattr("yori.engines.dask.CONNECT_SECONDS", 1)
    with pytest.raises(StoreError, match="expected a Dask scheduler"):
        dict(map_shards(functions.square, [1], engine="dask", address="tcp://127.0.0.1:9"))


def test_refusals():
    with pytest.raises(ValuesError, match="an engine out of process, dask, ray"):
        open_engine("spark")
    with pytest.raises(ValuesError, match="at least one worker"):
        open_engine("process", workers=0)
    with pytest.raises(ValuesError, match="no address"):
        open_engine("process", address="tcp://somewhere")


@pytest.mark.parametrize(("name", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_missing_package_says_how_to_install_it(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf'pip install "yori\[{name}\]"'), open_engine(name, workers=1):
        pass


def test_engines_are_loaded_when_used():
    assert set(ENGINES) == {"process", "dask", "ray"}
