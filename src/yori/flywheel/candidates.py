"""Everything a person could be asked about, with a score and a sentence for each reason to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from yori.attribution.objectives import OBJECTIVES, query
from yori.flywheel.logged import Logged
from yori.flywheel.reference import Reference
from yori.heads import LINKS
from yori.heads.curvature import Curvature, logits_of
from yori.labels.neighbours import NEIGHBOURS
from yori.selection.expected_influence import expected_change
from yori.shift import NovelCluster, Novelty, neighbour_distance

NEW = 0.95
"""A row is called drifted where it looks newer than this share of the reference."""


@dataclass(frozen=True)
class Reason:
    """One reason for all rows: ``score`` ``(n,)`` (higher = asked earlier, NaN = it does not apply), a sentence for each."""

    score: Float[np.ndarray, " n"]
    text: Mapping[int, str]
    value: Float[np.ndarray, " n"]

    def fields(self, name: str, row: int) -> dict[str, object]:
        """As an item keeps it."""
        return {"kind": name, "text": self.text[row], "value": round(float(self.value[row]), 6)}


@dataclass(frozen=True)
class Neighbourhood:
    """Nearest known examples of the embedded rows: ``(k, neighbours)`` positions in the training set, and cosines."""

    nearest: Int[np.ndarray, "k q"]
    similarity: Float[np.ndarray, "k q"]


def reasons_of(
    reference: Reference,
    rows: Logged,
    *,
    novel: Novelty | None,
    clusters: tuple[NovelCluster, ...],
    newness: Float[np.ndarray, " k"],
    drifted: bool,
    objective: str,
    l2: float,
    near: Neighbourhood | None,
) -> dict[str, Reason]:
    """Score logged rows for every reason but chance.

    Parameters
    ----------
    novel, clusters
        Of the embedded rows.
    newness, drifted
        From the classifier two-sample test, and whether any test was suspicious: without drift newness is noise.
    objective, l2
        Of the task, what expected influence is measured on; and the penalty of the head.
    near
        See `neighbourhood`.
    """
    found = {"abstained": _abstained(reference, rows), "uncertain": _uncertain(reference, rows)}
    if near is None or novel is None:
        return found
    wide = _spread_over(rows)
    if drifted and len(newness):
        score = wide(np.where(newness >= NEW, newness, np.nan))
        texts = "a head that tells new inputs from old ones finds it newer than {:.0%} of the reference"
        found["drifted"] = Reason(score, _texts(score, texts, score), score)
    found["rare"] = _rare(reference, novel, clusters, wide)
    found["disagreeing"] = _disagreeing(reference, rows, near, wide)
    influence = _influence(reference, rows, objective, l2)
    if influence is not None:
        score = wide(influence)
        texts = "its label is expected to move the objective by {:.2g}, more than most"
        found["influence"] = Reason(score, _texts(score, texts, score), score)
    return found


def neighbourhood(reference: Reference, rows: Logged, *, neighbours: int = NEIGHBOURS) -> Neighbourhood | None:
    """Nearest training examples of the rows that have an embedding; None without any."""
    if len(rows.embeddings) == 0:
        return None
    _, nearest = neighbour_distance(reference.known, rows.embeddings, neighbours=neighbours)
    known = _unit(reference.known)
    similarity = np.einsum("kd,kqd->kq", _unit(rows.embeddings), known[nearest])
    return Neighbourhood(nearest, similarity)


def shown_neighbours(
    reference: Reference, near: Neighbourhood | None, place: int, *, count: int = 5
) -> list[dict[str, object]]:
    """The most similar training examples of one embedded row, as an item shows them."""
    if near is None or place < 0:
        return []
    order = np.argsort(-near.similarity[place], kind="stable")[:count]
    return [
        {
            "example_id": str(reference.ids[near.nearest[place, each]]),
            "label": reference.labels[int(near.nearest[place, each])],
            "similarity": round(float(near.similarity[place, each]), 4),
        }
        for each in order
    ]


def _abstained(reference: Reference, rows: Logged) -> Reason:
    confidence = rows["confidence"]
    # The nearest below the threshold first: there a label decides between answering and not.
    score = np.where(rows["abstained"], confidence, np.nan)
    text = f"the model abstained: confidence {{:.4f}}, below {reference.release.threshold:.4f}"
    return Reason(score, _texts(score, text, confidence), confidence)


def _uncertain(reference: Reference, rows: Logged) -> Reason:
    top = np.sort(rows.probs, axis=1)
    margin = (top[:, -1] - top[:, -2]).astype(np.float64)
    score = np.where(rows["abstained"], np.nan, -margin)
    order = np.argsort(-rows.probs, axis=1)[:, :2]
    classes = reference.release.classes
    text = {
        int(
            row
        ): f"it answered, but only just: {classes[order[row, 0]]!r} over {classes[order[row, 1]]!r} by {margin[row]:.2f}"
        for row in np.flatnonzero(np.isfinite(score))
    }
    return Reason(score, text, margin)


def _rare(reference: Reference, novel: Novelty, clusters: tuple[NovelCluster, ...], wide: _Spread) -> Reason:
    """Novel rows; the centre of every cluster before the rest of the largest one."""
    score = np.full(len(novel.distance), np.nan)
    names: dict[int, str] = {}
    classes = reference.release.classes
    for each in clusters:
        like = " or ".join(repr(classes[label]) for label, share in each.resembles[:2] if share >= 0.3)
        for turn, row in enumerate(each.rows.tolist()):
            score[row] = np.log1p(len(each.rows)) * each.farness / (1 + turn)
            company = f"one of {len(each.rows)} alike" if len(each.rows) > 1 else "alone"
            names[row] = (
                f"novel: {novel.distance[row] / max(novel.radius, 1e-12):.1f} times as far from what is known as nearly all "
                f"validation examples, {company}, most like {like or 'no class in particular'}"
            )
    spread = wide(score)
    place = np.flatnonzero(np.isfinite(spread))
    inside = np.flatnonzero(np.isfinite(score))
    return Reason(spread, {int(a): names[int(b)] for a, b in zip(place, inside, strict=True)}, wide(novel.p_value))


def _disagreeing(reference: Reference, rows: Logged, near: Neighbourhood, wide: _Spread) -> Reason:
    """The nearest labelled examples vote for another class than the head."""
    classes = reference.release.classes
    known = reference.classes_of[: reference.trained].astype(np.int64)
    votes = np.zeros((len(near.nearest), len(classes)))
    for row, found in enumerate(near.nearest):
        votes[row] = np.bincount(known[found], minlength=len(classes)) / len(found)
    said = rows.probs[rows.embedded].argmax(axis=1)
    other = votes.copy()
    other[np.arange(len(said)), said] = -1
    best = other.argmax(axis=1)
    gap = other.max(axis=1) - votes[np.arange(len(said)), said]
    score = np.where(gap > 0, gap, np.nan)
    spread = wide(score)
    place = np.flatnonzero(rows.embedded)
    text = {
        int(place[row]): f"the model says {classes[said[row]]!r}, {votes[row, best[row]]:.0%} of its neighbours say "
        f"{classes[best[row]]!r}"
        for row in np.flatnonzero(np.isfinite(score))
    }
    return Reason(spread, text, spread)


def _influence(reference: Reference, rows: Logged, objective: str, l2: float) -> Float[np.ndarray, " k"] | None:
    """Spread of what each row's label would do to the task's objective on validation; None with several labels per example."""
    if not reference.single:
        return None
    weight, known = reference.release.weight, reference.known
    probs = LINKS["softmax"].probs(logits_of(known, weight))
    share = np.full(len(known), 1 / len(known), dtype=known.dtype)
    curvature = Curvature(known, probs, share, l2=l2)
    asked = query(
        objective if objective in OBJECTIVES else "nll", reference.validation, reference.targets[reference.trained :],
        weight, temperature=reference.release.temperature,
    )  # fmt: skip
    solution = curvature.solve(asked.gradient(), tolerance=1e-2, strict=False)
    # Of one more training example among n.
    own = rows.probs[rows.embedded].astype(rows.embeddings.dtype)
    return np.sqrt(expected_change(rows.embeddings, own, [solution])) / len(known)


class _Spread:
    """From values of the embedded rows to values of all rows, NaN elsewhere."""

    def __init__(self, embedded: Bool[np.ndarray, " n"]) -> None:
        self.embedded = embedded

    def __call__(self, values: Float[np.ndarray, " k"]) -> Float[np.ndarray, " n"]:
        wide = np.full(len(self.embedded), np.nan)
        wide[self.embedded] = values
        return wide


def _spread_over(rows: Logged) -> _Spread:
    return _Spread(rows.embedded)


def _texts(score: Float[np.ndarray, " n"], text: str, value: Float[np.ndarray, " n"]) -> dict[int, str]:
    return {int(row): text.format(value[row]) for row in np.flatnonzero(np.isfinite(score))}


def _unit(rows: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(length, 1e-12)
