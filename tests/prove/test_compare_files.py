import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from yori.errors import AlignmentError, InputError, ShapeError, ValuesError
from yori.metrics import aurc
from yori.prove.compare_files import SECONDARY, compare_files
from yori.statistics import Predictions, compare, mcnemar


def simulated(n=240, seeds=1, domains=1, sharper=0.0, rng=0, c=3):
    """A table of predictions; ``sharper`` moves logits towards the label."""
    rng = np.random.default_rng(rng)
    columns = {key: [] for key in ("example_id", "label", "seed", "domain", "group", "logits")}
    for domain in range(domains):
        labels = rng.integers(0, c, n)
        shared = rng.normal(size=(n, c)) + 1.2 * np.eye(c)[labels]
        for seed in range(seeds):
            logits = shared + 0.3 * rng.normal(size=(n, c)) + sharper * np.eye(c)[labels]
            columns["example_id"] += [f"d{domain}-{i}" for i in range(n)]
            columns["label"] += labels.tolist()
            columns["seed"] += [seed] * n
            columns["domain"] += [f"d{domain}"] * n
            columns["group"] += [f"d{domain}-g{i // 4}" for i in range(n)]
            columns["logits"] += logits.tolist()
    return pa.table(columns)


def write(folder, name, rows):
    pq.write_table(rows, folder / name)
    return folder / name


def files(folder, before, after):
    return write(folder, "before.parquet", before), write(folder, "after.parquet", after)


def test_the_numbers_are_those_of_compare(tmp_path):
    before, after = simulated(), simulated(sharper=0.5)
    found = compare_files(*files(tmp_path, before, after), metric="aurc", seed=3)
    arms = [
        Predictions(
            np.array(t["example_id"].to_pylist()),
            logits=np.array(t["logits"].to_pylist()),
            labels=np.array(t["label"].to_pylist()),
        )
        for t in (before, after)
    ]
    groups = np.array(before["group"].to_pylist())
    expected = compare(*arms, metric="aurc", groups=groups, rng=np.random.default_rng(0)).to_dict()
    got = found["primary"]["comparison"]
    for key in ("before", "after", "delta", "low", "high", "p_value"):
        assert got[key] == pytest.approx(expected[key], rel=1e-9), key
    assert got["before"] == pytest.approx(aurc(arms[0].confidence, arms[0].correct))
    assert got["n_clusters"] == 60
    assert [row["metric"] for row in found["secondary"]] == [name for name in SECONDARY if name != "aurc"]
    test = mcnemar(arms[0].correct, arms[1].correct)
    row = found["mcnemar"][0]
    assert (row["p_value"], row["only_before_correct"], row["only_after_correct"], row["seed"]) == (
        pytest.approx(test.p_value),
        test.only_a,
        test.only_b,
        "0",
    )
    assert not found["identical"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_holm_is_over_the_secondary_metrics_alone(tmp_path):
    paths = files(tmp_path, simulated(), simulated(sharper=0.3))
    found = compare_files(*paths, metric="nll", secondary=["accuracy", "aurc", "nll", "accuracy"])
    assert [row["metric"] for row in found["secondary"]] == ["accuracy", "aurc"]
    first, second = found["secondary"]
    smaller = min(first["p_value"], second["p_value"])
    assert min(first["holm_p"], second["holm_p"]) == pytest.approx(min(1, 2 * smaller))
    assert all(row["changed"] == (row["holm_p"] <= 0.05) for row in found["secondary"])


@pytest.mark.parametrize("domains", [1, 3, 8])
@pytest.mark.parametrize("seeds", [1, 3])
def test_identical_files_show_no_difference(tmp_path, domains, seeds):
    rows = simulated(n=60, seeds=seeds, domains=domains)
    shuffled = rows.take(np.random.default_rng(1).permutation(rows.num_rows))
    found = compare_files(*files(tmp_path, rows, shuffled), replicates=100)
    assert found["identical"]
    assert found["verdict"]["word"] == "no difference shown"
    for row in [found["primary"], *found["secondary"]]:
        c = row["comparison"]
        assert (c["delta"], c["low"], c["high"], c["p_value"]) == (0, 0, 0, 1), row["metric"]
    assert [row["holm_p"] for row in found["secondary"]] == [1] * len(found["secondary"])
    assert len(found["mcnemar"]) == domains * seeds
    assert {row["p_value"] for row in found["mcnemar"]} == {1}
    assert found["verdict"]["needed_examples"] is None


def test_row_order_and_other_metrics_change_nothing(tmp_path):
    before, after = simulated(seeds=2, domains=2), simulated(seeds=2, domains=2, sharper=0.4)
    paths = files(tmp_path, before, after)
    found = compare_files(*paths, metric="ece", secondary=["risk@0.8"], replicates=200)
    order = np.random.default_rng(2).permutation(before.num_rows)
    again = compare_files(
        write(tmp_path, "b2.parquet", before.take(order)),
        write(tmp_path, "a2.parquet", after.take(order[::-1])),
        metric="risk@0.8",
        secondary=["nll", "ece"],
        replicates=200,
    )
    assert again["primary"]["comparison"] == found["secondary"][0]["comparison"]
    assert again["secondary"][1]["comparison"] == found["primary"]["comparison"]


def test_a_column_that_one_file_lacks_comes_from_the_other(tmp_path):
    before, after = simulated(domains=2), simulated(domains=2, sharper=0.5)
    full = compare_files(*files(tmp_path, before, after), secondary=["accuracy"])
    bare = write(tmp_path, "bare.parquet", after.select(["example_id", "logits"]))
    found = compare_files(tmp_path / "before.parquet", bare, secondary=["accuracy"])
    assert found["primary"] == full["primary"]
    assert found["mcnemar"] == full["mcnemar"]
    other_way = compare_files(bare, tmp_path / "before.parquet", secondary=["accuracy"])
    assert other_way["primary"]["comparison"]["delta"] == pytest.approx(-full["primary"]["comparison"]["delta"])


def test_files_of_different_formats_and_class_order(tmp_path):
    rows = simulated(n=50)
    logits = np.array(rows["logits"].to_pylist())
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    header = "id,label,prob_2,prob_0,prob_1,seed,domain,group"
    cells = [
        f"{i},{y},{p[2]!r},{p[0]!r},{p[1]!r},0,d0,{g}"
        for i, y, p, g in zip(
            rows["example_id"].to_pylist(),
            rows["label"].to_pylist(),
            probs.tolist(),
            rows["group"].to_pylist(),
            strict=True,
        )
    ]
    (tmp_path / "after.csv").write_text("\n".join([header, *cells]))
    found = compare_files(write(tmp_path, "before.parquet", rows), tmp_path / "after.csv")
    assert found["primary"]["comparison"]["delta"] == pytest.approx(0, abs=1e-12)


def changed(rows, name, values):
    return rows.set_column(rows.column_names.index(name), name, [values])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.slice(1), "1 only in before ('d0-0')"),
        (lambda t: changed(t, "example_id", ["x", *t["example_id"].to_pylist()[1:]]), "1 only in after ('x')"),
        (lambda t: changed(t, "seed", pa.array([7] * t.num_rows)), "seed '7'"),
        (lambda t: changed(t, "domain", pa.array(["z"] * t.num_rows)), "domain 'z'"),
        (lambda t: changed(t, "label", pa.array((np.array(t["label"].to_pylist()) + 1) % 3)), "the same labels"),
        (lambda t: changed(t, "group", pa.array(["z"] * t.num_rows)), "the same groups"),
        (lambda t: pa.concat_tables([t, t.slice(0, 2)]), "2 repeated rows"),
        (lambda t: changed(t, "logits", pa.array([[1.0, 2.0]] * t.num_rows)), "the same classes"),
    ],
)
def test_unaligned_files_are_refused(tmp_path, change, message):
    rows = simulated(n=20)
    with pytest.raises(AlignmentError) as error:
        compare_files(*files(tmp_path, rows, change(rows)))
    assert message in str(error.value)
    assert "after.parquet" in str(error.value)


def test_pooled_seeds_are_refused(tmp_path):
    rows = simulated(n=20, seeds=2)
    with pytest.raises(AlignmentError, match=r"must not be pooled: add a column seed"):
        compare_files(*files(tmp_path, rows.drop_columns("seed"), rows.drop_columns("seed")))
    with pytest.raises(AlignmentError, match="'seed' in both files"):
        compare_files(*files(tmp_path, rows, rows.drop_columns("seed")))


def outcomes(folder, name, confidence, correct):
    rows = "\n".join(f"{i},{c},{k}" for i, (c, k) in enumerate(zip(confidence, correct, strict=True)))
    (folder / name).write_text("id,confidence,correct\n" + rows)
    return folder / name


def test_confidence_and_correct_alone(tmp_path):
    rng = np.random.default_rng(0)
    paths = [outcomes(tmp_path, name, rng.random(40), rng.random(40) < 0.8) for name in ("b.csv", "a.csv")]
    found = compare_files(*paths)
    assert {row["metric"] for row in found["secondary"]} == {"augrc", "ece", "risk@0.8", "accuracy"}
    assert sum("was left out" in note for note in found["notes"]) == 3
    with pytest.raises(ShapeError, match="probs"):
        compare_files(*paths, metric="nll")
    with pytest.raises(ShapeError, match="probs"):
        compare_files(*paths, secondary=["nll"])


@pytest.mark.parametrize(
    ("confidence", "correct", "sentence"),
    [
        (np.linspace(0, 1, 30), np.ones(30, bool), "is right"),
        (np.linspace(0, 1, 30), np.zeros(30, bool), "is wrong"),
        (np.full(30, 0.5), np.arange(30) % 3 > 0, "are equal"),
    ],
)
def test_degenerate_predictions_come_with_a_sentence(tmp_path, confidence, correct, sentence):
    usual = outcomes(tmp_path, "b.csv", np.linspace(0, 1, 30), np.arange(30) % 4 > 0)
    found = compare_files(usual, outcomes(tmp_path, "a.csv", confidence, correct))
    assert any(sentence in note and "a.csv" in note for note in found["notes"])
    both = compare_files(tmp_path / "a.csv", tmp_path / "a.csv")
    assert both["verdict"]["word"] == "no difference shown"


def test_one_class_and_one_example(tmp_path):
    rows = simulated(n=30)
    single = changed(rows, "label", pa.array([1] * 30))
    found = compare_files(*files(tmp_path, single, single))
    assert any("one class" in note for note in found["notes"])
    with pytest.raises(ValuesError, match="at least two independent"):
        compare_files(*files(tmp_path, rows.slice(0, 1), rows.slice(0, 1)))


def test_unknown_metrics_and_numbers_out_of_range(tmp_path):
    paths = files(tmp_path, simulated(n=20), simulated(n=20))
    for wrong in ({"metric": "auc"}, {"secondary": ["auc"]}, {"margin": -1.0}, {"level": 1.5}, {"replicates": 3}):
        with pytest.raises(InputError):
            compare_files(*paths, **wrong)


def test_labels_in_neither_file(tmp_path):
    rows = simulated(n=20).drop_columns("label")
    with pytest.raises(InputError, match="label"):
        compare_files(*files(tmp_path, rows, rows))
