"""Releases: made once, never changed, promoted and rolled back.

released_model.py   what a release is: open it, embed, decide
new_release.py      make one
trained_head.py     the head it is made of: that of a proof, or a plain fit
serving.py          which one serves, and the history of it
"""

from yori.flywheel.new_release import make_release
from yori.flywheel.released_model import Decisions, Release, find_release, list_releases, open_release
from yori.flywheel.serving import Served, history, promote, rollback, serving_release

__all__ = [
    "Decisions",
    "Release",
    "Served",
    "find_release",
    "history",
    "list_releases",
    "make_release",
    "open_release",
    "promote",
    "rollback",
    "serving_release",
]
