"""Is *after* better than *before*? One effect, one interval, one p-value, paired by example."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Shaped

from yori.errors import ValuesError
from yori.statistics import bootstrap
from yori.statistics.closed_form import Interval
from yori.statistics.comparable_metrics import ComparableMetric, Direction, find_metric
from yori.statistics.comparison import Comparison, DomainComparison
from yori.statistics.domain_effect import DomainEffect, domain_effect, error_within, within_domains
from yori.statistics.domains import FEW, hierarchical_interval, t_over_domains
from yori.statistics.pairing import Pairing, pair
from yori.statistics.power import check_share
from yori.statistics.predictions import Predictions

CLOSED_FORM = "closed form"
BOOTSTRAP = "bootstrap"
T_OVER_DOMAINS = "t over domains"
HIERARCHICAL = "hierarchical bootstrap"
STRATIFIED = "stratified by domain"

FEW_CLUSTERS = 20
"""Below this number of clusters a note says that the interval is approximate."""


def compare(
    before: Predictions,
    after: Predictions,
    *,
    metric: str | Callable[[Predictions], float] | ComparableMetric,
    groups: Shaped[np.ndarray, " n"] | None = None,
    domains: Shaped[np.ndarray, " n"] | None = None,
    seeds: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
    rng: np.random.Generator,
    domains_fixed: bool = False,
    direction: Direction | None = None,
    replicates: int = 2000,
    threads: int | None = None,
) -> Comparison:
    """Compare two models on the same test examples.

    The effect is the mean over domains of the mean over seeds of ``metric(after) − metric(before)``, each computed on
    the rows of one domain and seed. Seeds may test the same rows or different ones: an example's rows in all seeds are
    kept together, so its luck is counted once either way. The interval follows from the data:

    ============================  ===================================================================
    domains                       interval
    ============================  ===================================================================
    one, or ``domains=None``      closed form from influence values summed within clusters, t with
                                  ``clusters − 1`` degrees of freedom. Metrics without one (risk@,
                                  coverage@, macro_f1, your own): the same with the standard error of a
                                  cluster bootstrap
    2 to 7                        t over the domain effects, ``domains − 1`` degrees of freedom
    8 or more                     hierarchical bootstrap: domain > seed > cluster
    any, with ``domains_fixed``   stratified: as for one domain, within each
    ============================  ===================================================================

    Parameters
    ----------
    before, after
        The two arms. The rows must be the same examples.
    metric
        ``aurc``, ``augrc``, ``risk@0.8`` (any coverage), ``coverage@0.05`` (any risk), ``accuracy``, ``error``,
        ``nll``, ``brier``, ``loss``, ``ece`` (equal mass, debiased), ``macro_f1``, or a function ``(Predictions) ->
        float``.
    groups
        Shape ``(n,)``. What each row of ``before`` belongs to (recording, speaker, ship): rows of one group are not
        independent. None: every example by itself.
    domains
        Shape ``(n,)``. The held-out domain of each row of ``before``.
    seeds
        Shape ``(n,)``. The training seed of each row of ``before``.
    level
        Confidence level.
    rng
        The only source of randomness. Not read where the interval needs no resampling.
    domains_fixed
        The domains are all there are, and not a sample.
    direction
        ``"lower"`` or ``"higher"``: which way is better, for a metric of your own.
    replicates
        Bootstrap replicates, where there is a bootstrap.
    threads
        For the bootstrap; None: one per core. Does not change the result.

    Returns
    -------
    Comparison

    Raises
    ------
    AlignmentError
        If the arms do not hold the same ids, or an id occurs twice within one domain and seed (pooled seeds).
    ShapeError, ValuesError
        If a column that the metric reads is missing, the metric is not known, the level is not between 0 and 1, or
        there is a single cluster.

    Notes
    -----
    The interval speaks about other examples (and domains), for the models as trained: seeds are not resampled below
    eight domains. `DomainComparison.seed_deltas` shows how much they differ, and a note says so if they differ more
    than the test examples explain.

    Examples
    --------
    >>> ids, labels = np.arange(6), np.array([0, 0, 0, 1, 1, 1])
    >>> p = np.array([0.9, 0.8, 0.4, 0.3, 0.6, 0.1])
    >>> q = np.array([0.9, 0.8, 0.6, 0.3, 0.4, 0.1])
    >>> before = Predictions(ids, probs=np.stack([p, 1 - p], axis=1), labels=labels)
    >>> after = Predictions(ids, probs=np.stack([q, 1 - q], axis=1), labels=labels)
    >>> found = compare(before, after, metric="accuracy", rng=np.random.default_rng(0))
    >>> round(found.delta, 3), round(found.low, 3), round(found.high, 3), found.method
    (0.333, -0.209, 0.875, 'closed form')
    """
    check_share(level, "level", "compare")
    chosen = find_metric(metric, direction)
    if replicates < 100:
        raise ValuesError("at least 100 replicates", f"{replicates}", where="compare")
    pairing = pair(before, after, groups=groups, domains=domains, seeds=seeds)
    return _compare(pairing, chosen, level, rng, domains_fixed, replicates, threads)


def _compare(
    pairing: Pairing,
    metric: ComparableMetric,
    level: float,
    rng: np.random.Generator,
    domains_fixed: bool,
    replicates: int,
    threads: int | None,
) -> Comparison:
    domains = bootstrap.by_domain(pairing)
    parts = [
        domain_effect(cells, metric, replicates, own, threads)
        for cells, own in zip(domains, rng.spawn(len(domains)), strict=True)
    ]
    deltas = np.array([part.delta for part in parts])
    if len(parts) == 1 or domains_fixed:
        interval = within_domains(parts, level)
        method = STRATIFIED if len(parts) > 1 else CLOSED_FORM if metric.closed_form else BOOTSTRAP
    elif len(parts) < FEW:
        interval, method = t_over_domains(deltas, level, error_within(parts)), T_OVER_DOMAINS
    else:
        drawn = bootstrap.hierarchical_replicates(pairing, metric, replicates, rng, threads)
        drawn = drawn[np.isfinite(drawn)]
        interval, method = hierarchical_interval(deltas, drawn, level, error_within(parts)), HIERARCHICAL
    value = float(np.mean([part.before for part in parts]))
    delta = float(deltas.mean())
    return Comparison(
        metric=metric.name,
        direction=metric.direction,
        best=metric.best,
        before=value,
        after=float(np.mean([part.after for part in parts])),
        delta=delta,
        relative=delta / abs(value) if value else None,
        low=interval.low,
        high=interval.high,
        level=level,
        standard_error=interval.standard_error,
        degrees_of_freedom=interval.degrees_of_freedom,
        p_value=interval.p_value,
        method=method,
        n_rows=pairing.n_rows,
        n_examples=pairing.n_examples,
        n_clusters=pairing.n_clusters,
        n_seeds=len(pairing.seeds),
        n_domains=len(parts),
        domains_fixed=domains_fixed or len(parts) == 1,
        per_domain=tuple(_summary(name, part, level) for name, part in zip(pairing.domains, parts, strict=True)),
        notes=tuple(_notes(pairing, parts, interval, domains_fixed)),
    )


def _summary(name: Any, part: DomainEffect, level: float) -> DomainComparison:
    interval = within_domains([part], level) if part.clusters > 1 else None
    return DomainComparison(
        domain=str(name),
        before=part.before,
        after=part.after,
        delta=part.delta,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        standard_error=None if interval is None else interval.standard_error,
        n_examples=part.examples,
        n_clusters=part.clusters,
        seed_deltas=part.seed_deltas,
    )


def _notes(pairing: Pairing, parts: list[DomainEffect], interval: Interval, domains_fixed: bool) -> Iterator[str]:
    if not pairing.nested:
        yield "Some groups occur in several domains: the domains are not independent and the interval is too narrow."
    if len(parts) > 1 and not domains_fixed:
        if interval.standard_error > 0 and np.ptp([part.delta for part in parts]) == 0:
            yield "All domains show exactly the same effect: the spread within them was used instead."
        return
    few = min(part.clusters for part in parts)
    if few < FEW_CLUSTERS:
        yield f"Only {few} independent examples or groups: the interval is approximate."
    if any(part.standard_error == 0 and part.delta != 0 for part in parts):
        yield "Every example changed alike: the interval rests on their number alone."
    for part in parts:
        if len(part.seed_deltas) > 1 and part.standard_error is not None:
            over_seeds = float(np.std(part.seed_deltas, ddof=1)) / len(part.seed_deltas) ** 0.5
            if over_seeds > part.standard_error:
                yield (
                    f"Seeds differ more (standard error {over_seeds:.3g}) than the test examples explain "
                    f"({part.standard_error:.3g}): the interval holds for these trained models, not for other seeds."
                )
                return
