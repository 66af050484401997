"""Labelled embeddings whose class probabilities, label errors, groups and domains are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from yori.errors import ValuesError

WHERE = "gaussian_mixture_embeddings"
ROW_BLOCK = 8192


@dataclass(frozen=True)
class MixtureEmbeddings:
    """Embeddings and everything that is true about them.

    Parameters
    ----------
    embeddings
        Shape ``(n, d)``, float32.
    labels
        Shape ``(n,)``, with errors.
    true_labels
        Shape ``(n,)``.
    groups, domains
        Shape ``(n,)``, integers. All examples of a group share true class and domain.
    probs
        Shape ``(n, c)``, float64: the exact probability of each true class given the embedding alone. No classifier does
        better on true labels.
    noise_rates
        Shape ``(n,)``: the probability with which the label of each example was made wrong.
    """

    embeddings: Float[np.ndarray, "n d"]
    labels: Int[np.ndarray, " n"]
    true_labels: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]
    domains: Int[np.ndarray, " n"]
    probs: Float[np.ndarray, "n c"]
    noise_rates: Float[np.ndarray, " n"]

    @property
    def wrong(self) -> Bool[np.ndarray, " n"]:
        """Which labels are wrong."""
        wrong: Bool[np.ndarray, " n"] = self.labels != self.true_labels
        return wrong

    @property
    def noisy_probs(self) -> Float[np.ndarray, "n c"]:
        """Exact probability of each class as *label*, given the embedding: the true one, blurred by the noise."""
        other = self.noise_rates[:, None] / (self.probs.shape[1] - 1)
        noisy: Float[np.ndarray, "n c"] = self.probs * (1 - self.noise_rates[:, None]) + (1 - self.probs) * other
        return noisy


def gaussian_mixture_embeddings(
    n: int,
    d: int,
    classes: int,
    *,
    separation: float = 4.0,
    groups: int | None = None,
    group_spread: float = 0.5,
    domains: int = 3,
    domain_shift: float = 1.0,
    label_noise: float = 0.05,
    heterogeneity: float = 1.0,
    decay: float = 0.0,
    rng: np.random.Generator,
) -> MixtureEmbeddings:
    """Draw embeddings from one Gaussian per class and domain, with group effects and uneven label errors.

    Before scaling, an example of class ``y``, domain ``s`` and group ``g`` is
    ``mean_y + shift_s + group_spread · u_g + √(1 − group_spread²) · ε`` with standard normal ``u_g`` and ``ε``, so around
    ``mean_y + shift_s`` it is standard normal. Class means are ``separation`` apart from each other.

    Parameters
    ----------
    n, d, classes
        Examples, dimensions, classes; ``2 ≤ classes ≤ d``.
    separation
        Distance between any two class means in standard deviations. With two classes and no shift the best possible
        error is ``Φ(−separation / 2)``: 2.3 % at 4.
    groups
        Number of groups (recordings, speakers); by default one for every 20 examples and at least one for each class and
        domain. Classes and domains are dealt to groups in turn.
    group_spread
        Standard deviation of the group effect, 0 … 1; at 1 all examples of a group coincide.
    domains
        Number of domains.
    domain_shift
        Length of the displacement of each domain. It lies in the span of the class means, so that it moves examples across
        the borders between classes.
    label_noise
        Mean share of wrong labels, 0 … 0.5. A wrong label is any other class, equally likely.
    heterogeneity
        How unevenly errors are spread, 0 … 1: the rate is ``label_noise · (1 + heterogeneity · tanh t)`` with ``t`` the
        standardised position along one direction that says nothing about the class.
    decay
        Dimension ``j`` is multiplied by ``(j + 1)^(−decay / 2)``, as real embeddings have a few strong directions and many
        weak ones. The probabilities do not change; the problem becomes ill-conditioned.
    rng
        Randomness.

    Returns
    -------
    `MixtureEmbeddings`, rows in random order.

    Raises
    ------
    ValuesError
        If a number is out of its range.

    Notes
    -----
    ``probs`` marginalises over domains and group effects with the drawn frequencies of class and domain: it is what a
    classifier can know that sees a single embedding. O(n d (1 + classes · domains)); 50 000 × 768 takes a second or two.

    Examples
    --------
    >>> data = gaussian_mixture_embeddings(2000, 16, 4, rng=np.random.default_rng(0))
    >>> data.embeddings.shape, data.embeddings.dtype, len(np.unique(data.groups))
    ((2000, 16), dtype('float32'), 100)
    >>> best = data.probs.argmax(axis=1)            # the best possible guess of the true class
    >>> float((best == data.true_labels).mean()) > 0.85
    True
    """
    if groups is None:
        groups = max(1, min(n, max(classes * domains, n // 20)))
    ranges = {
        f"n ≥ 1 (n = {n})": n >= 1,
        f"2 ≤ classes ≤ d (classes = {classes}, d = {d})": 2 <= classes <= d,
        f"1 ≤ groups ≤ n (groups = {groups})": 1 <= groups <= n,
        f"domains ≥ 1 (domains = {domains})": domains >= 1,
        f"separation ≥ 0 and domain_shift ≥ 0 ({separation}, {domain_shift})": separation >= 0 and domain_shift >= 0,
        f"group_spread in 0 … 1 ({group_spread})": 0 <= group_spread <= 1,
        f"label_noise in 0 … 0.5 ({label_noise})": 0 <= label_noise <= 0.5,
        f"heterogeneity in 0 … 1 ({heterogeneity})": 0 <= heterogeneity <= 1,
        f"a finite decay ({decay})": bool(np.isfinite(decay)),
    }
    broken = [condition for condition, holds in ranges.items() if not holds]
    if broken:
        raise ValuesError("; ".join(broken), where=WHERE)

    group = rng.permutation(n) % groups
    true = group % classes
    domain = group // classes % domains
    centres, region = _centres(d, classes, domains, separation, domain_shift, rng)
    cell = true * domains + domain
    frequency = np.bincount(cell, minlength=classes * domains) / n

    embeddings = rng.standard_normal((n, d), dtype=np.float32)
    effects = np.float32(group_spread) * rng.standard_normal((groups, d), dtype=np.float32)
    scale = (np.arange(1, d + 1) ** (-decay / 2)).astype(np.float32)
    probs = np.empty((n, classes))
    position = np.empty(n)
    for start in range(0, n, ROW_BLOCK):
        rows = slice(start, start + ROW_BLOCK)
        block = embeddings[rows]
        block *= np.float32(np.sqrt(1 - group_spread**2))
        block += effects[group[rows]]
        position[rows] = block @ region
        block += centres[cell[rows]]
        probs[rows] = _class_probs(block, centres, frequency, classes)
        block *= scale
    # Centred, the mean of tanh over the symmetric positions is 0 and the mean rate is label_noise.
    rates = label_noise * (1 + heterogeneity * np.tanh(position - position.mean()))
    labels = true.copy()
    wrong = rng.random(n) < rates
    labels[wrong] = (true[wrong] + rng.integers(1, classes, size=int(wrong.sum()))) % classes
    return MixtureEmbeddings(embeddings, labels, true, group, domain, probs, rates)


def _centres(
    d: int, classes: int, domains: int, separation: float, domain_shift: float, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "cells d"], Float[np.ndarray, " d"]]:
    """Mean of every class and domain (class-major), and the direction along which the noise rate changes."""
    basis = np.linalg.qr(rng.standard_normal((d, classes)))[0].T
    means = separation / np.sqrt(2) * basis
    weights = rng.standard_normal((domains, classes))
    # A common displacement of all class means would move no border: only the rest counts.
    weights -= weights.mean(axis=1, keepdims=True)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    shifts = domain_shift * weights @ basis
    centres = (means[:, None] + shifts[None]).reshape(classes * domains, d).astype(np.float32)
    # All centres have the same component along the common direction, so it tells nothing about class or domain.
    region = basis.sum(axis=0) / np.sqrt(classes)
    return centres, region.astype(np.float32)


def _class_probs(
    block: Float[np.ndarray, "b d"],
    centres: Float[np.ndarray, "cells d"],
    frequency: Float[np.ndarray, " cells"],
    classes: int,
) -> Float[np.ndarray, "b c"]:
    """Bayes' rule over unit-variance Gaussians, summed over the domains of each class."""
    with np.errstate(divide="ignore"):
        prior = np.log(frequency) - 0.5 * (centres.astype(np.float64) ** 2).sum(axis=1)
    joint = block @ centres.T + prior
    joint = np.exp(joint - joint.max(axis=1, keepdims=True))
    summed = joint.reshape(len(block), classes, -1).sum(axis=2)
    probs: Float[np.ndarray, "b c"] = summed / summed.sum(axis=1, keepdims=True)
    return probs
