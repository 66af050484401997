"""Labels made wrong on purpose, so that it is known which ones are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Int, Shaped

from yori.arrays import Labels, check_labels, check_length
from yori.errors import ValuesError

WHERE = "flip_labels"

NoiseKind: TypeAlias = Literal["uniform", "pair", "domain"]


def flip_labels(
    labels: Labels,
    fraction: float,
    *,
    classes: int,
    rng: np.random.Generator,
    kind: NoiseKind = "uniform",
    pairs: Mapping[int, int] | None = None,
    domains: Shaped[np.ndarray, " n"] | None = None,
    noisy_domains: Sequence[object] | None = None,
) -> tuple[Int[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Give an exact number of examples a wrong label.

    Parameters
    ----------
    labels
        Shape ``(n,)``, class indices, taken as true. Not modified.
    fraction
        Share of all ``n`` examples to flip, 0 … 1. Exactly ``round(fraction · n)`` are flipped (halves to even).
    classes
        Number of classes.
    rng
        Randomness.
    kind
        ``"uniform"``: any example, to any other class. ``"pair"``: only to the class it is confused with (`pairs`).
        ``"domain"``: to any other class, but only examples of some domains, like a careless annotator or a noisy site.
    pairs
        For ``"pair"``: from true to wrong class. Classes that are not keys are never flipped. By default each class is
        confused with the next, the last with the first.
    domains
        For ``"domain"``: shape ``(n,)``, the domain of each example.
    noisy_domains
        For ``"domain"``: which domains hold the errors. By default half of them (rounded up), drawn.

    Returns
    -------
    ``(noisy_labels, flipped)``: shape ``(n,)`` int64, and ``(n,)`` bool, true exactly where the label was changed.

    Raises
    ------
    ShapeError
        If ``labels`` or ``domains`` have the wrong shape.
    ValuesError
        If ``fraction``, ``classes``, ``kind`` or ``pairs`` make no sense, a class or domain is unknown, or fewer examples
        may be flipped than ``fraction`` asks for.

    References
    ----------
    Patrini et al., CVPR 2017, arXiv:1609.03683 (uniform and pair noise as class-conditional transition matrices).

    Examples
    --------
    >>> labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    >>> noisy, flipped = flip_labels(labels, 0.3, classes=3, rng=np.random.default_rng(0), kind="pair")
    >>> int(flipped.sum()), np.unique((noisy - labels)[flipped] % 3)
    (3, array([1]))
    """
    true = check_labels(labels, classes, where=WHERE)
    if classes < 2:
        raise ValuesError("at least 2 classes", str(classes), where=WHERE)
    if not 0 <= fraction <= 1:
        raise ValuesError("a fraction in 0 … 1", str(fraction), where=WHERE)
    if kind == "uniform":
        eligible = np.ones(len(true), dtype=bool)
    elif kind == "pair":
        target = _pair_targets(pairs, classes)
        eligible = target[true] >= 0
    elif kind == "domain":
        eligible = _in_noisy_domains(len(true), domains, noisy_domains, rng)
    else:
        raise ValuesError("a kind of uniform, pair or domain", repr(kind), where=WHERE)
    count = round(fraction * len(true))
    candidates = np.flatnonzero(eligible)
    if count > len(candidates):
        raise ValuesError(
            f"at least {count} examples that may be flipped",
            f"{len(candidates)} of {len(true)}",
            where=WHERE,
            fix="Lower the fraction, or allow more classes or domains.",
        )
    chosen = rng.choice(candidates, size=count, replace=False)
    noisy = true.copy()
    if kind == "pair":
        noisy[chosen] = target[true[chosen]]
    else:
        noisy[chosen] = (true[chosen] + rng.integers(1, classes, size=count)) % classes
    flipped = np.zeros(len(true), dtype=bool)
    flipped[chosen] = True
    return noisy, flipped


def _pair_targets(pairs: Mapping[int, int] | None, classes: int) -> Int[np.ndarray, " classes"]:
    """The class that each class is mistaken for; -1 inside this file only, for none."""
    if pairs is None:
        following: Int[np.ndarray, " classes"] = (np.arange(classes) + 1) % classes
        return following
    target = np.full(classes, -1)
    for true, wrong in pairs.items():
        if not (0 <= true < classes and 0 <= wrong < classes) or true == wrong:
            raise ValuesError(f"pairs of two different classes in 0 … {classes - 1}", f"{true}: {wrong}", where=WHERE)
        target[true] = wrong
    return target


def _in_noisy_domains(
    n: int,
    domains: Shaped[np.ndarray, " n"] | None,
    noisy_domains: Sequence[object] | None,
    rng: np.random.Generator,
) -> Bool[np.ndarray, " n"]:
    """Which examples lie in the noisy domains."""
    if domains is None:
        raise ValuesError("domains for kind='domain'", "None", where=WHERE, fix="Pass the domain of each example.")
    array = np.asarray(domains)
    check_length(array, n, name="domains", where=WHERE)
    names, index = np.unique(array, return_inverse=True)
    if noisy_domains is None:
        noisy = rng.choice(len(names), size=(len(names) + 1) // 2, replace=False)
    else:
        unknown = [name for name in noisy_domains if name not in names.tolist()]
        if unknown:
            raise ValuesError(f"noisy domains of {names.tolist()}", f"{unknown}", where=WHERE)
        noisy = np.flatnonzero([name in noisy_domains for name in names.tolist()])
    inside: Bool[np.ndarray, " n"] = np.isin(index, noisy)
    return inside
