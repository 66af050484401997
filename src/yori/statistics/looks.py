r"""How much error probability each look at the same test set may spend.

A test set that decides about one release after another is asked again and again. If every look were taken at 5 %, one of
twenty useless changes would pass, and over the turns some surely would. So the looks share one error probability: the
:math:`k`-th gets :math:`\alpha_k = \alpha / (k (k + 1))`, which sums to :math:`\alpha` over any number of looks, planned or
not. By the union bound the chance that any release passes that is not better stays below :math:`\alpha`, as long as what is
tested does not depend on the test examples other than through the gates that were passed.

New test examples that nobody has looked at are a new test set for this purpose only if all old ones are left out; a test set
that merely grows keeps its history of looks.

References
----------
Lan, DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 1983 (spending). Dwork et al., "The reusable
holdout", Science 2015, doi:10.1126/science.aaa9375 (why it is needed). Foster, Stine, "α-investing", JRSS B 2008.
"""

from __future__ import annotations

from yori.errors import ValuesError
from yori.statistics.power import check_share


def look_error(look: int, *, error: float = 0.05) -> float:
    """Error probability that look number ``look`` (from 1) may spend.

    Parameters
    ----------
    look
        1 for the first use of the test set.
    error
        What all looks together may spend.

    Returns
    -------
    ``error / (look · (look + 1))``: the sum over all looks is ``error``.

    Raises
    ------
    ValuesError
        If ``look < 1``, or ``error`` is not between 0 and 1.

    Examples
    --------
    >>> [round(look_error(k), 5) for k in (1, 2, 3)]
    [0.025, 0.00833, 0.00417]
    """
    check_share(error, "error", "look_error")
    if look < 1:
        raise ValuesError("looks counted from 1", str(look), where="look_error")
    return error / (look * (look + 1))
