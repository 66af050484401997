"""Every number of a certificate, computed again another way from the rows of predictions."""

import dataclasses
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit, softmax
from tests.prove.mixture import CLASSES, SMALL_TASK, make_small, mixture

from yori import metrics, statistics
from yori.errors import CorruptError
from yori.prove import prove, verify
from yori.prove.evaluate import GRID, _generator, arms_of, evaluate, metrics_of, stage_of
from yori.task import parse_task


@pytest.fixture(scope="module")
def rows(proved):
    """Predictions as a list of dicts by (protocol, seed, arm)."""
    found = {}
    for row in pq.read_table(proved.proof / "predictions.parquet").to_pylist():
        found.setdefault((row["protocol"], row["seed"], row["arm"]), []).append(row)
    return found


@pytest.fixture(scope="module")
def task(proved):
    return parse_task(proved.certificate["task"]["text"], name="task.yaml")


def probs_of(rows, *, calibrated):
    logits = np.array([row["logits"] for row in rows], dtype=np.float64)
    heat = np.array([row["temperature"] for row in rows])[:, None]
    return softmax(logits / heat if calibrated else logits, axis=1), np.array([row["label"] for row in rows])


def value(rows, metric):
    """One metric of one cell and arm, by the public functions of `yori.metrics`."""
    raw, labels = probs_of(rows, calibrated=False)
    heated, _ = probs_of(rows, calibrated=True)
    confidence, correct = raw.max(axis=1), raw.argmax(axis=1) == labels
    return {
        "aurc": lambda: metrics.aurc(confidence, correct),
        "augrc": lambda: metrics.augrc(heated.max(axis=1), heated.argmax(axis=1) == labels),
        "ece": lambda: metrics.expected_calibration_error(heated, labels),
        "nll": lambda: metrics.negative_log_likelihood(heated, labels),
        "brier": lambda: metrics.brier_score(heated, labels),
        "risk@0.8": lambda: metrics.risk_at_coverage(confidence, correct, 0.8),
        "accuracy": lambda: float(correct.mean()),
    }[metric]()


METRICS = ["aurc", "augrc", "ece", "nll", "brier", "risk@0.8", "accuracy"]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("arm", ["before", "after", "control:train_plus_validation"])
def test_values_are_those_of_the_metrics_on_the_rows(metric, arm, rows, proved):
    for kind, protocols in (("id", ["id"]), ("lodo", ["lodo:site0", "lodo:site1", "lodo:site2"])):
        by_domain = [np.mean([value(rows[name, seed, arm], metric) for seed in (0, 1)]) for name in protocols]
        stored = proved.certificate["protocols"][kind]["values"][arm][metric]
        assert stored == pytest.approx(float(np.mean(by_domain)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("metric", ["aurc", "nll", "accuracy"])
@pytest.mark.parametrize("kind", ["id", "lodo"])
def test_comparisons_are_those_of_the_statistics(metric, kind, rows, proved):
    def joined(arm):
        chosen = [each for key in rows for each in rows[key] if key[0].startswith(kind) and key[2] == arm]
        probs, labels = probs_of(chosen, calibrated=metric == "nll")
        return statistics.Predictions(
            np.array([row["example_id"] for row in chosen]), probs=probs, labels=labels
        ), chosen

    (before, listed), (after, _) = joined("before"), joined("after")
    keys = [key for key in rows for _ in rows[key] if key[0].startswith(kind) and key[2] == "before"]
    wanted = statistics.compare(
        before, after, metric=metric, groups=np.array([row["group"] for row in listed]),
        domains=np.array([key[0] for key in keys]) if kind == "lodo" else None,
        seeds=np.array([key[1] for key in keys]), rng=_generator(kind, "after", "before", metric),
    )  # fmt: skip
    (stored,) = [
        each["comparison"]
        for each in proved.certificate["protocols"][kind]["comparisons"]
        if (each["arm"], each["against"], each["metric"]) == ("after", "before", metric)
    ]
    for name in ("before", "after", "delta", "low", "high", "p_value", "standard_error"):
        assert stored[name] == pytest.approx(getattr(wanted, name), rel=1e-9, abs=1e-12), name
    assert stored["method"] == wanted.method


def test_every_effect_is_the_difference_of_two_values(proved):
    for part in proved.certificate["protocols"].values():
        for each in part["comparisons"]:
            values, metric = part["values"], each["metric"]
            wanted = values[each["arm"]][metric] - values[each["against"]][metric]
            assert each["comparison"]["delta"] == pytest.approx(wanted, rel=1e-9, abs=1e-12)
            assert each["stage"] == ("after temperature" if metric in ("augrc", "ece", "nll", "brier") else "raw")
            assert each["stage"] == stage_of(metric)


def test_every_control_is_compared_both_ways_on_the_endpoint(proved):
    pairs = {
        (each["arm"], each["against"])
        for each in proved.certificate["protocols"]["id"]["comparisons"]
        if each["metric"] == "aurc"
    }
    controls = [arm for arm in proved.certificate["protocols"]["id"]["values"] if arm not in ("before", "after")]
    assert len(controls) == 5
    assert pairs == {("after", "before"), *((arm, "before") for arm in controls), *(("after", arm) for arm in controls)}


def test_holm_over_the_secondary_metrics(proved):
    for part in proved.certificate["protocols"].values():
        main = [each for each in part["comparisons"] if (each["arm"], each["against"]) == ("after", "before")]
        second = [each for each in main if each["metric"] != "aurc"]
        assert [each["holm_p"] for each in main if each["metric"] == "aurc"] == [None]
        p = sorted(each["comparison"]["p_value"] for each in second)
        running = [max((len(p) - j) * p[j] for j in range(i + 1)) for i in range(len(p))]  # Holm by hand
        assert sorted(each["holm_p"] for each in second) == pytest.approx([min(1.0, each) for each in running])
        others = [each for each in part["comparisons"] if each not in main]
        assert {each["holm_p"] for each in others} == {None}


def test_mcnemar_of_each_cell(rows, proved):
    for kind in ("id", "lodo"):
        for each in proved.certificate["protocols"][kind]["mcnemar"]:
            name = "id" if kind == "id" else f"lodo:{each['domain']}"
            right = []
            for arm in ("before", "after"):
                probs, labels = probs_of(rows[name, each["seed"], arm], calibrated=False)
                right.append(probs.argmax(axis=1) == labels)
            b, c = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
            assert (each["only_before_correct"], each["only_after_correct"]) == (b, c)
            if b == c:
                assert each["p_value"] == pytest.approx(1.0)


def test_primary_and_verdict_follow_from_the_protocol(proved):
    certificate = proved.certificate
    (main,) = [
        each
        for each in certificate["protocols"]["id"]["comparisons"]
        if (each["arm"], each["against"], each["metric"]) == ("after", "before", "aurc")
    ]
    assert certificate["primary"]["comparison"] == main["comparison"]
    assert certificate["verdict"] == main["verdict"]
    low, high = main["comparison"]["low"], main["comparison"]["high"]
    word = certificate["verdict"]["word"]
    assert (word == "improved") == (high < 0)
    assert (word == "worse") == (low > 0)


def test_risk_coverage_curve_by_hand(rows, proved):
    stored = proved.certificate["protocols"]["id"]["risk_coverage"]
    curves = []
    for seed in (0, 1):
        probs, labels = probs_of(rows["id", seed, "after"], calibrated=False)
        confidence, wrong = probs.max(axis=1), probs.argmax(axis=1) != labels
        assert len(np.unique(confidence)) == len(confidence)  # no ties: plain sorting is the definition
        ordered = wrong[np.argsort(-confidence)]
        kept = [max(1, math.ceil(round(coverage * len(ordered), 9))) for coverage in GRID]
        curves.append([ordered[:k].mean() for k in kept])
    np.testing.assert_allclose(stored["after"], np.mean(curves, axis=0), atol=1e-12)
    assert stored["coverage"] == [round(0.01 * k, 2) for k in range(1, 101)]
    band = proved.certificate["protocols"]["id"]["risk_coverage_band"]["after"]
    inside = (np.array(band["low"]) <= np.array(stored["after"])) & (
        np.array(stored["after"]) <= np.array(band["high"])
    )
    assert inside.mean() > 0.9


def test_reliability_bins_hold_every_row_once(rows, proved):
    for kind, count in (("id", 240), ("lodo", 1200)):
        for bins in proved.certificate["protocols"][kind]["reliability"].values():
            assert sum(each["count"] for each in bins) == count
            assert all(0 <= each["accuracy"] <= 1 and 0 <= each["confidence"] <= 1 for each in bins)


def test_values_do_not_depend_on_the_order_of_rows(proved, task):
    table = pq.read_table(proved.proof / "predictions.parquet")
    task = dataclasses.replace(task, splits=dataclasses.replace(task.splits, protocols=("id",)))
    table = table.filter(pa.compute.equal(table["protocol"], "id"))
    shuffled = table.take(np.random.default_rng(0).permutation(len(table)))
    left, right = (arms_of(each, 4, multiple=False)["id"] for each in (table, shuffled))
    for arm in left:
        assert sorted(left[arm].ids) == sorted(right[arm].ids)
    there, here = evaluate(shuffled, task), proved.certificate
    for arm, values in there["protocols"]["id"]["values"].items():
        assert values == pytest.approx(here["protocols"]["id"]["values"][arm], rel=1e-9)


def test_evaluation_repeats_itself(proved, task):
    table = pq.read_table(proved.proof / "predictions.parquet")
    again = evaluate(table.filter(pa.compute.equal(table["protocol"], "id")), task)
    assert again["verdict"] == proved.certificate["verdict"]
    assert again["protocols"]["id"]["comparisons"] == proved.certificate["protocols"]["id"]["comparisons"]


@pytest.mark.parametrize("name", ["protocol", "seed", "arm", "example_id", "group", "label", "logits", "temperature"])
def test_a_missing_column_is_named(name, proved):
    table = pq.read_table(proved.proof / "predictions.parquet").drop_columns([name])
    with pytest.raises(CorruptError, match=f"none called {name}"):
        arms_of(table, 4, multiple=False)


def test_another_number_of_logits(proved):
    with pytest.raises(CorruptError, match="5 logits in every row"):
        arms_of(pq.read_table(proved.proof / "predictions.parquet"), 5, multiple=False)


def test_a_proof_of_several_labels_from_end_to_end(tmp_path):
    data = mixture(240)
    labels = [
        [CLASSES[y], *([CLASSES[(y + 1) % 4]] if x[0] > 1 else [])]
        for y, x in zip(data.true_labels, data.embeddings, strict=True)
    ]
    labels[0] = []  # heard nothing
    project = make_small(
        tmp_path / "p",
        n=240,
        task=SMALL_TASK.replace("[nll]", "[nll, macro_f1]") + "labels: multiple\n",
        label=labels,
        verified=None,
    )
    made = prove(project, workers=1)
    assert verify(made.path, project).holds
    values = made.certificate["protocols"]["id"]["values"]
    assert "macro_f1" not in values["before"]
    assert "oracle" not in values
    rows = [row for row in pq.read_table(made.path / "predictions.parquet").to_pylist() if row["arm"] == "after"]
    hot = np.zeros((len(rows), 4))
    for number, row in enumerate(rows):
        hot[number, row["label"]] = 1
    logits = np.array([row["logits"] for row in rows], dtype=np.float64)
    probs, heated = expit(logits), expit(logits / rows[0]["temperature"])
    assert values["after"]["accuracy"] == pytest.approx(((probs >= 0.5) == hot).all(axis=1).mean())
    log = hot * np.log(heated) + (1 - hot) * np.log(1 - heated)
    per_class, per_set = -log.mean(), -log.sum(axis=1).mean()
    assert values["after"]["nll"] == pytest.approx(per_class) or values["after"]["nll"] == pytest.approx(per_set)
    assert set(pq.read_table(made.path / "edits.parquet")["action"].to_pylist()) <= {"drop"}


def test_lodo_only_with_one_seed(tmp_path):
    text = SMALL_TASK.replace("[id]", "[lodo]") + "endpoint: {protocol: lodo}\n"
    made = prove(make_small(tmp_path / "p", task=text), workers=1)
    assert list(made.certificate["protocols"]) == ["lodo"]
    part = made.certificate["protocols"]["lodo"]
    assert part["seeds"] == 1
    assert made.certificate["primary"]["comparison"]["n_domains"] == 3
    assert made.certificate["primary"]["comparison"]["method"] == "t over domains"
    assert verify(made.path).holds


def test_metrics_of_a_task(task):
    assert metrics_of(task)[0] == "aurc"
    assert len(set(metrics_of(task))) == len(metrics_of(task))
    other = dataclasses.replace(task, endpoint=dataclasses.replace(task.endpoint, metric="coverage@0.05"))
    assert metrics_of(other)[0] == "coverage@0.05"
    assert "aurc" in metrics_of(other)
    assert "macro_f1" not in metrics_of(dataclasses.replace(task, labels="multiple"))
