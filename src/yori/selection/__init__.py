"""What to label next, and what to keep.

Asking for labels: a strategy takes a `Pool` and a budget and gives a `Selection`.

pool.py                 what every strategy is given, checked once
uncertainty.py          entropy, margin, least confidence
bald.py                 disagreement of heads on resampled labels
k_center.py             the farthest first
badge.py                long and different gradients, in factored form
typiclust.py            typical of clusters without labels, for a cold start
prob_cover.py           the largest cover by balls, for a cold start
cluster_margin.py       small margins from all clusters in turn
expected_influence.py   how much the objective would move; negative influence × entropy
cost.py                 labels of different cost, a limited sum
automatic.py            the default: typical first, then expected influence
quotas.py               a share for each domain
strategies.py           all of them by name
spread.py, k_means.py   batches whose examples differ
stopping.py             when to stop asking

Keeping a part: a method takes `Labelled` and a budget and gives a `Subset` with weights.

labelled.py             what every method is given, checked once
gradients.py            gradients of the head as two thin matrices
greedy.py               facility location, lazy and stochastic
facility_location.py    cover each class by similar examples
graph_cut.py            near the class, far from each other
craig.py                cover the gradients
grad_match.py           sum to the gradient of all
glister.py              lower the validation loss
prototypes.py           nearest to the centres; k-center
stratified.py           the random controls
subsets.py              all of them by name

Fewer dimensions:

feature_scores.py       mutual information, L1, influence of features
projection.py           principal components, random projections
"""

from yori.selection.cost import within_spend
from yori.selection.feature_scores import feature_influence, l1_scores, mutual_information_scores
from yori.selection.labelled import Labelled, Subset, make_labelled
from yori.selection.pool import Pool, Selection, can_fit, fit_head, make_pool, penalty_of
from yori.selection.projection import Projection, picked_features, principal_components, random_projection
from yori.selection.quotas import shares
from yori.selection.stopping import CRITERIA, Stop, stop_criteria
from yori.selection.strategies import COLD, DRAWS, STRATEGIES, Strategy, find_strategy, reason, select
from yori.selection.subsets import DEFAULT, SUBSETS, SubsetMethod, keep
from yori.selection.uncertainty import entropy_of, margin_of

__all__ = [
    "COLD",
    "CRITERIA",
    "DEFAULT",
    "DRAWS",
    "STRATEGIES",
    "SUBSETS",
    "Labelled",
    "Pool",
    "Projection",
    "Selection",
    "Stop",
    "Strategy",
    "Subset",
    "SubsetMethod",
    "can_fit",
    "entropy_of",
    "feature_influence",
    "find_strategy",
    "fit_head",
    "keep",
    "l1_scores",
    "make_labelled",
    "make_pool",
    "margin_of",
    "mutual_information_scores",
    "penalty_of",
    "picked_features",
    "principal_components",
    "random_projection",
    "reason",
    "select",
    "shares",
    "stop_criteria",
    "within_spend",
]
