"""Which training examples help what the validation set asks for, and which hurt.

Positive = the example helps: without it the objective would rise.

objectives.py       what a validation set can ask for, and its gradient
weighted_objectives.py  weights, groups, the worst group, any coverage, a gradient of one's own
inputs.py           what every method is given, checked once
influence.py        exact influence on a head, for every edit of every example, from one solve
damping.py          influence at every damping, from one subspace; the damping that validation chooses
slices.py           scores for parts of the validation set
pairwise.py         scores of every pair, in blocks
top_k.py            the strongest for each query example
leverage.py         what an example's own curvature does: approximate leave-one-out, relabels that move their own prediction
group_influence.py  what a set of edits does together: a warm refit
leave_one_out.py    the same for single examples
tracin.py           gradient steps on checkpoints
trak.py             projected gradients, also stored ones of any layer
convergence.py      is the head at its optimum
streaming.py        influence of embeddings larger than memory
paging.py           reading a memory-mapped array without keeping its pages
self_influence.py   what a head learned by heart
knn_shapley.py      exact Shapley values for nearest neighbours
semivalues.py       Data Banzhaf, Beta and Data Shapley by sampling
data_oob.py         out-of-bag agreement with the label
evaluation.py       how well scores foretell refits: leave-one-out, subsets, mistakes, removal curves
methods.py          all of them by name, asked in one way
tensors.py, tensor_influence.py       the same kernels on torch tensors, on a GPU too
torch_gradients.py, random_projection.py   beyond the head: gradients of any layers of a torch model (import by name)
"""

from yori.attribution.convergence import UnconvergedWarning
from yori.attribution.damping import DampingChoice, DampingPath, choose_damping, damping_path
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
from yori.attribution.objectives import OBJECTIVES, Objective, Query
from yori.attribution.pairwise import influence_blocks, tracin_blocks, tracin_matrix
from yori.attribution.self_influence import self_influence
from yori.attribution.semivalues import Semivalue, beta_shapley, data_banzhaf, head_utility
from yori.attribution.slices import influence_per_slice, tracin_per_slice
from yori.attribution.streaming import streamed_influence
from yori.attribution.top_k import TopK, influence_top_k, tracin_top_k
from yori.attribution.tracin import tracin
from yori.attribution.trak import trak, trak_of_gradients
from yori.attribution.weighted_objectives import GivenGradient, GroupMean, RiskAtCoverage, Weighted, WorstGroup

__all__ = [
    "METHODS",
    "OBJECTIVES",
    "Agreement",
    "Change",
    "DampingChoice",
    "DampingPath",
    "GivenGradient",
    "GroupMean",
    "Influence",
    "Method",
    "Objective",
    "Query",
    "Question",
    "RiskAtCoverage",
    "Semivalue",
    "TopK",
    "UnconvergedWarning",
    "Weighted",
    "WorstGroup",
    "agreement",
    "beta_shapley",
    "choose_damping",
    "damping_path",
    "data_banzhaf",
    "data_oob",
    "effect_by_query",
    "group_effect",
    "head_utility",
    "influence",
    "influence_blocks",
    "influence_per_slice",
    "influence_top_k",
    "knn_shapley",
    "leave_one_out",
    "linear_datamodeling_score",
    "mislabel_auc",
    "removal_curve",
    "self_influence",
    "streamed_influence",
    "subset_outcomes",
    "tracin",
    "tracin_blocks",
    "tracin_matrix",
    "tracin_per_slice",
    "tracin_top_k",
    "trak",
    "trak_of_gradients",
]
