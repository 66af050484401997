"""Which examples to label next, and which to keep: the numbers of `yori.selection` joined with a project.

material.py        labelled examples that are not test, unlabelled candidates, their embeddings
learning_curve.py  one strategy on one split: what each budget of labels would have bought
simulate.py        curves of several strategies over splits and seeds, with intervals, resumable
trust.py           which strategy the simulation speaks for
learning_chart.py  the curves as a drawing
page.py            the simulation as one HTML file
umap_map.py        UMAP, an optional package: for looking only
embedding_map.py   two places of each example, UMAP or principal components
map_chart.py       the map as a drawing
map_page.py        what was chosen, with its map, as one HTML file
history.py         the head after each data version, for the stop criteria
select.py          a table of what to label next
feature_steps.py   fewer dimensions, chosen on validation
reduce.py          a smaller training set, and what it costs and saves
"""

from __future__ import annotations

from yori.choose.learning_curve import LearningCurve, learning_curve
from yori.choose.reduce import Reduced, reduce
from yori.choose.select import Selected, select_next
from yori.choose.simulate import Simulation, simulate

__all__ = [
    "LearningCurve",
    "Reduced",
    "Selected",
    "Simulation",
    "learning_curve",
    "reduce",
    "select_next",
    "simulate",
]
