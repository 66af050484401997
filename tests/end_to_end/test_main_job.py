"""The main job from examples to a certificate that somebody else can check: what it leaves, that it is the same every time,
that leaks stop it, that bad input is refused in a sentence, and that nothing kills it for good.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click.testing
import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from tests.prove.mixture import (
    SMALL_TASK,
    TASK,
    columns,
    make_project,
    make_small,
    mixture,
    poison,
    split_column,
)

from yori.cli.main import main
from yori.prove import verify
from yori.store import Project

ARMS = [
    "before",
    "after",
    "control:random",
    "control:confident_learning",
    "control:highest_loss",
    "control:train_plus_validation",
    "oracle",
]
TABLE_TASK = SMALL_TASK.replace("[id]", "[id], by: table")


def yori(*arguments: object) -> click.testing.Result:
    result = click.testing.CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


def without_time(certificate: Path) -> dict[str, object]:
    content = json.loads(certificate.read_text())
    content.pop("created")
    return content


# -- what a run leaves ----------------------------------------------------------------------------------------------


def test_json_of_a_run_names_everything(proved):
    result = yori("run", proved.project.path, "--workers", 1, "--json")
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert {"verdict", "primary", "protocols", "certificate", "edits", "predictions", "report"} <= set(said)
    assert said["reused"] is True
    assert said["verdict"]["word"] == proved.certificate["verdict"]["word"]
    assert said["primary"] == proved.certificate["primary"]
    for name in ("certificate", "edits", "predictions", "report"):
        assert Path(said[name]).is_file()
        assert Path(said[name]).parent == proved.proof


def test_certificate(proved):
    certificate = proved.certificate
    assert set(certificate) == {
        "format", "name", "modality", "labels", "protocols", "primary", "verdict", "task", "data", "environment",
        "code_sha256", "splits", "edits", "stability", "flops", "parity", "leakage_gap", "truth", "looks", "notes",
        "files", "seal", "created", "requirements", "curation",
    }  # fmt: skip
    assert set(certificate["protocols"]) == {"id", "lodo"}
    for part in certificate["protocols"].values():
        assert list(part["values"]) == ARMS
        assert part["seeds"] == 2
        assert {"aurc", "augrc", "ece", "nll", "brier", "risk@0.8", "accuracy"} <= set(part["values"]["after"])
    assert certificate["protocols"]["lodo"]["domains"] == ["site0", "site1", "site2"]
    assert [(cell["protocol"], cell["seed"]) for cell in certificate["splits"]["cells"]] == [
        ("id", 0), ("id", 1), ("lodo:site0", 0), ("lodo:site0", 1), ("lodo:site1", 0), ("lodo:site1", 1),
        ("lodo:site2", 0), ("lodo:site2", 1),
    ]  # fmt: skip
    assert certificate["primary"]["metric"] == "aurc"
    assert certificate["primary"]["stage"] == "raw"
    assert certificate["data"]["content_sha256"] == proved.project.version().content_hash
    assert certificate["task"]["text"] == TASK
    assert certificate["looks"] == 1


def test_every_arm_costs_the_same(proved):
    from yori.heads import training_flops

    certificate = proved.certificate
    for kind, total in certificate["flops"]["train_per_arm"].items():
        cells = [cell for cell in certificate["splits"]["cells"] if cell["protocol"].startswith(kind)]
        assert total == sum(
            training_flops(steps=cell["steps"], batch_size=cell["batch_size"], dimensions=16, classes=4, link="softmax")
            for cell in cells
        )
    assert certificate["flops"]["counter_agrees"] is True
    assert certificate["parity"]["equal"] is True
    assert certificate["parity"]["parameters"] == 4 * 17


def test_predictions_have_the_columns_that_were_promised(proved):
    table = pq.read_table(proved.proof / "predictions.parquet")
    assert table.column_names == [
        "protocol", "seed", "arm", "example_id", "domain", "group", "label", "logits", "temperature",
    ]  # fmt: skip
    assert str(table.schema.field("logits").type).startswith("list<")
    assert str(table.schema.field("logits").type.value_type) == "float"
    assert set(table["arm"].to_pylist()) == set(ARMS)
    truth = dict(zip(columns(mixture())["example_id"], mixture().true_labels.tolist(), strict=True))
    assert all(truth[name] == label for name, label in zip(
        table["example_id"].to_pylist(), table["label"].to_pylist(), strict=True))  # fmt: skip


def test_edits_keep_to_the_budget_and_find_the_flipped_labels(proved):
    certificate = proved.certificate
    edits = pq.read_table(proved.proof / "edits.parquet").to_pylist()
    assert 0 < len(edits) <= certificate["edits"]["budget"] == 30
    for cell in certificate["edits"]["cells"]:
        assert cell["count"] <= cell["budget"]
    rows = columns(mixture())
    given = dict(zip(rows["example_id"], rows["label"], strict=True))
    checked = dict(zip(rows["example_id"], rows["verified"], strict=True))
    hits = [given[edit["example_id"]] != checked[edit["example_id"]] for edit in edits]
    assert sum(hits) == certificate["truth"]["hits"]
    assert np.mean(hits) >= 3 * 0.1
    assert certificate["truth"]["cell_hits"] >= 3 * 0.1 * certificate["truth"]["cell_edits"]
    assert all(edit["old_label"] == given[edit["example_id"]] for edit in edits)
    assert all((edit["new_label"] is None) == (edit["action"] == "drop") for edit in edits)


def test_what_is_proposed_becomes_the_next_version(proved, tmp_path):
    """The edit set of a proof can be committed as a label patch, and gives the labels it says."""
    import pyarrow as pa

    project = make_project(tmp_path / "project", task=SMALL_TASK)
    edits = pq.read_table(proved.proof / "edits.parquet")
    patch = pa.table(
        {
            "example_id": edits["example_id"], "action": edits["action"], "old": edits["old_label"],
            "new": edits["new_label"], "who": ["yori"] * len(edits),
        }
    )  # fmt: skip
    project.add_labels(patch, message="the edits of a proof")
    now = project.examples(columns=["example_id", "label"]).to_pydict()
    labels = dict(zip(now["example_id"], now["label"], strict=True))
    for edit in edits.to_pylist():
        assert labels.get(edit["example_id"]) == edit["new_label"]


def test_the_same_data_in_another_folder_and_two_processes_give_the_same_bytes(proved, tmp_path):
    project = make_project(tmp_path / "elsewhere")
    result = yori("run", project.path, "--workers", 2, "--json")
    assert result.exit_code == 0, result.stderr
    proof = Path(json.loads(result.stdout)["certificate"]).parent
    assert proof.name == proved.proof.name
    for name in ("edits.parquet", "edits_by_cell.parquet", "predictions.parquet", "validation.parquet", "splits.json"):
        assert (proof / name).read_bytes() == (proved.proof / name).read_bytes(), name
    assert without_time(proof / "certificate.json") == without_time(proved.proof / "certificate.json")


def test_another_budget_is_another_proof_and_repeats_only_the_edits(tmp_path):
    project = make_small(tmp_path / "project")
    assert yori("run", project.path, "--workers", 1).exit_code == 0
    runs = {path.name for path in (project.path / "runs").iterdir()}
    result = yori("run", project.path, "--workers", 1, "--budget", 0.03, "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert said["reused"] is False
    assert said["edit_set"]["cells"][0]["budget"] == 2
    assert len({path.name for path in (project.path / "runs").iterdir()} - runs) == 1
    again = yori("run", project.path, "--workers", 1)
    assert "Everything was up to date." in again.stdout
    assert json.loads(Path(said["certificate"]).read_text())["looks"] == 2
    assert verify(Path(said["certificate"]), project).holds


# -- bad input ------------------------------------------------------------------------------------------------------


def a_class_with_fewer_examples_than_folds(here: Path) -> Project:
    labels = ["a"] * 3 + ["bcd"[row % 3] for row in range(117)]
    return make_small(here, label=labels, verified=None)


def a_test_group_in_training(here: Path) -> Project:
    """The table's own split puts one example of a test recording into training."""
    split = split_column(120)
    split[split.index("test")] = "train"
    return make_small(here, task=TABLE_TASK, split=split)


def near_duplicates_on_two_sides(here: Path) -> Project:
    split = split_column(120)
    pair = {split.index("test"), split.index("train")}
    return make_small(
        here, task=TABLE_TASK, split=split, duplicates=["twins" if row in pair else None for row in range(120)]
    )


def no_split_column(here: Path) -> Project:
    return make_small(here, task=TABLE_TASK)


def too_small_a_budget(here: Path) -> Project:
    return make_small(here, task=SMALL_TASK.replace("edits: 0.05", "edits: 0.001"))


def an_endpoint_that_is_not_measured(here: Path) -> Project:
    return make_small(here, task=SMALL_TASK + "endpoint: {protocol: lodo}\n")


def no_embeddings(here: Path) -> Project:
    import pyarrow as pa

    project = Project.create(here, SMALL_TASK)
    project.add_rows(pa.table({**columns(mixture(60))}), sources={}, message="rows", who="ann")
    return project


def no_rows(here: Path) -> Project:
    return Project.create(here, SMALL_TASK)


def an_example_without_embedding(here: Path) -> Project:
    return make_small(here, ids=["another", *columns(mixture(120))["example_id"][1:]])


def not_a_number(here: Path) -> Project:
    project = make_small(here)
    poison(project, [7])
    return project


def no_domain(here: Path) -> Project:
    return make_small(here, task=SMALL_TASK.replace("[id]", "[id, lodo]"), domain=None)


def one_domain(here: Path) -> Project:
    return make_small(here, task=SMALL_TASK.replace("[id]", "[id, lodo]"), domain=["here"] * 120)


def some_without_domain(here: Path) -> Project:
    domain = [None, *columns(mixture(120))["domain"][1:]]
    return make_small(here, task=SMALL_TASK.replace("[id]", "[id, lodo]"), domain=domain)


def one_class_only(here: Path) -> Project:
    return make_small(here, label=["a"] * 120, verified=None)


def a_label_that_is_no_class(here: Path) -> Project:
    return make_small(here, verified=["z", *columns(mixture(120))["verified"][1:]])


def one_group(here: Path) -> Project:
    return make_small(here, group=["g"] * 120)


def several_labels_in_a_task_of_one(here: Path) -> Project:
    return make_small(here, label=[["a", "b"]] * 60 + [["c"]] * 60, verified=None)


def audio_backbone_for_embeddings(here: Path) -> Project:
    return make_small(here, task=SMALL_TASK.replace("name: given", "name: patches"))


CASES: list[tuple[Callable[[Path], Project], list[object], tuple[str, ...]]] = [
    (a_class_with_fewer_examples_than_folds, [], ("at least 5 examples of every class", "3 of class a")),
    (a_test_group_in_training, [], ("id seed 0", "group in both train and test")),
    (near_duplicates_on_two_sides, [], ("id seed 0", "group in both train and test")),
    (no_split_column, [], ("a split column",)),
    (too_small_a_budget, [], ("budget.edits", "at least one edit", "72 training examples")),
    (make_small, ["--budget", 0.2], ("--budget", "--allow-large")),
    (make_small, ["--budget", 2], ("--budget", "between 0 and 1")),
    (make_small, ["--budget", -0.1], ("--budget", "between 0 and 1")),
    (make_small, ["--budget", "nan"], ("--budget", "between 0 and 1")),
    (make_small, ["--budget", 0.001], ("at least one edit",)),
    (make_small, ["--seeds", 0], ("--seeds", "1 to 100")),
    (make_small, ["--seeds", 101], ("--seeds", "1 to 100")),
    (an_endpoint_that_is_not_measured, [], ("task.yaml:", "splits.protocols (id)", "lodo")),
    (no_embeddings, [], ("embeddings in the project", "yori init DIR --layout arrays")),
    (no_rows, [], ("labelled examples", "yori import")),
    (an_example_without_embedding, [], ("an embedding for every example", "'e0000'")),
    (not_a_number, [], ("finite embeddings", "row 7")),
    (no_domain, [], ("a domain for every example", "120")),
    (one_domain, [], ("at least two domains",)),
    (some_without_domain, [], ("a domain for every example", "1 examples without")),
    (one_class_only, [], ("at least two classes", "'a'")),
    (a_label_that_is_no_class, [], ("'z'", "'e0000'")),
    (one_group, [], ("groups",)),
    (several_labels_in_a_task_of_one, [], ("label",)),
    (audio_backbone_for_embeddings, [], ("given", "patches")),
]


@pytest.mark.parametrize(
    ("make", "options", "words"), CASES, ids=["-".join([case[0].__name__, *map(str, case[1])]) for case in CASES]
)
def test_bad_input_is_refused_in_a_sentence_and_leaves_nothing_half_written(make, options, words, tmp_path):
    project = make(tmp_path / "project")
    result = yori("run", project.path, "--workers", 1, *options)
    assert result.exit_code not in (0, 70, 130)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("yori: ")
    assert "expected " in line
    assert ", got " in line
    for word in words:
        assert word in line
    assert not list((project.path / "proofs").glob("*"))
    assert not list((project.path / ".yori" / "work").glob("*"))
    for stage in (project.path / "runs").glob("*"):  # a stage that finished before the error stays, and is whole
        assert {path.name for path in stage.iterdir()} == {"head.safetensors", "run.json"}


def test_a_large_budget_that_is_meant(tmp_path):
    project = make_small(tmp_path / "project")
    assert yori("run", project.path, "--budget", 0.2, "--allow-large", "--workers", 1).exit_code == 0


def test_a_folder_that_is_no_project(tmp_path):
    result = yori("run", tmp_path)
    assert result.exit_code == 5
    assert "yori.json" in result.stderr


def test_embeddings_of_examples_that_were_dropped_do_not_matter(tmp_path):
    import pyarrow as pa

    project = make_small(tmp_path / "project")
    patch = pa.table({"example_id": ["e0000"], "action": ["drop"], "who": ["ann"]})
    project.add_labels(patch, message="bad clip")
    assert yori("run", project.path, "--workers", 1).exit_code == 0


def test_examples_of_a_second_import_are_used(tmp_path):
    """Embeddings of a later import lie beside those of the first."""
    data, rows = mixture(150), columns(mixture(150))
    for name, part in (("first", slice(0, 120)), ("second", slice(120, 150))):
        np.save(tmp_path / f"{name}.npy", data.embeddings[part])
        lines = zip(rows["example_id"][part], rows["label"][part], rows["group"][part], strict=True)
        (tmp_path / f"{name}.csv").write_text("id,label,group\n" + "".join(",".join(line) + "\n" for line in lines))

    def given(name: str) -> list[object]:
        return ["--layout", "arrays", "--embeddings", tmp_path / f"{name}.npy", "--table", tmp_path / f"{name}.csv"]

    project = tmp_path / "project"
    assert yori("init", project, *given("first"), "--who", "ann").exit_code == 0
    assert yori("import", project, *given("second"), "--who", "ann").exit_code == 0
    result = yori("run", project, "--workers", 1, "--seeds", 1, "--budget", 0.02, "--json")
    assert result.exit_code == 0, result.stderr
    proof = Path(json.loads(result.stdout)["certificate"])
    assert json.loads(proof.read_text())["data"]["examples"] == 150
    assert verify(proof, Project.open(project)).holds


# -- crashes --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 clips of half a second: low, middle and high tones in noise, 12 recordings for each class."""
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(5)
    seconds = np.arange(4000) / 8000
    with (folder / "rows.csv").open("w") as table:
        table.write("path,label,group\n")
        for number in range(60):
            label = ("low", "middle", "high")[number % 3]
            pitch = {"low": 200, "middle": 800, "high": 2500}[label] * rng.uniform(0.6, 1.6)
            sound = 0.05 * np.sin(2 * np.pi * pitch * seconds) + rng.normal(0, 0.1, len(seconds))
            soundfile.write(folder / f"{number}.wav", sound, 8000)
            table.write(f"{number}.wav,{('low' if number == 4 else label)},r{number // 6 * 3 + number % 3}\n")
    return folder


def new_project(sounds: Path, folder: Path) -> Path:
    options = ["--layout", "table", "--from", sounds / "rows.csv", "--group-column", "group", "--who", "ann"]
    result = yori("init", folder, *options)
    assert result.exit_code == 0, result.stderr
    text = (folder / "task.yaml").read_text().replace("  dimensions: 512", "  dimensions: 32")
    text = text.replace("  edits: 0.01", "  edits: 0.05").replace("seeds: 3", "seeds: 2")
    (folder / "task.yaml").write_text(text)
    return folder


def start(folder: Path) -> subprocess.Popen[str]:
    """`yori run` as a person starts it, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "yori.cli.main", "run", str(folder), "--workers", "2", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip


def finish(folder: Path) -> Path:
    process = start(folder)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return Path(json.loads(out)["certificate"])


def stages(folder: Path) -> int:
    """How many finished stages a project has."""
    return sum(len(list((folder / kind).glob("*"))) for kind in ("cache", "data/embeddings", "runs", "proofs"))


def waits_for_stages(folder: Path, process: subprocess.Popen[str]) -> Iterator[int]:
    """Yield each time another stage is finished, until the process ends."""
    seen = stages(folder)
    while process.poll() is None:
        if (now := stages(folder)) > seen:
            seen = now
            yield now
        time.sleep(0.01)


@pytest.fixture(scope="module")
def undisturbed(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate of a run that nothing happened to."""
    return finish(new_project(sounds, tmp_path_factory.mktemp("undisturbed") / "project"))


def same(left: Path, right: Path) -> None:
    assert without_time(left) == without_time(right)
    for name in ("edits.parquet", "predictions.parquet", "splits.json", "validation.parquet"):
        assert (left.parent / name).read_bytes() == (right.parent / name).read_bytes(), name


@pytest.mark.slow
def test_kill_9_again_and_again_then_the_same_certificate(sounds, undisturbed, tmp_path):
    """Killed a random moment after each of several stages is finished; whatever is left, the next run goes on from it."""
    project = new_project(sounds, tmp_path / "project")
    rng = np.random.default_rng(11)
    killed = 0
    for _ in range(4):
        process = start(project)
        for _ in waits_for_stages(project, process):
            time.sleep(float(rng.uniform(0, 0.3)))
            process.kill()  # the workers are left to notice it themselves
            break
        process.communicate(timeout=300)
        killed += process.returncode == -signal.SIGKILL
        Project.open(project).version()
    assert killed >= 3
    certificate = finish(project)
    same(certificate, undisturbed)
    assert verify(certificate, Project.open(project)).holds


@pytest.mark.slow
def test_ctrl_c_ends_with_130_and_the_next_run_completes(sounds, undisturbed, tmp_path):
    project = new_project(sounds, tmp_path / "project")
    process = start(project)
    for _ in waits_for_stages(project, process):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
        break
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert "Interrupted. Nothing is half-written" in err
    assert not list((project / "proofs").glob("*"))
    same(finish(project), undisturbed)
