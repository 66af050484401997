"""Small crowds for the tests of this folder."""

import warnings

import numpy as np
import pandas as pd

from yori.labels import Votes
from yori.synthetic.annotators import annotator_votes


def crowd(n=300, kinds=("careful",) * 6, classes=3, answers=4, seed=0, skill=(0.6, 0.95), balance=None):
    rng = np.random.default_rng(seed)
    truth = rng.choice(classes, n, p=balance)
    return truth, annotator_votes(truth, kinds, classes=classes, answers=answers, rng=rng, skill=skill)


def frame(votes: Votes) -> pd.DataFrame:
    return pd.DataFrame({"task": votes.example, "worker": votes.annotator, "label": votes.answer})


def by_crowd_kit(method, votes: Votes, **options) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it does with pandas is not ours
        table = method.fit_predict_proba(frame(votes), **options)
    return table.sort_index().sort_index(axis=1).to_numpy()
