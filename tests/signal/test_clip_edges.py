import math

import numpy as np
import pytest

from yori.errors import ShapeError, ValuesError
from yori.signal.clip_edges import clip_edges

RATE = 8000


def test_levels_of_the_edges_are_relative_to_the_clip():
    rng = np.random.default_rng(0)
    x = rng.normal(size=RATE)
    x[-80:] *= 10
    edges = clip_edges(x, RATE)
    own = math.sqrt(np.var(x))
    assert edges.end == pytest.approx(20 * math.log10(math.sqrt(np.mean((x - x.mean())[-80:] ** 2)) / own), abs=1e-9)
    assert clip_edges(1e-3 * x + 0.5, RATE).end == pytest.approx(edges.end, abs=1e-6)  # neither gain nor offset matters


def test_padding_is_the_longer_run_at_an_end():
    x = np.random.default_rng(1).normal(size=1000)
    x[:100], x[800:] = 0, 0.25
    assert clip_edges(x, RATE).padding == pytest.approx(0.199, abs=2e-3)
    assert clip_edges(np.zeros(50), RATE).padding == 1


def test_the_noise_floor_is_that_of_the_quietest_tenth():
    x = np.random.default_rng(2).normal(size=100 * 160)
    quiet = x.copy()
    quiet[:3200] *= 0.1
    assert clip_edges(quiet, RATE).noise_floor == pytest.approx(clip_edges(x, RATE).noise_floor - 20, abs=2)
    assert clip_edges(np.zeros(500), RATE).noise_floor == -math.inf


def test_refusals(unchecked):
    with pytest.raises(ShapeError):
        clip_edges(np.zeros(0), RATE)
    with pytest.raises(ValuesError):
        clip_edges(np.zeros(4), 0)
    with pytest.raises(ValuesError):
        clip_edges(np.array([np.inf]), RATE)
