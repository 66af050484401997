"""Can the labels be trusted: what models, neighbours and several people say about them.

Several people (a `Consensus` each)
votes.py                     who answered what, and control questions
consensus.py                 the result of every method; both steps of the EM
expectation_maximisation.py  its rounds
majority.py                  the baseline
dawid_skene.py               a confusion matrix per annotator; incremental, with control questions and priors
one_coin.py                  one number per annotator; warns
glad.py                      ability × difficulty
mace.py                      knows, or spams from a habit
votes_and_model.py           answers × calibrated model × control questions in one EM
guard.py                     falls back to majority vote where that is better
annotator_agreement.py       κ and α per class, one row per annotator
ask_more.py                  how many more answers each example needs

Functions instead of people
labelling_functions.py       Python callables, the vote matrix with ABSTAIN, the table of coverage, overlap, conflict, accuracy
labelling_rules.py           declared in YAML: contains, regex, threshold
label_model.py               true classes and class balance from the vote matrix
label_model_guard.py         majority vote where the model is not shown to beat it
vote_patterns.py             its EM, on the distinct rows

One label each
find_label_errors.py         makes the witnesses below and joins them: embeddings and labels in, probability of error out
label_errors.py              the rule that joins witnesses
witness_weights.py           how far each witness is to be believed
noise_model.py               how labels go wrong: rates by source and class, which class for which
scalar_witness.py            any score as a log likelihood ratio
out_of_fold.py               probabilities for every example from heads that never saw its group
neighbours.py                votes of the nearest examples in the embedding
training_dynamics.py         area under the margin, forgetting
confident_learning.py        flags, counts and an order, from out-of-fold probabilities
multi_label_errors.py        the same rule, class by class, where an example has several labels
"""

from yori.labels.annotator_agreement import (
    AnnotatorTable,
    ClassAgreement,
    annotator_table,
    class_agreement,
    pairwise_kappa,
)
from yori.labels.ask_more import answers_needed
from yori.labels.confident_learning import (
    confident_joint,
    estimated_joint,
    label_error_flags,
    label_error_order,
    self_confidence,
)
from yori.labels.consensus import Consensus
from yori.labels.dawid_skene import dawid_skene
from yori.labels.find_label_errors import find_label_errors, out_of_fold_heads
from yori.labels.glad import glad
from yori.labels.guard import Guarded, guard, guarded_consensus
from yori.labels.label_errors import LabelErrors, join_witnesses
from yori.labels.label_model import LabelModel, label_model, majority_of_functions
from yori.labels.labelling_functions import (
    ABSTAIN,
    FunctionTable,
    LabellingFunction,
    RowFunction,
    VoteMatrix,
    function_table,
    vote_matrix,
)
from yori.labels.labelling_rules import Rule, read_rules
from yori.labels.mace import mace
from yori.labels.majority import majority, vote_shares
from yori.labels.multi_label_errors import MultiLabelErrors, find_multi_label_errors, join_multi_label_witnesses
from yori.labels.neighbours import neighbour_shares, neighbour_votes
from yori.labels.noise_model import NoiseModel, fit_noise_model
from yori.labels.one_coin import OneCoinWarning, one_coin
from yori.labels.out_of_fold import out_of_fold_logits
from yori.labels.training_dynamics import TrainingDynamics, follow_training, training_dynamics
from yori.labels.votes import Gold, NamedVotes, Votes, votes_of
from yori.labels.votes_and_model import votes_and_model

__all__ = [
    "ABSTAIN",
    "AnnotatorTable",
    "ClassAgreement",
    "Consensus",
    "FunctionTable",
    "Gold",
    "Guarded",
    "LabelErrors",
    "LabelModel",
    "LabellingFunction",
    "MultiLabelErrors",
    "NamedVotes",
    "NoiseModel",
    "OneCoinWarning",
    "RowFunction",
    "Rule",
    "TrainingDynamics",
    "VoteMatrix",
    "Votes",
    "annotator_table",
    "answers_needed",
    "class_agreement",
    "confident_joint",
    "dawid_skene",
    "estimated_joint",
    "find_label_errors",
    "find_multi_label_errors",
    "fit_noise_model",
    "follow_training",
    "function_table",
    "glad",
    "guard",
    "guarded_consensus",
    "join_multi_label_witnesses",
    "join_witnesses",
    "label_error_flags",
    "label_error_order",
    "label_model",
    "mace",
    "majority",
    "majority_of_functions",
    "neighbour_shares",
    "neighbour_votes",
    "one_coin",
    "out_of_fold_heads",
    "out_of_fold_logits",
    "pairwise_kappa",
    "read_rules",
    "self_confidence",
    "training_dynamics",
    "vote_matrix",
    "vote_shares",
    "votes_and_model",
    "votes_of",
]
