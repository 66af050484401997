"""Propose at most a few edits that help what is asked for, and say why each.

edits.py          one change to one training example, and an ordered, hashed set of them
problem.py        who is trained on, who asks, who judges
plausibility.py   which new labels somebody independent finds likely
guard.py          how many edits a class can bear
limits.py         how many edits a class, domain or group may take, and how many minutes of persons
ranking.py        the best edit of every example, what it costs, and the order
parts.py          heads and who asks them: from both to the effect of every edit
course.py         one sequence of rounds asked by validation
folded_course.py  one sequence of rounds in which every example asks out of fold
rounds.py         choose, refit, check on folds that did not choose, go on
cross_fitting.py  the same where every example asks out of fold, by groups or by domains
outcome.py        what was found
"""

from yori.curate.cross_fitting import LEAST_FOLDS, curate_out_of_fold
from yori.curate.edits import Edit, EditSet, read_edits
from yori.curate.guard import ClassGuard
from yori.curate.limits import EditGuard
from yori.curate.outcome import Choice, Curation, Round
from yori.curate.plausibility import plausible_labels
from yori.curate.problem import FoldedProblem, Problem
from yori.curate.rounds import curate

__all__ = [
    "LEAST_FOLDS",
    "Choice",
    "ClassGuard",
    "Curation",
    "Edit",
    "EditGuard",
    "EditSet",
    "FoldedProblem",
    "Problem",
    "Round",
    "curate",
    "curate_out_of_fold",
    "plausible_labels",
    "read_edits",
]
