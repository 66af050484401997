"""What the head said after each data version: the history that stop criteria watch.

Nothing is stored for this: the labels of every earlier version are in the project, and a head on them is fitted in a
moment. The predictions are on the candidates that are unlabelled now.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from yori.choose.material import Material
from yori.selection import Stop, can_fit, fit_head, stop_criteria

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
    l2 = material.penalty(known)
    history: list[Float[np.ndarray, "n c"]] = []
    for labels in rounds:
        rows = np.flatnonzero(_there(labels))
        if can_fit(labels[rows]):
            head = fit_head(known[rows], labels[rows], classes=material.classes, l2=l2)
            history.append(_decisions(head.probs(watched).astype(np.float64), head.link))
    return len(history), stop_criteria(np.stack(history)) if history else []


def _decisions(probs: Float[np.ndarray, "n c"], link: str) -> Float[np.ndarray, "r k"]:
    """Of several labels, every yes-or-no decision as a row of its own: the criteria watch decisions."""
    return probs if link == "softmax" else np.stack([1 - probs.ravel(), probs.ravel()], axis=1)


def _there(labels: np.ndarray) -> np.ndarray:
    known: np.ndarray = labels[:, 0] >= 0 if labels.ndim == 2 else labels >= 0
    return known


def label_rounds(material: Material) -> list[np.ndarray]:
    """Labels of the examples at each data version that changed some, the fewest first; −1 where there was none yet.

    ``(n,)``, or multi-hot ``(n, c)``, where an example without labels is a row of −1.
    """
    project, place = material.project, {name: number for number, name in enumerate(material.task.class_names)}
    found: list[np.ndarray] = []
    for version in project.log():
        table = project.examples(version.number, columns=["example_id", "label"])
        then = dict(zip(table["example_id"].to_pylist(), table["label"].to_pylist(), strict=True))
        if material.link == "softmax":
            labels = np.array([place.get(then.get(str(each)) or "", -1) for each in material.ids], dtype=np.int64)
        else:
            labels = np.array([_multi_hot(then.get(str(each)), place) for each in material.ids], dtype=np.int64)
        if _there(labels).any() and not any(np.array_equal(labels, other) for other in found):
            found.append(labels)
    order = sorted(range(len(found)), key=lambda k: int(_there(found[k]).sum()))
    return [found[k] for k in order][-MOST_ROUNDS:]


def _multi_hot(names: list[str] | None, place: dict[str, int]) -> list[int]:
    """A row of zeros and ones; of −1 where nobody has looked yet. Names that are no class any more are left out."""
    if names is None:
        return [-1] * len(place)
    return [int(name in names) for name in place]
