import os

import numpy as np
import pytest

from yori.attribution import influence, streamed_influence, tracin
from yori.attribution.paging import release, streamed_blocks, streamed_rows
from yori.attribution.streaming import StreamedCurvature
from yori.errors import CorruptError, InputError
from yori.heads import fit_sigmoid, fit_softmax
from yori.heads.curvature import Curvature


def make(n=1500, m=60, d=12, c=4, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(c, d))
    y = rng.integers(0, c, n + m)
    x = (centres[y] + rng.normal(size=(n + m, d))).astype(np.float32)
    return x[:n], y[:n], x[n:], y[n:]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_is_influence(link, weighted):
    x, y, xq, yq = (np.asarray(a, dtype=np.float64 if a.dtype == np.float32 else np.int64) for a in make())
    weights = np.random.default_rng(1).random(len(y)) if weighted else None
    if link == "softmax":
        head = fit_softmax(x, y, l2=0.01, sample_weight=weights)
    else:
        y, yq = np.eye(4, dtype=int)[y], np.eye(4, dtype=int)[yq]
        head = fit_sigmoid(x, y, l2=0.01, sample_weight=weights)
    options = {"l2": 0.01, "link": link, "sample_weight": weights, "objective": "aurc_soft", "tolerance": 1e-10}
    whole = influence(x, y, head.weight, xq, yq, **options).scores
    found = streamed_influence(x, y, head.weight, xq, yq, **options)
    np.testing.assert_allclose(found, whole, rtol=1e-7, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize("size", [1, 7, 400, 10**6])
def test_from_a_file_in_blocks_of_any_size(tmp_path, monkeypatch, size):
    x, y, xq, yq = make()
    np.save(tmp_path / "x.npy", x)
    stored = np.load(tmp_path / "x.npy", mmap_mode="r")
    head = fit_softmax(x, y, l2=0.01)
    one = [
        streamed_influence(x, y, head.weight, xq, yq, l2=0.01, tolerance=1e-5),
        tracin(x, y, head.weight, xq, yq),
    ]
    blocks = lambda rows, count=None: (slice(i, min(i + size, len(rows))) for i in range(0, len(rows), size))  # noqa: E731
    if size > 1:
        monkeypatch.setattr("yori.attribution.paging.row_blocks", blocks)
    monkeypatch.setattr("yori.attribution.paging.RELEASE_BYTES", 1000)
    two = [
        streamed_influence(stored, y, head.weight, xq, yq, l2=0.01, tolerance=1e-5),
        tracin(stored, y, head.weight, xq, yq),
    ]
    for first, second in zip(one, two, strict=True):
        np.testing.assert_allclose(second, first, atol=2e-5 * np.abs(first).max())


def test_products_are_those_of_the_curvature(monkeypatch):
    x, y, _, _ = make()
    head = fit_softmax(x, y, l2=0.01)
    monkeypatch.setattr("yori.attribution.streaming.STRETCHES", 6)
    monkeypatch.setattr("yori.attribution.streaming.STRETCH", 50)
    streamed = StreamedCurvature(x, head.weight, None, l2=0.01)
    whole = Curvature(x, head.probs(x), np.full(len(x), 1 / len(x), dtype=np.float32), l2=0.01)
    direction = np.random.default_rng(0).normal(size=head.weight.shape)
    np.testing.assert_allclose(streamed.product(direction), whole.product(direction), rtol=1e-3, atol=1e-5)
    # The preconditioner saw a fifth of the rows: near, and it may be no more than that.
    np.testing.assert_allclose(streamed.class_values, whole.class_values, rtol=0.2, atol=1e-3)


def test_changes_that_are_not_on_disk_are_not_lost(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 2), dtype=np.float32))
    for mode in ("r+", "c"):
        array = np.load(tmp_path / "x.npy", mmap_mode=mode)
        array[1] = 7
        release(array)
        assert array[1, 0] == 7
    release(np.load(tmp_path / "x.npy", mmap_mode="r")[1:])


def test_blocks_cover_every_row_once():
    rows = np.zeros((1000, 3), dtype=np.float32)
    assert [i for block in streamed_blocks(rows) for i in range(block.start, block.stop)] == list(range(1000))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_in_the_middle_is_named(bad):
    x, y, xq, yq = make()
    head = fit_softmax(x, y, l2=0.01)
    x[777, 3] = bad
    for method in (streamed_influence, tracin):
        options = {"l2": 0.01} if method is streamed_influence else {}
        with pytest.raises(InputError, match="row 777"), np.errstate(all="ignore"):
            method(x, y, head.weight, xq, yq, **options)


def test_a_mapped_file_is_read_from_where_the_rows_begin(tmp_path):
    rows = np.random.default_rng(0).normal(size=(900, 5)).astype(np.float32)
    np.save(tmp_path / "x.npy", rows)
    stored = np.load(tmp_path / "x.npy", mmap_mode="r")
    for view in (stored, stored[100:], stored[7:11], np.asarray(stored)[3:], stored[::2], stored[:, 1:3], rows[5:]):
        for size in (1, 7, None):
            found = [part.copy() for _, part in streamed_rows(view, size)]
            np.testing.assert_array_equal(np.concatenate(found), view)


@pytest.mark.parametrize("method", ["tracin", "influence"])
def test_a_file_that_is_cut_short_under_our_hands(tmp_path, method):
    x, y, xq, yq = make()
    np.save(tmp_path / "x.npy", x)
    stored = np.load(tmp_path / "x.npy", mmap_mode="r")
    head = fit_softmax(x, y, l2=0.01)
    curvature = StreamedCurvature(stored, head.weight, None, l2=0.01)
    os.truncate(tmp_path / "x.npy", 128 + 800 * 48)
    ask = {
        "tracin": lambda: tracin(stored, y, head.weight, xq, yq),
        "influence": lambda: curvature.product(head.weight),
    }[method]
    with pytest.raises(CorruptError, match=r"x\.npy: expected 1500 rows, got the end of the file before row 1500"):
        ask()
    os.truncate(tmp_path / "x.npy", 100)
    with pytest.raises(CorruptError, match="the end of the file"):
        ask()


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_file_that_is_another_one_now(tmp_path, how):
    """The mapping still holds the old one."""
    x, y, xq, yq = make()
    path = tmp_path / "x.npy"
    np.save(path, x)
    stored = np.load(path, mmap_mode="r")
    path.unlink()
    if how == "replaced":
        np.save(path, x + 1)
    head = fit_softmax(x, y, l2=0.01)
    np.testing.assert_array_equal(tracin(stored, y, head.weight, xq, yq), tracin(x, y, head.weight, xq, yq))
