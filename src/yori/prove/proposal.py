"""The edit set a proof proposes for the next data version: what its cells agree on.

Each cell chooses edits among its own training examples. An example trains in several cells; the more of them choose the
same edit, the safer it is. The proposal orders edits by that agreement, then by predicted gain, and stops at the budget.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from yori.curate import ClassGuard, Edit, EditSet
from yori.prove.dataset import Dataset
from yori.prove.predictions import CellResult


@dataclass(frozen=True)
class Proposal:
    """``edits`` in order; ``likely``: for each the class that heads which never saw its group find likeliest, that
    probability, and the probability of the label it has.
    """

    edits: EditSet
    likely: tuple[tuple[str, float, float], ...]

    def table(self) -> pa.Table:
        """``edits.parquet``: the columns of `EDIT_SCHEMA` and three that say what out-of-fold heads think."""
        names, high, own = zip(*self.likely, strict=True) if self.likely else ((), (), ())
        table = self.edits.table()
        table = table.append_column("likely_label", pa.array(names, pa.string()))
        table = table.append_column("likely_probability", pa.array(high, pa.float64()))
        return table.append_column("label_probability", pa.array(own, pa.float64()))


def edits_by_cell(results: Sequence[CellResult], data: Dataset) -> pa.Table:
    """Every edit of every cell: ``protocol``, ``seed``, ``example_id``, ``action``, ``old_label``, ``new_label``, ``round``,
    ``predicted_gain``, ``agreement`` (share of validation folds that chose it too).
    """
    place = {str(name): number for number, name in enumerate(data.ids)}
    rows = [
        {
            "protocol": result.cell.protocol,
            "seed": result.cell.seed,
            "example_id": edit["example_id"],
            "action": "drop" if edit["new"] is None else "relabel",
            "old_label": data.labels[place[edit["example_id"]]],
            "new_label": None if edit["new"] is None else data.classes[edit["new"]],
            "round": edit["round"],
            "predicted_gain": -edit["effect"],
            "agreement": edit["agreement"],
        }
        for result in results
        for edit in result.arms.facts["edits"]
    ]
    kinds = [pa.string(), pa.int64(), *[pa.string()] * 4, pa.int64(), pa.float64(), pa.float64()]
    names = [
        "protocol",
        "seed",
        "example_id",
        "action",
        "old_label",
        "new_label",
        "round",
        "predicted_gain",
        "agreement",
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(list(zip(names, kinds, strict=True))))


def propose(results: Sequence[CellResult], data: Dataset, *, budget: int, objective: str) -> Proposal:
    """Join the edits of the cells of one protocol.

    Parameters
    ----------
    results
        Cells of the primary protocol.
    budget
        Largest number of edits.
    objective
        Its name, for the reasons.
    """
    place = {str(name): number for number, name in enumerate(data.ids)}
    chances = np.zeros(len(data), dtype=np.int64)
    votes: dict[tuple[int, int | None], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        chances[result.cell.train] += 1
        for edit in result.arms.facts["edits"]:
            votes[place[edit["example_id"]], edit["new"]].append(edit)
    order = sorted(
        votes,
        key=lambda key: (
            -len(votes[key]) / chances[key[0]],
            float(np.mean([edit["effect"] for edit in votes[key]])),
            str(data.ids[key[0]]),
            -1 if key[1] is None else key[1],
        ),
    )
    guard = ClassGuard(data.strata, classes=len(data.classes) + 1)
    taken: set[int] = set()
    edits: list[Edit] = []
    likely: list[tuple[str, float, float]] = []
    for position, new in order:
        if len(edits) == budget:
            break
        stratum = int(data.strata[position])
        if position in taken or not guard.allows(stratum):
            continue
        guard.take(stratum)
        taken.add(position)
        chosen = votes[position, new]
        view = np.mean([edit["out_of_fold"] for edit in chosen], axis=0)
        best = int(view.argmax())
        own = float(view[data.targets[position]]) if data.targets.ndim == 1 else _set_probability(view, data, position)
        likely.append((data.classes[best], round(float(view[best]), 4), round(own, 4)))
        gain = -float(np.mean([edit["effect"] for edit in chosen]))
        edits.append(
            Edit(
                example_id=str(data.ids[position]),
                action="drop" if new is None else "relabel",
                old_label=data.labels[position],
                new_label=None if new is None else data.classes[new],
                weight=0.0 if new is None else float(data.weight[position]),
                predicted_gain=gain,
                reason=_reason(new, objective, len(chosen), int(chances[position]), likely[-1]),
                round=min(int(edit["round"]) for edit in chosen),
                agreement=len(chosen) / int(chances[position]),
            )
        )
    return Proposal(EditSet.of(edits), tuple(likely))


def _set_probability(view: np.ndarray, data: Dataset, position: int) -> float:
    hot = data.targets[position] > 0
    return float(np.where(hot, view, 1 - view).prod())


def _reason(new: int | None, objective: str, votes: int, chances: int, likely: tuple[str, float, float]) -> str:
    what = f"Its label hurts validation {objective}"
    if new is not None:
        what += ", and heads and neighbours that never saw it agree on another"
    seen = f"Out of fold: {likely[0]} {likely[1]:.2f}, its own label {likely[2]:.2f}"
    return f"{what}. {seen}. Chosen by {votes} of {chances} runs that train on it."
