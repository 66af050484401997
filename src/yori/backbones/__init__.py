"""Raw example → embedding, by a frozen backbone that needs no download.

Every backbone is fitted once, without labels, on the *training* clips of the split in use, and frozen. A backbone is a
module with ``learn(spectrograms, rng=…) -> features``, ``pool(features, spectrograms) -> (n, D)``, ``features_of(arrays)``
and ``encode_flops(dimensions, frames)``; whitening to the embedding is the same for all.

whitening.py      pooled features → at most 1 024 dimensions of comparable scale
patches.py        k-means features of spectrogram patches (the default)
statistics.py     mean, spread, percentiles of each band (almost free)
spectrograms.py   log-mel of every example, computed once per data version
given.py          embeddings that were brought along
embed.py          fit and embed for every split, in processes, resumable
"""

from yori.backbones.embed import BACKBONES, Backbone, EmbeddingJob, embed, embedding_key, load_backbone
from yori.backbones.spectrograms import SpectrogramCache, cache_spectrograms
from yori.backbones.whitening import ShrunkWhitening, fit_whitening

__all__ = [
    "BACKBONES",
    "Backbone",
    "EmbeddingJob",
    "ShrunkWhitening",
    "SpectrogramCache",
    "cache_spectrograms",
    "embed",
    "embedding_key",
    "fit_whitening",
    "load_backbone",
]
