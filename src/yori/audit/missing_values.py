"""Values that are not there: labels, domains, groups, times, and any other column of the table.

Severity: high where the task cannot do what it promises without them (a domain, when a domain is held out; a label of every
example); medium where a role of the task has gaps; low for other columns. Columns that are empty throughout are not gaps:
nobody promised them. NaN, infinity and empty text count as missing.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from yori.audit.findings import Finding, Severity

ROLES = ("label", "domain", "group", "time", "annotator", "split", "verified", "duplicates")
"""Columns with a role; ``verified`` and ``duplicates`` are partly empty by nature and never reported."""

_QUIET = ("verified", "duplicates", "start", "duration", "weight", "sha256", "source", "uri", "label_original")


def missing_cells(column: pa.ChunkedArray) -> Bool[np.ndarray, " n"]:
    """Where a column has no value.

    Examples
    --------
    >>> missing_cells(pa.chunked_array([["a", "", None]])).tolist()
    [False, True, True]
    """
    import pyarrow.compute as pc

    missing = np.asarray(column.is_null().to_numpy())
    if pa.types.is_floating(column.type):
        missing = missing | ~np.isfinite(column.to_numpy().astype(np.float64))
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        missing = missing | np.asarray(pc.equal(pc.utf8_trim_whitespace(column), "").fill_null(True).to_numpy())
    return missing


def missing_value_findings(table: pa.Table, *, needed: tuple[str, ...] = ()) -> list[Finding]:
    """One finding for each column with gaps.

    Parameters
    ----------
    table
        Examples, with ``example_id``.
    needed
        Columns the task cannot do without.

    Examples
    --------
    >>> table = pa.table({"example_id": ["a", "b"], "domain": ["x", None]})
    >>> found = missing_value_findings(table, needed=("domain",))
    >>> [(each.values["column"], each.values["n"], each.severity) for each in found]
    [('domain', 1, 'high')]
    """
    ids = table["example_id"].to_pylist()
    found = []
    for name in table.column_names:
        if name == "example_id" or name in _QUIET:
            continue
        missing = missing_cells(table[name])
        count = int(missing.sum())
        if count == 0 or (count == len(ids) and name not in needed):
            continue
        severity: Severity = "high" if name in needed else "medium" if name in ROLES else "low"
        code = "missing_label" if name == "label" else "missing_needed" if name in needed else "missing_value"
        if name == "label":
            severity = "low"  # examples without a label wait for one; nothing is wrong with them
        related = tuple(ids[row] for row in np.flatnonzero(missing)[:5])
        values = {"column": name, "n": count, "share": f"{100 * count / len(ids):.3g} %"}
        found.append(Finding("missing_value", code, severity, count / len(ids), None, related, values))
    return found
