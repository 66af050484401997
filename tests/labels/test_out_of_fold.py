import numpy as np
import pytest

from yori.errors import YoriError
from yori.heads import Spectrum, fit_sigmoid, fit_softmax
from yori.labels import out_of_fold_logits
from yori.splits import group_folds
from yori.synthetic import gaussian_mixture_embeddings

CLASSES = 4


@pytest.fixture(scope="module")
def data():
    return gaussian_mixture_embeddings(240, 12, CLASSES, label_noise=0.1, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def fold(data):
    return group_folds(data.labels, data.groups, folds=5, rng=np.random.default_rng(1))


def hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(CLASSES, dtype=np.int64)[labels] | np.eye(CLASSES, dtype=np.int64)[(labels * 3 + 1) % CLASSES]


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_equals_one_fit_for_every_fold(data, fold, link):
    x = data.embeddings.astype(np.float64)
    targets = data.labels if link == "softmax" else hot(data.labels)
    found = out_of_fold_logits(x, targets, fold, classes=CLASSES, l2=0.01, link=link, tolerance=1e-9)
    for number in range(5):
        rest, inside = fold != number, fold == number
        if link == "softmax":
            head = fit_softmax(x[rest], targets[rest], l2=0.01, classes=CLASSES, tolerance=1e-9)
        else:
            head = fit_sigmoid(x[rest], targets[rest], l2=0.01, tolerance=1e-9)
        np.testing.assert_allclose(found[inside], head.logits(x[inside]), atol=1e-6)


@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_labels_of_a_fold_have_no_say_in_its_logits(data, fold, link):
    """Not even through a start that saw them: the logits are the same to the last bit."""
    before = data.labels if link == "softmax" else hot(data.labels)
    for number in range(5):
        inside = fold == number
        changed = np.where(inside, (data.labels + 1) % CLASSES, data.labels)
        after = changed if link == "softmax" else hot(changed)
        one, two = (
            out_of_fold_logits(data.embeddings, targets, fold, classes=CLASSES, l2=1e-3, link=link)
            for targets in (before, after)
        )
        np.testing.assert_array_equal(one[inside], two[inside])
        assert np.abs(one[~inside] - two[~inside]).max() > 0.1


def test_better_than_the_labels_on_examples_never_seen(data, fold):
    logits = out_of_fold_logits(data.embeddings, data.labels, fold, classes=CLASSES, l2=0.01)
    right = logits.argmax(axis=1) == data.true_labels
    assert right[data.wrong].mean() > 0.5  # where the label says something else
    assert right.mean() > 0.8


def test_numbers_of_folds_and_a_given_spectrum_do_not_matter(data, fold):
    x = data.embeddings.astype(np.float64)
    expected = out_of_fold_logits(x, data.labels, fold, classes=CLASSES, l2=0.01, tolerance=1e-9)
    renamed = out_of_fold_logits(
        x, data.labels, 40 - 7 * fold, classes=CLASSES, l2=0.01, tolerance=1e-9, spectrum=Spectrum.of(x[::2])
    )
    np.testing.assert_allclose(renamed, expected, atol=1e-6)


def test_a_class_that_only_one_fold_holds(data):
    labels = np.zeros(40, dtype=np.int64)
    labels[20:] = 1
    labels[:3] = 2
    fold = np.arange(40) % 4
    fold[:3] = 0
    logits = out_of_fold_logits(data.embeddings[:40], labels, fold, classes=3, l2=0.01)
    assert logits.shape == (40, 3)
    assert np.isfinite(logits).all()
    assert (logits[fold == 0].argmax(axis=1) != 2).all()  # its heads never saw class 2


def test_dtype_is_kept_and_inputs_are_not_modified(data, fold):
    before = data.embeddings.copy(), data.labels.copy(), fold.copy()
    assert out_of_fold_logits(data.embeddings, data.labels, fold, classes=CLASSES, l2=0.1).dtype == np.float32
    for now, then in zip((data.embeddings, data.labels, fold), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.usefixtures("unchecked")
def test_one_fold_leaves_nobody_to_learn_from():
    with pytest.raises(YoriError, match="n ≥ 1"):
        out_of_fold_logits(np.ones((4, 2)), np.array([0, 1, 0, 1]), np.zeros(4, int), classes=2, l2=0.1)
