import numpy as np
import pytest

from yori.errors import ValuesError
from yori.prove.assumed_models import FORECASTABLE, AssumedModels, spread_of_difference
from yori.statistics import compare


@pytest.mark.parametrize(("accuracy", "discordance"), [(0.6, 0.2), (0.8, 0.05), (0.95, 0.01)])
def test_accuracy_and_discordance_are_as_assumed(accuracy, discordance):
    before, after = AssumedModels(accuracy, discordance).draw(np.random.default_rng(0))
    assert (before.correct != after.correct).mean() == pytest.approx(discordance, abs=2e-3)
    for arm in (before, after):
        assert arm.correct.mean() == pytest.approx(accuracy, abs=0.01)
    sure = before.confidence > 0.9
    assert before.correct[sure].mean() > before.correct[~sure].mean()


def test_spread_of_accuracy_is_the_root_of_the_discordance():
    _, spread = spread_of_difference(AssumedModels(0.8, 0.05), "accuracy", np.random.default_rng(1))
    assert spread == pytest.approx(np.sqrt(0.05), rel=0.02)


@pytest.mark.parametrize("metric", FORECASTABLE)
def test_spread_is_the_standard_error_that_small_test_sets_show(metric):
    models, n = AssumedModels(0.8, 0.1), 400
    rng = np.random.default_rng(2)
    _, spread = spread_of_difference(models, metric, rng)
    before, after = models.draw(rng, 200 * n)
    deltas, errors = [], []
    for start in range(0, 200 * n, n):
        rows = slice(start, start + n)
        found = compare(before[rows], after[rows], metric=metric, rng=rng)
        deltas.append(found.delta)
        errors.append(found.standard_error)
    assert spread / np.sqrt(n) == pytest.approx(np.std(deltas), rel=0.15)
    assert spread / np.sqrt(n) == pytest.approx(np.mean(errors), rel=0.05)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (AssumedModels(1.0, 0.1), "accuracy"),
        (AssumedModels(0.9, 0.0), "discordance"),
        (AssumedModels(0.95, 0.5), "cannot disagree that often"),
        (AssumedModels(0.9, 0.01, concentration=0), "concentration"),
    ],
)
def test_impossible_assumptions_are_refused(models, message):
    with pytest.raises(ValuesError, match=message):
        models.draw(np.random.default_rng(0))
    with pytest.raises(ValuesError, match="a metric out of"):
        spread_of_difference(AssumedModels(0.8, 0.05), "ece", np.random.default_rng(0))
