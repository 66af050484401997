"""Arms of a cross-fitted cell: each is an edited train + validation, trained by the recipe of the cell.

Their fair control is unedited train + validation. They have seen validation, so their temperature is fitted on what heads that
have not seen an example's fold say of the validation examples: one exact fit for each arm and fold on the arm's own data.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Num

from yori.curate.course import apply_picks
from yori.curate.outcome import Curation
from yori.curate.parts import fit_head
from yori.curate.ranking import Pick
from yori.heads import LINKS, Head, Spectrum
from yori.heads.curvature import logits_of
from yori.labels import label_error_order
from yori.prove.arm_names import AFTER, CONFIDENT_LEARNING, HIGHEST_LOSS, ORACLE, RANDOM, TRAIN_AND_VALIDATION
from yori.prove.baseline import Baseline, CellInput
from yori.prove.cell_curation import cross_folds, pool_targets

Arm = tuple[Float[np.ndarray, " pool"], Num[np.ndarray, "pool ..."]]
"""Weight (0 = dropped) and label of every example of the pool."""


def picks_of(found: Curation) -> list[Pick]:
    """The edits that count."""
    return [Pick(each.position, each.new_label, each.effect, each.action) for _, each in found.chosen]


def pooled_arms(
    cell: CellInput, baseline: Baseline, found: Curation, pool: Float[np.ndarray, "pool d"], size: int
) -> dict[str, Arm]:
    """Weight and label of every example of the pool, for each arm; ``size`` edits for the controls."""
    targets, weight = pool_targets(cell), cell.weight
    link = LINKS[cell.link]
    edited, kept = apply_picks(picks_of(found), targets, weight)
    out_of_fold = np.zeros((len(pool), cell.classes)) if found.out_of_fold is None else found.out_of_fold
    if cell.link == "softmax":
        suspicious = label_error_order(link.probs(out_of_fold.astype(np.float64)), targets)
    else:
        suspicious = np.argsort(-link.losses(out_of_fold.astype(np.float64), targets), kind="stable")
    both = logits_of(pool, baseline.arrays[TRAIN_AND_VALIDATION]).astype(np.float64)
    loss = link.losses(both, targets)
    arms: dict[str, Arm] = {
        AFTER: (kept, edited),
        RANDOM: _dropped(weight, targets, cell.generator("random control").permutation(len(pool))[:size]),
        CONFIDENT_LEARNING: _dropped(weight, targets, suspicious[:size]),
        HIGHEST_LOSS: _dropped(weight, targets, np.argsort(-loss, kind="stable")[:size]),
    }
    truth = np.concatenate([cell.truth, cell.targets[cell.n_train :]])
    differs = targets != truth if targets.ndim == 1 else (targets != truth).any(axis=1)
    wrong = np.flatnonzero(differs)
    if len(wrong):
        chosen = wrong[np.argsort(-loss[wrong], kind="stable")][:size]
        corrected = targets.copy()
        corrected[chosen] = truth[chosen]
        arms[ORACLE] = (weight, corrected)
    return arms


def _dropped(
    weight: Float[np.ndarray, " pool"], targets: Num[np.ndarray, "pool ..."], rows: Int[np.ndarray, " k"]
) -> Arm:
    weight = weight.copy()
    weight[rows] = 0
    return weight, targets


class OutOfFold:
    """Fits the heads that say what an arm would say of validation examples it had not been trained on.

    A head of an arm starts from that of the unedited data without the same fold, which has not seen the fold either.
    """

    def __init__(
        self, cell: CellInput, baseline: Baseline, pool: Float[np.ndarray, "pool d"], spectrum: Spectrum
    ) -> None:
        self.cell, self.pool, self.spectrum, self.l2 = cell, pool, spectrum, float(baseline.facts["l2"])
        self.folds = cross_folds(cell)
        self.first: dict[int, Head] = {}
        self.products = 0

    def validation_logits(self, weight: Float[np.ndarray, " pool"], targets: Num[np.ndarray, "pool ..."]) -> np.ndarray:
        """``(m, c)`` float32, for an arm's weights and labels."""
        n = self.cell.n_train
        asked = np.arange(len(self.pool)) >= n
        logits = np.empty((len(self.pool), self.cell.classes))
        for fold in np.unique(self.folds[asked]).tolist():
            mine = self.folds == fold
            if fold not in self.first:
                self.first[fold] = self._fit(pool_targets(self.cell), np.where(mine, 0.0, self.cell.weight), None)
            head = self._fit(targets, np.where(mine, 0.0, weight), self.first[fold])
            logits[mine & asked] = head.logits(self.pool[mine & asked])
        return logits[n:].astype(np.float32)

    def _fit(
        self, targets: Num[np.ndarray, "pool ..."], weight: Float[np.ndarray, " pool"], start: Head | None
    ) -> Head:
        head = fit_head(
            self.pool, targets, weight, classes=self.cell.classes, l2=self.l2, link=self.cell.link, spectrum=self.spectrum,
            start=None if start is None else start.weight,
        )  # fmt: skip
        self.products += head.products
        return head
