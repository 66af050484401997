"""What is wrong with recordings: silence, clipping, offset, dropouts, hum, padding, truncation, a wrong rate.

Severity: high for a clip that cannot be read or is digital silence; medium for clipping, dropouts, near silence, hum, a
rate that is not what it says, and a cut; low for a constant offset and padding, which a front end can undo.

A fault that more than `SHARED` of the clips have is how the collection was made: it is one finding about all of it, low
unless it is a loss. A clip is *truncated* if it ends as loud as it is (above `CUT_DB`) although fewer than `CUT_SHARE` of
all clips do, or if it is shorter than half the length that nine of ten clips have: windows cut on purpose all end abruptly,
and many sounds begin so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from yori.audit.findings import Finding, Severity

SHARED = 0.5
CUT_DB = 0.0
CUT_SHARE = 0.05
SAME_LENGTH = 0.9
UPSAMPLED = 0.85
"""A clip whose sound ends in a cliff below this share of its band was stored at a higher rate than it was recorded at."""
PADDED = 0.2

FAULTS: dict[str, Severity] = {
    "unreadable": "high",
    "constant": "high",
    "near_silent": "medium",
    "clipped": "medium",
    "dropout": "medium",
    "hum": "medium",
    "upsampled": "medium",
    "other_rate": "medium",
    "truncated": "medium",
    "short": "medium",
    "offset": "low",
    "padded": "low",
}
"""Every fault and its severity."""


@dataclass(frozen=True)
class ClipMeasures:
    """Measures of all clips, one entry each; NaN where a clip could not be read.

    Parameters
    ----------
    readable
        Whether the clip could be read.
    level, peak, noise_floor
        dBFS; −inf for silence.
    clipped, padding, bandwidth
        Shares, 0 to 1.
    offset
        Mean of the samples, full scale 1.
    dropout, seconds
        Seconds.
    start, end
        Level of the edges relative to the clip, dB.
    hum
        Hz, 0 = none.
    hum_db
        By how much it stands out.
    rate
        Of the file, Hz; 0 if it could not be read.
    constant
        Whether all samples are equal.
    problem
        Why a clip could not be read, otherwise ``""``.
    """

    readable: Bool[np.ndarray, " n"]
    level: Float[np.ndarray, " n"]
    peak: Float[np.ndarray, " n"]
    noise_floor: Float[np.ndarray, " n"]
    clipped: Float[np.ndarray, " n"]
    padding: Float[np.ndarray, " n"]
    bandwidth: Float[np.ndarray, " n"]
    offset: Float[np.ndarray, " n"]
    dropout: Float[np.ndarray, " n"]
    seconds: Float[np.ndarray, " n"]
    start: Float[np.ndarray, " n"]
    end: Float[np.ndarray, " n"]
    hum: Float[np.ndarray, " n"]
    hum_db: Float[np.ndarray, " n"]
    rate: Float[np.ndarray, " n"]
    constant: Bool[np.ndarray, " n"]
    problem: Sequence[str]


def audio_fault_findings(ids: Shaped[np.ndarray, " n"], measures: ClipMeasures, *, rate: int) -> list[Finding]:
    """Findings for clips with faults.

    Parameters
    ----------
    ids
        ``(n,)``.
    rate
        The rate the task asks for, Hz; a clip of a lower rate cannot fill the band.
    """
    found: list[Finding] = []
    marked = _marked(measures, rate)
    readable = max(1, int(measures.readable.sum()))
    for fault, (rows, score) in marked.items():
        severity = FAULTS[fault]
        share = int(rows.sum()) / readable
        if fault != "unreadable" and share > SHARED and rows.sum() > 2:
            grave: Severity = "low" if severity == "low" else "medium"
            first = tuple(str(each) for each in ids[rows][:3])
            values = {"fault": fault, "share": f"{100 * share:.3g} %", "n": int(rows.sum())}
            found.append(Finding("audio_fault", "fault_everywhere", grave, share, None, first, values))
            continue
        for row in np.flatnonzero(rows).tolist():
            about = _values(fault, measures, row, rate)
            found.append(Finding("audio_fault", fault, severity, float(score[row]), str(ids[row]), (), about))
    return found


def _marked(m: ClipMeasures, rate: int) -> dict[str, tuple[Bool[np.ndarray, " n"], Float[np.ndarray, " n"]]]:
    """For each fault which clips have it, and how badly; thresholds are those of `yori.signal`."""
    from yori.signal import quality as q

    ok = m.readable & ~m.constant
    with np.errstate(invalid="ignore"):
        offset = np.abs(m.offset) > np.maximum(q.OFFSET_FLOOR, q.OFFSET_RATIO * 10 ** (m.level / 20))
        near = m.level < q.NEAR_SILENCE_DBFS
        edge = m.end
        cut = edge > CUT_DB
    if cut[ok].mean() if ok.any() else False:
        cut = cut & (cut[ok].mean() <= CUT_SHARE)
    usual = float(np.median(m.seconds[ok])) if ok.any() else 0.0
    same = ok.any() and (np.abs(m.seconds[ok] - usual) <= 0.02 * usual).mean() >= SAME_LENGTH
    rates, number = np.unique(m.rate[m.readable], return_counts=True)
    common = float(rates[number.argmax()]) if len(rates) else 0.0
    return {
        "unreadable": (~m.readable, np.ones(len(ok))),
        "constant": (m.readable & m.constant, np.ones(len(ok))),
        "near_silent": (ok & near, -np.nan_to_num(m.level, neginf=-999.0)),
        "clipped": (ok & (m.clipped >= q.CLIPPED_SHARE), m.clipped),
        "dropout": (ok & (m.dropout >= q.DROPOUT_SECONDS), m.dropout),
        "hum": (ok & (m.hum > 0), m.hum_db),
        "upsampled": (ok & (m.bandwidth < UPSAMPLED), 1 - m.bandwidth),
        "other_rate": (ok & ((m.rate < rate) | ((m.rate != common) & (number.max(initial=0) > 0.9 * number.sum()))),
                       np.abs(m.rate - common)),
        "truncated": (ok & cut, edge),
        "short": (ok & bool(same) & (m.seconds < usual / 2), usual - m.seconds),
        "offset": (ok & offset, np.abs(m.offset)),
        "padded": (ok & (m.padding >= PADDED), m.padding),
    }  # fmt: skip


def _values(fault: str, m: ClipMeasures, row: int, rate: int) -> dict[str, Any]:
    """What the sentence about a clip needs."""
    if fault in ("unreadable", "constant"):
        return {"problem": m.problem[row]}
    if fault == "upsampled":
        return {"highest": round(float(m.bandwidth[row] * m.rate[row] / 2)), "rate": round(float(m.rate[row]))}
    if fault == "other_rate":
        return {"rate": round(float(m.rate[row])), "wanted": rate}
    if fault == "hum":
        return {"hum": round(float(m.hum[row])), "db": round(float(m.hum_db[row]), 1)}
    if fault == "truncated":
        return {"db": round(float(m.end[row]), 1)}
    numbers = {"near_silent": m.level, "clipped": 100 * m.clipped, "dropout": 1000 * m.dropout, "short": m.seconds,
               "offset": m.offset, "padded": 100 * m.padding}[fault]  # fmt: skip
    return {"value": round(float(numbers[row]), 3)}
