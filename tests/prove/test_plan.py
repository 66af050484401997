import dataclasses
import json

import numpy as np
import pyarrow as pa
import pytest

from yori.prove.dataset import dataset_of
from yori.prove.plan import Assumptions, plan
from yori.statistics import minimum_detectable_effect
from yori.store import Project
from yori.task import parse_task

TASK = """format: 1
name: bells
modality: embeddings
classes: [bell, horn]
columns: {label: label, domain: domain, group: group}
splits: {protocols: [id, lodo]}
endpoint: {metric: accuracy, protocol: id, direction: higher, margin: %s}
seeds: %d
"""


def project(folder, n=600, group_size=1, domains=3, margin=0.05, seeds=3, metric="accuracy"):
    rows = pa.table(
        {
            "example_id": [f"e{i:05d}" for i in range(n)],
            "label": [("bell", "horn")[(i // group_size) % 2] for i in range(n)],
            "group": [f"g{i // group_size}" for i in range(n)],
            "domain": [f"d{(i // group_size // 2) % domains}" for i in range(n)],
        }
    )
    text = TASK % (margin, seeds)
    if metric != "accuracy":
        text = text.replace("metric: accuracy", f"metric: {metric}").replace("higher", "lower")
    made = Project.create(folder, text)
    made.add_rows(rows, sources={}, message="rows", who="test")
    return made


def planned(made, assumptions=None, seed=0):
    task = parse_task(made.task_text())
    return plan(dataset_of(made, task), task, assumptions, rng=np.random.default_rng(seed))


def test_counts_and_closed_form(tmp_path):
    found = planned(project(tmp_path / "p"), Assumptions(accuracies=(0.9,)))
    by_id, lodo = found.protocols
    assert (by_id.protocol, by_id.examples, by_id.groups, by_id.domains) == ("id", 360, 360, 0)  # 3 seeds, 3 folds of 5
    assert (lodo.protocol, lodo.examples, lodo.domains, lodo.cells) == ("lodo", 600, 3, 9)
    assert by_id.design_effect == pytest.approx(1)
    (forecast,) = by_id.forecasts
    error = np.sqrt(0.25 * 0.1 / 360)
    assert forecast.minimum_detectable_effect == pytest.approx(minimum_detectable_effect(error, df=359), rel=0.03)
    assert forecast.resolution == 0.05
    assert forecast.enough
    assert forecast.needed_examples is None
    assert by_id.one_point == (3458,)
    (held_out,) = lodo.forecasts
    error = np.sqrt(0.025 / 600)
    assert held_out.minimum_detectable_effect == pytest.approx(minimum_detectable_effect(error, df=2), rel=0.03)


def test_groups_cost_what_the_design_effect_says(tmp_path):
    made = project(tmp_path / "p", group_size=10)
    loose, tight = (planned(made, Assumptions(accuracies=(0.9,), icc=icc)).protocols[0] for icc in (0.0, 0.3))
    assert tight.cluster_size == pytest.approx(10)
    assert tight.design_effect == pytest.approx(1 + 9 * 0.3)
    assert tight.effective_examples == pytest.approx(tight.examples / 3.7)
    assert tight.forecasts[0].half_width == pytest.approx(np.sqrt(3.7) * loose.forecasts[0].half_width, rel=1e-6)


def test_needed_examples_are_enough(tmp_path):
    short = planned(project(tmp_path / "p", margin=0.02), Assumptions(accuracies=(0.9,))).protocols[0].forecasts[0]
    assert not short.enough
    assert short.needed_examples is not None
    # Three of five folds are tested, so the data have to grow to 5/3 of that.
    large = project(tmp_path / "q", n=int(short.needed_examples * 5 / 3 * 1.05), margin=0.02)
    assert planned(large, Assumptions(accuracies=(0.9,))).protocols[0].forecasts[0].enough


def test_aurc_without_a_margin_asks_for_a_tenth_of_it(tmp_path):
    found = planned(project(tmp_path / "p", margin=0, metric="aurc"))
    forecasts = found.protocols[0].forecasts
    assert [(f.accuracy, f.metric) for f in forecasts] == [
        (a, m) for a in (0.8, 0.9, 0.95) for m in ("aurc", "accuracy")
    ]
    for each in forecasts:
        left = each.value if each.metric == "aurc" else 1 - each.value
        assert each.resolution == pytest.approx(left / 10)
    again = planned(project(tmp_path / "p", margin=0, metric="aurc"), seed=1).protocols[0].forecasts
    for a, b in zip(forecasts, again, strict=True):
        assert a.minimum_detectable_effect == pytest.approx(b.minimum_detectable_effect, rel=0.1)


def test_domains_that_differ_need_more(tmp_path):
    made = project(tmp_path / "p", domains=4, margin=0.03)
    alike, apart = (
        planned(made, Assumptions(accuracies=(0.9,), domain_spread=s)).protocols[1].forecasts[0] for s in (0, 0.02)
    )
    assert apart.half_width > 1.5 * alike.half_width
    assert apart.needed_domains is not None
    assert apart.needed_domains > 4


def test_notes(tmp_path):
    found = planned(project(tmp_path / "p", n=60, metric="nll"))
    notes = " ".join(found.protocols[0].notes)
    assert "No forecast is made for nll" in notes
    assert "Only 18 test examples" in notes
    assert [f.metric for f in found.protocols[0].forecasts] == ["accuracy"] * 3
    assert "Domains are the sample" in " ".join(found.protocols[1].notes)


def test_the_primary_protocol_is_told_first(tmp_path):
    found = planned(project(tmp_path / "p", margin=0.02))
    assert found.sentences()[1].startswith("id: 360 test examples of 360 groups, 3 seeds")
    assert any("can not be shown: n ≥" in line for line in found.sentences())
    assert dataclasses.replace(found, protocol="lodo").sentences()[1].startswith("lodo:")
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["sentences"] == found.sentences()
