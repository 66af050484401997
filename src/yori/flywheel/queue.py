"""The queue, whole: what is asked, who holds it, what was answered, by whom.

items            what is asked and why
people           who may answer
leases           who holds what until when
answers          what they said; undo
given_answers    what was said elsewhere
answer_table     everything in force, for merging
review_progress  how far, how fast, how much people agree

Every call is one transaction, and works alike on SQLite and PostgreSQL, from any number of processes.
"""

from __future__ import annotations

from yori.flywheel.answer_check import LABELS_APART, VERDICTS
from yori.flywheel.answer_table import open_answers
from yori.flywheel.answers import Answer, answer, undo
from yori.flywheel.given_answers import GivenAnswer, GivenReport, give_answers
from yori.flywheel.items import Item, add_items, ask_again, count_items, item_key, withdraw_items
from yori.flywheel.leases import Lease, give_back, take
from yori.flywheel.people import Person, add_person, deactivate, list_people, new_token, person_of

__all__ = [
    "LABELS_APART",
    "VERDICTS",
    "Answer",
    "GivenAnswer",
    "GivenReport",
    "Item",
    "Lease",
    "Person",
    "add_items",
    "add_person",
    "answer",
    "ask_again",
    "count_items",
    "deactivate",
    "give_answers",
    "give_back",
    "item_key",
    "list_people",
    "new_token",
    "open_answers",
    "person_of",
    "take",
    "undo",
    "withdraw_items",
]
