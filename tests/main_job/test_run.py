import json

import pytest
from tests.prove.mixture import SMALL_TASK, make_small

from yori.errors import StoreError, ValuesError
from yori.main_job import run


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """One run of a small project. Read only."""
    return run(make_small(tmp_path_factory.mktemp("run") / "project").path, workers=1)


def test_what_a_run_leaves(ran):
    assert not ran.reused
    assert {path.name for path in ran.proof.iterdir()} == {
        "certificate.json", "edits.parquet", "edits_by_cell.parquet", "predictions.parquet", "validation.parquet",
        "splits.json", "report.html", "report.ko.html",
    }  # fmt: skip
    assert ran.report == ran.proof / "report.html"
    assert ran.proof.parent == ran.project / "proofs"
    assert json.loads((ran.proof / "certificate.json").read_text()) == ran.certificate


def test_both_reports_hold_the_verdict_and_no_link_to_the_network(ran):
    for name, lang in (("report.html", "en"), ("report.ko.html", "ko")):
        page = (ran.proof / name).read_text(encoding="utf-8")
        assert f'lang="{lang}"' in page
        assert 'src="http' not in page
        assert "@import" not in page


def test_fields(ran):
    fields = ran.fields()
    assert {"verdict", "primary", "protocols", "certificate", "edits", "predictions", "report"} <= set(fields)
    assert fields["verdict"] == ran.certificate["verdict"]
    assert fields["protocols"]["id"]["values"] == ran.certificate["protocols"]["id"]["values"]
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields


def test_the_second_run_is_reused(ran):
    again = run(ran.project, workers=1)
    assert again.reused
    assert again.certificate == ran.certificate


@pytest.mark.parametrize("budget", [0, 1, -0.5, 2, float("nan"), float("inf")])
def test_budgets_that_are_no_share(budget, ran):
    with pytest.raises(ValuesError, match="between 0 and 1"):
        run(ran.project, budget=budget)


def test_a_large_budget_must_be_meant(ran, tmp_path):
    with pytest.raises(ValuesError, match=r"at most 0\.05"):
        run(ran.project, budget=0.051)
    task = SMALL_TASK.replace("{edits: 0.05}", "{edits: 0.05, allow_large: true}")
    meant = run(make_small(tmp_path / "p", task=task).path, budget=0.1, workers=1)
    assert meant.certificate["edits"]["cells"][0]["budget"] == 7


@pytest.mark.parametrize("seeds", [0, -1, 101])
def test_numbers_of_seeds(seeds, ran):
    with pytest.raises(ValuesError, match="1 to 100 seeds"):
        run(ran.project, seeds=seeds)


def test_no_project(tmp_path):
    with pytest.raises(StoreError):
        run(tmp_path / "nowhere")
