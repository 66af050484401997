"""Each tampering is caught by the check whose business it is, even when the attacker recomputes every hash."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.prove import tampering
from tests.prove.tampering import failing, rows_of

from yori.errors import CorruptError, NewerVersionError, StoreError
from yori.prove import read_certificate, verify
from yori.prove.proof import FILES
from yori.prove.tuning import temperature_of

verify_module = importlib.import_module("yori.prove.verify")


def test_an_untouched_certificate_holds(proved):
    found = verify(proved.proof, proved.project)
    assert failing(found) == {}
    assert found.holds
    assert found.verdict == proved.certificate["verdict"]["word"]
    assert len(found.checks) == 9


def test_a_copy_needs_no_project_and_may_be_named_by_its_certificate(tampered):
    found = verify(tampered.path / "certificate.json")
    assert found.holds
    assert tampering.PROJECT not in {check.name for check in found.checks}


def test_sealing_again_without_a_change_holds(tampered):
    tampered.reseal()
    assert verify(tampered.path).holds


# -- planted leaks --------------------------------------------------------------------------------------------------


def test_temperatures_fitted_on_test_labels(tampered):
    table = pq.read_table(tampered.path / "predictions.parquet")
    heat = table["temperature"].to_numpy().copy()
    for arm in ("before", "after"):
        rows = rows_of(table, "id", 0, arm)
        logits = np.array(table["logits"].take(rows).to_pylist())
        heat[rows] = temperature_of(logits, table["label"].take(rows).to_numpy())
    tampered.column("predictions.parquet", "temperature", lambda values: heat)
    tampered.reseal()
    found = failing(verify(tampered.path))
    assert "id seed 0, before: temperature" in found[tampering.TEMPERATURES]
    assert "id seed 0, after: temperature" in found[tampering.TEMPERATURES]
    assert tampering.SEAL not in found
    assert tampering.HASHES not in found


def test_a_group_on_two_sides_with_every_hash_recomputed(tampered):
    from yori.prove.manifest import read_manifest

    def one_test_example_into_training(content):
        cell = content["cells"][0]
        letters = list(cell["assignment"])
        letters[letters.index("e")] = "t"
        cell["assignment"] = "".join(letters)

    tampered.splits(one_test_example_into_training)
    manifest = read_manifest(tampered.path / "splits.json")
    digest = manifest.cells[0].sha256(manifest.ids)

    def record(content):
        content["cells"][0]["sha256"] = digest

    tampered.splits(record)
    tampered.certificate["splits"]["cells"][0]["sha256"] = digest
    tampered.reseal()
    found = failing(verify(tampered.path))
    assert "id seed 0: 1 groups in both train and test" in found[tampering.SPLITS]
    assert "the predicted examples are not its test examples" in found[tampering.ROWS]
    assert tampering.SEAL not in found


def test_groups_renamed_so_that_none_seems_cut(tampered):
    """The groups of splits.json are those of the predictions."""

    def alone(content):
        content["groups"] = [f"alone {number}" for number in range(len(content["groups"]))]

    tampered.splits(alone)
    tampered.reseal()
    assert "group" in failing(verify(tampered.path))[tampering.ROWS]


def test_another_assignment_without_its_hash(tampered):
    def swapped(content):
        content["cells"][1]["assignment"] = content["cells"][0]["assignment"]

    tampered.splits(swapped)
    tampered.reseal()
    assert "id seed 1: the assignment is not the recorded one" in failing(verify(tampered.path))[tampering.SPLITS]


def test_a_cell_that_is_left_out(tampered):
    tampered.splits(lambda content: content["cells"].pop())
    tampered.reseal()
    found = failing(verify(tampered.path))
    assert "7 cells in splits.json, 8 in the certificate" in found[tampering.SPLITS]
    assert "belong to no cell" in found[tampering.ROWS]


# -- predictions ----------------------------------------------------------------------------------------------------


def flatter(table):
    """Give the *after* arm of one cell a large logit for the true class in five rows."""
    rows = rows_of(table, "id", 0, "after")[:5]
    logits, labels = table["logits"].to_pylist(), table["label"].to_pylist()
    for row in rows:
        logits[row][labels[row]] = 30.0
    return table.set_column(table.column_names.index("logits"), "logits", pa.array(logits, pa.list_(pa.float32())))


def test_changed_predictions(tampered):
    tampered.table("predictions.parquet", flatter)
    found = failing(verify(tampered.path))
    assert found[tampering.HASHES] == "predictions.parquet was changed"
    assert "protocols.id" in found[tampering.NUMBERS]


def test_changed_predictions_with_every_hash_recomputed(tampered):
    tampered.table("predictions.parquet", flatter)
    tampered.reseal()
    found = failing(verify(tampered.path))
    assert set(found) == {tampering.NUMBERS}
    assert "primary.comparison.after: recorded" in found[tampering.NUMBERS]


def test_an_arm_that_is_left_out(tampered):
    """A control that beats the edits cannot be taken away."""
    for name in ("predictions.parquet", "validation.parquet"):
        tampered.table(name, lambda table: table.filter(pc.not_equal(table["arm"], "control:random")))
    tampered.reseal()
    assert "values.control:random: only recorded" in failing(verify(tampered.path))[tampering.NUMBERS]


def test_rows_that_are_left_out(tampered):
    tampered.table("predictions.parquet", lambda table: table.slice(1))
    tampered.reseal()
    assert "id seed 0, before: the predicted examples" in failing(verify(tampered.path))[tampering.ROWS]


def test_rows_twice(tampered):
    tampered.table("predictions.parquet", lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    tampered.reseal()
    assert tampering.ROWS in failing(verify(tampered.path))


def test_one_arm_judged_by_other_labels(tampered):
    def relabel(labels):
        return [(labels[0] + 1) % 4, *labels[1:]]

    tampered.column("predictions.parquet", "label", relabel)
    tampered.reseal()
    assert "has two labels" in failing(verify(tampered.path))[tampering.ROWS]


def test_predictions_on_validation_of_test_examples(tampered):
    """Temperatures fitted on test rows that are passed off as validation."""
    tampered.table("validation.parquet", lambda table: pq.read_table(tampered.path / "predictions.parquet"))
    tampered.reseal()
    assert "are not its validation examples" in failing(verify(tampered.path))[tampering.ROWS]


# -- edits ----------------------------------------------------------------------------------------------------------


def test_another_edit_set(tampered):
    tampered.column("edits.parquet", "action", lambda values: ["drop" for _ in values])
    tampered.reseal()
    assert "edits.parquet is not the recorded edit set" in failing(verify(tampered.path))[tampering.EDITS]


def test_an_edit_of_an_example_outside_training(tampered):
    from yori.prove.manifest import read_manifest

    manifest = read_manifest(tampered.path / "splits.json")
    outsider = str(manifest.ids[manifest.cells[0].test][0])
    tampered.column("edits_by_cell.parquet", "example_id", lambda values: [outsider, *values[1:]])
    tampered.reseal()
    said = failing(verify(tampered.path))[tampering.EDITS]
    assert f"id seed 0: 1 edits of examples it does not train on, such as {outsider!r}" in said


def test_an_edit_of_an_unknown_example(tampered):
    tampered.column("edits.parquet", "example_id", lambda values: ["stranger", *values[1:]])
    tampered.reseal()
    assert "in no split, such as 'stranger'" in failing(verify(tampered.path))[tampering.EDITS]


def test_an_edit_twice(tampered):
    tampered.column("edits.parquet", "example_id", lambda values: [values[1], *values[1:]])
    tampered.reseal()
    assert "at most one edit for each example" in failing(verify(tampered.path))[tampering.EDITS]


def test_a_budget_exceeded(tampered):
    edits = tampered.certificate["edits"]
    edits["budget"] = edits["cells"][0]["budget"] = 1
    tampered.reseal()
    said = failing(verify(tampered.path))[tampering.EDITS]
    assert edits["count"] > edits["cells"][0]["count"] > 1
    assert f"{edits['count']} edits with a budget of 1" in said
    assert f"id seed 0: {edits['cells'][0]['count']} edits with a budget of 1" in said


def test_a_budget_raised_after_the_fact(tampered):
    """The budget is the share of task.yaml, not whatever the certificate says."""
    tampered.certificate["edits"]["budget"] = 10_000
    tampered.certificate["edits"]["cells"][0]["budget"] = 10_000
    tampered.reseal()
    said = failing(verify(tampered.path))[tampering.EDITS]
    assert "a budget of 10000; the task allows 30" in said
    assert "id seed 0: a budget of 10000; the task allows 18" in said


# -- the certificate itself -----------------------------------------------------------------------------------------


def test_an_edited_number(tampered):
    tampered.certificate["primary"]["comparison"]["p_value"] = 1e-6
    tampered.save()
    assert set(failing(verify(tampered.path))) == {tampering.SEAL, tampering.NUMBERS}


def test_an_edited_number_with_the_seal_recomputed(tampered):
    tampered.certificate["primary"]["comparison"]["p_value"] = 1e-6
    tampered.reseal()
    found = failing(verify(tampered.path))
    assert set(found) == {tampering.NUMBERS}
    assert "primary.comparison.p_value: recorded 1e-06" in found[tampering.NUMBERS]


def test_an_edited_verdict(tampered):
    tampered.certificate["verdict"]["word"] = "worse"
    tampered.reseal()
    assert "verdict.word: recorded 'worse'" in failing(verify(tampered.path))[tampering.NUMBERS]


def test_another_task_than_the_one_that_was_hashed(tampered):
    tampered.certificate["task"]["text"] += "# margin moved\n"
    tampered.reseal()
    found = failing(verify(tampered.path))
    assert found == {tampering.SEAL: "the task text is not the one whose hash is recorded"}


def test_an_endpoint_chosen_after_the_fact(tampered, proved):
    """The metric that looks best is not the endpoint of the task, even when task and hashes are rewritten."""
    from yori.store import content_key

    tampered.certificate["task"]["text"] += "endpoint: {metric: nll}\n"
    tampered.certificate["task"]["sha256"] = content_key(text=tampered.certificate["task"]["text"])
    tampered.reseal()
    assert tampering.NUMBERS in failing(verify(tampered.path))
    assert "task.yaml has changed since" in failing(verify(tampered.path, proved.project))[tampering.PROJECT]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(name, tampered):
    (tampered.path / name).unlink()
    assert f"{name} is missing" in failing(verify(tampered.path))[tampering.HASHES]


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file(name, tampered):
    path = tampered.path / name
    path.write_bytes(path.read_bytes()[:-20])
    assert f"{name} was changed" in failing(verify(tampered.path))[tampering.HASHES]


@pytest.mark.parametrize("part", ["parity.equal", "flops.counter_agrees"])
def test_arms_that_are_not_the_same_model(part, tampered):
    section, _, name = part.partition(".")
    tampered.certificate[section][name] = False
    tampered.reseal()
    assert set(failing(verify(tampered.path))) == {tampering.PARITY}


def test_a_certificate_of_a_newer_format(tampered):
    tampered.certificate["format"] = 2
    tampered.reseal()
    with pytest.raises(NewerVersionError, match="format 2"):
        verify(tampered.path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"format": "x"}', '{"format": null}', "\ud800"])
def test_a_certificate_that_is_none(text, tmp_path):
    (tmp_path / "certificate.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(CorruptError, match="certificate"):
        read_certificate(tmp_path)


def test_a_folder_that_is_no_proof(tmp_path):
    with pytest.raises(StoreError, match=r"without certificate\.json"):
        verify(tmp_path)


def test_other_values_anywhere_in_a_certificate_never_pass_and_never_end_in_a_traceback(tampered):
    """Each part in turn is replaced by a value of another kind."""
    original = json.dumps(tampered.certificate)
    names = [name for name in tampered.certificate if name not in ("created", "format")]
    for number, name in enumerate(names):
        value = (None, "text", [], {})[number % 4]
        tampered.certificate = {**json.loads(original), name: value}
        tampered.save()
        assert not verify(tampered.path).holds, f"{name}: {value!r}"


def test_a_project_that_is_another_one(proved, tmp_path):
    from tests.prove.mixture import TASK, make_project

    other = make_project(tmp_path / "other", task=TASK + "# another\n", label=None, verified=None, n=30)
    said = failing(verify(proved.proof, other))[tampering.PROJECT]
    assert "version 1 of the project is not the data of this proof" in said
    assert "task.yaml has changed since" in said


def test_labels_that_suit_the_result_are_found_with_the_project_at_hand(tampered, proved):
    """Wrong predictions of *after* become right by moving the labels of all arms, and everything is computed anew."""
    table = pq.read_table(tampered.path / "predictions.parquet")
    rows = rows_of(table, "id", 0, "after")
    guess = np.array(table["logits"].take(rows).to_pylist()).argmax(axis=1)
    names = np.array(table["example_id"].take(rows).to_pylist())
    better = dict(zip(names.tolist(), guess.tolist(), strict=True))

    def suited(table):
        keys = zip(*(table[name].to_pylist() for name in ("protocol", "seed", "example_id", "label")), strict=True)
        labels = [better[name] if (protocol, seed) == ("id", 0) else label for protocol, seed, name, label in keys]
        return table.set_column(table.column_names.index("label"), "label", pa.array(labels, pa.int64()))

    tampered.table("predictions.parquet", suited)
    task = verify_module._task(tampered.certificate)
    again = verify_module.evaluate(pq.read_table(tampered.path / "predictions.parquet"), task)
    tampered.certificate.update(json.loads(json.dumps(again)))
    tampered.reseal()
    assert verify(tampered.path).holds  # nothing in the folder of the proof alone could tell
    said = failing(verify(tampered.path, proved.project))
    assert set(said) == {tampering.PROJECT}
    assert "predictions.parquet: " in said[tampering.PROJECT]
    assert "have another label in the project" in said[tampering.PROJECT]


def test_splits_that_the_task_would_not_make_are_found_with_the_project_at_hand(tampered, proved):
    tampered.certificate["splits"]["cells"][0]["sha256"] = "0" * 64
    tampered.reseal()
    said = failing(verify(tampered.path, proved.project))
    assert "the splits are not those that the task makes of this data" in said[tampering.PROJECT]
