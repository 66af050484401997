"""Domains with too few examples, and classes that never occur in a domain.

Severity: medium for a domain with less than `SHARE` of an even share or fewer than `FEW` examples, and for a class that is
missing from a domain although its share elsewhere would make `EXPECTED` examples there; low where it would make `SOME`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, Shaped

from yori.arrays import check_length
from yori.audit.findings import Finding, Severity

SHARE = 0.2
FEW = 20
EXPECTED, SOME = 10.0, 5.0


def domain_coverage_findings(
    domains: Shaped[np.ndarray, " n"], strata: Int[np.ndarray, " n"], classes: tuple[str, ...]
) -> list[Finding]:
    """Findings about domains.

    Parameters
    ----------
    domains
        ``(n,)``; ``""`` = none.
    strata
        ``(n,)`` class of each example; of several labels the rarest, numbers from ``len(classes)`` on = none.

    Examples
    --------
    >>> domains = np.array(["near"] * 90 + ["far"] * 5)
    >>> found = domain_coverage_findings(domains, np.arange(95) % 2, ("a", "b"))
    >>> [(each.code, each.values["domain"]) for each in found]
    [('domain_few', 'far')]
    """
    check_length(np.asarray(strata), len(domains), name="strata", where="domain_coverage")
    used = domains.astype(str) != ""
    names, code = np.unique(domains[used].astype(str), return_inverse=True)
    if len(names) < 2:
        return []
    table = np.zeros((len(names), len(classes) + 1), dtype=np.int64)
    np.add.at(table, (code, np.minimum(strata[used], len(classes))), 1)
    size = table.sum(axis=1)
    even = size.sum() / len(names)
    found = []
    for d in np.argsort(size, kind="stable").tolist():
        if size[d] < FEW or size[d] < SHARE * even:
            values = {"domain": str(names[d]), "n": int(size[d]), "even": round(float(even))}
            found.append(
                Finding("domain_coverage", "domain_few", "medium", float(1 - size[d] / even), None, (), values)
            )
    others = np.maximum(size.sum() - size, 1)
    expected = (table.sum(axis=0)[None] - table) / others[:, None] * size[:, None]
    for d, k in np.argwhere((table[:, :-1] == 0) & (expected[:, :-1] >= SOME)).tolist():
        severity: Severity = "medium" if expected[d, k] >= EXPECTED else "low"
        values = {"domain": str(names[d]), "label": classes[k], "expected": round(float(expected[d, k]))}
        found.append(
            Finding(
                "domain_coverage",
                "class_not_in_domain",
                severity,
                float(min(1.0, expected[d, k] / 100)),
                None,
                (),
                values,
            )
        )
    return found
