"""One rule for label errors, `yori.labels.join_witnesses`; what the audit adds are severities and words."""

import numpy as np
import pytest

from yori.audit.label_errors import HIGH, MEDIUM, label_error_findings, several_label_error_findings
from yori.errors import ShapeError, ValuesError
from yori.labels import (
    LabelErrors,
    MultiLabelErrors,
    follow_training,
    join_witnesses,
    neighbour_votes,
    out_of_fold_heads,
)
from yori.synthetic import flip_labels, gaussian_mixture_embeddings

CLASSES = tuple("abcde")


def made(noise: float, kind: str = "uniform", separation: float = 5.0, n: int = 1000):
    """Findings about noisy labels of overlapping classes, and which labels are wrong."""
    data = gaussian_mixture_embeddings(n, 12, 5, domains=1, groups=n, label_noise=0.0, separation=separation,
                                       rng=np.random.default_rng(0))  # fmt: skip
    labels, flipped = flip_labels(data.true_labels, noise, classes=5, rng=np.random.default_rng(1), kind=kind)
    rows, x = np.arange(n), data.embeddings
    probs, _, spectrum, _ = out_of_fold_heads(
        x, labels, rows, classes=5, rng=np.random.default_rng(2), l2=0.01, draws=1
    )  # fmt: skip
    votes = neighbour_votes(x, labels, rows, rows, classes=5)
    fared = follow_training(x, labels, classes=5, l2=0.01, spectrum=spectrum, rng=np.random.default_rng(3))
    doubt = join_witnesses(probs, labels, votes=votes, scores={"minus_margin": -fared.margin})
    return label_error_findings(rows.astype(str), labels, doubt, CLASSES), flipped


@pytest.mark.parametrize("kind", ["uniform", "pair"])
@pytest.mark.parametrize(("noise", "recall"), [(0.08, 0.9), (0.2, 0.5)])
def test_what_is_called_high_is_wrong(kind, noise, recall):
    found, flipped = made(noise, kind)
    high = [int(each.example_id) for each in found if each.severity == "high"]
    assert flipped[high].mean() >= 0.95
    every = [int(each.example_id) for each in found]
    assert flipped[every].mean() >= 0.95
    assert flipped[every].sum() >= recall * flipped.sum()


@pytest.mark.parametrize("separation", [0.6, 1.5, 5.0])
def test_clean_labels_are_not_accused_however_weak_the_head(separation):
    found, _ = made(0.0, separation=separation)
    assert not [each for each in found if each.severity == "high"]
    assert len(found) <= 20


def test_a_weak_head_finds_little_but_what_it_calls_high_is_wrong():
    found, flipped = made(0.2, separation=2.5)
    high = [int(each.example_id) for each in found if each.severity == "high"]
    assert len(high) >= 10
    assert flipped[high].mean() >= 0.9


def test_the_findings_are_in_order_and_name_the_likelier_class():
    found, _ = made(0.1)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert all(each.values["label"] != each.values["likely"] for each in found)
    assert all((each.severity == "high") == (each.score >= HIGH) and each.score >= MEDIUM for each in found)
    assert {each.severity for each in found} == {"high", "medium"}


def test_several_labels_lack_one_or_have_one_too_many():
    doubt = MultiLabelErrors(
        np.array([[0.1, 0.95], [0.6, 0.2], [0.3, 0.4]]), np.array([0.95, 0.7, 0.5]), np.array([1, 0, 1])
    )
    targets = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    found = several_label_error_findings(np.array(["x", "y", "z"]), targets, doubt, ("rain", "wind"))
    assert [(each.example_id, each.code, each.severity, each.values["label"]) for each in found] == [
        ("x", "label_lacking", "high", "wind"), ("y", "label_surplus", "medium", "rain")]  # fmt: skip


@pytest.mark.usefixtures("unchecked")
def test_refusals():
    doubt = join_witnesses(np.array([[0.5, 0.5]]), np.array([0]))
    assert isinstance(doubt, LabelErrors)
    with pytest.raises(ValuesError):
        label_error_findings(np.array(["a"]), np.array([5]), doubt, ("x", "y"))
    with pytest.raises(ShapeError):
        label_error_findings(np.array(["a"]), np.array([0, 1]), doubt, ("x", "y"))
    several = MultiLabelErrors(np.zeros((1, 3)), np.zeros(1), np.zeros(1, dtype=int))
    with pytest.raises(ShapeError):
        several_label_error_findings(np.array(["a"]), np.zeros((1, 2)), several, ("x", "y"))
