"""What a test can see: the power of a planned comparison, the smallest change a finished one would have found."""

from __future__ import annotations

import math

from scipy import special

from yori.errors import ValuesError
from yori.statistics.clusters import design_effect


def paired_power(
    n: int,
    *,
    delta: float,
    discordance: float,
    level: float = 0.95,
    cluster_size: float = 1.0,
    icc: float = 0.0,
) -> float:
    """Chance that ``n`` test examples show a true change of accuracy of ``delta`` (two models, same examples).

    The inverse of ``sample_size(delta=…, discordance=…)``. Counts findings in the right direction only.

    Parameters
    ----------
    n
        Test examples.
    delta
        True change of accuracy.
    discordance
        Share of examples on which exactly one model is right, in ``[|delta|, 1]``.
    level
        Confidence level of the two-sided test.
    cluster_size, icc
        As in `sample_size`.

    Raises
    ------
    ValuesError
        If a value is out of range.

    References
    ----------
    Connor, Biometrics 1987, doi:10.2307/2531961.

    Examples
    --------
    >>> round(paired_power(3923, delta=0.01, discordance=0.05), 3)
    0.8
    """
    where = "paired_power"
    check_share(level, "level", where)
    d = abs(delta)
    if n < 1:
        raise ValuesError("n ≥ 1", f"{n}", where=where)
    if not (d <= discordance <= 1 and discordance > 0):
        raise ValuesError(f"a discordance in [|delta|, 1] = [{d}, 1], not 0", f"{discordance}", where=where)
    effective = n / design_effect(cluster_size, icc)
    excess = d * math.sqrt(effective) - special.ndtri(0.5 + level / 2) * math.sqrt(discordance)
    spread = math.sqrt(discordance - d * d)
    if spread == 0:  # every example changes, all in the same direction
        return 1.0 if excess > 0 else 0.0
    return float(special.ndtr(excess / spread))


def minimum_detectable_effect(
    standard_error: float, *, df: float = math.inf, level: float = 0.95, power: float = 0.8
) -> float:
    """Smallest true change whose interval would exclude zero with the chance ``power``.

    A finished comparison that found nothing rules out changes larger than this, not smaller ones.

    Parameters
    ----------
    standard_error
        Of the difference.
    df
        Degrees of freedom of the t interval; infinite for a normal one.
    level, power
        Confidence level of the interval; wanted chance.

    Returns
    -------
    float
        ``(t_{(1 + level)/2} + t_{power}) · standard_error``.

    Raises
    ------
    ValuesError
        If a value is out of range.

    Examples
    --------
    >>> round(minimum_detectable_effect(0.01), 5)
    0.02802
    """
    where = "minimum_detectable_effect"
    check_share(level, "level", where)
    check_share(power, "power", where)
    if not (math.isfinite(standard_error) and standard_error >= 0):
        raise ValuesError("a finite standard error ≥ 0", f"{standard_error}", where=where)
    return (t_quantile(0.5 + level / 2, df) + t_quantile(power, df)) * standard_error


def t_quantile(probability: float, df: float) -> float:
    """Quantile of Student's t; of the normal distribution when ``df`` is infinite.

    Examples
    --------
    >>> round(t_quantile(0.975, 7), 4), round(t_quantile(0.975, float("inf")), 4)
    (2.3646, 1.96)
    """
    return float(special.ndtri(probability) if math.isinf(df) else special.stdtrit(df, probability))


def t_cumulative(value: float, df: float) -> float:
    """Chance of Student's t to be at most ``value``; of the normal distribution when ``df`` is infinite.

    Examples
    --------
    >>> round(t_cumulative(2.3646, 7), 4)
    0.975
    """
    return float(special.ndtr(value) if math.isinf(df) else special.stdtr(df, value))


def check_share(value: float, name: str, where: str) -> None:
    """Raise `ValuesError` unless ``value`` lies strictly between 0 and 1."""
    if not 0 < value < 1:
        raise ValuesError(f"{name} between 0 and 1", f"{value}", where=where)
