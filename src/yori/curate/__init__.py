"""Propose at most a few edits that help what the validation set asks for, and say why each.

edits.py         one change to one training example, and an ordered, hashed set of them
plausibility.py  which new labels somebody independent finds likely
guard.py         how many edits a class can bear
rounds.py        choose, refit, check on validation folds that did not choose, go on
"""

from yori.curate.edits import Edit, EditSet, read_edits
from yori.curate.guard import ClassGuard
from yori.curate.plausibility import plausible_labels
from yori.curate.rounds import Curation, Problem, Round, curate

__all__ = [
    "ClassGuard",
    "Curation",
    "Edit",
    "EditSet",
    "Problem",
    "Round",
    "curate",
    "plausible_labels",
    "read_edits",
]
