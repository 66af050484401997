"""A stream of ships past a hydrophone whose mix changes: the world after deployment.

What `yori.synthetic.simulate_passages` makes is a balanced collection. A deployed model meets something else: one passage
after another, at distances and of kinds whose shares drift, and now and then a vessel it has hardly ever heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yori.errors import ValuesError
from yori.synthetic.hydrophone import CLASSES, Clip, draw_passage, record_clip
from yori.synthetic.sea import Hydrophone
from yori.synthetic.track import SCENARIOS, Scenario, clip_starts


@dataclass(frozen=True)
class Season:
    """What passes during some time.

    Parameters
    ----------
    classes
        Label → relative frequency of its passages; what is not named does not pass.
    distances
        Domain of a scenario → relative frequency.
    """

    classes: Mapping[str, float]
    distances: Mapping[str, float]


def simulate_season(
    season: Season,
    *,
    passages: int,
    clips_per_passage: int,
    clip_seconds: float = 1.0,
    sample_rate: int = 16_000,
    scenarios: Sequence[Scenario] = SCENARIOS,
    name: str = "",
    rng: np.random.Generator,
) -> Iterator[Clip]:
    """Simulate passages drawn from a season, one after another.

    Parameters
    ----------
    passages, clips_per_passage
        How many, and clips spread over each.
    name
        Begins the group of every passage, so that passages of two seasons are told apart.
    rng
        One child for each passage: passage *k* is the same however many there are.

    Returns
    -------
    An iterator of `yori.synthetic.Clip`; clips are made as they are asked for.

    Raises
    ------
    ValuesError
        If a class or distance is unknown, or all frequencies are zero or one is negative.

    Examples
    --------
    >>> season = Season(classes={"tug": 1.0}, distances={"4km": 1.0})
    >>> clips = list(simulate_season(season, passages=2, clips_per_passage=3, rng=np.random.default_rng(0)))
    >>> [(clip.label, clip.domain) for clip in clips] == [("tug", "4km")] * 6, len({clip.group for clip in clips})
    (True, 2)
    """
    by_domain = {scenario.domain: scenario for scenario in scenarios}
    labels, label_shares = _shares(season.classes, CLASSES, "classes")
    places, place_shares = _shares(season.distances, tuple(by_domain), "distances")
    hydrophone = Hydrophone(sample_rate=sample_rate)

    def clips() -> Iterator[Clip]:
        for number, own in enumerate(rng.spawn(passages)):
            label = labels[int(own.choice(len(labels), p=label_shares))]
            scenario = by_domain[places[int(own.choice(len(places), p=place_shares))]]
            passage = draw_passage(label, scenario, group=f"{name}{scenario.domain}-{label}-{number:04d}", rng=own)
            stay = 600.0 if passage.track is None else 2 * passage.track.half_stay(0.999 * scenario.inclusion_m)
            starts = clip_starts(clips_per_passage, stay=stay, clip_seconds=clip_seconds, rotation=float(own.random()))
            for start, clip_rng in zip(starts, own.spawn(clips_per_passage), strict=True):
                yield record_clip(passage, float(start), clip_seconds=clip_seconds, hydrophone=hydrophone, rng=clip_rng)

    return clips()


def _shares(wanted: Mapping[str, float], known: Sequence[str], where: str) -> tuple[list[str], list[float]]:
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise ValuesError(f"{where} out of {', '.join(known)}", ", ".join(unknown), where="simulate_season")
    total = sum(wanted.values())
    if not total > 0 or min(wanted.values()) < 0:
        raise ValuesError("frequencies ≥ 0, one of them > 0", str(dict(wanted)), where=where)
    return list(wanted), [value / total for value in wanted.values()]
