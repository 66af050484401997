"""A head that is not at its optimum is said wherever its examples lie, in the same words and at the same bar."""

import re
import warnings

import numpy as np
import pytest
from tests.attribution.small_problem import make

from yori.attribution import (
    UnconvergedWarning,
    damping_path,
    influence,
    influence_blocks,
    influence_per_slice,
    self_influence,
    streamed_influence,
)
from yori.attribution.convergence import UNCONVERGED, gradient_norm, gradient_sums, relative_gradient, warn_unconverged
from yori.heads import LINKS, Curvature, fit_softmax
from yori.heads.curvature import logits_of
from yori.main_job.shard_scores import score_shards


def by_hand(given, head, l2, weights=None):
    """Both gradients from per-example outer products."""
    h = np.c_[given.x, np.ones(len(given.x))]
    share = np.full(len(h), 1 / len(h)) if weights is None else weights / weights.sum()
    hot = np.eye(len(head))[given.y] if given.link == "softmax" else given.y
    sizes = []
    for weight, penalty in ((head, l2), (np.zeros_like(head), 0)):
        residual = LINKS[given.link].probs(h @ weight.T) - hot
        sizes.append(np.linalg.norm(np.einsum("i,ic,id->cd", share, residual, h) + penalty * weight))
    return sizes[0] / sizes[1]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_the_sum_over_blocks_is_the_gradient(link, weighted):
    given = make(link=link)
    weights = np.random.default_rng(0).random(150) if weighted else None
    share = np.full(150, 1 / 150) if weights is None else weights / weights.sum()
    head = given.weight / 3
    sums = sum(
        gradient_sums(given.x[rows], given.y[rows], share[rows], head, link) for rows in (slice(0, 61), slice(61, 150))
    )
    expected = by_hand(given, head, 0.2, weights)
    assert relative_gradient(sums, head, l2=0.2) == pytest.approx(expected, rel=1e-12)
    curvature = Curvature(given.x, LINKS[link].probs(logits_of(given.x, head)), share, l2=0.2, link=link)
    assert gradient_norm(curvature, given.y, head) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_a_zero_head_is_the_optimum_rounding_is_no_gradient(dtype):
    """Embeddings that say nothing, classes of the same size."""
    x, y = np.zeros((999, 4), dtype=dtype), np.arange(999) % 3
    head = fit_softmax(x, y, l2=0.01).weight
    assert (
        relative_gradient(gradient_sums(x, y, np.full(999, 1 / 999, dtype), head, "softmax"), head, l2=0.01)
        < UNCONVERGED / 3
    )


def streamed(given, weight, tmp_path):
    streamed_influence(given.x, given.y, weight, given.xq, given.yq, l2=given.l2, link=given.link)


def stored(given, weight, tmp_path):
    np.save(tmp_path / "x.npy", given.x)
    rows = np.load(tmp_path / "x.npy", mmap_mode="r")
    streamed_influence(rows, given.y, weight, given.xq, given.yq, l2=given.l2, link=given.link)


def in_shards(given, weight, tmp_path):
    for number, rows in enumerate((slice(0, 40), slice(40, 150))):
        np.save(tmp_path / f"{number}.npy", given.x[rows])
    score_shards(
        [tmp_path / "0.npy", tmp_path / "1.npy"], given.y, weight, given.xq, given.yq, l2=given.l2, link=given.link,
        folder=tmp_path / "work", workers=1,
    )  # fmt: skip


def on_device(given, weight, tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'yori[torch]'")
    influence(
        torch.as_tensor(given.x), torch.as_tensor(given.y), weight, given.xq, given.yq, l2=given.l2, link=given.link
    )


def in_memory(given, weight, tmp_path):
    influence(given.x, given.y, weight, given.xq, given.yq, l2=given.l2, link=given.link)


def pair_by_pair(given, weight, tmp_path):
    list(influence_blocks(given.x, given.y, weight, given.xq, given.yq, l2=given.l2, link=given.link))


def by_slice(given, weight, tmp_path):
    names = [str(k % 2) for k in range(len(given.xq))]
    influence_per_slice(given.x, given.y, weight, given.xq, given.yq, names, l2=given.l2, link=given.link)


def of_itself(given, weight, tmp_path):
    self_influence(given.x, given.y, weight, l2=given.l2, link=given.link)


def at_dampings(given, weight, tmp_path):
    damping_path(given.x, given.y, weight, given.xq, given.yq, l2=given.l2, link=given.link, dampings=[0.5])


PATHS = [in_memory, streamed, stored, in_shards, on_device, pair_by_pair, by_slice, of_itself, at_dampings]


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
@pytest.mark.parametrize("path", PATHS)
def test_every_path_says_the_same_of_the_same_head(path, link, tmp_path):
    given = make(link=link)
    half = given.weight / 2
    expected = by_hand(given, half, given.l2)
    assert expected > UNCONVERGED
    words = re.escape(f"expected a head at its optimum, got one whose gradient is {expected:.2g} of its start. Fit it")
    with pytest.warns(UnconvergedWarning, match=words) as heard:
        path(given, half, tmp_path)
    assert len(heard) == 1
    path(given, given.weight, tmp_path)  # warnings are errors: at its optimum nothing is said


def test_a_second_call_that_goes_on_from_the_first_says_it_again(tmp_path):
    given = make()
    for _ in range(2):
        with pytest.warns(UnconvergedWarning, match="score_shards: expected a head at its optimum"):
            in_shards(given, given.weight / 2, tmp_path)


def test_the_penalty_and_the_weights_belong_to_the_optimum(tmp_path):
    given = make()
    with pytest.warns(UnconvergedWarning):
        streamed_influence(given.x, given.y, given.weight, given.xq, given.yq, l2=1.0)
    weights = np.where(given.wrong, 40.0, 1.0)
    with pytest.warns(UnconvergedWarning):
        streamed_influence(given.x, given.y, given.weight, given.xq, given.yq, l2=given.l2, sample_weight=weights)
    fitted = fit_softmax(given.x, given.y, l2=given.l2, sample_weight=weights).weight
    streamed_influence(given.x, given.y, fitted, given.xq, given.yq, l2=given.l2, sample_weight=weights)


def test_the_bar():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_unconverged(UNCONVERGED, where="x")
        warn_unconverged(float("nan"), where="x")
    with pytest.warns(UnconvergedWarning, match="x: expected"):
        warn_unconverged(UNCONVERGED * 1.001, where="x", stacklevel=2)
