"""The same thing under different labels: copies that disagree.

Severity: high for equal samples or rows (one of the labels must be wrong), medium for near copies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, Shaped

from yori.arrays import check_length
from yori.audit.findings import Finding


def inconsistent_label_findings(
    ids: Shaped[np.ndarray, " n"],
    labels: Sequence[str | None],
    first: Int[np.ndarray, " k"],
    second: Int[np.ndarray, " k"],
    similarity: Float[np.ndarray, " k"],
) -> list[Finding]:
    """Findings for pairs of copies whose labels differ.

    Parameters
    ----------
    ids, labels
        ``n`` examples; a missing label contradicts nothing.
    first, second, similarity
        ``(k,)`` pairs of row numbers; a similarity of 1 means equal.

    Examples
    --------
    >>> found = inconsistent_label_findings(
    ...     np.array(["a", "b", "c"]), ["cat", "dog", "cat"], np.array([0, 0]), np.array([1, 2]), np.array([1.0, 1.0]))
    >>> [(each.example_id, each.related, each.severity) for each in found]
    [('b', ('a',), 'high')]
    """
    check_length(np.asarray(second), len(first), name="second", where="inconsistent_label_findings")
    found = []
    for a, b, alike in zip(first.tolist(), second.tolist(), similarity.tolist(), strict=True):
        if labels[a] is None or labels[b] is None or labels[a] == labels[b]:
            continue
        equal = alike >= 1.0 - 1e-6
        values = {"label": labels[b], "other": str(ids[a]), "other_label": labels[a], "similarity": round(alike, 4)}
        code = "equal_but_different" if equal else "alike_but_different"
        severity = "high" if equal else "medium"
        found.append(Finding("inconsistent_label", code, severity, alike, str(ids[b]), (str(ids[a]),), values))  # type: ignore[arg-type]
    return found
