import numpy as np
import pytest

from yori.errors import ValuesError
from yori.synthetic import Season, simulate_season

MIXED = Season(classes={"tug": 3.0, "cargo": 1.0}, distances={"2km": 1.0, "4km": 1.0})


def clips(season=MIXED, *, passages=6, seed=0, **how):
    return list(
        simulate_season(
            season, passages=passages, clips_per_passage=2, sample_rate=8000, rng=np.random.default_rng(seed), **how
        )
    )


def test_passages_are_groups_of_the_season():
    found = clips(name="s1-")
    assert len(found) == 12
    assert len({clip.group for clip in found}) == 6
    assert all(clip.group.startswith("s1-") for clip in found)
    assert {clip.label for clip in found} <= {"tug", "cargo"}
    assert {clip.domain for clip in found} <= {"2km", "4km"}


def test_frequencies_are_kept():
    labels = [clip.label for clip in clips(passages=80)[::2]]
    assert 0.6 < labels.count("tug") / len(labels) < 0.9  # 3 of 4


def test_a_passage_is_the_same_however_many_there_are():
    few, many = clips(passages=2), clips(passages=5)
    for one, other in zip(few, many[:4], strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)
        assert (one.label, one.group) == (other.label, other.group)


def test_another_seed_is_another_sea():
    one, other = clips(seed=0), clips(seed=1)
    assert any(not np.array_equal(a.samples, b.samples) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    "season",
    [
        Season(classes={"whale": 1.0}, distances={"2km": 1.0}),
        Season(classes={"tug": 1.0}, distances={"9km": 1.0}),
        Season(classes={"tug": 0.0}, distances={"2km": 1.0}),
        Season(classes={"tug": -1.0, "cargo": 2.0}, distances={"2km": 1.0}),
        Season(classes={}, distances={"2km": 1.0}),
    ],
)
def test_nonsense_is_refused_at_the_call(season):
    with pytest.raises(ValuesError):
        simulate_season(season, passages=1, clips_per_passage=1, rng=np.random.default_rng(0))
