"""Can the labels be trusted: what a model that never saw an example, and its neighbours, say about its label.

out_of_fold.py         probabilities for every example from heads that never saw its group
confident_learning.py  flags and an order, from out-of-fold probabilities
neighbours.py          votes of the nearest examples in the embedding
"""

from yori.labels.confident_learning import confident_joint, label_error_order, self_confidence
from yori.labels.neighbours import neighbour_votes
from yori.labels.out_of_fold import out_of_fold_logits

__all__ = ["confident_joint", "label_error_order", "neighbour_votes", "out_of_fold_logits", "self_confidence"]
