"""From embeddings and labels to a probability of error for each label: makes the witnesses, then joins them.

Heads: several draws of folds that no group crosses, each with another penalty; none sees the group it judges. Neighbours: the
20 nearest of other groups. Training dynamics: the checkpoints of one head trained on everything. What each costs and is worth:
`benchmarks/labels.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

from yori.arrays import check_finite, check_labels, check_length
from yori.errors import ShapeError, ValuesError
from yori.heads import LINKS, Spectrum, fit_softmax
from yori.labels.label_errors import LabelErrors, join_witnesses
from yori.labels.neighbours import evenly_spaced_voters, neighbour_votes
from yori.labels.out_of_fold import FOLDS, out_of_fold_logits
from yori.labels.training_dynamics import follow_training
from yori.splits import group_folds

WHERE = "find_label_errors"
DRAWS = 3
PENALTIES = (1.0, 3.0, 1.0)
"""Penalty of each draw's heads, in units of the chosen one: a stronger one is less led astray by wrong labels."""

GRID = tuple(10.0 ** (exponent / 2) for exponent in range(1, -9, -1))
"""Penalties to choose from, in units of the embeddings' mean square."""

TOLERANCE = 1e-2


def find_label_errors(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    groups: Shaped[np.ndarray, " n"],
    *,
    classes: int,
    rng: np.random.Generator,
    l2: float | None = None,
    sources: Shaped[np.ndarray, " n"] | None = None,
    scores: Mapping[str, Num[np.ndarray, " n"]] | None = None,
    draws: int = DRAWS,
    folds: int = FOLDS,
    dynamics: bool = True,
) -> LabelErrors:
    """Doubt labels.

    Parameters
    ----------
    embeddings, labels, groups
        ``(n, d)``, ``(n,)``, ``(n,)``. Examples of a group never judge each other.
    classes
        Number of classes.
    rng
        Draws the folds and the order of training.
    l2
        Penalty of the heads; by default the one with the lowest out-of-fold loss.
    sources
        ``(n,)`` who gave the label (annotator, session, domain), if rates of error may differ.
    scores
        Further scores, ``(n,)`` each, high = suspicious, such as ``{"minus_influence": -scores}``.
    draws, folds
        Draws of folds, and folds of each: ``draws · folds`` heads.
    dynamics
        Whether to train one more head and follow its margins.

    Returns
    -------
    `LabelErrors`. ``evidence`` holds ``self_confidence`` (mean of the heads), ``neighbours_for_label``, ``heads_against``
    (share of draws whose most probable class is another), ``minus_margin`` and ``forgotten`` (training dynamics), ``scores``.

    Raises
    ------
    ShapeError, ValuesError
        If arrays do not fit together or hold NaN, or there is one class only.
    SplitError
        If there are fewer groups than folds.

    Notes
    -----
    Time: ``draws · folds`` fits, one product of all against all (at most 40 000) embeddings, one training. 3 000 × 512 take
    a few seconds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = np.arange(200) % 2
    >>> x = rng.normal(size=(200, 4)) + 3.0 * truth[:, None]
    >>> labels = truth.copy()
    >>> labels[7] = 0
    >>> int(find_label_errors(x, labels, np.arange(200), classes=2, rng=rng).order[0])
    7
    """
    x, given = _check(embeddings, labels, groups, classes, draws, folds)
    probs, against, spectrum, penalty = out_of_fold_heads(
        x, given, groups, classes=classes, rng=rng, l2=l2, draws=draws, folds=folds
    )
    n = len(x)
    votes = neighbour_votes(x, given, groups, np.arange(n), classes=classes, voters=evenly_spaced_voters(n))
    further: dict[str, Num[np.ndarray, " n"]] = {}
    shown: dict[str, Num[np.ndarray, " n"]] = {"heads_against": against}
    if dynamics:
        fared = follow_training(x, given, classes=classes, l2=penalty, spectrum=spectrum, rng=rng)
        further["minus_margin"] = -fared.margin
        shown["forgotten"] = fared.forgotten
    found = join_witnesses(probs, given, votes=votes, sources=sources, scores={**further, **(scores or {})})
    return replace(found, evidence={**found.evidence, **shown})


def out_of_fold_heads(
    embeddings: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    groups: Shaped[np.ndarray, " n"],
    *,
    classes: int,
    rng: np.random.Generator,
    l2: float | None = None,
    draws: int = DRAWS,
    folds: int = FOLDS,
) -> tuple[Float[np.ndarray, "n c"], Float[np.ndarray, " n"], Spectrum, float]:
    """Mean probabilities of heads that never saw an example's group.

    Returns
    -------
    ``(n, c)`` probabilities; ``(n,)`` share of the draws that prefer another class than the label; the spectrum of the
    embeddings; the penalty.
    """
    x = np.asarray(embeddings)
    spectrum = Spectrum.of(x)
    n = len(labels)
    total, against = np.zeros((n, classes)), np.zeros(n)
    for draw in range(draws):
        fold = group_folds(labels, np.asarray(groups), folds, rng=rng)
        if l2 is None:
            l2 = _least_loss(x, labels, fold, classes, spectrum)
        logits = out_of_fold_logits(
            x, labels, fold, classes=classes, l2=l2 * PENALTIES[draw % len(PENALTIES)], spectrum=spectrum,
            tolerance=TOLERANCE,
        )  # fmt: skip
        probs = LINKS["softmax"].probs(logits.astype(np.float64))
        total += probs / draws
        against += (probs.argmax(axis=1) != labels) / draws
    assert l2 is not None
    return total, against, spectrum, l2


def _least_loss(
    x: Float[np.ndarray, "n d"],
    labels: Int[np.ndarray, " n"],
    fold: Int[np.ndarray, " n"],
    classes: int,
    spectrum: Spectrum,
) -> float:
    """The penalty whose heads lose least on one fold they did not see."""
    scale = float(np.mean(np.square(x[:: max(1, len(x) // 4096)], dtype=np.float64)))
    asked = fold == 0
    best, chosen, worse = np.inf, GRID[0] * scale, 0
    for ratio in GRID:
        head = fit_softmax(
            x[~asked],
            labels[~asked],
            classes=classes,
            l2=max(ratio * scale, 1e-12),
            spectrum=spectrum,
            tolerance=TOLERANCE,
        )
        loss = float(LINKS["softmax"].losses(head.logits(x[asked]).astype(np.float64), labels[asked]).mean())
        if loss < best:
            best, chosen, worse = loss, ratio * scale, 0
        else:
            worse += 1
            if worse == 2:
                break
    return max(chosen, 1e-12)


def _check(
    embeddings: Shaped[np.ndarray, "..."],
    labels: Shaped[np.ndarray, "..."],
    groups: Shaped[np.ndarray, "..."],
    classes: int,
    draws: int,
    folds: int,
) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, " n"]]:
    x = np.asarray(embeddings)
    if x.ndim != 2 or 0 in x.shape:
        raise ShapeError("embeddings of shape (n, d), n ≥ 1, d ≥ 1", f"shape {x.shape}", where=WHERE)
    check_finite(x, name="embeddings", where=WHERE)
    given = check_labels(labels, classes, where=WHERE)
    check_length(given, len(x), name="labels", where=WHERE)
    check_length(np.asarray(groups), len(x), name="groups", where=WHERE)
    if len(np.unique(given)) < 2:
        raise ValuesError(
            "labels of at least two classes", f"only class {given[0]}", where=WHERE,
            fix="With one class no label can be doubted: add examples of another.",
        )  # fmt: skip
    if draws < 1 or folds < 2:
        raise ValuesError("draws ≥ 1 and folds ≥ 2", f"{draws} and {folds}", where=WHERE)
    if not x.any():
        raise ValuesError("embeddings that tell examples apart", "zeros only", where=WHERE, fix="Embed again.")
    return x if x.dtype in (np.float32, np.float64) else x.astype(np.float32), given
