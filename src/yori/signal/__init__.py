"""Numbers out of samples: what a clip sounds like, whether it is sound, whether it is a copy.

log_mel.py          the log-mel front end of the audio backbones
quality.py          level, clipping, offset, dropouts, with documented thresholds
fingerprint.py      a short vector that copies share and neighbours in time do not
near_duplicates.py  candidates by fingerprint, proof by waveform, clusters
"""

from __future__ import annotations

from yori.signal.fingerprint import fingerprint
from yori.signal.near_duplicates import CandidatePairs, aligned_correlation, candidate_pairs, cluster_pairs
from yori.signal.quality import SignalQuality, signal_quality

__all__ = [
    "CandidatePairs",
    "SignalQuality",
    "aligned_correlation",
    "candidate_pairs",
    "cluster_pairs",
    "fingerprint",
    "signal_quality",
]
