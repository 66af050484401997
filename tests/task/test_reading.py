import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import TaskError
from yori.task import Costs, CurationRules, EditLimits, Task, parse_task, read_task

GOOD = "name: digits\nclasses: [{name: one}, {name: two}]\n"


def test_defaults_are_the_defaults_of_the_definition():
    task = parse_task(GOOD)
    assert task == Task("digits", task.classes)


def test_a_whole_definition():
    task = parse_task(
        """
name: ships
modality: audio
labels: multiple
classes:
  - {name: tug, means: A tug pulling., parent: vessel, rare: true}
  - no
  - 7
columns: {domain: distance, group: passage}
audio: {sample_rate: 32_000, window: 2, hop: 0.5}
splits: {protocols: [id, lodo], by: clip}
head: {l2: 0.01}
endpoint: {metric: risk@0.8, protocol: lodo, direction: lower, margin: 0.01}
secondary: [augrc, coverage@0.05]
budget: {edits: 0.08, allow_large: true, labels: 50}
curate:
  mode: cross_fitted
  queries: choose
  actions: [drop, review]
  rounds: line_search
  consensus: 0.5
  costs: {relabel: 0.5, review: 2, minute: 1.0e-5}
  limits: {per_class: 0.5, per_group: 0.1, minutes: 60}
seeds: 5
requirements: {latency_ms: 5, model_bytes: 100000, coverage_at_risk: {risk: 0.05, coverage: 0.7}}
"""
    )
    assert task.class_names == ("tug", "no", "7")
    assert task.classes[0].rare
    assert task.classes[0].parent == "vessel"
    assert task.columns.domain == "distance"
    assert task.audio.hop == 0.5
    assert task.audio.sample_rate == 32_000
    assert task.endpoint.metric == "risk@0.8"
    assert task.curate == CurationRules(
        "cross_fitted", "choose", ("drop", "review"), "line_search", 0.5, Costs(0, 0.5, 2, 1e-5),
        EditLimits(0.5, None, 0.1, 60),
    )  # fmt: skip
    assert task.requirements.coverage_at_risk is not None
    assert task.requirements.coverage_at_risk.coverage == 0.7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"task.yaml:1: expected a task definition, got an empty file"),
        ("- a\n- b", "task.yaml:1: expected a mapping"),
        ("name: x", "the key|list of classes"),
        (GOOD + "seed: 3", r"task.yaml:3: expected one of .* got 'seed'. Did you mean 'seeds'\?"),
        (GOOD + "seeds: 0", "task.yaml:3 seeds: expected a whole number ≥ 1, got '0'"),
        (GOOD + "seeds: [1]", "got a list"),
        (GOOD + "name: again", "task.yaml:3: .*second"),
        (GOOD + "curate: {mode: crossfitted}", "task.yaml:3 curate.mode: expected one of validation, cross_fitted"),
        (GOOD + "curate: {actions: [reweight]}", "curate.actions: expected a list out of drop, relabel, review"),
        (GOOD + "curate: {actions: []}", "curate.actions: expected a list"),
        (GOOD + "curate: {limits: {per_class: 0}}", r"curate.limits.per_class: expected a share in \(0, 1\]"),
        (GOOD + "curate: {costs: {minute: -1}}", "curate.costs.minute: expected a number ≥ 0"),
        (GOOD + "curate: {costs: {person: 1}}", "expected one of drop, relabel, review, minute"),
        (GOOD + "modality: video", "one of audio, embeddings, got 'video'"),
        (GOOD + "budget: {edits: 0.2}", "at most 0.05 .* got 0.2. Lower it, or set allow_large"),
        (GOOD + "budget:\n  edits: 2", "task.yaml:4 budget.edits"),
        (GOOD + "endpoint: {metric: f2}", "endpoint.metric: expected a metric"),
        (GOOD + "endpoint: {metric: accuracy, direction: lower}", "'higher', which is better for accuracy"),
        (GOOD + "endpoint: {protocol: lodo}", "among splits.protocols"),
        (GOOD + "endpoint: {margin: .nan}", "number ≥ 0"),
        (GOOD + "splits: {validation: 0.6, test: 0.5}", "0.1 left for training"),
        (GOOD + "audio: {hop: 1}", "a window beside the hop"),
        (GOOD + "requirements: {latency: 3}", "Did you mean 'latency_ms'"),
        (GOOD + "format: 2", "the format this yori reads"),
        ("name: x\nclasses: [a]", "at least two classes, got 1"),
        ("name: x\nclasses: [a, a]", "every class once"),
        ("name: x\nclasses: [a, [b]]", "a mapping"),
        ("name: x\nclasses: [a, {means: no name}]", "the key 'name'"),
        ("name: [\n", "task.yaml:2: expected YAML"),
        ("name: a\tb: {", "YAML"),
        ("name: !!python/object/apply:os.system ['true']\nclasses: [a, b]", "never read|a name"),
        ("name: x\nclasses: [a, !!python/name:os.system b]", "never read"),
        ("a: &a [x, x]\nb: [*a, *a]", "no anchors or aliases"),
        ("name: 'a\x07b'\nclasses: [a, b]", "YAML|name"),
    ],
)
def test_every_mistake_names_line_expected_and_arrived(text, message):
    with pytest.raises(TaskError, match=message):
        parse_task(text)


def test_a_python_tag_runs_nothing(tmp_path):
    mark = tmp_path / "pwned"
    with pytest.raises(TaskError):
        parse_task(f"name: !!python/object/apply:os.mkdir ['{mark}']\nclasses: [a, b]")
    assert not mark.exists()


def test_files(tmp_path):
    with pytest.raises(TaskError, match="yori init"):
        read_task(tmp_path / "task.yaml")
    with pytest.raises(TaskError, match="readable"):
        read_task(tmp_path)
    (tmp_path / "task.yaml").write_bytes(b"name: \xff")
    with pytest.raises(TaskError, match="UTF-8"):
        read_task(tmp_path / "task.yaml")
    (tmp_path / "task.yaml").write_text("#" * 1_000_001)
    with pytest.raises(TaskError, match="under 1000000 bytes"):
        read_task(tmp_path / "task.yaml")
    (tmp_path / "task.yaml").write_text(GOOD)
    assert read_task(tmp_path / "task.yaml").name == "digits"


@given(st.text(max_size=200))
def test_any_text_gives_a_task_or_a_task_error(text):
    with contextlib.suppress(TaskError):
        parse_task(text)


def test_deep_nesting_is_an_error():
    with pytest.raises(TaskError):
        parse_task("name: " + "[" * 2_000)
