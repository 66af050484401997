"""Share a budget among domains, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Shaped

from yori.errors import ValuesError
from yori.selection.pool import Pool, Selection

POLICIES = ("proportional", "equal")


def shares(
    domains: Shaped[np.ndarray, " n"], budget: int, policy: str | Mapping[str, float] = "proportional"
) -> dict[str, int]:
    """How many of the budget go to each domain; what a domain has too few candidates for goes to the others.

    Parameters
    ----------
    domains
        ``(n,)`` domain of each candidate.
    budget
        At most n.
    policy
        ``proportional`` to the candidates, ``equal``, or a weight for each domain (0 = none).

    Raises
    ------
    ValuesError
        On an unknown policy, weights that are negative, all zero, or of unknown domains, or weights that leave too few
        candidates.

    Examples
    --------
    >>> shares(np.array(["near"] * 8 + ["far"] * 2), 4, "equal")
    {'far': 2, 'near': 2}
    >>> shares(np.array(["near"] * 8 + ["far"] * 2), 6, {"far": 1.0, "near": 1.0})
    {'far': 2, 'near': 4}
    """
    names, counts = np.unique(domains.astype(str), return_counts=True)
    weights = _weights(names.tolist(), counts, policy)
    if counts[weights > 0].sum() < budget:
        raise ValuesError(
            f"at least {budget} candidates in domains of a positive weight", str(int(counts[weights > 0].sum())),
            where="quotas", fix="Lower the budget, or give other domains a weight.",
        )  # fmt: skip
    given = np.zeros(len(names), dtype=np.int64)
    room = weights > 0
    while True:
        left = budget - int(given[~room].sum())
        ideal = np.where(room, weights, 0.0) / max(float(weights[room].sum()), 1e-300) * left
        full = room & (ideal > counts)
        if not full.any():
            break
        given[full], room = counts[full], room & ~full  # what they lack goes to the others
    given[room] = np.floor(ideal[room] + 1e-9).astype(np.int64)
    rest = np.where(room & (given < counts), ideal - given, -np.inf)
    given[np.argsort(-rest, kind="stable")[: budget - int(given.sum())]] += 1
    return {str(name): int(number) for name, number in zip(names, given, strict=True)}


def _weights(names: list[str], counts: np.ndarray, policy: str | Mapping[str, float]) -> np.ndarray:
    if isinstance(policy, str):
        if policy not in POLICIES:
            raise ValuesError(f"a policy out of {', '.join(POLICIES)}, or weights", repr(policy), where="quotas")
        return counts.astype(np.float64) if policy == "proportional" else np.ones(len(names))
    unknown = sorted(set(policy) - set(names))
    if unknown:
        raise ValuesError(f"domains among {', '.join(names[:10])}", repr(unknown[0]), where="quotas")
    weights = np.array([float(policy.get(name, 0.0)) for name in names])
    if not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
        raise ValuesError("weights ≥ 0 with a positive sum", str(dict(policy)), where="quotas")
    return weights


def by_domain(
    pick: Callable[[Pool, int, np.random.Generator], Selection],
    pool: Pool,
    domains: Shaped[np.ndarray, " n"],
    budget: int,
    policy: str | Mapping[str, float],
    rng: np.random.Generator,
) -> Selection:
    """Let a strategy pick in each domain on its own; domains in turn, the first picks of all before the second of any."""
    names = domains.astype(str)
    parts = []
    for name, number in shares(domains, budget, policy).items():
        if number:
            rows = np.flatnonzero(names == name)
            found = pick(pool.take(rows), number, rng)
            parts.append((rows[found.rows], found.scores))
    turn = np.concatenate([np.arange(len(rows)) for rows, _ in parts])
    order = np.argsort(turn, kind="stable")
    rows = np.concatenate([rows for rows, _ in parts])
    return Selection(rows[order], np.concatenate([scores for _, scores in parts])[order])
