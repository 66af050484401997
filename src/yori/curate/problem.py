"""What curation works on: who is trained on, who asks, who judges, and by which rules edits may be chosen.

Every array is of training or validation examples, never of test examples.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from yori.task import CurationRules


def strata_of(targets: Num[np.ndarray, "n ..."], classes: int) -> Int[np.ndarray, " n"]:
    """Class of every example, for the guard; of several labels the rarest, of none one more class."""
    if targets.ndim == 1:
        return targets.astype(np.int64)
    rarity = np.argsort(np.argsort(-targets.sum(axis=0), kind="stable"), kind="stable") + 1
    rarest = (targets * rarity).argmax(axis=1)
    return np.where(targets.any(axis=1), rarest, classes).astype(np.int64)


@dataclass(frozen=True)
class Problem:
    """Validation examples ask, training examples are edited.

    ``weight (n,)``: of the training examples, all 1 by default. ``query_folds (m,)``: which judge each validation example
    belongs to. ``answers (n, c)``: probabilities from heads that never saw the example's group, what a person is expected to
    answer; needed for reviews only. ``domains``, ``groups``: ``(n,)`` numbers, needed where `EditLimits` name them.
    """

    embeddings: Float[np.ndarray, "n d"]
    targets: Num[np.ndarray, "n ..."]
    query_embeddings: Float[np.ndarray, "m d"]
    query_targets: Num[np.ndarray, "m ..."]
    query_folds: Int[np.ndarray, " m"]
    classes: int
    l2: float
    temperature: float = 1.0
    objective: str = "robust_nll"
    link: str = "softmax"
    weight: Float[np.ndarray, " n"] = field(default_factory=lambda: np.empty(0))
    answers: Float[np.ndarray, "n c"] | None = None
    domains: Int[np.ndarray, " n"] | None = None
    groups: Int[np.ndarray, " n"] | None = None
    rules: CurationRules = field(default_factory=CurationRules)

    def __post_init__(self) -> None:
        if len(self.weight) == 0:
            object.__setattr__(self, "weight", np.ones(len(self.embeddings)))

    @property
    def strata(self) -> Int[np.ndarray, " n"]:
        """Class of every training example."""
        return strata_of(self.targets, self.classes)


@dataclass(frozen=True)
class FoldedProblem:
    """Every example asks a head that has not seen its fold, and every example that is trained on may be edited.

    ``targets``: labels to train on. ``asked_targets``: labels to ask with. ``folds (n,)``: no group crosses two; each fold is
    also a judge. ``trains``, ``asks``: ``(n,)`` which examples do what; both, where nothing is spent on validation alone.
    ``worst``: folds are domains and the objective is that of the worst of them.
    """

    embeddings: Float[np.ndarray, "n d"]
    targets: Num[np.ndarray, "n ..."]
    asked_targets: Num[np.ndarray, "n ..."]
    folds: Int[np.ndarray, " n"]
    trains: Bool[np.ndarray, " n"]
    asks: Bool[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]
    classes: int
    l2: float
    objective: str = "robust_nll"
    link: str = "softmax"
    worst: bool = False
    weight: Float[np.ndarray, " n"] = field(default_factory=lambda: np.empty(0))
    domains: Int[np.ndarray, " n"] | None = None
    rules: CurationRules = field(default_factory=CurationRules)

    def __post_init__(self) -> None:
        if len(self.weight) == 0:
            object.__setattr__(self, "weight", np.ones(len(self.embeddings)))

    @property
    def strata(self) -> Int[np.ndarray, " n"]:
        """Class of every example."""
        return strata_of(self.targets, self.classes)
