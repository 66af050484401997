"""A proof in which every example outside test asks: what it compares, what may be edited, and whether a leak is caught."""

from __future__ import annotations

import dataclasses
import importlib
from types import SimpleNamespace

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.prove import tampering
from tests.prove.mixture import SMALL_TASK, inputs_of, make_project, make_small
from tests.prove.tampering import failing, rows_of

from yori.heads import Spectrum, fit_softmax
from yori.prove import Overrides, nested, prove, verify
from yori.prove.arm_names import TRAIN_AND_VALIDATION
from yori.prove.arms import ArmsInput, make_arms
from yori.prove.baseline import make_baseline, read_stage
from yori.prove.cell_curation import (
    cross_folds,
    curate_cell,
    domain_numbers,
    folded_problem,
    nested_folds,
    pool_targets,
)
from yori.prove.cell_inputs import places_of
from yori.prove.pooled_arms import OutOfFold
from yori.prove.tuning import temperature_of
from yori.report import write_report
from yori.task import CurationRules, parse_task

TASK = SMALL_TASK.replace("seeds: 1", "seeds: 2") + "curate: {mode: cross_fitted}\n"
LODO = SMALL_TASK.replace("[id]", "[lodo]").replace("endpoint", "x") + "endpoint: {protocol: lodo}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """240 examples in groups of three, 10 % wrong labels, two seeds."""
    project = make_project(tmp_path_factory.mktemp("cross") / "p", task=TASK, n=240)
    proof = prove(project, workers=1)
    return SimpleNamespace(project=project, proof=proof.path, certificate=proof.certificate)


@pytest.fixture
def tampered(made, tmp_path):
    return tampering.Copy(made.proof, tmp_path)


def test_the_certificate_holds_and_says_what_was_compared(made):
    assert failing(verify(made.proof, made.project)) == {}
    certificate = made.certificate
    assert certificate["curation"]["mode"] == "cross_fitted"
    assert certificate["curation"]["reference"] == certificate["primary"]["against"] == TRAIN_AND_VALIDATION
    values = certificate["protocols"]["id"]["values"]
    found = certificate["primary"]["comparison"]
    assert (found["before"], found["after"]) == (values[TRAIN_AND_VALIDATION]["aurc"], values["after"]["aurc"])
    pairs = {(each["arm"], each["against"], each["metric"]) for each in certificate["protocols"]["id"]["comparisons"]}
    for metric in ("aurc", "nll", "risk@0.8", "accuracy"):
        assert ("after", "before", metric) in pairs
        assert ("after", TRAIN_AND_VALIDATION, metric) in pairs
    adjusted = {each["against"] for each in certificate["protocols"]["id"]["comparisons"] if each["holm_p"] is not None}
    assert adjusted == {TRAIN_AND_VALIDATION}


def test_budget_is_a_share_of_train_and_validation_and_both_are_edited(made):
    sides = set()
    task, data, cells, _ = inputs_of(made.project)
    table = pq.read_table(made.proof / "edits_by_cell.parquet").to_pylist()
    for cell, recorded in zip(cells, made.certificate["edits"]["cells"], strict=True):
        pool = len(cell.train) + len(cell.validation)
        assert recorded["budget"] == int(task.budget.edits * pool)
        chosen = {row["example_id"] for row in table if row["seed"] == cell.seed}
        assert len(chosen) <= recorded["budget"]
        assert not chosen & set(data.ids[cell.test].tolist())
        for part in ("train", "validation"):
            if chosen & set(data.ids[getattr(cell, part)].tolist()):
                sides.add(part)
    assert sides == {"train", "validation"}


def test_the_report_compares_with_unedited_train_and_validation(made, tmp_path):
    for lang, words in (("en", "Train + validation unedited"), ("ko", "편집하지 않은 학습 + 검증 데이터")):
        page = write_report(made.proof, made.project, tmp_path / f"{lang}.html", lang=lang).read_text()
        assert words in page


# -- leaks ----------------------------------------------------------------------------------------------------------


def test_an_edit_of_a_test_example_is_caught(tampered, made):
    cell = inputs_of(made.project)[2][0]
    ids = inputs_of(made.project)[1].ids
    tampered.column("edits_by_cell.parquet", "example_id", lambda old: [str(ids[cell.test[0]]), *old[1:]])
    tampered.reseal()
    assert "1 edits of examples it does not train on" in failing(verify(tampered.path))[tampering.EDITS]


def test_temperatures_of_test_labels_and_of_heads_that_had_seen_validation_are_caught(tampered):
    table = pq.read_table(tampered.path / "predictions.parquet")
    heat = table["temperature"].to_numpy().copy()
    rows = rows_of(table, "id", 0, TRAIN_AND_VALIDATION)
    logits = np.array(table["logits"].take(rows).to_pylist())
    heat[rows] = temperature_of(logits, table["label"].take(rows).to_numpy())
    other = rows_of(table, "id", 1, TRAIN_AND_VALIDATION)
    heat[other] = heat[rows_of(table, "id", 1, "before")][0]  # what it takes where validation asks
    tampered.column("predictions.parquet", "temperature", lambda values: heat)
    tampered.reseal()
    found = failing(verify(tampered.path))[tampering.TEMPERATURES]
    assert f"id seed 0, {TRAIN_AND_VALIDATION}" in found
    assert f"id seed 1, {TRAIN_AND_VALIDATION}" in found


def test_a_verdict_against_before_is_caught(tampered):
    entry = next(
        each for each in tampered.certificate["protocols"]["id"]["comparisons"]
        if (each["arm"], each["against"], each["metric"]) == ("after", "before", "aurc")
    )  # fmt: skip
    tampered.certificate["primary"]["comparison"] = entry["comparison"]
    tampered.certificate["verdict"] = entry["verdict"]
    tampered.reseal()
    assert "primary.comparison" in failing(verify(tampered.path))[tampering.NUMBERS]


def test_a_worker_is_given_no_test_example(tmp_path):
    _, data, (cell,), (given,) = inputs_of(
        make_small(tmp_path / "a", task=SMALL_TASK + "curate: {mode: cross_fitted}\n")
    )
    assert set(given.ids.tolist()) == set(data.ids[np.concatenate([cell.train, cell.validation])].tolist())


# -- arms -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pooled(tmp_path_factory):
    project = make_small(tmp_path_factory.mktemp("pooled") / "p", n=240, task=SMALL_TASK)
    task, _, _, (given,) = inputs_of(project)
    before = make_baseline(given)
    asked = ArmsInput(given, before, task.budget.edits, task.objective, rules=CurationRules(mode="cross_fitted"))
    return SimpleNamespace(
        given=given, baseline=read_stage(project, before), arms=read_stage(project, make_arms(asked))
    )


def test_no_group_is_cut_by_the_folds(pooled):
    folds = cross_folds(pooled.given)
    assert len(np.unique(folds)) == 5
    for group in np.unique(pooled.given.groups):
        assert len(np.unique(folds[pooled.given.groups == group])) == 1


@pytest.mark.parametrize("arm", ["after", "control:random", "control:confident_learning", "control:highest_loss"])
def test_arms_are_trained_on_edited_train_and_validation(pooled, arm):
    given, size = pooled.given, pooled.arms.facts["budget"]
    assert size == int(0.05 * len(given.ids))
    if arm != "after":
        # Dropped are as many as the budget: near the exact fit on all examples, not on training examples alone.
        exact = fit_softmax(given.vectors(), pool_targets(given), classes=4, l2=0.1).weight
        train = fit_softmax(given.vectors()[: given.n_train], given.targets[: given.n_train], classes=4, l2=0.1).weight
        found = pooled.arms.arrays[arm]
        assert np.linalg.norm(found - exact) < np.linalg.norm(found - train)
        return
    place = {str(name): position for position, name in enumerate(given.ids)}
    targets, weight = pool_targets(given), given.weight.copy()
    for edit in pooled.arms.facts["edits"]:
        if edit["action"] == "drop":
            weight[place[edit["example_id"]]] = 0
        else:
            targets[place[edit["example_id"]]] = edit["new"]
    exact = fit_softmax(given.vectors(), targets, classes=4, l2=0.1, sample_weight=weight).weight
    assert np.linalg.norm(pooled.arms.arrays[arm] - exact) < 0.05 * np.linalg.norm(exact)


def test_validation_is_predicted_by_heads_that_have_not_seen_the_fold(pooled):
    given = pooled.given
    vectors = given.vectors()
    unseen = OutOfFold(given, pooled.baseline, vectors, Spectrum.of(vectors[: given.n_train]))
    targets = pool_targets(given)
    logits = unseen.validation_logits(given.weight, targets)
    np.testing.assert_array_equal(logits, pooled.arms.arrays[f"validation:{TRAIN_AND_VALIDATION}"])
    fold = 1
    mine = unseen.folds == fold
    head = fit_softmax(vectors[~mine], targets[~mine], classes=4, l2=0.1, tolerance=1e-6)
    asked = mine[given.n_train :]
    assert asked.any()
    np.testing.assert_allclose(logits[asked], head.logits(vectors[given.n_train :][asked]), atol=5e-3)
    # Other labels of the fold itself change nothing of what is said of it.
    turned = np.where(mine, (targets + 1) % 4, targets)
    again = OutOfFold(given, pooled.baseline, vectors, Spectrum.of(vectors[: given.n_train]))
    again.first = dict(unseen.first)
    np.testing.assert_array_equal(again.validation_logits(given.weight, turned)[asked], logits[asked])


def test_edits_are_explained_by_examples_of_the_pool(pooled):
    ids = set(pooled.given.ids.tolist())
    for edit in pooled.arms.facts["edits"]:
        assert edit["helps"]
        assert {name for name, _ in edit["helps"] + edit["hurts"]} <= ids
        assert edit["example_id"] not in {name for name, _ in edit["helps"] + edit["hurts"]}
        assert all(effect < 0 for _, effect in edit["helps"])
        assert all(effect > 0 for _, effect in edit["hurts"])


# -- other ways -----------------------------------------------------------------------------------------------------


def test_reviews_are_proposed_and_not_applied(tmp_path):
    project = make_small(tmp_path / "p", n=240, task=SMALL_TASK + "objective: aurc_soft\n")
    made = prove(project, overrides=Overrides(mode="review"), workers=1)
    assert made.certificate["task"]["overrides"]["mode"] == "review"
    assert made.certificate["edits"]["by_action"]["review"] == made.certificate["edits"]["count"] > 0
    table = pq.read_table(made.path / "edits.parquet")
    assert set(table["action"].to_pylist()) == {"review"}
    assert table["new_label"].null_count == len(table)
    predictions = pq.read_table(made.path / "predictions.parquet")
    before, after = (predictions.filter(pc.equal(predictions["arm"], arm)) for arm in ("before", "after"))
    assert before["logits"].to_pylist() == after["logits"].to_pylist()
    assert verify(made.path).holds


def test_overrides_of_the_mode():
    task = parse_task(SMALL_TASK, name="task.yaml")
    assert Overrides(mode="cross_fitted").apply(task).curate.cross_fitted
    assert Overrides(mode="review").apply(task).curate.actions == ("review",)
    assert Overrides(budget=0.1).recorded() == {"budget": 0.1, "seeds": None}
    assert Overrides(mode="review").recorded()["mode"] == "review"


@pytest.fixture(scope="module")
def four_domains(pooled):
    """The cell as if it held out a fifth domain; no group crosses two."""
    return dataclasses.replace(
        pooled.given, protocol="lodo:x", domains=np.array([f"d{group % 4}" for group in pooled.given.groups])
    )


def chosen(given, baseline, **rules):
    return curate_cell(
        given, baseline, given.vectors(), Spectrum.of(given.vectors()[: given.n_train]), budget=6,
        objective="aurc_soft", rules=CurationRules(**rules), rounds=1,
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["validation", "cross_fitted"])
def test_left_out_domains_ask_for_edits_of_what_is_trained_on(pooled, four_domains, mode):
    found = chosen(four_domains, pooled.baseline, mode=mode, queries="nested_domains")
    assert found.facts["queries"] == "nested_domains"
    assert found.facts["folds"] == 4
    last = four_domains.n_train if mode == "validation" else len(four_domains.ids)
    assert all(choice.position < last for _, choice in found.found.chosen)


def test_who_asks_is_chosen_by_a_nested_estimate_of_both(pooled, four_domains):
    found = chosen(four_domains, pooled.baseline, queries="choose")
    estimates = found.facts["estimates"]
    assert estimates["left_out_domains"] == 4
    assert (
        found.facts["queries"]
        == estimates["preferred"]
        == min(("training_domains", "nested_domains"), key=lambda way: estimates[way]["mean_change"])
    )


def test_the_estimate_asks_nobody_of_the_domain_left_out(pooled, four_domains):
    """Other labels in a domain change nothing of what is chosen without it."""
    domains = domain_numbers(four_domains)
    inside = domains != 2
    turned = np.where(inside, four_domains.targets, (four_domains.targets + 1) % 4)
    other = dataclasses.replace(four_domains, targets=turned)
    found = []
    for given in (four_domains, other):
        whole = folded_problem(given, pooled.baseline, given.vectors(), "nll", CurationRules(), domains, worst=True)
        part = nested._part(whole, inside, domains)
        found.append(nested._by_validation(given, pooled.baseline, part, 4, 1, CurationRules()))
    assert found[0].rounds == found[1].rounds


def test_too_few_domains_to_leave_one_out_is_said(tmp_path):
    made = prove(make_small(tmp_path / "p", n=240, task=LODO + "curate: {queries: nested_domains}\n"), workers=1)
    assert {each["queries"] for each in made.certificate["curation"]["cells"]} == {"training_domains"}
    assert any("training domains asked there" in note for note in made.certificate["notes"])


def test_domains_are_no_folds_where_a_group_crosses_them(pooled, four_domains):
    given = dataclasses.replace(
        pooled.given, protocol="lodo:x", domains=np.array([f"d{place % 4}" for place in range(len(pooled.given.ids))])
    )
    assert nested_folds(given, CurationRules()) is None
    assert set(np.unique(nested_folds(four_domains, CurationRules()))) == {0, 1, 2, 3}


def test_a_finished_stage_of_another_mode_is_not_taken(pooled):
    module = importlib.import_module("yori.prove.arms")
    one, two = (
        module.ArmsInput(pooled.given, "x", 0.05, "nll", rules=CurationRules(mode=mode)).key()
        for mode in ("validation", "cross_fitted")
    )
    assert one != two


def test_the_place_of_every_example_is_found(made):
    shards = made.project.open_embeddings("given")
    data = inputs_of(made.project)[1]
    assert (np.asarray(shards.ids)[places_of(data, shards)] == data.ids).all()
