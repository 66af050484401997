import os
import signal
import subprocess
import sys
import time

import pytest

from yori.errors import ValuesError, YoriError
from yori.workers import map_in_processes


def square(x):
    return x * x


def threads(_):
    return os.environ["OPENBLAS_NUM_THREADS"]


def fail(x):
    raise ValuesError("a task that works", str(x))


def die(x):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_once_with_progress(workers):
    seen = []
    results = dict(map_in_processes(square, range(7), workers=workers, what="x", progress=lambda *a: seen.append(a)))
    assert results == {i: i * i for i in range(7)}
    assert seen[0] == ("x", 0, 7)
    assert seen[-1] == ("x", 7, 7)


def test_one_blas_thread_each_and_the_environment_is_restored():
    before = os.environ.get("OPENBLAS_NUM_THREADS")
    assert dict(map_in_processes(threads, [0, 1], workers=2)) == {0: "1", 1: "1"}
    assert os.environ.get("OPENBLAS_NUM_THREADS") == before


def test_errors_of_a_task_arrive_as_they_are():
    with pytest.raises(ValuesError, match=r"a task that works, got [34]"):
        list(map_in_processes(fail, [3, 4], workers=2))


def test_a_dead_process_is_said():
    with pytest.raises(YoriError, match="one that died"):
        list(map_in_processes(die, [0, 1, 2], workers=2))


def test_nothing_to_do():
    assert list(map_in_processes(square, [])) == []


SCRIPT = """
import time, os, sys
from yori.workers import map_in_processes
def slow(_):
    print(os.getpid(), flush=True)
    time.sleep(60)
if __name__ == "__main__":
    try:
        list(map_in_processes(slow, range(4), workers=2))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path, how):
    script = tmp_path / "slow.py"
    script.write_text(SCRIPT)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    children = [int(parent.stdout.readline()) for _ in range(2)]
    parent.send_signal(how)
    assert parent.wait(timeout=20) == (130 if how == signal.SIGINT else -how)
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") for pid in children):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.1)
    parent.stdout.close()
