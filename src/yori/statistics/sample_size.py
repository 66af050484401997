"""How many test examples: before anything is trained, and after a result that did not settle the question."""

from __future__ import annotations

import math

from scipy import special

from yori.errors import ValuesError
from yori.statistics.clusters import design_effect
from yori.statistics.power import check_share, minimum_detectable_effect

INTERVALS = ("normal", "wilson")


def sample_size(
    *,
    accuracy: float | None = None,
    half_width: float | None = None,
    delta: float | None = None,
    discordance: float | None = None,
    level: float = 0.95,
    power: float = 0.8,
    interval: str = "normal",
    cluster_size: float = 1.0,
    icc: float = 0.0,
) -> int:
    """Number of test examples to collect *before* training, for one of three questions about accuracy.

    ==========================================================  ==========================================
    question                                                    arguments
    ==========================================================  ==========================================
    how well is one accuracy known? (interval ``±half_width``)  ``accuracy``, ``half_width``
    is B better than A *on the same examples*?                  ``delta``, ``discordance``
    is B better than A on *different* examples? (per arm)       ``delta``, ``accuracy`` (of A)
    ==========================================================  ==========================================

    ``discordance`` is the share of examples on which exactly one of the two models is right; heads on one backbone
    typically disagree on 5 to 20 %. The paired design needs far fewer examples, see the examples.

    Parameters
    ----------
    accuracy
        Expected accuracy, in ``(0, 1)``.
    half_width
        Wanted half width of the interval, in the unit of accuracy (0.01 = one point).
    delta
        Smallest change of accuracy that must not be missed. Its sign does not matter for the paired design.
    discordance
        In ``[|delta|, 1]``, not 0.
    level, power
        Confidence level of the two-sided interval; chance to detect a change of ``delta``.
    interval
        ``"normal"`` (the textbook formula) or ``"wilson"``, for the first question.
    cluster_size, icc
        Rows per cluster and their intraclass correlation: the answer is multiplied by ``1 + (m − 1)·ICC``. For a paired
        comparison the correlation is that of the *differences* (`yori.statistics.intraclass_correlation`).

    Returns
    -------
    int
        Examples in all; for the unpaired design, in each arm.

    Raises
    ------
    ValuesError
        If the arguments fit none of the three questions, or a value is out of range.

    References
    ----------
    Connor, Biometrics 1987, doi:10.2307/2531961 (paired proportions). Wilson, JASA 1927. Kish 1965 (clusters).

    Examples
    --------
    >>> sample_size(accuracy=0.8, half_width=0.01)
    6147
    >>> sample_size(accuracy=0.8, half_width=0.01, interval="wilson")
    6145
    >>> [sample_size(delta=0.01, discordance=d) for d in (0.05, 0.10, 0.20)]
    [3923, 7847, 15696]
    >>> sample_size(delta=0.01, accuracy=0.8)
    24638
    >>> sample_size(delta=0.02, discordance=0.10, cluster_size=10, icc=0.05)
    2842
    """
    where = "sample_size"
    given = {name for name, value in _named(accuracy, half_width, delta, discordance) if value is not None}
    z = _quantile(level)
    factor = design_effect(cluster_size, icc)
    if given == {"accuracy", "half_width"}:
        p, h = _inside("accuracy", accuracy, where), _inside("half_width", half_width, where)
        if interval not in INTERVALS:
            raise ValuesError(f"an interval out of {', '.join(INTERVALS)}", repr(interval), where=where)
        n = z * z * p * (1 - p) / (h * h) if interval == "normal" else float(_wilson_rows(p, h, z))
    elif given == {"delta", "discordance"}:
        d, psi = abs(_inside("|delta|", abs(delta or 0.0), where)), float(discordance or 0.0)
        if not d <= psi <= 1:
            raise ValuesError(
                f"a discordance in [|delta|, 1] = [{d}, 1]",
                f"{psi}",
                where=where,
                fix="Accuracy cannot change by more than the share of examples that change.",
            )
        check_share(power, "power", where)
        n = ((z * math.sqrt(psi) + special.ndtri(power) * math.sqrt(psi - d * d)) / d) ** 2
    elif given == {"delta", "accuracy"}:
        p, d = _inside("accuracy", accuracy, where), float(delta or 0.0)
        q = _inside("accuracy + delta", p + d, where)
        if d == 0:
            raise ValuesError("a delta other than 0", "0", where=where)
        check_share(power, "power", where)
        n = (z + special.ndtri(power)) ** 2 * (p * (1 - p) + q * (1 - q)) / (d * d)
    else:
        raise ValuesError(
            "accuracy and half_width, or delta and discordance, or delta and accuracy",
            ", ".join(sorted(given)) or "none of them",
            where=where,
        )
    return _ceil(n * factor)


def settling_size(
    n: int, standard_error: float, distance: float, *, df: float = math.inf, level: float = 0.95, power: float = 0.8
) -> int:
    """Number of test examples that would have settled a comparison, from the standard error that ``n`` of them gave.

    Works for every metric, clusters included: a standard error falls as ``1/√n`` as long as the new examples come like
    the old ones (same cluster sizes, same mix of domains).

    Parameters
    ----------
    n
        Examples tested so far.
    standard_error
        Of the difference, with these ``n``.
    distance
        How far the truth is from the value to be excluded: the observed change to exclude zero, or its distance to the
        margin to resolve the margin.
    df
        Degrees of freedom of the interval.
    level, power
        As in `sample_size`.

    Returns
    -------
    int
        The smallest number of examples, of at least 1, with which the interval excludes that value with the chance
        ``power``.

    Raises
    ------
    ValuesError
        If ``n < 1``, ``standard_error < 0``, or ``distance`` is not positive and finite.

    Examples
    --------
    >>> settling_size(1000, standard_error=0.01, distance=0.01)
    7849
    """
    where = "settling_size"
    if n < 1:
        raise ValuesError("n ≥ 1", f"{n}", where=where)
    if not (math.isfinite(distance) and distance > 0):
        raise ValuesError("a distance > 0", f"{distance}", where=where, fix="No number of examples tells equals apart.")
    detectable = minimum_detectable_effect(standard_error, df=df, level=level, power=power)
    return max(1, _ceil(n * (detectable / distance) ** 2))


def _named(*values: float | None) -> list[tuple[str, float | None]]:
    return list(zip(("accuracy", "half_width", "delta", "discordance"), values, strict=True))


def _quantile(level: float) -> float:
    check_share(level, "level", "sample_size")
    return float(special.ndtri(0.5 + level / 2))


def _inside(name: str, value: float | None, where: str) -> float:
    number = float(value if value is not None else math.nan)
    check_share(number, name, where)
    return number


def _wilson_rows(p: float, half_width: float, z: float) -> int:
    """Smallest n whose Wilson interval, at an observed share ``p``, is at most ``2·half_width`` wide."""

    def half(n: int) -> float:
        return z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)

    low, high = 0, 1
    while half(high) > half_width:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if half(middle) > half_width else (low, middle)
    return high


def _ceil(n: float) -> int:
    """Round up, but not because of rounding noise in the last digits."""
    return math.ceil(round(n, 6))
