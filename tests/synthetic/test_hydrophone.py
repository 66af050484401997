from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import welch

from yori.errors import ValuesError
from yori.synthetic import CLASSES, SCENARIOS, simulate_passages
from yori.synthetic.hydrophone import draw_passage, record_clip
from yori.synthetic.propagation import received_power
from yori.synthetic.sea import Hydrophone

RATE = 16000


def simulate(passages=1, clips=2, seed=0, **options):
    options = {"sample_rate": RATE} | options
    return simulate_passages(
        passages_per_class_and_scenario=passages, clips_per_passage=clips, rng=np.random.default_rng(seed), **options
    )


@pytest.fixture(scope="module")
def clips():
    return list(simulate(passages=8, clips=4))


def test_every_class_and_scenario_has_its_passages_and_each_passage_its_clips(clips):
    assert len(clips) == 5 * 3 * 8 * 4
    assert Counter((clip.label, clip.domain) for clip in clips) == {
        (label, scenario.domain): 32 for label in CLASSES for scenario in SCENARIOS
    }
    assert set(Counter(clip.group for clip in clips).values()) == {4}


def test_a_group_is_one_passage(clips):
    for _, members in itertools.groupby(clips, key=lambda clip: clip.group):
        passages = [clip.passage for clip in members]
        assert all(passage is passages[0] for passage in passages)


def test_samples_are_audio(clips):
    for clip in clips:
        assert clip.samples.dtype == np.float32
        assert clip.samples.shape == (RATE,)
        assert np.isfinite(clip.samples).all()
        assert np.abs(clip.samples).max() <= 1
        # Loud enough for 16 bits, and hardly ever clipped.
        assert clip.samples.std() > 5 / 2**15
        assert np.mean(np.abs(clip.samples) > 0.99) < 0.01


def test_clips_of_a_passage_do_not_overlap_and_the_ship_stays_in_the_scenario(clips):
    for _, members in itertools.groupby(clips, key=lambda clip: clip.group):
        group = list(members)
        starts = np.sort([clip.start_seconds for clip in group])
        assert np.diff(starts).min() >= 1
        passage = group[0].passage
        if passage.track is not None:
            assert passage.scenario.nearest_m <= passage.track.cpa_m <= passage.scenario.farthest_m
            for clip in group:
                horizontal = passage.track.horizontal(np.array([clip.start_seconds, clip.start_seconds + 1]))
                assert horizontal.max() <= passage.scenario.inclusion_m
                assert clip.range_m == pytest.approx(horizontal.mean(), rel=0.1)


def test_background_has_no_vessel(clips):
    background = [clip for clip in clips if clip.label == "background"]
    assert all(clip.passage.vessel is None and np.isinf(clip.range_m) and clip.snr_db == -np.inf for clip in background)
    assert all(clip.passage.vessel.label == clip.label for clip in clips if clip.label != "background")


def test_distant_traffic_is_beyond_every_exclusion_radius(clips):
    ranges = [clip.passage.distant_m for clip in clips if clip.passage.distant is not None]
    assert ranges
    assert min(ranges) > max(scenario.exclusion_m for scenario in SCENARIOS)


def test_signal_to_noise_ratio_falls_with_distance(clips):
    median = [
        np.median([clip.snr_db for clip in clips if clip.domain == s.domain and clip.label != "background"])
        for s in SCENARIOS
    ]
    assert median[0] > median[1] > median[2]


@pytest.mark.parametrize("label", ["cargo", "tug"])
def test_the_same_ship_is_fainter_farther_away(label):
    hydrophone = Hydrophone(sample_rate=RATE)
    passage = replace(
        draw_passage(label, SCENARIOS[0], group="a", rng=np.random.default_rng(3)), distant=None, distant_m=np.inf
    )
    snr = []
    for cpa in (500.0, 1500.0, 3500.0):
        moved = replace(passage, track=replace(passage.track, cpa_m=cpa))
        clip = record_clip(moved, 0.0, clip_seconds=1.0, hydrophone=hydrophone, rng=np.random.default_rng(0))
        snr.append(clip.snr_db)
    assert snr[0] > snr[1] + 2 > snr[2] + 4


def test_background_level_is_that_of_the_sea():
    hydrophone = Hydrophone(sample_rate=RATE)
    passage = replace(
        draw_passage("background", SCENARIOS[0], group="a", rng=np.random.default_rng(1)),
        distant=None,
        distant_m=np.inf,
    )
    clip = record_clip(passage, 0.0, clip_seconds=20.0, hydrophone=hydrophone, rng=np.random.default_rng(0))
    f, density = welch(clip.samples, RATE, nperseg=2048)
    inside = (f > 100) & (f < 6000)
    measured = 10 * np.log10(density[inside]) + hydrophone.full_scale_db
    np.testing.assert_allclose(measured, passage.sea.noise_level(f[inside]), atol=3)


def test_lloyd_mirror_is_heard_in_calm_water():
    # First null of the direct and reflected path at c / Δ; a ship at one place, no lines, calm sea, no trapped sound.
    hydrophone = Hydrophone(sample_rate=RATE)
    passage = draw_passage("cargo", SCENARIOS[0], group="a", rng=np.random.default_rng(2))
    passage = replace(
        passage,
        distant=None,
        distant_m=np.inf,
        vessel=replace(passage.vessel, lines=(), source_depth_m=6.0),
        track=replace(passage.track, cpa_m=700.0),
        sea=replace(passage.sea, wind_speed=0.5, transition_m=1e4),
    )
    clip = record_clip(passage, -5.0, clip_seconds=10.0, hydrophone=hydrophone, rng=np.random.default_rng(0))
    f, density = welch(clip.samples, RATE, nperseg=1024)
    level = 10 * np.log10(density[1:]) + hydrophone.full_scale_db - passage.vessel.level(f[1:])
    f = f[1:]
    difference = np.hypot(700, 150) - np.hypot(700, 138)
    null = 1485 / difference
    around = (f > 0.6 * null) & (f < 1.4 * null)
    assert f[around][level[around].argmin()] == pytest.approx(null, rel=0.06)
    assert level[np.abs(f - null / 2).argmin()] - level[around].min() > 4
    predicted = received_power(
        f,
        passage.sea.absorption(f),
        horizontal_m=700.0,
        source_depth_m=6.0,
        receiver_depth_m=144.0,
        transition_m=1e4,
        wave_height_m=passage.sea.wave_height_m,
        source_extent_m=0.6,
    )
    inside = (f > 50) & (f < 4000)
    np.testing.assert_allclose(level[inside], 10 * np.log10(predicted[inside]), atol=2.5)
    assert abs(np.mean(level[inside] - 10 * np.log10(predicted[inside]))) < 0.5


def test_same_seed_same_clips():
    first, second = simulate(seed=5), simulate(seed=5)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.samples, b.samples)
        assert (a.group, a.start_seconds, a.snr_db) == (b.group, b.start_seconds, b.snr_db)


def test_other_seed_other_clips():
    assert not np.array_equal(next(simulate(seed=5)).samples, next(simulate(seed=6)).samples)


def test_a_clip_does_not_depend_on_how_many_others_are_made():
    few = {(clip.group, clip.start_seconds): clip for clip in simulate(passages=1, clips=2, sample_rate=4000)}
    many = {(clip.group, clip.start_seconds): clip for clip in simulate(passages=2, clips=3, sample_rate=4000)}
    assert set(few) < set(many)
    for key, clip in few.items():
        np.testing.assert_array_equal(clip.samples, many[key].samples)


def test_clips_are_made_only_when_asked_for():
    clips = simulate(passages=10_000, clips=60)
    assert next(clips).label == "background"


@pytest.mark.parametrize(("rate", "seconds"), [(32000, 1.0), (8000, 0.3), (11025, 2.5)])
def test_any_rate_and_length(rate, seconds):
    clip = next(simulate(sample_rate=rate, clip_seconds=seconds, classes=("tug",)))
    assert clip.samples.shape == (round(rate * seconds),)
    assert clip.sample_rate == rate


def test_classes_and_scenarios_can_be_chosen():
    chosen = list(simulate(classes=("tug", "background"), scenarios=SCENARIOS[2:], sample_rate=4000))
    assert [clip.label for clip in chosen] == ["tug", "tug", "background", "background"]
    assert {clip.domain for clip in chosen} == {"4km"}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "options",
    [
        {"passages": 0},
        {"clips": 0},
        {"clips": 61},
        {"clip_seconds": 40.0},
        {"clip_seconds": 0.001},
        {"sample_rate": 100},
        {"classes": ("tug", "submarine")},
    ],
)
def test_refuses_at_the_call(options):
    with pytest.raises(ValuesError, match="simulate_passages"):
        simulate(**options)


def log_mel_statistics(samples):
    """Mean, spread and roughness over time of 48 log-mel bands."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 2048)[::1024] * np.hanning(2048)
    power = np.abs(np.fft.rfft(frames)) ** 2
    edges = 700 * (10 ** (np.linspace(31, 2840, 50) / 2595) - 1)
    f = np.fft.rfftfreq(2048, 1 / RATE)[None]
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bank = np.clip(np.minimum((f - low) / (mid - low), (high - f) / (high - mid)), 0, None)
    level = np.log(power @ bank.T + 1e-9)
    return np.concatenate([level.mean(axis=0), level.std(axis=0), np.diff(level, axis=0).std(axis=0)])


def test_the_task_is_neither_trivial_nor_hopeless(clips):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = np.stack([log_mel_statistics(clip.samples) for clip in clips])
    labels = np.array([CLASSES.index(clip.label) for clip in clips])
    fold = np.array([int(clip.group[-3:]) % 4 for clip in clips])

    correct = np.empty(len(clips), dtype=bool)
    for k in range(4):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=1000))
        model.fit(features[fold != k], labels[fold != k])
        correct[fold == k] = model.predict(features[fold == k]) == labels[fold == k]
    assert 0.6 < correct.mean() < 0.95
