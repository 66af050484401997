"""How numbers are written in a report: the same digits in every language, with the signs of print."""

from __future__ import annotations

import math

NARROW = "\u202f"
"""Narrow space that does not break: between thousands, and between a number and its unit."""

MINUS = "\u2212"
NONE = "–"
_SHARES = ("accuracy", "error", "balanced_accuracy", "risk@", "coverage@")
_PREFIXES = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def is_share(metric: str) -> bool:
    """Whether a metric is a share of the examples, written in per cent.

    Examples
    --------
    >>> is_share("risk@0.8"), is_share("aurc")
    (True, False)
    """
    return metric.startswith(_SHARES)


def count(number: int | None) -> str:
    """A whole number with its thousands apart.

    Examples
    --------
    >>> count(6147).replace(NARROW, "_")
    '6_147'
    """
    return NONE if number is None else f"{number:,}".replace(",", NARROW)


def percent(share: float | None, *, digits: int = 1) -> str:
    """A share in per cent.

    Examples
    --------
    >>> percent(0.813).replace(NARROW, " ")
    '81.3 %'
    """
    return NONE if share is None or math.isnan(share) else f"{_plain(100 * share, digits)}{NARROW}%"


def share_text(share: float) -> str:
    """A share that a person wrote, in per cent with the digits it was written with.

    Examples
    --------
    >>> share_text(0.05).replace(NARROW, " "), share_text(0.025).replace(NARROW, " ")
    ('5 %', '2.5 %')
    """
    return f"{100 * share:.6g}{NARROW}%"


def confidence(number: float | None) -> str:
    """A threshold of confidence, with the digits that tell it from 1.

    Examples
    --------
    >>> confidence(0.83124), confidence(0.999997), confidence(1.0), confidence(None)
    ('0.8312', '0.9999970', '1.0000', '–')
    """
    if number is None:
        return NONE
    left = 1 - number
    return _plain(number, max(4, min(10, 1 - math.floor(math.log10(left)))) if 0 < left < 1 else 4)


def axis_percent(share: float) -> str:
    """A share in per cent with the digits it needs.

    Examples
    --------
    >>> axis_percent(0.2), axis_percent(0.005)
    ('20%', '0.5%')
    """
    return f"{100 * share:.4g}%".replace("-", MINUS)


def value(metric: str, number: float | None) -> str:
    """The value of a metric.

    Examples
    --------
    >>> value("aurc", 0.070418), value("accuracy", 0.813).replace(NARROW, " "), value("aurc", None)
    ('0.0704', '81.3 %', '–')
    """
    if number is None or math.isnan(number):
        return NONE
    if number == 0:
        return "0"
    return percent(number) if is_share(metric) else _plain(number, _digits(number))


def change(metric: str, number: float | None, *, points: str) -> str:
    """A change of a metric with its sign; that of a share in points of per cent, whose name is ``points``.

    Examples
    --------
    >>> change("aurc", -0.0507, points="pp"), change("accuracy", 0.0175, points="pp").replace(NARROW, " ")
    ('−0.0507', '+1.75 pp')
    >>> change("aurc", 0.0, points="pp")
    '0'
    """
    if number is None or math.isnan(number):
        return NONE
    if number == 0:
        return "0"
    if is_share(metric):
        return f"{_signed(100 * number, 2)}{NARROW}{points}"
    return _signed(number, _digits(number))


def axis_number(number: float) -> str:
    """A number on an axis.

    Examples
    --------
    >>> axis_number(-0.05)
    '−0.05'
    """
    return f"{number:g}".replace("-", MINUS)


def p_value(number: float | None) -> str:
    """A p-value; very small ones are only bounded.

    Examples
    --------
    >>> p_value(0.0431), p_value(1e-9).replace(NARROW, " "), p_value(1.0)
    ('0.043', '< 0.001', '1.000')
    """
    if number is None or math.isnan(number):
        return NONE
    return f"<{NARROW}0.001" if number < 0.001 else f"{number:.3f}"


def p_statement(number: float) -> str:
    """A p-value as papers write it.

    Examples
    --------
    >>> p_statement(0.0431), p_statement(1e-9).replace(NARROW, " ")
    ('p = 0.043', 'p < 0.001')
    """
    shown = p_value(number)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def flops(number: int) -> str:
    """Operations with a prefix.

    Examples
    --------
    >>> flops(28_512_000_000).replace(NARROW, " "), flops(515).replace(NARROW, " ")
    ('28.5 GFLOP', '515 FLOP')
    """
    for size, prefix in _PREFIXES:
        if number >= size:
            return f"{number / size:.3g}{NARROW}{prefix}FLOP"
    return f"{number}{NARROW}FLOP"


def short_hash(sha256: str) -> str:
    """The first letters of a hash, enough to tell two apart by eye."""
    return sha256[:12]


def _digits(number: float) -> int:
    """Four digits after the point, more for small numbers, so that two of them always mean something."""
    size = abs(number)
    if size >= 100 or not math.isfinite(size):
        return 1
    if size == 0 or size >= 0.001:
        return 4 if size < 10 else 2
    return min(8, 1 - math.floor(math.log10(size)))


def _plain(number: float, digits: int) -> str:
    return f"{number:.{digits}f}".replace("-", MINUS)


def _signed(number: float, digits: int) -> str:
    return f"{number:+.{digits}f}".replace("-", MINUS)
