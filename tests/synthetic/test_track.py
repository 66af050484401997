from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.synthetic.track import SCENARIOS, Track, clip_starts


def test_scenarios_are_those_of_vtuad():
    assert [s.name for s in SCENARIOS] == [
        "inclusion_2000_exclusion_4000",
        "inclusion_3000_exclusion_5000",
        "inclusion_4000_exclusion_6000",
    ]
    assert [s.domain for s in SCENARIOS] == ["2km", "3km", "4km"]


def test_bands_of_the_closest_approach_are_disjoint_and_inside_the_inclusion_radius():
    for near, far in itertools.pairwise(SCENARIOS):
        assert near.farthest_m < near.inclusion_m <= far.nearest_m
    assert all(s.farthest_m <= 0.9 * s.inclusion_m for s in SCENARIOS)


def test_track_is_pythagoras():
    track = Track(cpa_m=600.0, speed=8.0)
    np.testing.assert_allclose(track.horizontal(np.array([-100.0, 0.0, 100.0])), [1000, 600, 1000])
    stay = track.half_stay(1000.0)
    assert stay == pytest.approx(100)
    assert track.half_stay(1000.0, longest=30.0) == 30
    assert track.half_stay(500.0) == 0


@given(st.integers(1, 64), st.floats(0, 1, exclude_max=True), st.floats(150, 600))
def test_clips_fit_do_not_overlap_and_keep_their_place(count, rotation, stay):
    starts = clip_starts(count, stay=stay, clip_seconds=1.0, rotation=rotation)
    assert starts.min() >= -stay / 2
    assert starts.max() + 1.0 <= stay / 2 + 1e-9
    if count > 1:
        assert np.diff(np.sort(starts)).min() >= 1.0
    more = clip_starts(2 * count, stay=stay, clip_seconds=1.0, rotation=rotation)
    np.testing.assert_array_equal(more[:count], starts)
