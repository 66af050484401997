"""What one model said about the test examples: the rows that `compare` compares."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from yori.arrays import check_finite, check_length
from yori.errors import AlignmentError, ShapeError, ValuesError
from yori.metrics.outcomes import check_outcomes
from yori.metrics.probabilities import top_label
from yori.metrics.temperature import apply_temperature


@dataclass(frozen=True, eq=False)
class Predictions:
    """One arm of a comparison: one row per example (and training seed), in any order. Never modified.

    Give what the metric needs, no more. From ``probs`` or ``logits`` with ``labels`` the confidence (largest
    probability) and the correctness (its class is the label) follow; what is given explicitly is kept as it is.

    Attributes
    ----------
    ids
        Shape ``(n,)``. Which example a row is about: numbers or strings. Repeats only over seeds and domains.
    confidence
        Shape ``(n,)``. Any real score; higher = more trusted.
    correct
        Shape ``(n,)``. True where the prediction equals the label.
    loss
        Shape ``(n,)``. Any per-example loss, lower is better; compared by ``metric="loss"``.
    probs
        Shape ``(n, c)``. Rows sum to 1.
    logits
        Shape ``(n, c)``. Turned into ``probs`` by a softmax.
    labels
        Shape ``(n,)``. Classes ``0 … c − 1``.

    Raises
    ------
    ShapeError, ValuesError, AlignmentError
        If there is no row, lengths differ, a number is not finite, probabilities do not sum to 1, an id is missing, or
        nothing but ids is given.

    Examples
    --------
    >>> import numpy as np
    >>> arm = Predictions(ids=np.array(["a", "b"]), probs=np.array([[0.9, 0.1], [0.4, 0.6]]), labels=np.array([0, 0]))
    >>> arm.confidence, arm.correct
    (array([0.9, 0.6]), array([ True, False]))
    """

    ids: Shaped[np.ndarray, " n"]
    confidence: Float[np.ndarray, " n"] | None = None
    correct: Bool[np.ndarray, " n"] | None = None
    loss: Float[np.ndarray, " n"] | None = None
    probs: Float[np.ndarray, "n c"] | None = None
    logits: Float[np.ndarray, "n c"] | None = None
    labels: Int[np.ndarray, " n"] | None = None

    def __post_init__(self) -> None:
        where = "Predictions"
        ids = np.asarray(self.ids)
        if ids.ndim != 1 or len(ids) == 0:
            raise ShapeError("ids of shape (n,) with n ≥ 1", f"shape {ids.shape}", where=where)
        if ids.dtype.kind not in "iuUSO" or (ids.dtype.kind == "O" and any(x is None or x != x for x in ids.tolist())):
            raise AlignmentError(
                "ids as whole numbers or strings, none missing",
                f"dtype {ids.dtype}",
                where=where,
                fix="Name each example.",
            )
        known = {"ids": ids}
        for field in fields(self)[1:]:
            if (value := getattr(self, field.name)) is not None:
                known[field.name] = np.asarray(value)
                check_length(known[field.name], len(ids), name=field.name, where=where)
        if known.keys() <= {"ids", "labels"}:
            raise ShapeError(
                "at least one of confidence, correct, loss, probs, logits", "ids alone", where=where, fix="Pass one."
            )
        if "logits" in known and "probs" not in known:
            known["probs"] = apply_temperature(known["logits"], 1.0)
        if "probs" in known and "labels" in known:
            confidence, correct = top_label(known["probs"], known["labels"], where=where)
            known.setdefault("confidence", confidence)
            known.setdefault("correct", correct)
        if "correct" in known:
            score = known.get("confidence", np.zeros(len(ids)))
            score, known["correct"] = check_outcomes(score, known["correct"], where=where)
            if "confidence" in known:
                known["confidence"] = score
        for name in ("confidence", "loss"):
            if name in known:
                if known[name].dtype.kind not in "fiu":
                    raise ValuesError(f"{name} as real numbers", f"dtype {known[name].dtype}", where=where)
                check_finite(known[name], name=name, where=where)
                known[name] = known[name].astype(np.float64, copy=False)
        for name, value in known.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Int[np.ndarray, " m"] | slice) -> Predictions:
        """Return these rows, in this order. Rows may repeat; nothing is checked again."""
        chosen = object.__new__(Predictions)
        for field in fields(self):
            value = getattr(self, field.name)
            object.__setattr__(chosen, field.name, None if value is None else value[rows])
        return chosen

    def stacked(self, below: Predictions) -> Predictions:
        """Return the rows of both, these first; what one of them lacks is left out. Nothing is checked again."""
        both = object.__new__(Predictions)
        for field in fields(self):
            parts = [getattr(rows, field.name) for rows in (self, below)]
            missing = any(part is None for part in parts)
            object.__setattr__(both, field.name, None if missing else np.concatenate(parts))
        return both
