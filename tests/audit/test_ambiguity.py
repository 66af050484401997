import numpy as np
import pytest

from yori.audit.ambiguity import MOST, ambiguity_findings, several_ambiguity_findings
from yori.errors import ShapeError


def test_mixed_classes_and_their_borders_are_found_and_clear_ones_are_not():
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    probs = np.full((300, 3), 0.01)
    probs[np.arange(300), labels] = 0.98
    mixed = np.flatnonzero(labels < 2)
    own = rng.uniform(0.3, 0.7, len(mixed))
    probs[mixed, labels[mixed]], probs[mixed, 1 - labels[mixed]] = 0.99 * own, 0.99 * (1 - own)
    found = ambiguity_findings(np.arange(300).astype(str), labels, probs, probs, ("a", "b", "c"))
    [pair] = [each for each in found if each.code == "classes_mixed"]
    assert {pair.values["label"], pair.values["likely"]} == {"a", "b"}
    assert pair.severity == "medium"
    borders = [each for each in found if each.code == "border"]
    assert len(borders) == MOST
    margins = [each.values["margin"] for each in borders]
    assert margins == sorted(margins)
    assert all(each.values["margin"] < 0.1 and each.values["label"] in "ab" for each in borders)


def test_sure_heads_have_no_borders():
    probs = np.tile([0.99, 0.01], (50, 1))
    assert ambiguity_findings(np.arange(50).astype(str), np.zeros(50, dtype=int), probs, probs, ("a", "b")) == []


def test_of_several_labels_the_swapped_pair_and_the_border_of_a_class_are_found():
    rng = np.random.default_rng(0)
    targets = (rng.random((400, 3)) < 0.4).astype(float)
    probs = np.clip(np.abs(targets - 0.03 - 0.02 * rng.random((400, 3))), 0.01, 0.99)
    votes = targets * 0.9 + 0.05
    only = np.flatnonzero((targets[:, 0] > 0) & (targets[:, 1] == 0))
    swapped = only[: len(only) // 2]
    probs[swapped, 0], probs[swapped, 1] = 0.1, 0.9
    border = np.flatnonzero(targets[:, 2] > 0)[:4]
    probs[border, 2], votes[border, 2] = [0.49, 0.51, 0.53, 0.7], 0.5
    found = several_ambiguity_findings(np.arange(400).astype(str), targets, probs, votes, ("rain", "wind", "bird"))
    [pair] = [each for each in found if each.code == "classes_mixed"]
    assert (pair.values["label"], pair.values["likely"], pair.values["n"]) == ("rain", "wind", len(only))
    assert pair.severity == "medium"
    assert set(pair.related) <= {str(row) for row in swapped}
    borders = [each for each in found if each.code == "border_of_class"]
    assert {each.example_id for each in borders} == {str(row) for row in border[:3]}
    assert {each.values["first"] for each in borders} == {"bird"}


@pytest.mark.usefixtures("unchecked")
def test_clear_labels_have_no_border_and_an_example_nobody_voted_on_is_none():
    targets = (np.random.default_rng(0).random((60, 2)) < 0.5).astype(float)
    assert several_ambiguity_findings(np.arange(60), targets, targets, targets, ("a", "b")) == []
    half = np.full((60, 2), 0.5)
    assert several_ambiguity_findings(np.arange(60), targets, half, np.zeros((60, 2)), ("a", "b")) == []
    with pytest.raises(ShapeError):
        several_ambiguity_findings(np.arange(60), targets, half[:, :1], half, ("a", "b"))
