"""What the head said after each data version: the history that stop criteria watch.

Nothing is stored for this: the labels of every earlier version are in the project, and a head on them is fitted in a
moment. The predictions are on the candidates that are unlabelled now.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.choose.material import RATIO, Material
from yori.heads import fit_softmax
from yori.selection import Stop, penalty_of, stop_criteria

MOST_ROUNDS = 7
MOST_ROWS = 5000


def stops_of(material: Material) -> tuple[int, list[Stop]]:
    """How many rounds of labels there are, and what every criterion says about them."""
    rounds = label_rounds(material)
    if not rounds or len(material.candidate_rows) == 0:
        return len(rounds), []
    step = max(1, len(material.candidate_rows) // MOST_ROWS)
    watched = material.vectors(material.candidate_rows[::step])
    known = material.vectors(material.rows)
    l2 = material.task.head.l2 or penalty_of(known, RATIO)
    history: list[Float[np.ndarray, "n c"]] = []
    for labels in rounds:
        rows = np.flatnonzero(labels >= 0)
        if len(np.unique(labels[rows])) >= 2:
            head = fit_softmax(known[rows], labels[rows], classes=material.classes, l2=l2, tolerance=1e-3)
            history.append(head.probs(watched).astype(np.float64))
    return len(history), stop_criteria(np.stack(history)) if history else []


def label_rounds(material: Material) -> list[np.ndarray]:
    """Labels of the examples at each data version that changed some, the fewest first; −1 where there was none yet."""
    project, place = material.project, {name: number for number, name in enumerate(material.task.class_names)}
    found: list[np.ndarray] = []
    for version in project.log():
        table = project.examples(version.number, columns=["example_id", "label"])
        then = dict(zip(table["example_id"].to_pylist(), table["label"].to_pylist(), strict=True))
        labels = np.array([place.get(then.get(str(each)) or "", -1) for each in material.ids], dtype=np.int64)
        if (labels >= 0).any() and not any(np.array_equal(labels, other) for other in found):
            found.append(labels)
    order = sorted(range(len(found)), key=lambda k: int((found[k] >= 0).sum()))
    return [found[k] for k in order][-MOST_ROUNDS:]
