"""Scores of shards on any engine; what goes wrong in the middle; what a second run does again."""

import importlib.util
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.attribution.small_problem import make

from yori.attribution import influence, tracin
from yori.errors import ConvergenceError, CorruptError, ShapeError, SourceError, ValuesError
from yori.main_job import shard_scores as job
from yori.main_job.shard_reading import shard_blocks
from yori.main_job.shard_scores import score_shards

# Heads that were fitted without the weights say what others say, too.
pytestmark = pytest.mark.filterwarnings("ignore::yori.attribution.influence.UnconvergedWarning")


WITHOUT_RAY = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed: pip install 'yori[ray]'"
)
RAY = pytest.param("ray", "influence", marks=WITHOUT_RAY)


def write(folder, rows, cuts=(0, 40, 41, 150), dtype=None):
    folder.mkdir(exist_ok=True)
    paths = []
    for number, (start, stop) in enumerate(itertools.pairwise(cuts)):
        path = folder / f"{number:05d}.npy"
        np.save(path, rows[start:stop] if dtype is None else rows[start:stop].astype(dtype))
        paths.append(path)
    return paths


def ask(given, paths, folder, **options):
    options = {"l2": given.l2, "link": given.link, "tolerance": 1e-9, "folder": folder, "workers": 1, **options}
    return score_shards(paths, given.y, given.weight, given.xq, given.yq, **options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_is_influence(tmp_path, link, weighted):
    given = make(link=link)
    weights = np.random.default_rng(0).random(150) if weighted else None
    found = ask(given, write(tmp_path / "x", given.x), tmp_path, sample_weight=weights, objective="aurc")
    whole = influence(
        *given.sides, l2=given.l2, link=link, sample_weight=weights, objective="aurc", tolerance=1e-10
    ).scores
    np.testing.assert_allclose(found, whole, rtol=1e-6, atol=1e-9 * np.abs(whole).max())


@pytest.mark.parametrize(("engine", "method"), [("process", "tracin"), ("dask", "influence"), RAY])
def test_engines_agree(tmp_path, engine, method):
    given = make()
    options = {"method": method, "engine": engine, "workers": 2}
    found = ask(given, write(tmp_path / "x", given.x), tmp_path / engine, **options)
    alone = (
        influence(*given.sides, l2=given.l2, tolerance=1e-10).scores if method == "influence" else tracin(*given.sides)
    )
    np.testing.assert_allclose(found, alone, rtol=1e-6, atol=1e-9 * np.abs(alone).max())


@pytest.mark.parametrize("size", [1, 7, 10**6])
@pytest.mark.parametrize("cuts", [(0, 150), (0, 1, 2, 3, 149, 150)])
def test_blocks_and_shards_do_not_matter(tmp_path, monkeypatch, size, cuts):
    given = make(dtype=np.float32)
    whole = ask(given, write(tmp_path / "x", given.x), tmp_path / "one", tolerance=1e-5)
    monkeypatch.setattr("yori.main_job.shard_reading.BLOCK_BYTES", size)
    found = ask(given, write(tmp_path / "y", given.x, cuts), tmp_path / "two", tolerance=1e-5)
    np.testing.assert_allclose(found, whole, atol=1e-4 * np.abs(whole).max())


def test_only_training_rows_count(tmp_path):
    """Rows that are not taken may be anything: they belong to the test set."""
    given = make()
    taking = np.random.default_rng(0).random(150) < 0.7
    x = given.x.copy()
    x[~taking] = np.nan
    alone = influence(
        given.x[taking], given.y[taking], given.weight, given.xq, given.yq, l2=given.l2, tolerance=1e-10
    ).scores
    found = ask(given, write(tmp_path / "x", x), tmp_path, taking=taking)
    assert np.isnan(found[~taking]).all()
    np.testing.assert_allclose(found[taking], alone, rtol=1e-6, atol=1e-9 * np.abs(alone).max())
    checkpoints = score_shards(
        write(tmp_path / "x", x), given.y, given.weights, given.xq, given.yq, folder=tmp_path, method="tracin",
        taking=taking, step_sizes=[0.5, 2.0], workers=1,
    )  # fmt: skip
    expected = tracin(given.x[taking], given.y[taking], given.weights, given.xq, given.yq, step_sizes=[0.5, 2.0])
    np.testing.assert_allclose(checkpoints[taking], expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float16, np.int8])
def test_half_precision_and_integers(tmp_path, dtype):
    given = make()
    x = np.round(given.x * 4).clip(-100, 100).astype(dtype)
    found = ask(given, write(tmp_path / "x", x), tmp_path, tolerance=1e-5)
    alone = influence(
        x.astype(np.float32), given.y, given.weight, given.xq, given.yq, l2=given.l2, tolerance=1e-5
    ).scores
    np.testing.assert_allclose(found, alone, atol=1e-4 * np.abs(alone).max())


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    given = make()
    paths = write(tmp_path / "x", given.x)
    first = ask(given, paths, tmp_path / "work")
    done = []
    whole = job.shard_scores
    monkeypatch.setattr(job, "shard_scores", lambda task: done.append(task.path) or whole(task))
    np.testing.assert_array_equal(ask(given, paths, tmp_path / "work"), first)
    assert done == []
    lost = next((tmp_path / "work").glob("*/scores-00001.npy"))
    lost.unlink()
    np.testing.assert_array_equal(ask(given, paths, tmp_path / "work"), first)
    assert done == [paths[1]]
    ask(given, paths, tmp_path / "work", objective="brier")
    assert len(done) == 4  # another question, another folder


SLOW = """
import sys, time
from pathlib import Path
from tests.attribution.small_problem import make
from yori.main_job import shard_scores as job
whole = job.shard_scores
def slow(task):
    if task.start > 0:
        time.sleep(60)
    return whole(task)
job.shard_scores = slow
given = make()
folder = Path(sys.argv[1])
job.score_shards(sorted((folder / "x").glob("*.npy")), given.y, given.weight, given.xq, given.yq, l2=given.l2,
                 tolerance=1e-9, folder=folder / "work", workers=1)
"""


def test_killed_in_the_middle(tmp_path, monkeypatch):
    given = make()
    paths = write(tmp_path / "x", given.x)
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path)], cwd=root, env={**os.environ, "PYTHONPATH": f"{root}/src:{root}"}
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "work").glob("*/scores-00000.npy")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [path.name for path in (tmp_path / "work").glob("*/scores*")] == ["scores-00000.npy"]
    done = []
    whole = job.shard_scores
    monkeypatch.setattr(job, "shard_scores", lambda task: done.append(task.path) or whole(task))
    found = ask(given, paths, tmp_path / "work")
    assert done == paths[1:]
    np.testing.assert_allclose(found, ask(given, paths, tmp_path / "fresh"), rtol=1e-12)


def test_a_shard_that_is_missing(tmp_path):
    given = make()
    paths = write(tmp_path / "x", given.x)
    paths[1].unlink()
    with pytest.raises(SourceError, match=r"00001\.npy: expected a file that can be read"):
        ask(given, paths, tmp_path)


@pytest.mark.parametrize("how", ["truncated", "removed"])
def test_a_shard_that_goes_bad_on_the_way(tmp_path, monkeypatch, how):
    """It was whole when the work began. Finished shards stay and serve when it is back."""
    given = make()
    paths = write(tmp_path / "x", given.x)
    content = paths[2].read_bytes()
    times = paths[2].stat()
    whole = job.shard_scores

    def spoil(task):
        if task.path == paths[1]:
            if how == "removed":
                paths[2].unlink()
            else:
                os.truncate(paths[2], 128 + 20 * 48 + 7)
        return whole(task)

    monkeypatch.setattr(job, "shard_scores", spoil)
    error, message = {
        "truncated": (CorruptError, r"00002\.npy: expected 109 rows, got the end of the file in row 20. Copy the file"),
        "removed": (SourceError, r"00002\.npy: expected a shard that can be read, got No such file"),
    }[how]
    with pytest.raises(error, match=message):
        ask(given, paths, tmp_path / "work")
    paths[2].write_bytes(content)
    os.utime(paths[2], ns=(times.st_atime_ns, times.st_mtime_ns))
    monkeypatch.setattr(job, "shard_scores", whole)
    ask(given, paths, tmp_path / "work")
    assert len(list((tmp_path / "work").iterdir())) == 1


def test_a_worker_says_the_same_sentence(tmp_path, monkeypatch):
    given = make()
    paths = write(tmp_path / "x", given.x)
    bad = given.x.copy()
    bad[100, 2] = np.inf
    write(tmp_path / "x", bad)
    with pytest.raises(ValuesError, match=r"00002\.npy: expected finite numbers, got NaN or infinity in row 59"):
        ask(given, paths, tmp_path, method="tracin", workers=2)
    with pytest.raises(ValuesError, match="row 59"), np.errstate(all="ignore"):
        ask(given, paths, tmp_path, workers=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "a .npy file"), (b"no array", "a .npy file"), (None, "numbers row by row")],
)
def test_files_that_are_no_shards(tmp_path, content, message):
    path = tmp_path / "x.npy"
    if content is None:
        np.save(path, np.asfortranarray(np.ones((4, 3))))
    else:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        list(shard_blocks(path))


@pytest.mark.usefixtures("unchecked")
def test_refusals(tmp_path):
    given = make()
    paths = write(tmp_path / "x", given.x)
    cases = [
        ({"method": "trak"}, ValuesError, "influence or tracin"),
        ({"l2": 0.0}, ValuesError, "l2 > 0"),
        ({"l2": None}, ValuesError, "l2 > 0"),
        ({"taking": np.zeros(150, dtype=bool)}, ValuesError, "at least one training example"),
        ({"taking": np.ones(149, dtype=bool)}, ShapeError, "150 rows in taking"),
    ]
    for change, error, message in cases:
        with pytest.raises(error, match=message):
            ask(given, paths, tmp_path, **change)
    with pytest.raises(ShapeError, match="at least one shard"):
        ask(given, [], tmp_path)
    np.save(paths[1], np.ones((1, 5)))
    with pytest.raises(ShapeError, match=r"shards of shape \(rows, 6\)"):
        ask(given, paths, tmp_path)


@pytest.mark.parametrize("engine", ["process", "dask", pytest.param("ray", marks=WITHOUT_RAY)])
def test_a_shard_that_goes_bad_on_an_engine_and_is_back(tmp_path, engine):
    """Cut short between the solve and the scores: the worker's sentence arrives, and the rest is not done again."""
    given = make()
    paths = write(tmp_path / "x", given.x)
    content, times = paths[2].read_bytes(), paths[2].stat()
    alone = influence(*given.sides, l2=given.l2, tolerance=1e-10).scores

    def cut(what, done, total):
        if (what, done) == ("score shards", 0):
            os.truncate(paths[2], 128 + 20 * 48 + 7)

    with pytest.raises(CorruptError, match=r"00002\.npy: expected 109 rows, got the end of the file in row 20"):
        ask(given, paths, tmp_path / "work", engine=engine, workers=2, progress=cut)
    paths[2].write_bytes(content)
    os.utime(paths[2], ns=(times.st_atime_ns, times.st_mtime_ns))
    found = ask(given, paths, tmp_path / "work")
    np.testing.assert_allclose(found, alone, rtol=1e-6, atol=1e-9 * np.abs(alone).max())
    assert len(list((tmp_path / "work").iterdir())) == 1


def test_a_solve_that_stalls_is_said(tmp_path):
    """A large mean in every feature and little penalty are too much for single precision."""
    given = make(n=150)
    shards = write(tmp_path / "x", 30 * given.x + 1000, dtype=np.float32)
    weight = np.c_[given.weight[:, :-1] / 30, given.weight[:, -1] - 1000 / 30 * given.weight[:, :-1].sum(axis=1)]
    asking = (30 * given.xq + 1000).astype(np.float32)
    with pytest.raises(ConvergenceError, match="conjugate gradients: expected a residual of 1e-10"):
        score_shards(shards, given.y, weight, asking, given.yq, l2=1e-7, tolerance=1e-10, folder=tmp_path, workers=1)
