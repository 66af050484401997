import numpy as np
import pytest
from scipy import special

from yori.audit.label_errors import label_doubt, label_error_findings, several_label_error_findings
from yori.errors import ShapeError, ValuesError
from yori.labels import out_of_fold_logits
from yori.metrics import fit_temperature
from yori.synthetic import flip_labels, gaussian_mixture_embeddings


def made(noise: float, kind: str = "uniform", separation: float = 5.0):
    """What heads out of fold say about noisy labels, the labels, and which are wrong."""
    data = gaussian_mixture_embeddings(1500, 12, 5, domains=1, groups=1500, label_noise=0.0, separation=separation,
                                       rng=np.random.default_rng(0))  # fmt: skip
    labels, flipped = flip_labels(data.true_labels, noise, classes=5, rng=np.random.default_rng(1), kind=kind)
    fold = np.random.default_rng(2).permutation(1500) % 5
    logits = out_of_fold_logits(data.embeddings, labels, fold, classes=5, l2=0.01).astype(np.float64)
    logits /= fit_temperature(logits, labels)
    return special.softmax(logits, axis=1), labels, flipped


@pytest.mark.parametrize("kind", ["uniform", "pair"])
@pytest.mark.parametrize("noise", [0.05, 0.1, 0.2])
def test_what_is_called_wrong_is_wrong(kind, noise):
    probs, labels, flipped = made(noise, kind)
    doubt = label_doubt(probs, np.zeros_like(probs), labels)
    assert flipped[doubt.error >= 0.5].mean() >= 0.85
    assert flipped[doubt.error >= 0.5].sum() >= 0.5 * flipped.sum()
    assert doubt.error.sum() <= 1.3 * flipped.sum()
    own = probs[np.arange(len(labels)), labels]
    for k in (15, 60):
        top, plain = np.argsort(-doubt.error)[:k], np.argsort(own)[:k]
        assert flipped[top].mean() >= flipped[plain].mean() - 1e-9


def test_clean_labels_and_weak_heads_accuse_nobody():
    probs, labels, _ = made(0.0)
    assert (label_doubt(probs, np.zeros_like(probs), labels).error >= 0.5).sum() <= 3
    weak, labels, _ = made(0.0, separation=0.6)
    assert (label_doubt(weak, np.zeros_like(weak), labels).error >= 0.5).sum() <= 3
    guess = np.random.default_rng(3).dirichlet(np.full(5, 0.5), 1500)  # sure of itself and knows nothing
    assert (label_doubt(guess, np.zeros_like(guess), labels).error >= 0.5).mean() <= 0.01


def test_neighbours_add_what_the_head_does_not_know():
    probs, labels, flipped = made(0.1, separation=2.0)
    true = gaussian_mixture_embeddings(1500, 12, 5, domains=1, groups=1500, label_noise=0.0, separation=2.0,
                                       rng=np.random.default_rng(0)).true_labels  # fmt: skip
    votes = np.random.default_rng(0).dirichlet(np.full(5, 1.0), 1500) * 0.5
    votes[np.arange(1500), true] += 0.5
    alone, joined = (label_doubt(probs, each, labels).error for each in (np.zeros_like(probs), votes))
    top = [flipped[np.argsort(-each)[:100]].mean() for each in (alone, joined)]
    assert top[1] > top[0] + 0.05


def test_published_probabilities_may_exceed_one():
    probs = np.array([[1.00001, 0.0], [0.2, 0.8]])
    assert np.isfinite(label_doubt(probs, np.zeros((2, 2)), np.array([0, 0])).error).all()


def test_refusals(unchecked):
    probs = np.array([[0.5, 0.5]])
    with pytest.raises(ValuesError):
        label_doubt(np.array([[np.nan, 1.0]]), np.zeros((1, 2)), np.array([0]))
    with pytest.raises(ShapeError):
        label_doubt(probs, np.zeros((1, 3)), np.array([0]))
    with pytest.raises(ValuesError):
        label_doubt(probs, np.zeros((1, 2)), np.array([5]))
    with pytest.raises(ShapeError):
        several_label_error_findings(np.array(["a"]), np.zeros((1, 2)), np.zeros((1, 3)), ("x", "y"))


def test_the_findings_are_in_order_and_name_the_likelier_class():
    probs, labels, _ = made(0.1)
    doubt = label_doubt(probs, np.zeros_like(probs), labels)
    found = label_error_findings(np.arange(1500).astype(str), labels, doubt, tuple("abcde"))
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert all(each.values["label"] != each.values["likely"] for each in found)
    assert {each.severity for each in found} == {"high", "medium"}
