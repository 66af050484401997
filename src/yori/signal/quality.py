"""What can be wrong with a recording whatever it is a recording of: silence, clipping, a constant offset, dropouts.

Samples are floats with full scale 1. Levels are in dBFS: 0 is a full-scale square wave, a full-scale sine has −3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from yori.arrays import check_finite
from yori.errors import ShapeError, ValuesError

NEAR_SILENCE_DBFS = -70.0
"""A level (offset removed) below this is near silence: 16-bit audio has less than four bits left to say anything with."""

CLIPPED_SHARE = 0.001
"""Clipping is reported from this share of samples at the extremes on: one in a thousand."""

CLIPPED_RUN = 3
"""How many equal samples in a row at the extreme count as a flattened peak; two happen in clean audio."""

CLIPPED_SPIKE = 2.0
"""Clipping piles samples up at the extreme: more than this many times as many as just below it."""

JUST_BELOW = 0.0025
"""What counts as just below the extreme: 0.25 % of the peak-to-peak range, or two steps of the quantisation if larger."""

OFFSET_FLOOR = 0.003
"""A constant offset below this (−50 dBFS) is never reported."""

OFFSET_RATIO = 0.5
"""An offset is reported when it exceeds this share of the level of the sound around it."""

DROPOUT_SECONDS = 0.02
"""A gap of exact zeros inside a clip is reported from this length on: dropped packets and buffers are 20 ms and more."""


@dataclass(frozen=True)
class SignalQuality:
    """Measures of one clip; each property says whether it passes its documented threshold.

    Parameters
    ----------
    level
        Root mean square without the offset, in dBFS; −inf for digital silence.
    peak
        Largest absolute sample, in dBFS.
    clipped
        Share of samples at flattened extremes, 0 to 1; lower is better.
    offset
        Mean of the samples, full scale 1; 0 is best.
    dropout
        Longest run of exact zeros inside the clip, in seconds; lower is better.
    constant
        True if all samples are equal: digital silence.
    """

    level: float
    peak: float
    clipped: float
    offset: float
    dropout: float
    constant: bool

    @property
    def is_near_silent(self) -> bool:
        """Whether there is sound, but below `NEAR_SILENCE_DBFS`."""
        return not self.constant and self.level < NEAR_SILENCE_DBFS

    @property
    def is_clipped(self) -> bool:
        """Whether at least `CLIPPED_SHARE` of the samples lie in flattened peaks."""
        return self.clipped >= CLIPPED_SHARE

    @property
    def has_offset(self) -> bool:
        """Whether the offset is above `OFFSET_FLOOR` and large beside the sound itself."""
        return abs(self.offset) > max(OFFSET_FLOOR, OFFSET_RATIO * 10 ** (self.level / 20))

    @property
    def has_dropout(self) -> bool:
        """Whether a gap of at least `DROPOUT_SECONDS` was found."""
        return self.dropout >= DROPOUT_SECONDS


def signal_quality(samples: Float[np.ndarray, "samples *channels"], rate: float) -> SignalQuality:
    """Measure one clip.

    With several channels, level, peak and dropout are those of the mean of the channels, clipping and offset those of
    the worst channel, and the clip counts as constant only if every channel is.

    Parameters
    ----------
    samples
        ``(samples,)`` or ``(samples, channels)``, full scale 1.
    rate
        Samples in a second.

    Raises
    ------
    ShapeError
        If there are no samples, or more than two axes.
    ValuesError
        If a sample is not finite, or the rate is not above 0.

    Examples
    --------
    >>> t = np.arange(8000) / 8000
    >>> quality = signal_quality(np.clip(1.5 * np.sin(2 * np.pi * 440 * t), -1, 1), 8000)
    >>> quality.is_clipped, quality.has_offset, round(quality.peak, 6)
    (True, False, 0.0)
    """
    array = np.asarray(samples)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ShapeError("samples (n,) or (n, channels), n ≥ 1", f"shape {array.shape}", where="signal_quality")
    if not rate > 0:
        raise ValuesError("a rate > 0", str(rate), where="signal_quality")
    check_finite(array, name="samples", where="signal_quality")
    channels = array.reshape(len(array), -1).astype(np.float64)
    mono = channels.mean(axis=1)
    offsets = channels.mean(axis=0)
    return SignalQuality(
        level=level_dbfs(mono),
        peak=_decibels(float(np.abs(mono).max())),
        clipped=max(clipped_share(channel) for channel in channels.T),
        offset=float(offsets[np.abs(offsets).argmax()]),
        dropout=longest_dropout(mono) / rate,
        constant=bool((channels == channels[0]).all()),
    )


def level_dbfs(samples: Float[np.ndarray, " samples"]) -> float:
    """Root mean square around the mean, in dBFS; −inf if all samples are equal.

    Examples
    --------
    >>> round(level_dbfs(3 + np.sin(np.arange(8000) * 2 * np.pi / 80)), 2)
    -3.01
    """
    if (samples == samples[0]).all():  # the mean of equal numbers is not exactly that number
        return -math.inf
    return _decibels(float(np.std(samples, dtype=np.float64)))


def clipped_share(samples: Float[np.ndarray, " samples"]) -> float:
    """Share of samples at an extreme that shows flattened peaks, 0 if neither extreme does.

    An extreme (the largest or smallest value of the clip itself, so that clipping is seen also after the clip was made
    quieter) shows flattened peaks if it is held for `CLIPPED_RUN` samples in a row, and if samples pile up there: at
    least twice that many, and `CLIPPED_SPIKE` times as many as `JUST_BELOW` it. A clean peak of coarsely quantised audio
    or of a very low tone is flat, too, but it has shoulders.

    Examples
    --------
    >>> t = np.arange(8000) / 8000
    >>> tone = np.sin(2 * np.pi * 100 * t)
    >>> clipped_share(tone), clipped_share(0.5 * np.clip(tone, -0.9, 1)) > 0.1
    (0.0, True)
    """
    low, high = float(samples.min()), float(samples.max())
    if low == high:
        return 0.0
    flat = 0
    for distance in (samples - low, high - samples):
        at_extreme = distance == 0
        if _longest_run(at_extreme) < CLIPPED_RUN:
            continue
        zone = max(JUST_BELOW * (high - low), 2 * float(distance[~at_extreme].min()))
        count = int(np.count_nonzero(at_extreme))
        if count >= 2 * CLIPPED_RUN and count > CLIPPED_SPIKE * (np.count_nonzero(distance <= zone) - count):
            flat += count
    return flat / len(samples)


def longest_dropout(samples: Float[np.ndarray, " samples"]) -> int:
    """Number of samples in the longest run of exact zeros that has sound on both sides.

    Examples
    --------
    >>> longest_dropout(np.array([0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.2, 0.0]))
    3
    """
    sounding = np.flatnonzero(samples)
    return int(np.diff(sounding).max()) - 1 if len(sounding) > 1 else 0


def _longest_run(marked: Bool[np.ndarray, " n"]) -> int:
    """Length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf
