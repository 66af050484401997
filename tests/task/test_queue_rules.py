from __future__ import annotations

import dataclasses

import pytest

from yori.errors import TaskError
from yori.task import ClassDefinition, QueueRules, Task, parse_task, task_text

HEAD = "name: digits\nclasses: [{name: one}, {name: two}]\n"


def test_without_a_word_the_shares_are_those_of_the_house() -> None:
    rules = parse_task(HEAD).queue
    assert rules == QueueRules()
    assert sum(rules.weights.values()) == pytest.approx(1)
    assert hash(rules) == hash(QueueRules())


def test_written_shares_are_all_that_is_wanted() -> None:
    rules = parse_task(HEAD + "queue: {shares: {random: 1, rare: 3}, double: 0.2, gold: 0.05, per_domain: 0.5}").queue
    assert {name: weight for name, weight in rules.shares if weight} == {"random": 1, "rare": 3}
    assert (rules.double, rules.gold, rules.per_domain, rules.per_class) == (0.2, 0.05, 0.5, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("queue: {shares: {loud: 1}}", "'loud'"),
        ("queue: {shares: {random: 0}}", "at least one weight above 0"),
        ("queue: {shares: {random: -1}}", "a weight ≥ 0"),
        ("queue: {double: 2}", "a share from 0 to 1"),
        ("queue: {per_class: 0}", r"a share in \(0, 1\]"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(TaskError, match=rf"task\.yaml:3 queue.*{said}"):
        parse_task(HEAD + text)


def test_round_trip() -> None:
    task = Task("digits", (ClassDefinition("one"), ClassDefinition("two")))
    assert "queue" not in task_text(task)
    rules = parse_task(HEAD + "queue: {shares: {random: 1, rare: 3}, gold: 0.1, per_class: 0.25}").queue
    changed = dataclasses.replace(task, queue=rules)
    assert parse_task(task_text(changed)) == changed
