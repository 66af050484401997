import importlib
import json
import re

import numpy as np
import pytest
from tests.prove.mixture import columns, mixture

from yori.choose import simulate
from yori.choose.learning_curve import LearningCurve
from yori.choose.material import material_of
from yori.choose.simulate import compare_curves, default_budgets, splits_of
from yori.errors import CorruptError, SplitError, ValuesError

SMALL = {"strategies": ("margin",), "seeds": 2, "budgets": (8, 16, 32), "workers": 1}


@pytest.fixture(scope="module")
def simulated(half_labelled):
    return simulate(half_labelled.path, protocol="id", **SMALL)


def test_random_is_always_there_and_first(simulated):
    assert [each.name for each in simulated.curves] == ["random", "margin"]
    assert len(simulated.splits) == 5
    assert len(simulated.curves[1].accuracy) == 3
    assert simulated.curves[1].low < simulated.curves[1].difference < simulated.curves[1].high
    assert simulated.curves[1].accuracy[2] > simulated.curves[1].accuracy[0]


def test_page_and_json_stand_alone(simulated):
    page = (simulated.folder / "simulation.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert simulated.trust.reason in page
    fields = json.loads((simulated.folder / "simulation.json").read_text(encoding="utf-8"))
    assert fields["trust"]["strategy"] == simulated.trust.strategy
    assert fields["curves"][0]["difference"] is None


def test_finished_curves_are_used_again(half_labelled, simulated, monkeypatch):
    module = importlib.import_module("yori.choose.simulate")
    drawn = []
    original = module.learning_curve
    monkeypatch.setattr(module, "learning_curve", lambda *a, **k: drawn.append(k["strategy"]) or original(*a, **k))
    again = simulate(half_labelled.path, protocol="id", **SMALL)
    assert drawn == []
    assert again.curves[1] == simulated.curves[1]
    simulate(half_labelled.path, protocol="id", **{**SMALL, "strategies": ("margin", "entropy"), "seeds": 1})
    assert drawn == ["entropy"] * 5


def test_a_damaged_curve_is_named(half_labelled, simulated):
    whole = {path: path.read_text(encoding="utf-8") for path in half_labelled.path.glob("cache/curve-*/curve.json")}
    for path, text in whole.items():
        path.write_text(text[:10], encoding="utf-8")
    try:
        with pytest.raises(CorruptError, match=r"curve.json"):
            simulate(half_labelled.path, protocol="id", **SMALL)
    finally:
        for path, text in whole.items():
            path.write_text(text, encoding="utf-8")


def test_no_group_and_no_domain_is_cut(half_labelled):
    found = material_of(half_labelled.path)
    wanted, folds = splits_of(found, "id")
    assert wanted == "id"
    for _, pool, test in folds:
        assert not set(found.groups[pool]) & set(found.groups[test])
    wanted, held_out = splits_of(found, "lodo")
    assert [name for name, _, _ in held_out] == ["lodo:site0", "lodo:site1", "lodo:site2"]
    for _, pool, test in held_out:
        assert not set(found.domains[pool]) & set(found.domains[test])
        assert not set(found.groups[pool]) & set(found.groups[test])


def test_means_and_intervals_by_hand():
    heights = {"random": [[0.2, 0.4], [0.3, 0.5]], "margin": [[0.3, 0.5], [0.6, 0.8]]}
    curves = {
        (f"fold {s}", name, seed): LearningCurve((10, 20), (h + 0.01 * seed,) * 2, (1.0, 1.0), (0.5, 0.5))
        for name, splits in heights.items()
        for s, seeds in enumerate(splits)
        for seed, h in enumerate(seeds)
    }
    random, margin = compare_curves(curves)
    assert random.area == pytest.approx(0.35 + 0.005)
    gaps = np.array([0.1, 0.3])
    half = 12.7062 * gaps.std(ddof=1) / np.sqrt(2)
    assert margin.difference == pytest.approx(0.2)
    assert (margin.low, margin.high) == pytest.approx((0.2 - half, 0.2 + half), abs=1e-3)


def test_default_budgets_ascend_and_fit():
    for pool in (2, 9, 40, 500, 10**6):
        found = default_budgets(pool, 4)
        assert list(found) == sorted(set(found))
        assert 1 <= found[0] <= found[-1] <= max(1, min(500, pool // 2))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"strategies": ("best",)}, "a strategy out of"),
        ({"seeds": 0}, "1 to 100 seeds"),
        ({"budgets": (5, 5)}, "ascending budgets"),
        ({"budgets": (5, 5000)}, "smallest pool"),
        ({"protocol": "other"}, "id or lodo"),
    ],
)
def test_bad_wishes(half_labelled, more, words):
    with pytest.raises(ValuesError, match=words):
        simulate(half_labelled.path, **{**SMALL, **more})


def test_one_domain_cannot_be_held_out(make):
    project = make(domain=["here"] * 180)
    with pytest.raises(SplitError, match="two domains"):
        simulate(project.path, protocol="lodo", **SMALL)


def test_one_group_cannot_be_split(make):
    groups = columns(mixture(180))["group"]
    labels = [None] * 180
    first, second = [k for k, group in enumerate(groups) if group == groups[0]][:2]
    labels[first], labels[second] = "a", "b"
    with pytest.raises(SplitError, match="two groups"):
        simulate(make(label=labels).path, **SMALL)
