import numpy as np

from yori.audit.ambiguity import MOST, ambiguity_findings


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
