"""``splits.json``: who trained, asked and judged in every cell, and what belongs together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from yori.errors import CorruptError
from yori.splits import Cell

FORMAT = 1
LETTERS = {"train": "t", "validation": "v", "test": "e"}


def splits_text(cells: Sequence[Cell], ids: Shaped[np.ndarray, " n"], groups: Sequence[str]) -> str:
    """One letter for each example and cell: t = train, v = validation, e = test, - = left out."""
    listed = []
    for cell in cells:
        letters = np.full(len(ids), "-")
        for part, letter in LETTERS.items():
            letters[getattr(cell, part)] = letter
        listed.append(
            {"protocol": cell.protocol, "seed": cell.seed, "sha256": cell.sha256(ids), "assignment": "".join(letters)}
        )
    content = {"format": FORMAT, "ids": [str(each) for each in ids], "groups": list(groups), "cells": listed}
    return json.dumps(content, ensure_ascii=False, indent=0) + "\n"


@dataclass(frozen=True)
class Manifest:
    """What `splits_text` wrote: ``cells`` with the hash that was recorded for each."""

    ids: Shaped[np.ndarray, " n"]
    groups: Shaped[np.ndarray, " n"]
    cells: tuple[Cell, ...]
    recorded: tuple[str, ...]


def read_manifest(path: Path) -> Manifest:
    """Read ``splits.json``.

    Raises
    ------
    CorruptError
        If it is not what was written.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        ids, groups = np.array(content["ids"], dtype=object), np.array(content["groups"], dtype=object)
        cells, recorded = [], []
        for each in content["cells"]:
            letters = np.array(list(each["assignment"]))
            if len(letters) != len(ids) or len(groups) != len(ids):
                raise ValueError(f"{len(letters)} letters for {len(ids)} examples")
            parts = [np.flatnonzero(letters == LETTERS[part]) for part in ("train", "validation", "test")]
            cells.append(Cell(str(each["protocol"]), int(each["seed"]), *parts))
            recorded.append(str(each["sha256"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptError("a readable splits.json", str(error), where=str(path)) from error
    return Manifest(ids, groups, tuple(cells), tuple(recorded))
