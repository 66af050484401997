"""Is system B better than system A, from their predictions alone? The statistics of a proof for any two files."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from yori.errors import InputError, ValuesError
from yori.prove.prediction_alignment import AlignedPredictions, align_predictions
from yori.prove.prediction_files import PredictionTable, read_predictions
from yori.statistics import (
    Comparison,
    Predictions,
    compare,
    discordant_odds,
    effect_size,
    holm,
    mcnemar,
    verdict,
)
from yori.statistics.comparable_metrics import find_metric
from yori.statistics.pairing import pair
from yori.store import sha256_file

SECONDARY = ("aurc", "augrc", "ece", "nll", "brier", "risk@0.8", "accuracy", "macro_f1")
"""Secondary metrics unless others are named; the primary one is left out, and what the columns do not allow."""


def compare_files(
    before: str | Path,
    after: str | Path,
    *,
    metric: str = "aurc",
    secondary: Sequence[str] | None = None,
    margin: float = 0.0,
    level: float = 0.95,
    seed: int = 0,
    domains_fixed: bool = False,
    replicates: int = 2000,
) -> dict[str, Any]:
    """Compare two files of predictions on the same test examples: effect, interval, verdict.

    Nothing is calibrated: the metrics are those of the probabilities as saved. Fix metric and margin before you look.

    Parameters
    ----------
    before, after
        Files of predictions, see `yori.prove.prediction_files`. The same ids; rows in any order.
    metric
        The one that decides: ``aurc``, ``augrc``, ``accuracy``, ``nll``, ``brier``, ``ece``, ``risk@0.8`` …
    secondary
        Reported beside it, with p-values adjusted for their number (Holm). None: `SECONDARY`.
    margin
        Smallest change of the primary metric that counts, in its own unit.
    level
        Confidence level.
    seed
        Of the bootstrap. The result of a metric does not depend on which others are computed.
    domains_fixed
        The domains are all there are, not a sample of others.
    replicates
        Bootstrap replicates, where there is a bootstrap.

    Returns
    -------
    A dict ready for JSON:

    ``verdict``
        Word, sentence and what they rest on, see `yori.statistics.verdict`.
    ``primary``
        ``metric, comparison, effect_size``; see `yori.statistics.Comparison`.
    ``secondary``
        A list of the same, each with ``p_value``, ``holm_p`` and ``changed`` (whether ``holm_p ≤ 1 − level``).
    ``mcnemar``
        For every domain and seed: who was right where the other was wrong.
    ``identical``
        Whether both files hold the same predictions; then every p is 1 and every change 0.
    ``files``, ``notes``, ``level``, ``seed``
        What was read (with SHA-256); sentences a reader has to know.

    Raises
    ------
    SourceError, AlignmentError, ShapeError, ValuesError
        If a file cannot be read, the examples differ, or the primary metric needs a column that is not there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = [Path(folder) / "before.csv", Path(folder) / "after.csv"]
    ...     for file, wrong in zip(files, (4, 1), strict=True):
    ...         rows = [f"{i},0,{0.2 if i < wrong else 0.9},{0.8 if i < wrong else 0.1}" for i in range(20)]
    ...         _ = file.write_text("\\n".join(["id,label,prob_0,prob_1", *rows]))
    ...     found = compare_files(*files, metric="accuracy", secondary=["nll"])
    >>> found["verdict"]["word"], round(found["primary"]["comparison"]["delta"], 3), found["mcnemar"][0]["p_value"]
    ('too few examples to tell', 0.15, 0.25)
    """
    tables = (read_predictions(before), read_predictions(after))
    arms = align_predictions(*tables)
    notes = [note for table in tables for note in table.notes]
    notes += _degenerate(arms, tables)

    def one(name: str) -> Comparison:
        return compare(
            arms.before,
            arms.after,
            metric=name,
            groups=arms.groups,
            domains=arms.domains,
            seeds=arms.seeds,
            level=level,
            rng=np.random.default_rng([seed, zlib.crc32(name.encode())]),
            domains_fixed=domains_fixed,
            replicates=replicates,
        )

    primary = one(metric)
    decided = verdict(primary, margin)
    others = [] if secondary is None else [_known(name) for name in secondary]
    beside: list[Comparison] = []
    for name in dict.fromkeys(SECONDARY if secondary is None else others):
        if name == metric:
            continue
        try:
            beside.append(one(name))
        except InputError as error:
            if secondary is not None:
                raise
            notes.append(f"{name} was left out: {error}")
    adjusted = holm(np.array([found.p_value for found in beside])) if beside else np.empty(0)
    return {
        "verdict": decided.to_dict(),
        "primary": {
            "metric": primary.metric,
            "comparison": primary.to_dict(),
            "effect_size": asdict(effect_size(primary, margin)),
        },
        "secondary": [
            {
                "metric": found.metric,
                "comparison": found.to_dict(),
                "effect_size": asdict(effect_size(found)),
                "p_value": found.p_value,
                "holm_p": float(p),
                "changed": bool(p <= 1 - level),
            }
            for found, p in zip(beside, adjusted, strict=True)
        ],
        "mcnemar": list(_mcnemar(arms, level)),
        "identical": _identical(arms.before, arms.after),
        "files": {
            role: {"path": str(path), "sha256": sha256_file(Path(path)), "rows": len(table)}
            for role, path, table in zip(("before", "after"), (before, after), tables, strict=True)
        },
        "level": level,
        "seed": seed,
        "notes": list(dict.fromkeys([*notes, *primary.notes])),
    }


def _known(name: str) -> str:
    find_metric(name)
    return name


def _mcnemar(arms: AlignedPredictions, level: float) -> Iterator[dict[str, Any]]:
    pairing = pair(arms.before, arms.after, groups=arms.groups, domains=arms.domains, seeds=arms.seeds)
    for cell in pairing.cells:
        if cell.before.correct is None or cell.after.correct is None:
            raise ValuesError("labels, or a column correct", "none", where="compare")
        found = mcnemar(cell.before.correct, cell.after.correct)
        odds = discordant_odds(found.only_b, found.only_a, level=level) if found.only_a + found.only_b else None
        yield {
            "domain": None if arms.domains is None else str(pairing.domains[cell.domain]),
            "seed": None if arms.seeds is None else str(pairing.seeds[cell.seed]),
            "p_value": found.p_value,
            "only_before_correct": found.only_a,
            "only_after_correct": found.only_b,
            "n": found.n,
            "method": found.method,
            # JSON knows no infinity: an upper end without bound is null.
            "repaired_per_broken": None if odds is None else [_finite(x) for x in (odds.odds, odds.low, odds.high)],
        }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _identical(before: Predictions, after: Predictions) -> bool:
    pairs = [(getattr(before, name), getattr(after, name)) for name in ("probs", "confidence", "correct")]
    return all((a is None and b is None) or np.array_equal(a, b) for a, b in pairs)


def _degenerate(arms: AlignedPredictions, tables: tuple[PredictionTable, PredictionTable]) -> Iterator[str]:
    """Sentences about data from which some metrics say nothing."""
    for table, arm in zip(tables, (arms.before, arms.after), strict=True):
        if arm.correct is None or arm.confidence is None:
            continue
        if arm.correct.all():
            yield f"Every prediction of {table.where} is right: AURC and AUGRC are 0 whatever the confidence."
        elif not arm.correct.any():
            yield f"Every prediction of {table.where} is wrong: no order by confidence can lower the risk."
        if np.ptp(arm.confidence) == 0 and len(arm) > 1:
            yield f"All confidences of {table.where} are equal: AURC is the error rate, nothing can be ranked."
    if arms.before.labels is not None and len(np.unique(arms.before.labels)) == 1:
        yield "All labels are of one class: nothing is shown about the others."
