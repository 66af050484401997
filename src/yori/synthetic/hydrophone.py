"""Ships passing a hydrophone: labelled clips whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.errors import ValuesError
from yori.synthetic.fleet import VESSEL_CLASSES, draw_vessel
from yori.synthetic.propagation import SOUND_SPEED, received_power
from yori.synthetic.sea import Hydrophone, Sea, draw_sea
from yori.synthetic.shaped_noise import fast_length, filter_frames, frequencies, shaped_noise
from yori.synthetic.track import SCENARIOS, Scenario, Track, clip_starts
from yori.synthetic.vessel import Vessel, radiated_sound

CLASSES = ("background", *VESSEL_CLASSES)
"""The five classes of VTUAD, in alphabetical order; the position of a name is its label as a number."""

KNOT = 0.5144
"""m/s."""

LONGEST_AUDIO_SECONDS = 60.0
"""Audio per passage at most, so that clips fit without overlap into the shortest stay inside a scenario."""

DISTANT_TRAFFIC = 0.2
"""Probability that one ship, of any class, is heard from beyond all exclusion radii during a passage."""

DISTANT_RANGE_M = (8000.0, 20000.0)
"""Where that ship is."""

SOURCE_EXTENT = 0.1
"""Standard deviation of the depth of the cavitating volume, as a fraction of its mean depth."""

FRAME_SECONDS = 0.5
"""Time from one propagation filter to the next."""


@dataclass(frozen=True)
class Passage:
    """One recording: who passed where, and in which water. For background there is no vessel and no track.

    ``distant`` and ``distant_m`` are a ship beyond the exclusion radius and its range, which no label mentions.
    """

    group: str
    label: str
    scenario: Scenario
    sea: Sea
    vessel: Vessel | None
    track: Track | None
    distant: Vessel | None
    distant_m: float


@dataclass(frozen=True)
class Clip:
    """One labelled second of sound and the truth about it.

    Parameters
    ----------
    samples
        Shape ``(samples,)``, float32 in [-1, 1].
    sample_rate
        Hz.
    label
        One of `CLASSES`.
    domain
        Distance scenario: ``"2km"``, ``"3km"`` or ``"4km"``.
    group
        Passage; must never be cut by a split.
    start_seconds
        Start relative to the closest point of approach; for background to the middle of the recording.
    range_m
        Slant range to the vessel in the middle of the clip; infinite for background.
    snr_db
        Power of the vessel over power of everything else in this clip; minus infinity for background.
    passage
        What was simulated: vessel, track, sea.
    """

    samples: Float[np.ndarray, " samples"]
    sample_rate: int
    label: str
    domain: str
    group: str
    start_seconds: float
    range_m: float
    snr_db: float
    passage: Passage


def draw_passage(label: str, scenario: Scenario, *, group: str, rng: np.random.Generator) -> Passage:
    """Draw ship, track and sea of one passage.

    Examples
    --------
    >>> passage = draw_passage("tanker", SCENARIOS[1], group="a", rng=np.random.default_rng(0))
    >>> 2000 <= passage.track.cpa_m <= 2700
    True
    """
    sea = draw_sea(rng)
    vessel, track = None, None
    if label != "background":
        vessel = draw_vessel(label, rng=rng)
        # Uniform over the area of the band, as for lanes spread evenly over the water.
        cpa = float(np.sqrt(rng.uniform(scenario.nearest_m**2, scenario.farthest_m**2)))
        track = Track(cpa_m=cpa, speed=vessel.speed_knots * KNOT)
    distant, distant_m = None, np.inf
    if rng.random() < DISTANT_TRAFFIC:
        distant = draw_vessel(str(rng.choice(VESSEL_CLASSES)), rng=rng)
        distant_m = float(rng.uniform(*DISTANT_RANGE_M))
    return Passage(group, label, scenario, sea, vessel, track, distant, distant_m)


def _heard(
    vessel: Vessel,
    track: Track,
    sea: Sea,
    hydrophone: Hydrophone,
    seconds: Float[np.ndarray, " t"],
    rng: np.random.Generator,
) -> Float[np.ndarray, " t"]:
    """Pressure of a ship at the hydrophone, in µPa, with Doppler, spreading, absorption and the surface."""
    depth_difference = hydrophone.depth_m - vessel.source_depth_m
    slant = np.hypot(track.horizontal(seconds), depth_difference)
    emitted = seconds - slant / SOUND_SPEED
    sound = radiated_sound(vessel, emitted, sample_rate=hydrophone.sample_rate, rng=rng)

    hop = round(FRAME_SECONDS * hydrophone.sample_rate)
    grid = frequencies(fast_length(5 * hop // 2), hydrophone.sample_rate)
    # The gain is smooth: a tenth of its period is over 20 Hz, so every eighth frequency will do.
    coarse = grid[::8]
    absorbed = sea.absorption(coarse)
    response = hydrophone.response(coarse)
    frames = -(-len(seconds) // hop) + 1
    centres = float(seconds[0]) + np.arange(frames) * hop / hydrophone.sample_rate
    powers = [
        response
        * received_power(
            coarse,
            absorbed,
            horizontal_m=float(horizontal),
            source_depth_m=vessel.source_depth_m,
            receiver_depth_m=hydrophone.depth_m,
            transition_m=sea.transition_m,
            bounces_per_km=sea.bounces_per_km,
            wave_height_m=sea.wave_height_m,
            source_extent_m=SOURCE_EXTENT * vessel.source_depth_m,
        )
        for horizontal in track.horizontal(centres)
    ]
    fine = np.stack([np.interp(grid, coarse, power) for power in powers])
    return filter_frames(sound, fine, hop=hop)


def record_clip(
    passage: Passage, start_seconds: float, *, clip_seconds: float, hydrophone: Hydrophone, rng: np.random.Generator
) -> Clip:
    """Simulate one clip of a passage.

    Parameters
    ----------
    passage
        What passes.
    start_seconds
        Start relative to the closest point of approach.
    clip_seconds
        Length.
    hydrophone
        The instrument.
    rng
        Randomness of this clip alone: noise and phases.
    """
    samples = round(clip_seconds * hydrophone.sample_rate)
    seconds = start_seconds + np.arange(samples) / hydrophone.sample_rate
    grid = frequencies(fast_length(samples), hydrophone.sample_rate)
    density = 10 ** (passage.sea.noise_level(grid) / 10) + 10 ** (hydrophone.noise_level(grid) / 10)
    # The sea is not quite steady: gusts and waves move its level by half a decibel from clip to clip.
    density *= hydrophone.response(grid) * 10 ** (rng.normal(0, 0.5) / 10)
    noise = shaped_noise(density, samples=samples, sample_rate=hydrophone.sample_rate, rng=rng)
    if passage.distant is not None:
        far = Track(cpa_m=passage.distant_m, speed=passage.distant.speed_knots * KNOT)
        noise = noise + _heard(passage.distant, far, passage.sea, hydrophone, seconds, rng)
    range_m, snr_db, total = np.inf, -np.inf, noise
    if passage.vessel is not None and passage.track is not None:
        signal = _heard(passage.vessel, passage.track, passage.sea, hydrophone, seconds, rng)
        total = noise + signal
        horizontal = passage.track.horizontal(seconds[samples // 2 : samples // 2 + 1])[0]
        range_m = float(np.hypot(horizontal, hydrophone.depth_m - passage.vessel.source_depth_m))
        snr_db = float(10 * np.log10(np.mean(signal**2, dtype=np.float64) / np.mean(noise**2, dtype=np.float64)))
    return Clip(
        samples=hydrophone.record(total),
        sample_rate=hydrophone.sample_rate,
        label=passage.label,
        domain=passage.scenario.domain,
        group=passage.group,
        start_seconds=float(start_seconds),
        range_m=range_m,
        snr_db=snr_db,
        passage=passage,
    )


def simulate_passages(
    *,
    passages_per_class_and_scenario: int,
    clips_per_passage: int,
    clip_seconds: float = 1.0,
    sample_rate: int = 32000,
    classes: Sequence[str] = CLASSES,
    scenarios: Sequence[Scenario] = SCENARIOS,
    rng: np.random.Generator,
) -> Iterator[Clip]:
    """Simulate labelled hydrophone clips of passing ships, one after another.

    Each passage has its own ship, track, weather and distant traffic, and several clips spread over it; so clips of one
    passage resemble each other far more than clips of two, as in real recordings. Labels are true: plant known errors
    with `yori.synthetic.flip_labels`.

    Parameters
    ----------
    passages_per_class_and_scenario
        Passages (groups) for each class in each distance scenario.
    clips_per_passage
        Clips of each passage. Clips do not overlap.
    clip_seconds
        Length of a clip; ``clips_per_passage · clip_seconds`` is at most 60.
    sample_rate
        Hz. VTUAD has 32 000.
    classes, scenarios
        What to simulate; by default the five classes and three scenarios of VTUAD.
    rng
        Randomness. Children are spawned from it: one for each class and scenario, from that one for each passage, from that
        one for each clip. Clip ``k`` of passage ``j`` is therefore the same whatever the numbers of passages and clips.

    Returns
    -------
    An iterator of `Clip`, ordered by class, scenario, passage, clip. Clips are made as they are asked for.

    Raises
    ------
    ValuesError
        At the call, if a number is too small, the audio of a passage too long, or a class unknown.

    Notes
    -----
    Level of the ship from `yori.synthetic.source_level`, lines and cavitation from `yori.synthetic.vessel`, water from
    `yori.synthetic.propagation`, sea noise from `yori.synthetic.ambient`. Not modelled: refraction by the sound-speed
    profile, single bottom echoes (only their mean), other animals and objects, directivity of ships, manoeuvres.

    References
    ----------
    Domingos et al., IEEE Access 10, 2022 (VTUAD, the classes and scenarios). The physics is cited where it is done.

    Examples
    --------
    >>> clips = simulate_passages(passages_per_class_and_scenario=1, clips_per_passage=2, sample_rate=8000,
    ...                           rng=np.random.default_rng(0))
    >>> clip = next(clips)
    >>> clip.label, clip.domain, clip.samples.shape
    ('background', '2km', (8000,))
    >>> sum(1 for _ in clips)                      # 5 classes × 3 scenarios × 1 passage × 2 clips − 1
    29
    """
    where = "simulate_passages"
    if passages_per_class_and_scenario < 1 or clips_per_passage < 1:
        raise ValuesError("at least 1 passage and 1 clip", "fewer", where=where)
    if sample_rate < 1000 or clip_seconds * sample_rate < 256:
        raise ValuesError(
            "a rate ≥ 1000 Hz and a clip ≥ 256 samples", f"{sample_rate} Hz, {clip_seconds} s", where=where
        )
    if clips_per_passage * clip_seconds > LONGEST_AUDIO_SECONDS:
        raise ValuesError(
            f"at most {LONGEST_AUDIO_SECONDS:.0f} s of audio per passage",
            f"{clips_per_passage} clips of {clip_seconds} s",
            where=where,
            fix="Ask for more passages instead of more clips.",
        )
    unknown = sorted(set(classes) - set(CLASSES))
    if unknown:
        raise ValuesError(f"classes of {', '.join(CLASSES)}", ", ".join(unknown), where=where)
    hydrophone = Hydrophone(sample_rate=sample_rate)
    cells = [(label, scenario) for label in classes for scenario in scenarios]
    return _clips(
        list(zip(cells, rng.spawn(len(cells)), strict=True)),
        passages_per_class_and_scenario,
        clips_per_passage,
        clip_seconds,
        hydrophone,
    )


def _clips(
    cells: list[tuple[tuple[str, Scenario], np.random.Generator]],
    passages: int,
    clips: int,
    clip_seconds: float,
    hydrophone: Hydrophone,
) -> Iterator[Clip]:
    for (label, scenario), cell_rng in cells:
        for number, passage_rng in enumerate(cell_rng.spawn(passages)):
            group = f"{scenario.domain}-{label}-{number:03d}"
            passage = draw_passage(label, scenario, group=group, rng=passage_rng)
            stay = 600.0 if passage.track is None else 2 * passage.track.half_stay(0.999 * scenario.inclusion_m)
            starts = clip_starts(clips, stay=stay, clip_seconds=clip_seconds, rotation=float(passage_rng.random()))
            for start, clip_rng in zip(starts, passage_rng.spawn(clips), strict=True):
                yield record_clip(passage, float(start), clip_seconds=clip_seconds, hydrophone=hydrophone, rng=clip_rng)
