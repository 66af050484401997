"""What a certificate must hold before a report is made of it: one tree of names and kinds, checked on reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from yori.errors import CorruptError, NewerVersionError

FORMAT = 1
WORDS = ("improved", "no difference shown", "worse", "too few examples to tell")


@dataclass(frozen=True)
class Optional:
    """May be null or missing."""

    kind: Kind


@dataclass(frozen=True)
class Each:
    """A map with any names whose values are all of one kind."""

    kind: Kind


@dataclass(frozen=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]


Kind: TypeAlias = "type | Optional | Each | OneOf | list[Any] | dict[str, Any]"
"""A Python type, a list with the kind of its elements, or a map of names to kinds; ``float`` welcomes whole numbers."""

_VERDICT: Kind = {
    "word": OneOf(WORDS),
    "sentence": str,
    "margin": float,
    "resolution": float,
    "minimum_detectable_effect": float,
    "power": float,
    "n_examples": int,
    "needed_examples": Optional(int),
    "needed_domains": Optional(int),
}

_COMPARISON: Kind = {
    "metric": str,
    "direction": OneOf(("lower", "higher")),
    "before": float,
    "after": float,
    "delta": float,
    "relative": Optional(float),
    "low": float,
    "high": float,
    "level": float,
    "p_value": float,
    "method": str,
    "n_examples": int,
    "n_clusters": int,
    "n_seeds": int,
    "n_domains": int,
    "domains_fixed": bool,
    "per_domain": [
        {
            "domain": str,
            "before": float,
            "after": float,
            "delta": float,
            "low": Optional(float),
            "high": Optional(float),
            "n_examples": int,
            "n_clusters": int,
            "seed_deltas": [float],
        }
    ],
    "notes": [str],
}

_BIN: Kind = {"confidence": float, "accuracy": float, "count": int}

_RANGE: Kind = {"low": float, "high": float}

_ALARM: Kind = {
    "risk": float,
    "cells": [
        {
            "domain": Optional(str),
            "seed": int,
            "before": Optional(float),
            "after": Optional(float),
            "shift": Optional(float),
            "coverage_before": Optional(float),
            "coverage_after": Optional(float),
            "kept_coverage": Optional(float),
            "kept_risk": Optional(float),
        }
    ],
    "mean_shift": Optional(float),
    "largest_shift": Optional(float),
    "seed_spread": {"before": Optional(float), "after": Optional(float)},
    "range": {"before": Optional(_RANGE), "after": Optional(_RANGE)},
}

_REACHED: Kind = {"coverage": float, "met": bool, "cells_met": int, "cells": int}

_PROTOCOL: Kind = {
    "kind": OneOf(("id", "lodo", "table")),
    "seeds": int,
    "domains": [str],
    "values": Each(Each(Optional(float))),
    "comparisons": [
        {
            "arm": str,
            "against": str,
            "metric": str,
            "stage": str,
            "comparison": _COMPARISON,
            "verdict": _VERDICT,
            "holm_p": Optional(float),
        }
    ],
    "mcnemar": [
        {
            "seed": int,
            "domain": Optional(str),
            "p_value": float,
            "only_before_correct": int,
            "only_after_correct": int,
            "method": str,
        }
    ],
    "risk_coverage": Each([float]),
    "risk_coverage_band": Optional(Each({"low": [float], "high": [float]})),
    "reliability": Each([_BIN]),
    "alarm": Optional(_ALARM),
    "coverage_at_risk": Optional({"risk": float, "coverage": float, "before": _REACHED, "after": _REACHED}),
}

_CELL: Kind = {
    "protocol": str,
    "seed": int,
    "train": int,
    "validation": int,
    "test": int,
    "sha256": str,
    "l2": float,
    "temperature": {"before": float, "after": float},
    "steps": int,
    "batch_size": int,
}

_ESTIMATE: Kind = {"mean_change": float, "standard_error": float}

CERTIFICATE: Kind = {
    "format": int,
    "created": str,
    "name": str,
    "modality": str,
    "labels": OneOf(("single", "multiple")),
    "verdict": _VERDICT,
    "primary": {
        "protocol": str,
        "metric": str,
        "stage": str,
        "direction": OneOf(("lower", "higher")),
        "margin": float,
        "comparison": _COMPARISON,
        "against": Optional(str),
    },
    "task": {"sha256": str, "text": str},
    "data": {
        "version": int,
        "content_sha256": str,
        "examples": int,
        "classes": [{"name": str, "count": int}],
        "domains": [{"name": str, "count": int}],
        "groups": int,
    },
    "environment": Each(str),
    "code_sha256": str,
    "splits": {"by": OneOf(("group", "clip", "table")), "cells": [_CELL]},
    "protocols": Each(_PROTOCOL),
    "edits": {
        "budget": int,
        "budget_share": float,
        "count": int,
        "sha256": str,
        "by_action": Each(int),
        "by_class": Each(int),
        "cells": [{"protocol": str, "seed": int, "count": int, "accepted_rounds": int, "rounds": int}],
    },
    "curation": Optional(
        {
            "mode": str,
            "actions": [str],
            "cells": [
                {
                    "protocol": str,
                    "seed": int,
                    "queries": OneOf(("training_domains", "nested_domains")),
                    "estimates": Optional({"metric": str, "training_domains": _ESTIMATE, "nested_domains": _ESTIMATE}),
                }
            ],
        }
    ),
    "stability": Optional(
        {
            "over": [
                {
                    "kind": str,
                    "names": [str],
                    "jaccard": [[Optional(float)]],
                    "mean_jaccard": Optional(float),
                    "chance_jaccard": Optional(float),
                    "spearman": Optional(float),
                }
            ]
        }
    ),
    "flops": {
        "train_per_arm": Each(int),
        "tuning": int,
        "curation": int,
        "embedding": int,
        "inference_per_example": int,
        "counter_agrees": bool,
    },
    "parity": {
        "parameters": int,
        "flops_per_prediction": int,
        "dtype": str,
        "graph_sha256": str,
        "equal": bool,
    },
    "leakage_gap": Optional({"metric": str, "by_clip": float, "by_group": float, "folds": int}),
    "truth": Optional({"wrong_labels": int, "hits": int, "edits": int, "rate": Optional(float), "chance": float}),
    "requirements": Optional(
        {
            "latency_ms": Optional(float),
            "queries_per_second": Optional(float),
            "model_bytes": Optional(int),
            "device": Optional(str),
            "serving": Optional(str),
            "coverage_at_risk": Optional({"risk": float, "coverage": float}),
        }
    ),
    "files": Each(str),
    "looks": int,
    "notes": [str],
}
"""The names a report reads. Others may be there and are left alone."""


def read_certificate(path: Path) -> Mapping[str, Any]:
    """Read a certificate and check that it holds what a report needs.

    Raises
    ------
    CorruptError
        If the file is missing, is no JSON, or lacks something; the place in the file is named.
    NewerVersionError
        If a newer yori wrote it.
    """
    fix = "Run `yori run` again; a certificate is never edited by hand."
    try:
        found = json.loads(path.read_bytes().decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CorruptError("a readable certificate", str(error), where=str(path), fix=fix) from None
    if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
        raise NewerVersionError(
            f"a certificate of format {FORMAT} or older", f"format {found['format']}", where=str(path),
            fix="Update yori.",
        )  # fmt: skip
    if wrong := first_wrong(found, CERTIFICATE):
        place, expected, arrived = wrong
        raise CorruptError(expected, arrived, where=f"{path}: {place or 'top'}", fix=fix)
    if found["primary"]["protocol"] not in found["protocols"]:
        raise CorruptError("the primary protocol among protocols", "none", where=f"{path}: primary.protocol", fix=fix)
    return found


def first_wrong(value: Any, kind: Kind, place: str = "") -> tuple[str, str, str] | None:
    """Place, what was expected and what arrived of the first thing that is not as the tree says; None if all is well.

    Examples
    --------
    >>> first_wrong({"a": [1, "x"]}, {"a": [int]})
    ('a[1]', 'int', "'x'")
    >>> first_wrong({"a": None}, {"a": Optional(int)}) is None
    True
    """
    match kind:
        case Optional():
            return None if value is None else first_wrong(value, kind.kind, place)
        case OneOf():
            good = isinstance(value, str) and value in kind.words
            return None if good else (place, f"one of {', '.join(kind.words)}", _short(value))
        case Each():
            if not isinstance(value, dict):
                return place, "a map", _short(value)
            return _first((value[name], kind.kind, f"{place}.{name}") for name in value)
        case list():
            if not isinstance(value, list):
                return place, "a list", _short(value)
            return _first(((each, kind[0], f"{place}[{number}]") for number, each in enumerate(value)))
        case dict():
            if not isinstance(value, dict):
                return place, "a map", _short(value)
            for name, part in kind.items():
                if name not in value and not isinstance(part, Optional):
                    return place, f"the name {name!r}", "none"
            return _first(((value.get(name), part, f"{place}.{name}".lstrip(".")) for name, part in kind.items()))
    good = isinstance(value, (int, float) if kind is float else kind) and (kind is bool or not isinstance(value, bool))
    return None if good else (place, kind.__name__, _short(value))


def _first(parts: Any) -> tuple[str, str, str] | None:
    return next((wrong for each in parts if (wrong := first_wrong(*each)) is not None), None)


def _short(value: Any) -> str:
    return repr(value)[:60]
