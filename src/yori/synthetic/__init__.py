"""Data whose answer is known: ships at a hydrophone, embeddings with known probabilities, planted label errors.

A method that looks for hurtful examples can only be judged where it is known which ones hurt. So the makers of such data
are part of the product: parameters and an ``rng`` in, arrays out.
"""

from __future__ import annotations

from yori.synthetic.embeddings import MixtureEmbeddings, gaussian_mixture_embeddings
from yori.synthetic.hydrophone import CLASSES, Clip, Passage, simulate_passages
from yori.synthetic.label_noise import flip_labels
from yori.synthetic.stream import Season, simulate_season
from yori.synthetic.track import SCENARIOS, Scenario

__all__ = [
    "CLASSES",
    "SCENARIOS",
    "Clip",
    "MixtureEmbeddings",
    "Passage",
    "Scenario",
    "Season",
    "flip_labels",
    "gaussian_mixture_embeddings",
    "simulate_passages",
    "simulate_season",
]
