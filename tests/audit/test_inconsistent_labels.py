import numpy as np

from yori.audit.inconsistent_labels import inconsistent_label_findings


def found(labels, similarity):
    ids = np.arange(len(labels)).astype(str)
    return inconsistent_label_findings(ids, labels, np.array([0]), np.array([1]), np.array([similarity]))


def test_only_labels_that_differ_contradict():
    assert found(["x", "x"], 1.0) == []
    assert found(["x", None], 1.0) == []
    assert found([None, None], 1.0) == []


def test_equal_is_graver_than_alike():
    assert [(each.severity, each.code) for each in found(["x", "y"], 1.0)] == [("high", "equal_but_different")]
    assert [(each.severity, each.code) for each in found(["x", "y"], 0.97)] == [("medium", "alike_but_different")]
