"""How a clip begins and ends, and how loud its quietest moments are: what cutting and padding leave behind."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.arrays import check_finite
from yori.errors import ShapeError, ValuesError

EDGE_SECONDS = 0.01
"""How much of either end is looked at."""

FRAME_SECONDS = 0.02
FLOOR_PERCENTILE = 10.0
"""The noise floor is the level of the frames of 20 ms that only a tenth are quieter than."""


@dataclass(frozen=True)
class ClipEdges:
    """Measures of one clip.

    Parameters
    ----------
    start, end
        Level of the first and last 10 ms relative to the whole clip, in dB; 0 = as loud as the clip, −inf = silent.
    padding
        Share of the clip that is one unbroken run of equal samples at its beginning or end, 0 to 1.
    noise_floor
        In dBFS; −inf if a tenth of the clip is digital silence.
    """

    start: float
    end: float
    padding: float
    noise_floor: float


def clip_edges(samples: Float[np.ndarray, " samples"], rate: float) -> ClipEdges:
    """Measure the edges and the noise floor of one clip.

    Parameters
    ----------
    samples
        ``(samples,)``, full scale 1.
    rate
        Samples in a second.

    Raises
    ------
    ShapeError
        If ``samples`` is empty or has several axes.
    ValuesError
        If a sample is not finite, or the rate is not above 0.

    Examples
    --------
    >>> burst = np.sin(np.arange(8000) / 5) * np.hanning(8000)
    >>> whole, cut = clip_edges(burst, 8000), clip_edges(burst[:4000], 8000)
    >>> whole.end < -40, cut.end > 0, clip_edges(np.r_[burst, np.zeros(8000)], 8000).padding > 0.49
    (True, True, True)
    """
    array = np.asarray(samples)
    if array.ndim != 1 or len(array) == 0:
        raise ShapeError("samples (n,), n ≥ 1", f"shape {array.shape}", where="clip_edges")
    if not rate > 0:
        raise ValuesError("a rate > 0", str(rate), where="clip_edges")
    check_finite(array, name="samples", where="clip_edges")
    centred = array.astype(np.float64) - array.mean(dtype=np.float64)
    edge = max(1, min(len(centred), round(EDGE_SECONDS * rate)))
    whole = _level(centred)
    changes = np.flatnonzero(np.diff(array))
    padding = 1.0 if len(changes) == 0 else max(int(changes[0]), len(array) - 2 - int(changes[-1])) / len(array)
    frame = max(1, min(len(centred), round(FRAME_SECONDS * rate)))
    frames = centred[: len(centred) // frame * frame].reshape(-1, frame)
    floor = float(np.percentile((frames**2).mean(axis=1), FLOOR_PERCENTILE, method="lower"))
    return ClipEdges(
        start=_level(centred[:edge]) - whole if whole > -math.inf else -math.inf,
        end=_level(centred[-edge:]) - whole if whole > -math.inf else -math.inf,
        padding=padding,
        noise_floor=10 * math.log10(floor) if floor > 0 else -math.inf,
    )


def _level(samples: Float[np.ndarray, " samples"]) -> float:
    power = float((samples**2).mean())
    return 10 * math.log10(power) if power > 0 else -math.inf
