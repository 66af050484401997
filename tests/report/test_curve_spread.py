from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from yori.errors import CorruptError
from yori.report.curve_spread import curve_spreads

CLASSES = ("no", "yes")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path / "predictions.parquet")
    return path / "predictions.parquet"


def cell(
    protocol: str, seed: int, right: list[bool], *, arm: str = "after", label: Any = "yes", size: int = 2
) -> list[dict[str, Any]]:
    """Rows from the most to the least trusted; all labels are ``yes``."""
    return [
        {"protocol": protocol, "seed": seed, "arm": arm, "domain": f"d{number % 2}", "label": label,
         "logits": ([0.0, 9.0 - number] if good else [9.0 - number, 0.0])[:size]}
        for number, good in enumerate(right)
    ]  # fmt: skip


def test_the_spread_is_that_of_brute_force(tmp_path: Path) -> None:
    one, two = [True, True, False, True], [False, True, True, False]
    path = write(tmp_path, cell("id", 0, one) + cell("id", 1, two) + cell("id", 0, one, arm="before"))
    grid = [0.25, 0.5, 0.75, 1.0]
    found = curve_spreads(path, "id", grid, CLASSES)
    risks = [[1 - np.mean(right[: count + 1]) for count in range(4)] for right in (one, two)]
    assert list(found) == ["after"]  # a single run of before has no spread
    np.testing.assert_allclose(found["after"].low, np.min(risks, axis=0), atol=1e-12)
    np.testing.assert_allclose(found["after"].high, np.max(risks, axis=0), atol=1e-12)
    assert found["after"].cells == 2
    assert found["after"].holds(0.3)
    assert not found["after"].holds(0.6)


def test_held_out_domains_are_cells_of_their_protocol(tmp_path: Path) -> None:
    rows = cell("lodo:a", 0, [True, False]) + cell("lodo:b", 0, [True, True]) + cell("id", 0, [False, False])
    found = curve_spreads(write(tmp_path, rows), "lodo", [1.0], CLASSES)
    # Two domains within each held-out one here, every row is a cell of its own or shares it.
    assert found["after"].low.tolist() == [0.0]
    assert found["after"].high.tolist() == [1.0]
    assert curve_spreads(write(tmp_path, rows), "table", [1.0], CLASSES) == {}


def test_labels_as_numbers_and_as_lists(tmp_path: Path) -> None:
    rows = cell("id", 0, [True, False], label=1) + cell("id", 1, [True, True], label=1)
    assert curve_spreads(write(tmp_path, rows), "id", [1.0], CLASSES)["after"].high.tolist() == [0.5]
    rows = cell("id", 0, [True], label=["yes"]) + cell("id", 1, [True], label=["no", "yes"])
    assert curve_spreads(write(tmp_path, rows), "id", [1.0], CLASSES) == {}


def test_what_is_no_predictions(tmp_path: Path) -> None:
    with pytest.raises(CorruptError, match=r"predictions\.parquet"):
        curve_spreads(tmp_path / "predictions.parquet", "id", [1.0], CLASSES)
    with pytest.raises(CorruptError, match="2 logits"):
        curve_spreads(write(tmp_path, cell("id", 0, [True], size=1)), "id", [1.0], CLASSES)
    with pytest.raises(CorruptError, match="maybe"):
        curve_spreads(write(tmp_path, cell("id", 0, [True], label="maybe")), "id", [1.0], CLASSES)
    pq.write_table(pa.table({"arm": ["after"]}), tmp_path / "predictions.parquet")
    with pytest.raises(CorruptError, match="readable predictions"):
        curve_spreads(tmp_path / "predictions.parquet", "id", [1.0], CLASSES)
