"""The edit set a proof proposes for the next data version: what its cells agree on.

Each cell chooses edits among its own training examples. An example trains in several cells; the more of them choose the
same edit, the safer it is. The proposal orders edits by that agreement, then by predicted gain, and stops at the budget.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa

from yori.curate import Edit, EditGuard, EditSet
from yori.curate.edits import Action
from yori.prove.dataset import Dataset
from yori.prove.predictions import CellResult
from yori.task import CurationRules

WITNESS = pa.list_(pa.struct([("example_id", pa.string()), ("effect", pa.float64())]))
"""Query examples an edit helps or hurts: which, and the predicted change of what each adds to the objective."""

SHOWN = 3
"""Query examples kept for each edit and direction."""


@dataclass(frozen=True)
class Proposal:
    """``edits`` in order; ``likely``: for each the class that heads which never saw its group find likeliest, that
    probability, and the probability of the label it has; ``helps`` and ``hurts``: for each the query examples it is predicted
    to help and to hurt most, the largest effect first, with the change of what each adds to the objective.
    """

    edits: EditSet
    likely: tuple[tuple[str, float, float], ...]
    helps: tuple[list[dict[str, Any]], ...] = ()
    hurts: tuple[list[dict[str, Any]], ...] = ()

    def table(self) -> pa.Table:
        """``edits.parquet``: columns of `EDIT_SCHEMA`, three of what out-of-fold heads think, ``helps`` and ``hurts``."""
        names, high, own = zip(*self.likely, strict=True) if self.likely else ((), (), ())
        table = self.edits.table()
        table = table.append_column("likely_label", pa.array(names, pa.string()))
        table = table.append_column("likely_probability", pa.array(high, pa.float64()))
        table = table.append_column("label_probability", pa.array(own, pa.float64()))
        for name, column in (("helps", self.helps), ("hurts", self.hurts)):
            table = table.append_column(name, pa.array(list(column), WITNESS))
        return table


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
            "action": edit["action"],
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


def propose(
    results: Sequence[CellResult],
    data: Dataset,
    *,
    budget: int,
    objective: str,
    rules: CurationRules | None = None,
) -> Proposal:
    """Join the edits of the cells of one protocol.

    Parameters
    ----------
    results
        Cells of the primary protocol.
    budget
        Largest number of edits.
    objective
        Its name, for the reasons.
    rules
        Limits and costs, which hold for the proposal as for every cell.
    """
    rules = CurationRules() if rules is None else rules
    who = "out-of-fold" if rules.cross_fitted else "validation"
    place = {str(name): number for number, name in enumerate(data.ids)}
    chances = np.zeros(len(data), dtype=np.int64)
    votes: dict[tuple[int, str, int | None], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        chances[result.editable] += 1
        for edit in result.arms.facts["edits"]:
            votes[place[edit["example_id"]], edit["action"], edit["new"]].append(edit)
    order = sorted(
        votes,
        key=lambda key: (
            -len(votes[key]) / chances[key[0]],
            float(np.mean([edit["effect"] for edit in votes[key]])),
            str(data.ids[key[0]]),
            -1 if key[2] is None else key[2],
            key[1],
        ),
    )
    domains = None if data.domains is None else np.unique(data.domains.astype(str), return_inverse=True)[1]
    guard = EditGuard(
        data.strata, classes=len(data.classes) + 1, budget=budget, rules=rules, domains=domains, groups=data.groups
    )
    taken: set[int] = set()
    edits: list[Edit] = []
    likely: list[tuple[str, float, float]] = []
    witnesses: dict[str, list[list[dict[str, Any]]]] = {"helps": [], "hurts": []}
    for position, action, new in order:
        if len(edits) == budget:
            break
        if position in taken or not guard.allows(position, action):
            continue
        guard.take(position, action)
        taken.add(position)
        chosen = votes[position, action, new]
        for name, listed in witnesses.items():
            listed.append(_witnesses(chosen, name))
        view = np.mean([edit["out_of_fold"] for edit in chosen], axis=0)
        best = int(view.argmax())
        own = float(view[data.targets[position]]) if data.targets.ndim == 1 else _set_probability(view, data, position)
        likely.append((data.classes[best], round(float(view[best]), 4), round(own, 4)))
        gain = -float(np.mean([edit["effect"] for edit in chosen]))
        edits.append(
            Edit(
                example_id=str(data.ids[position]),
                action=cast(Action, action),
                old_label=data.labels[position],
                new_label=None if new is None else data.classes[new],
                weight=0.0 if action == "drop" else float(data.weight[position]),
                predicted_gain=gain,
                reason=_reason(action, f"{who} {objective}", len(chosen), int(chances[position]), likely[-1]),
                round=min(int(edit["round"]) for edit in chosen),
                agreement=len(chosen) / int(chances[position]),
            )
        )
    return Proposal(EditSet.of(edits), tuple(likely), tuple(witnesses["helps"]), tuple(witnesses["hurts"]))


def _witnesses(chosen: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Of all runs that chose an edit and explain it, the query examples with the largest effects, each once."""
    largest: dict[str, float] = {}
    for edit in chosen:
        for example, effect in edit.get(name, []):
            if abs(effect) > abs(largest.get(example, 0.0)):
                largest[example] = effect
    order = sorted(largest, key=lambda example: (-abs(largest[example]), example))[:SHOWN]
    return [{"example_id": example, "effect": largest[example]} for example in order]


def _set_probability(view: np.ndarray, data: Dataset, position: int) -> float:
    hot = data.targets[position] > 0
    return float(np.where(hot, view, 1 - view).prod())


def _reason(action: str, objective: str, votes: int, chances: int, likely: tuple[str, float, float]) -> str:
    what = f"Its label hurts {objective}"
    if action == "review":
        what = (
            f"A person's answer is predicted to lower {objective}, if it is what heads say that never saw the example"
        )
    elif action == "relabel":
        what += ", and heads and neighbours that never saw it agree on another"
    seen = f"Out of fold: {likely[0]} {likely[1]:.2f}, its own label {likely[2]:.2f}"
    return f"{what}. {seen}. Chosen by {votes} of {chances} runs that train on it."
