import importlib
import json

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from tests.prove.mixture import poison

from yori.choose import select_next
from yori.errors import SourceError, ValuesError

FAST = {"workers": 1, "simulated": False}


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Fewer curves: one seed, three folds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("yori.choose.select"), "SEEDS", 1)
        patch.setattr(importlib.import_module("yori.choose.simulate"), "FOLDS", 3)
        yield


@pytest.fixture(scope="module")
def selected(half_labelled, quick):
    return select_next(half_labelled.path, budget=12, workers=1)


def test_a_table_of_unlabelled_examples_with_reasons(half_labelled, selected):
    table = selected.table
    assert table["rank"].to_pylist() == list(range(1, 13))
    ids = table["example_id"].to_pylist()
    assert len(set(ids)) == 12
    examples = half_labelled.examples(columns=["example_id", "label"]).to_pylist()
    assert set(ids) <= {row["example_id"] for row in examples if row["label"] is None}
    assert all(table["why"].to_pylist())
    assert set(table["predicted"].to_pylist()) <= set("abcd")


def test_the_files_hold_the_same(selected):
    assert pq.read_table(selected.folder / "selection.parquet").equals(selected.table)
    assert pyarrow.csv.read_csv(selected.folder / "selection.csv")["example_id"].equals(selected.table["example_id"])
    fields = json.loads((selected.folder / "selection.json").read_text(encoding="utf-8"))
    assert fields["trust"]["strategy"] == selected.trust.strategy


def test_the_random_control_runs_and_decides(selected):
    assert selected.simulation.curves[0].name == "random"
    assert selected.strategy == selected.trust.strategy
    assert "random" in selected.trust.reason


def test_the_same_question_has_the_same_answer(half_labelled, selected):
    again = select_next(half_labelled.path, budget=12, workers=1)
    assert again.folder == selected.folder
    assert again.table.equals(selected.table)
    other = select_next(half_labelled.path, budget=12, strategy="random", seed=7, **FAST)
    assert other.table["example_id"].to_pylist() != selected.table["example_id"].to_pylist()


def test_a_cold_start_takes_typical_examples_on_faith(make):
    found = select_next(make(label=[None] * 180).path, budget=8, workers=1)
    assert found.simulation is None
    assert "on faith: 0 labels are too few" in found.trust.reason
    assert set(found.table["strategy"].to_pylist()) == {"typiclust"}
    assert found.table["predicted"].null_count == 8
    assert (found.rounds, found.stops) == (0, ())


def test_quotas_share_the_budget(half_labelled):
    found = select_next(half_labelled.path, budget=9, strategy="margin", quotas="equal", **FAST)
    domains = found.table["domain"].to_pylist()
    assert [domains.count(f"site{k}") for k in range(3)] == [3, 3, 3]


def test_a_limited_sum(make):
    seconds = [float(1 + k % 5) for k in range(180)]
    project = make(duration=seconds)
    found = select_next(project.path, budget=50, cost_column="duration", spend=20.0, **FAST)
    cost = dict(zip(project.examples()["example_id"].to_pylist(), seconds, strict=True))
    assert 0 < sum(cost[each] for each in found.table["example_id"].to_pylist()) <= 20
    assert "per unit of cost" in found.table["why"].to_pylist()[0]


def test_near_copies_of_the_chosen_are_never_chosen_twice(make):
    duplicates = [f"c{k // 9}" for k in range(180)]  # three groups of three; one of them has no label
    found = select_next(make(duplicates=duplicates, label=[None] * 180).path, budget=20, **FAST)
    assert found.copies == 160
    assert sorted(int(each[1:]) // 9 for each in found.table["example_id"].to_pylist()) == list(range(20))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"budget": 0}, r"a budget of 1 … 8\d"),
        ({"budget": 999}, r"a budget of 1 … 8\d"),
        ({"strategy": "best"}, "a strategy out of"),
        ({"spend": 5.0}, "a column of costs"),
        ({"cost_column": "price"}, "a column out of"),
        ({"cost_column": "duration"}, "a cost for every candidate"),
        ({"cost_column": "domain"}, "a cost for every candidate"),
    ],
)
def test_bad_wishes(half_labelled, more, words):
    with pytest.raises(ValuesError, match=words):
        select_next(half_labelled.path, **{"budget": 5, **FAST, **more})


def test_quotas_without_domains(make):
    with pytest.raises(ValuesError, match="a domain for every candidate"):
        select_next(make(domain=None).path, budget=5, quotas="equal", **FAST)


def test_nothing_is_unlabelled(make):
    with pytest.raises(SourceError, match="unlabelled examples"):
        select_next(make(label=["a", "b", "c", "d"] * 45).path, budget=5, **FAST)


def test_damaged_embeddings(make):
    project = make()
    poison(project, [0])
    with pytest.raises(ValuesError, match="finite embeddings"):
        select_next(project.path, budget=5, **FAST)


def test_identical_embeddings(make):
    project = make(embeddings=np.ones((180, 16), dtype=np.float32))
    assert len(select_next(project.path, budget=10, **FAST).table) == 10
