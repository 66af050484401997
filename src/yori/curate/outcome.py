"""What curation found: edits, rounds, and how the judges saw them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.curate.parts import Part


@dataclass(frozen=True)
class Choice:
    """One edit: position, new label (None = no relabel), predicted change of the objective, share of judges with it too."""

    position: int
    new_label: int | None
    effect: float
    agreement: float
    action: str = ""

    def __post_init__(self) -> None:
        if not self.action:
            object.__setattr__(self, "action", "drop" if self.new_label is None else "relabel")


@dataclass(frozen=True)
class Round:
    """What a round chose, and how the judges saw all rounds up to it: change of the objective and its standard error."""

    number: int
    choices: tuple[Choice, ...]
    held_out_change: float
    held_out_error: float
    accepted: bool


@dataclass(frozen=True)
class Curation:
    """All rounds; ``chosen`` are those that count, in order. ``products``: Hessian-vector products spent. ``parts``: the heads
    before any edit and who asks them.

    Only where examples ask out of fold: ``out_of_fold (n, c)`` logits before any edit, ``temperature`` fitted on them, and
    ``answers (n, c)``, their probabilities.
    """

    rounds: tuple[Round, ...]
    scores: Float[np.ndarray, " n"]
    objective_before: float
    objective_after: float
    products: int
    parts: tuple[Part, ...] = ()
    out_of_fold: Float[np.ndarray, "n c"] | None = None
    answers: Float[np.ndarray, "n c"] | None = None
    temperature: float = 1.0

    @property
    def chosen(self) -> tuple[tuple[int, Choice], ...]:
        """``(round, choice)`` of every edit that counts."""
        return tuple((each.number, choice) for each in self.rounds if each.accepted for choice in each.choices)
