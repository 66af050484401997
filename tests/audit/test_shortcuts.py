import numpy as np
import pytest

from yori.audit.shortcuts import shortcut_findings, shortcut_prediction, shortcut_predictions


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("seed", range(8))
def test_what_says_nothing_is_not_reported(seed):
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 3, 300)
    candidates = {"level": draw.normal(size=300), "device": draw.choice(["a", "b", "c"], 300),
                  "rate": draw.choice([8000.0, 16000.0], 300)}  # fmt: skip
    assert shortcut_findings(shortcut_predictions(candidates, labels, np.arange(300), rng=draw)) == []


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_a_device_that_predicts_the_label_is_found(share):
    draw = rng()
    labels = draw.integers(0, 3, 300)
    device = np.where(draw.random(300) < share, labels, draw.integers(0, 3, 300)).astype(str).astype(object)
    found = shortcut_prediction(device, labels, np.arange(300), rng=draw)
    assert found.skill == pytest.approx(share, abs=0.12)
    assert found.p <= 0.005
    [one] = shortcut_findings({"device": found})
    assert one.severity == ("high" if share == 1 else one.severity)


def test_many_clips_of_few_sessions_are_few_proofs():
    draw = rng()
    session = np.repeat(np.arange(6), 200)
    labels = session % 2
    level = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])[session] + 0.001 * draw.normal(size=1200)
    found = shortcut_predictions({"level": level}, labels, session, rng=draw)
    assert shortcut_findings(found) == []


def test_a_number_with_a_bend():
    draw = rng()
    level = draw.uniform(-1, 1, 600)
    labels = (np.abs(level) > 0.5).astype(int)
    assert shortcut_prediction(level, labels, np.arange(600), rng=draw).skill > 0.7


def test_nothing_to_ask():
    draw, ids = rng(), np.arange(40)
    labels = ids % 2
    assert shortcut_prediction(np.ones(40), labels, ids, rng=draw) is None
    assert shortcut_prediction(ids.astype(str).astype(object), labels, ids, rng=draw) is None
    assert shortcut_prediction(ids.astype(float), np.zeros(40, dtype=int), ids, rng=draw) is None
    assert shortcut_prediction(np.ones(0), np.zeros(0, dtype=int), np.zeros(0, dtype=int), rng=draw) is None


def test_infinite_levels_and_gaps_are_values_like_others():
    draw = rng()
    labels = draw.integers(0, 2, 200)
    level = np.where(labels == 1, -np.inf, draw.normal(size=200))
    level[::10] = np.nan
    assert shortcut_prediction(level, labels, np.arange(200), rng=draw).skill > 0.7
