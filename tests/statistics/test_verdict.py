from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from yori.errors import ValuesError
from yori.statistics import Comparison, Predictions, compare, settling_size, verdict
from yori.statistics.power import t_quantile

DF = 1000.0
T = t_quantile(0.975, DF)
MDE = T + t_quantile(0.8, DF)


def found(gain: float, error: float, *, direction: str = "lower", before: float = 0.2, n: int = 1000) -> Comparison:
    delta = -gain if direction == "lower" else gain
    return Comparison(
        metric="aurc", direction=direction, best=0.0 if direction == "lower" else 1.0, before=before, after=before + delta,
        delta=delta, relative=None, low=delta - T * error, high=delta + T * error, level=0.95, standard_error=error,
        degrees_of_freedom=DF, p_value=0.5, method="closed form", n_rows=n, n_examples=n, n_clusters=n, n_seeds=1,
        n_domains=1, domains_fixed=True, per_domain=(),
    )  # type: ignore[arg-type] # fmt: skip


@pytest.mark.parametrize("direction", ["lower", "higher"])
@pytest.mark.parametrize(
    ("gain", "error", "margin", "word"),
    [
        (0.0, 0.0, 0.0, "no difference shown"),  # line 1
        (0.0, 0.0, 0.01, "no difference shown"),
        (0.03, 0.01, 0.0, "improved"),  # line 2
        (0.03, 0.01, 0.01, "improved"),
        (-0.03, 0.01, 0.0, "worse"),  # line 3
        (-0.05, 0.01, 0.02, "worse"),
        (0.001, 0.002, 0.01, "no difference shown"),  # line 4: changes that count are ruled out
        (0.006, 0.001, 0.01, "no difference shown"),  # … also a sure but small one
        (0.03, 0.01, 0.02, "too few examples to tell"),  # line 5: sure, but perhaps below the margin
        (-0.03, 0.01, 0.02, "too few examples to tell"),
        (0.005, 0.0035, 0.01, "no difference shown"),  # line 6: a change of the margin would have been seen
        (0.005, 0.007, 0.0, "no difference shown"),  # … a tenth of 0.2 or 0.8 would have been seen
        (0.005, 0.02, 0.01, "too few examples to tell"),  # line 7
        (0.005, 0.05, 0.0, "too few examples to tell"),
    ],
)
def test_each_line_of_the_rule(gain: float, error: float, margin: float, word: str, direction: str) -> None:
    assert verdict(found(gain, error, direction=direction), margin).word == word


def test_resolution_of_accuracy_and_error_rate_is_the_same() -> None:
    accuracy = found(0.001, 0.01, direction="higher", before=0.9)
    error = found(0.001, 0.01, direction="lower", before=0.1)
    assert verdict(accuracy).resolution == pytest.approx(verdict(error).resolution) == pytest.approx(0.01)
    assert verdict(accuracy).word == verdict(error).word == "too few examples to tell"


def test_never_no_difference_from_a_test_that_could_not_have_seen_one() -> None:
    draw = np.random.default_rng(0)
    for _ in range(2000):
        comparison = found(float(draw.normal(0, 0.05)), float(draw.exponential(0.02)) + 1e-6)
        margin = float(draw.choice([0.0, 0.005, 0.02]))
        said = verdict(comparison, margin)
        low, high = comparison.gain_interval
        if said.word == "no difference shown":
            ruled_out = margin > 0 and -margin <= low and high <= margin
            assert ruled_out or said.minimum_detectable_effect <= said.resolution
        assert (said.needed_examples is not None) == (said.word == "too few examples to tell")


def test_the_needed_number_settles_it() -> None:
    """With so many examples (error ∝ 1/√n) and the same gain, the change is shown with the power asked for."""
    comparison = found(0.015, 0.01)
    said = verdict(comparison)
    assert said.word == "too few examples to tell"
    assert said.needed_examples == settling_size(1000, 0.01, distance=0.02, df=DF)  # the gain is below the resolution
    larger = verdict(found(0.025, 0.015))
    assert larger.needed_examples == settling_size(1000, 0.015, distance=0.025, df=DF)
    assert larger.needed_examples is not None
    error = 0.015 * (1000 / larger.needed_examples) ** 0.5
    assert MDE * error == pytest.approx(0.025, rel=1e-3)
    assert verdict(found(0.025, error)).word == "improved"
    assert verdict(found(0.015, 0.01 * (1000 / said.needed_examples) ** 0.5)).word != "too few examples to tell"


def test_at_the_margin_the_needed_number_is_large_but_finite() -> None:
    said = verdict(found(0.02, 0.005), margin=0.02)
    assert said.word == "too few examples to tell"
    assert said.needed_examples is not None
    assert 10**6 < said.needed_examples < 10**13


def test_the_direction_can_be_overruled() -> None:
    assert verdict(found(0.05, 0.01), direction="higher").word == "worse"


def test_sampled_domains_need_more_domains() -> None:
    comparison = replace(found(0.01, 0.05, n=800), n_domains=4, domains_fixed=False)
    said = verdict(comparison)
    assert said.needed_examples is not None
    assert said.needed_domains == -(-4 * said.needed_examples // 800)
    assert f"in {said.needed_domains} domains" in said.sentence
    assert verdict(found(0.01, 0.05)).needed_domains is None


def test_the_sentence_holds_the_numbers() -> None:
    said = verdict(found(0.03, 0.01), margin=0.005)
    assert str(said) == (
        "improved: aurc 0.2 → 0.17, change -0.03 (95 % interval -0.04962 to -0.01038, margin 0.005), 1 000 examples"
    )
    few = verdict(found(0.005, 0.05))
    assert few.sentence.startswith("too few examples to tell: n ≥ ")
    json.dumps(few.to_dict(), allow_nan=False)


@pytest.mark.parametrize("margin", [-0.01, float("nan"), float("inf")])
def test_bad_margins_are_refused(margin: float) -> None:
    with pytest.raises(ValuesError):
        verdict(found(0.01, 0.01), margin)


def test_a_tiny_test_set_is_too_few() -> None:
    rng = np.random.default_rng(1)
    arms = [Predictions(np.arange(12), confidence=rng.random(12), correct=rng.random(12) < 0.7) for _ in range(2)]
    said = verdict(compare(*arms, metric="aurc", rng=rng))
    assert said.word == "too few examples to tell"
    assert said.needed_examples is not None
    assert said.needed_examples > 12


def test_words_change_in_one_direction_as_the_gain_grows() -> None:
    order = ["worse", "too few examples to tell", "no difference shown", "too few examples to tell", "improved"]
    words = [verdict(found(gain, 0.002), margin=0.01).word for gain in np.linspace(-0.04, 0.04, 161)]
    changes = [words[0]] + [b for a, b in pairwise(words) if a != b]
    assert changes == order
