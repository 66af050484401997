import numpy as np
import pytest
from scipy import optimize, special
from tests.labels.crowds import crowd

from yori.errors import ShapeError, ValuesError
from yori.heads import fit_softmax
from yori.labels import Gold, dawid_skene, majority, votes_and_model
from yori.labels.votes_and_model import calibrate


def model_of(truth, classes, accuracy, sharpness, seed):
    rng = np.random.default_rng(seed)
    said = np.where(rng.random(len(truth)) < accuracy, truth, rng.integers(0, classes, len(truth)))
    return special.softmax(sharpness * np.eye(classes)[said] + rng.normal(0, 0.5, (len(truth), classes)), axis=1)


def right(found, truth):
    return (found.labels == truth).mean()


def test_better_than_the_model_and_than_the_answers():
    truth, made = crowd(1000, ("careful",) * 20, 4, 2, skill=(0.5, 0.8))
    probs = model_of(truth, 4, 0.75, 2.0, 1)
    both = right(votes_and_model(made.votes, probs), truth)
    assert both > (probs.argmax(axis=1) == truth).mean() + 0.02
    assert both > right(dawid_skene(made.votes, pooling=1.0), truth) + 0.05


def test_an_overconfident_model_does_no_harm_and_a_useless_one_none_either():
    truth, made = crowd(1500, ("careful",) * 10, 3, 4, skill=(0.6, 0.9))
    alone = right(dawid_skene(made.votes, pooling=1.0), truth)
    calm = right(votes_and_model(made.votes, model_of(truth, 3, 0.7, 2.0, 2)), truth)
    loud = right(votes_and_model(made.votes, model_of(truth, 3, 0.7, 20.0, 2)), truth)
    useless = right(votes_and_model(made.votes, model_of(truth, 3, 0.0, 20.0, 3)), truth)
    assert loud > alone
    assert abs(loud - calm) < 0.02
    assert useless > alone - 0.01


def test_examples_without_answers_follow_the_model():
    truth, made = crowd(300, ("careful",) * 5, 3, 3)
    asked = made.votes.take(made.votes.example < 200)
    found = votes_and_model(asked, model_of(truth, 3, 0.9, 3.0, 1))
    assert (found.labels[200:] == truth[200:]).mean() > 0.85


def test_control_questions_teach_that_the_model_confuses_two_classes():
    truth, made = crowd(600, ("careful",) * 5, 2, 1, skill=(0.55, 0.6))
    probs = model_of(1 - truth, 2, 0.95, 3.0, 1)  # always the wrong way round
    told = Gold(np.arange(200), truth[:200])
    found = votes_and_model(made.votes, probs, gold=told)
    np.testing.assert_array_equal(found.labels[:200], truth[:200])
    # A scale is never negative: such a model loses its say instead of winning the vote.
    assert right(found, truth) > right(majority(made.votes), truth) - 0.02
    assert right(found, truth) > (probs.argmax(axis=1) == truth).mean() + 0.3


def test_calibration_is_the_optimum():
    rng = np.random.default_rng(0)
    logits, posterior = rng.normal(size=(200, 3)), rng.dirichlet(np.ones(3), 200)

    def loss(state):
        log_probs = special.log_softmax(state[0] * logits + state[1:], axis=1)
        away = state - [1, 0, 0, 0]
        return -(posterior * log_probs).sum() + 0.5 * (away @ away)

    best = optimize.minimize(loss, np.zeros(4), bounds=[(0, None)] + [(None, None)] * 3)
    found = calibrate(logits, posterior, np.array([1.0, 0, 0, 0]))
    np.testing.assert_allclose(loss(found), best.fun, atol=1e-3)


def test_with_a_real_head_on_real_sound(real_data):
    """Spoken digits through a head trained on the answers, out of fold: better than answers and head alone."""
    import soundfile

    from yori.labels import out_of_fold_logits

    features, truth = [], []
    for path in sorted((real_data / "fsdd" / "recordings").glob("*_[0-7].wav"))[:480]:
        sound = soundfile.read(path)[0]
        power = np.abs(np.fft.rfft(np.pad(sound, (0, 8192))[:8192].reshape(16, 512), axis=1)) ** 2
        features.append(np.log(1e-4 + power[:, :256].reshape(16, 32, 8).sum(axis=2)).ravel())
        truth.append(int(path.name[0]))
    x, y = np.array(features), np.array(truth)
    x = (x - x.mean(axis=0)) / x.std() / np.sqrt(x.shape[1])
    from yori.synthetic.annotators import annotator_votes

    kinds = ("careful",) * 8 + ("biased",) * 3 + ("spammer",)
    votes = annotator_votes(y, kinds, classes=10, answers=2, rng=np.random.default_rng(0), skill=(0.5, 0.8)).votes
    people = dawid_skene(votes, pooling=1.0)
    logits = out_of_fold_logits(x, people.labels, np.arange(480) % 5, classes=10, l2=0.01)
    probs = special.softmax(logits, axis=1)
    both = right(votes_and_model(votes, probs), y)
    assert both > max(right(people, y), (probs.argmax(axis=1) == y).mean(), right(majority(votes), y))
    assert fit_softmax(x, people.labels, l2=0.01, classes=10).weight.shape == (10, 513)


@pytest.mark.usefixtures("unchecked")
def test_refusals_and_published_probabilities():
    truth, made = crowd(40, ("careful",) * 3, 2, 2)
    probs = model_of(truth, 2, 0.8, 2.0, 0)
    with pytest.raises(ShapeError, match="40 rows in probs"):
        votes_and_model(made.votes, probs[:20])
    with pytest.raises(ShapeError, match="probs of 2 classes"):
        votes_and_model(made.votes, np.full((40, 3), 1 / 3))
    with pytest.raises(ValuesError, match="finite"):
        votes_and_model(made.votes, np.full((40, 2), np.nan))
    over = probs.copy()
    over[0] = [1.00001, 0.0]
    assert np.isfinite(votes_and_model(made.votes, over).probs).all()
