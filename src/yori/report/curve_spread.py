"""How far risk–coverage curves of single cells (seed and held-out domain) lie apart: the band around their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from yori.errors import CorruptError
from yori.metrics import apply_temperature, risk_coverage_curve, top_label

ARMS = ("before", "after")
SAME_RISK = 1e-6
"""Rounding that is allowed when a mean is compared to the range it lies in."""
_COLUMNS = ("protocol", "seed", "arm", "domain", "label", "logits")


@dataclass(frozen=True)
class Spread:
    """Lowest and highest risk over the cells, on the grid that was asked for, and how many cells there were."""

    low: Float[np.ndarray, " grid"]
    high: Float[np.ndarray, " grid"]
    cells: int

    def holds(self, risk: float) -> bool:
        """Whether a mean risk at full coverage lies within the band, as it must if it is a mean over the same cells.

        It may not be (a certificate may weigh domains); then the band would be that of another curve.
        """
        return bool(self.low[-1] - SAME_RISK <= risk <= self.high[-1] + SAME_RISK)


def curve_spreads(path: Path, protocol: str, coverage: Sequence[float], classes: Sequence[str]) -> dict[str, Spread]:
    """Spread of the curves on raw probabilities, for the arms *before* and *after*.

    Parameters
    ----------
    path
        ``predictions.parquet`` of a proof.
    protocol
        ``id`` stands for itself, ``lodo`` for every ``lodo:<domain>``.
    coverage
        Grid, ascending, in ``(0, 1]``.
    classes
        Names in the order of the logits; labels may be names or numbers.

    Returns
    -------
    Arm → `Spread`; an arm with a single cell is left out, and so are examples with several labels, whose curve needs a
    definition of *right* that the certificate alone knows.

    Raises
    ------
    CorruptError
        If the file cannot be read, a column is missing, or rows of logits differ in length.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, columns=list(_COLUMNS), filters=[("arm", "in", list(ARMS))])
    except (OSError, pa.ArrowException, KeyError) as error:
        raise CorruptError("readable predictions", str(error), where=str(path), fix="Run `yori run` again.") from None
    names = table["protocol"]
    table = table.filter(pc.or_(pc.equal(names, protocol), pc.starts_with(names, f"{protocol}:")))
    if len(table) == 0 or pa.types.is_nested(table["label"].type):
        return {}
    grid = np.asarray(coverage, dtype=np.float64)
    correct, confidence = _outcomes(table, list(classes), path)
    keys = [f"{name}\x00{seed}\x00{domain}" for name, seed, domain in zip(
        table["protocol"].to_pylist(), table["seed"].to_pylist(), table["domain"].to_pylist(), strict=True)]  # fmt: skip
    if protocol == "id":
        keys = [key.rsplit("\x00", 1)[0] for key in keys]
    cells, arms = np.array(keys), np.array(table["arm"].to_pylist())
    spreads = {}
    for arm in ARMS:
        of_arm = arms == arm
        curves = []
        for cell in np.unique(cells[of_arm]):
            rows = of_arm & (cells == cell)
            curve = risk_coverage_curve(confidence[rows], correct[rows])
            # The curve is flat up to its first point, as the area under it is defined.
            curves.append(np.interp(grid, curve.coverage, curve.risk))
        if len(curves) > 1:
            spreads[arm] = Spread(np.min(curves, axis=0), np.max(curves, axis=0), len(curves))
    return spreads


def _outcomes(table: pa.Table, classes: list[str], path: Path) -> tuple[np.ndarray, Float[np.ndarray, " n"]]:
    """Whether each row is right, and its confidence."""
    width = len(classes)
    column = table["logits"].combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    if len(flat) != width * len(table):
        raise CorruptError(
            f"{width} logits in every row, one for each class", f"{len(flat)} in {len(table)} rows", where=str(path)
        )
    probs = apply_temperature(np.asarray(flat, dtype=np.float64).reshape(-1, width), 1.0)
    labels = table["label"].to_pylist()
    if labels and isinstance(labels[0], str):
        place = {name: number for number, name in enumerate(classes)}
        unknown = next((name for name in labels if name not in place), None)
        if unknown is not None:
            raise CorruptError(f"labels out of {', '.join(classes)}", repr(unknown), where=str(path))
        labels = [place[name] for name in labels]
    confidence, correct = top_label(probs, np.asarray(labels, dtype=np.int64), where=str(path))
    return correct, confidence
