import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import ValuesError
from yori.labels import ABSTAIN, Rule, read_rules

CLASSES = ("ambient", "ship", "0")


def votes(text, columns):
    return read_rules(text)[0].votes(columns, CLASSES)


def test_every_kind():
    columns = {"note": ["A Ship!", "vessels", None, float("nan"), ""], "level": [-60.0, -61.0, None, "-80", np.nan]}
    found = votes("[{name: a, label: ship, contains: {column: note, any: [ship, vessel]}}]", columns)
    np.testing.assert_array_equal(found, [1, 1, ABSTAIN, ABSTAIN, ABSTAIN])
    found = votes("[{name: a, label: ship, contains: {column: note, any: Ship, case: true}}]", columns)
    np.testing.assert_array_equal(found, [1, ABSTAIN, ABSTAIN, ABSTAIN, ABSTAIN])
    found = votes("[{name: a, label: 0, threshold: {column: level, below: -60, above: -70}}]", columns)
    np.testing.assert_array_equal(found, [2, 2, ABSTAIN, ABSTAIN, ABSTAIN])
    found = votes("[{name: a, label: ship, regex: {column: note, pattern: 'ves+els?$'}}]", columns)
    np.testing.assert_array_equal(found, [ABSTAIN, 1, ABSTAIN, ABSTAIN, ABSTAIN])


@given(
    st.lists(st.text(alphabet="ab1 ", max_size=12), min_size=1, max_size=8),
    st.sampled_from(["a+b", "^a", "1|b1", r"\d\s?a"]),
)
def test_patterns_equal_pythons(texts, pattern):
    rule = Rule("r", "ship", "t", pattern=pattern)
    found = rule.votes({"t": texts}, CLASSES) == 1
    assert found.tolist() == [re.search(pattern, text, re.IGNORECASE) is not None for text in texts]


def test_a_pattern_that_hangs_python_does_not_hang_here():
    evil = Rule("r", "ship", "t", pattern="^(a+)+$")
    started = time.process_time()
    assert evil.votes({"t": ["a" * 100_000 + "!"]}, CLASSES)[0] == ABSTAIN
    assert time.process_time() - started < 20  # Python's own engine would need longer than the world exists


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a list of rules, got nothing"),
        ("{a: 1}", "a list of rules, got dict"),
        ("[: {", "readable YAML"),
        ("!!python/object/apply:os.system [echo]", "readable YAML"),
        ("[3]", "rule 1: expected name, label and a kind"),
        ("[{name: a, label: x}]", "rule 1: expected name, label and one of contains, regex, threshold"),
        ("[{name: a, label: x, contains: {column: c, any: b}, regex: {column: c, pattern: b}}]", "one of contains"),
        ("[{name: a, label: x, python: print}]", "one of contains"),
        ("[{label: x, contains: {column: c, any: b}}]", "a name and a label"),
        ("[{name: a, label: yes, contains: {column: c, any: b}}]", "quotation marks"),
        ("[{name: a, label: x, contains: {any: b}}]", "contains: column, any, case"),
        ("[{name: a, label: x, contains: {column: c, any: []}}]", "a list of words"),
        ("[{name: a, label: x, contains: {column: c, any: [1]}}]", "quotation marks"),
        ("[{name: a, label: x, contains: {column: c, any: b, case: 1}}]", "true or false"),
        ("[{name: a, label: x, contains: {column: c, any: b, above: 1}}]", "contains: column, any, case"),
        ("[{name: a, label: x, regex: {column: c, pattern: '('}}]", "a pattern of RE2"),
        (r"[{name: a, label: x, regex: {column: c, pattern: '(a)\1'}}]", "Back references"),
        ("[{name: a, label: x, regex: {column: c, pattern: ''}}]", "1 … 1000 characters"),
        ("[{name: a, label: x, threshold: {column: c}}]", "above, below or both, got neither"),
        ("[{name: a, label: x, threshold: {column: c, above: high}}]", "a finite number"),
        ("[{name: a, label: x, threshold: {column: c, above: .nan}}]", "a finite number"),
        ("[{name: a, label: x, threshold: {column: c, above: 2, below: 1}}]", "above ≤ below"),
    ],
)
def test_refusals(text, message):
    with pytest.raises(ValuesError, match=re.escape(message)):
        read_rules(text)


def test_unknown_column_class_and_words_instead_of_numbers():
    rule = read_rules("[{name: loud, label: ship, threshold: {column: level, above: 1}}]")[0]
    with pytest.raises(ValuesError, match=r"loud: expected one of the columns note, got 'level'"):
        rule.votes({"note": ["a"]}, CLASSES)
    with pytest.raises(ValuesError, match=r"loud: expected one of the classes cat, dog, got 'ship'"):
        rule.votes({"level": [1.0]}, ("cat", "dog"))
    with pytest.raises(ValuesError, match="numbers in column level, got could not convert"):
        rule.votes({"level": ["loud"]}, CLASSES)
