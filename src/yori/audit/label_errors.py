"""Labels that are probably wrong, said by the rule of `yori.labels.join_witnesses`; nothing is decided here but severity.

What is heard: heads that never saw the example's group, its neighbours of other groups, how its label fared in training,
and who gave the label. The rule believes each witness as far as the labels bear it out, so a weak head accuses nobody.

Severity: high from a probability of `HIGH` on, the figure that the rule is measured at; medium from `MEDIUM` on.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int, Shaped

from yori.arrays import check_labels, check_length
from yori.audit.findings import Finding, Severity
from yori.errors import ShapeError
from yori.labels import LabelErrors, MultiLabelErrors

HIGH, MEDIUM = 0.9, 0.5


def label_error_findings(
    ids: Shaped[np.ndarray, " n"], labels: Int[np.ndarray, " n"], doubt: LabelErrors, classes: tuple[str, ...]
) -> list[Finding]:
    """Findings for examples with one label, the most doubtful first.

    Parameters
    ----------
    ids, labels
        ``(n,)``.
    doubt
        From `join_witnesses`.
    classes
        ``c`` names.

    Examples
    --------
    >>> from yori.labels import join_witnesses
    >>> probs = np.array([[0.99, 0.01]] * 99 + [[0.01, 0.99]] * 100)
    >>> labels = (probs[:, 1] > 0.5).astype(int)
    >>> labels[150] = 0
    >>> found = label_error_findings(np.arange(199).astype(str), labels, join_witnesses(probs, labels), ("cat", "dog"))
    >>> [(each.example_id, each.values["likely"]) for each in found]
    [('150', 'dog')]
    """
    answers = check_labels(labels, len(classes), where="label_error_findings")
    check_length(answers, len(doubt.probability), name="labels", where="label_error_findings")
    count = np.bincount(answers, minlength=len(classes))
    found = []
    for row in doubt.order.tolist():
        wrong = float(doubt.probability[row])
        if wrong < MEDIUM:
            break
        severity: Severity = "high" if wrong >= HIGH else "medium"
        label, likely = int(answers[row]), int(doubt.suggested[row])
        values = {
            "label": classes[label], "likely": classes[likely], "error": round(wrong, 3),
            "likelihood": round(float(doubt.suggested_probability[row]), 3),
            "had": int(count[label]), "gets": int(count[likely]),
        }  # fmt: skip
        found.append(Finding("label_error", "label_error", severity, wrong, str(ids[row]), (), values))
    return found


def several_label_error_findings(
    ids: Shaped[np.ndarray, " n"],
    targets: Float[np.ndarray, "n c"],
    doubt: MultiLabelErrors,
    classes: tuple[str, ...],
) -> list[Finding]:
    """Findings for examples with several labels: a label that should not be there, or one that is missing.

    Parameters
    ----------
    targets
        ``(n, c)`` 0 or 1.
    doubt
        From `join_multi_label_witnesses`: each class by itself.

    Examples
    --------
    >>> from yori.labels import MultiLabelErrors
    >>> doubt = MultiLabelErrors(np.array([[0.95, 0.2]]), np.array([0.96]), np.array([0]))
    >>> found = several_label_error_findings(np.array(["a"]), np.array([[1.0, 0.0]]), doubt, ("rain", "wind"))
    >>> [(each.code, each.severity, each.values["label"]) for each in found]
    [('label_surplus', 'high', 'rain')]
    """
    error = doubt.cells
    if error.shape != targets.shape:
        raise ShapeError(f"doubts of shape {targets.shape}", f"shape {error.shape}", where="label_error_findings")
    row, column = np.nonzero(error >= MEDIUM)
    found = []
    for at in np.argsort(-error[row, column], kind="stable").tolist():
        i, k = int(row[at]), int(column[at])
        wrong = float(error[i, k])
        code = "label_surplus" if targets[i, k] > 0 else "label_lacking"
        severity: Severity = "high" if wrong >= HIGH else "medium"
        values = {"label": classes[k], "error": round(wrong, 3), "had": int(targets[:, k].sum())}
        found.append(Finding("label_error", code, severity, wrong, str(ids[i]), (), values))
    return found
