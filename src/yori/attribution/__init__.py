"""Which training examples help what the validation set asks for, and which hurt.

Positive = the example helps: without it the objective would rise.

objectives.py       what a validation set can ask for, and its gradient
inputs.py           what every method is given, checked once
influence.py        exact influence on a head, for every edit of every example, from one solve
leverage.py         what an example's own curvature does: approximate leave-one-out, relabels that move their own prediction
group_influence.py  what a set of edits does together: a warm refit
leave_one_out.py    the same for single examples
tracin.py           gradient steps on checkpoints
trak.py             projected gradients, also stored ones of any layer
streaming.py        influence of embeddings larger than memory
paging.py           reading a memory-mapped array without keeping its pages
self_influence.py   what a head learned by heart
knn_shapley.py      exact Shapley values for nearest neighbours
semivalues.py       Data Banzhaf, Beta and Data Shapley by sampling
data_oob.py         out-of-bag agreement with the label
evaluation.py       how well scores foretell refits: leave-one-out, subsets, mistakes, removal curves
methods.py          all of them by name, asked in one way
"""

from yori.attribution.data_oob import data_oob
from yori.attribution.evaluation import (
    Agreement,
    agreement,
    linear_datamodeling_score,
    mislabel_auc,
    removal_curve,
    subset_outcomes,
)
from yori.attribution.group_influence import Change, effect_by_query, group_effect
from yori.attribution.influence import Influence, influence
from yori.attribution.knn_shapley import knn_shapley
from yori.attribution.leave_one_out import leave_one_out
from yori.attribution.methods import METHODS, Method, Question
from yori.attribution.objectives import OBJECTIVES, Query
from yori.attribution.self_influence import self_influence
from yori.attribution.semivalues import Semivalue, beta_shapley, data_banzhaf, head_utility
from yori.attribution.streaming import streamed_influence
from yori.attribution.tracin import tracin
from yori.attribution.trak import trak, trak_of_gradients

__all__ = [
    "METHODS",
    "OBJECTIVES",
    "Agreement",
    "Change",
    "Influence",
    "Method",
    "Query",
    "Question",
    "Semivalue",
    "agreement",
    "beta_shapley",
    "data_banzhaf",
    "data_oob",
    "effect_by_query",
    "group_effect",
    "head_utility",
    "influence",
    "knn_shapley",
    "leave_one_out",
    "linear_datamodeling_score",
    "mislabel_auc",
    "removal_curve",
    "self_influence",
    "streamed_influence",
    "subset_outcomes",
    "tracin",
    "trak",
    "trak_of_gradients",
]
