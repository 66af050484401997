"""How many more answers each example needs: Wald's sequential test, with the annotators there are.

While the true class is *k*, each further answer of a typical annotator moves the log-odds of *k* against the runner-up
*r* by ``KL(T_k ‖ T_r)`` on average, ``T`` the mean confusion matrix. The distance that is left to the wished certainty
divided by that step is the expected number of answers.

References
----------
Wald, "Sequential tests of statistical hypotheses", Annals of Mathematical Statistics 16, 1945.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from yori.errors import ValuesError
from yori.labels.consensus import Consensus, log_of

MOST = 20


def answers_needed(
    consensus: Consensus,
    *,
    certainty: float = 0.95,
    answers: Int[np.ndarray, " a"] | None = None,
    most: int = MOST,
) -> Int[np.ndarray, " n"]:
    """Expected number of further answers until each example is certain.

    Parameters
    ----------
    consensus
        What is known so far.
    certainty
        Wished posterior of the top class against the runner-up, between ½ and 1.
    answers
        ``(a,)`` answers of each annotator (`Votes.per_annotator`), to weigh them in the typical one; by default all alike.
    most
        Never ask for more; also the answer where the annotators cannot tell the two classes apart.

    Returns
    -------
    ``(n,)`` integers, 0 where the example is certain already.

    Raises
    ------
    ValuesError
        If ``certainty`` is not between ½ and 1, or ``most`` is negative.

    Examples
    --------
    >>> confusion = np.array([[[0.9, 0.1], [0.1, 0.9]]])
    >>> probs = np.array([[0.99, 0.01], [0.9, 0.1], [0.5, 0.5]])
    >>> answers_needed(Consensus(probs, np.array([0.5, 0.5]), confusion, "dawid_skene"))
    array([0, 1, 2])
    """
    if not 0.5 < certainty < 1:
        raise ValuesError("a certainty between 0.5 and 1", str(certainty), where="answers_needed")
    if most < 0:
        raise ValuesError("most ≥ 0", str(most), where="answers_needed")
    weight = np.ones(len(consensus.confusion)) if answers is None else np.asarray(answers, dtype=np.float64)
    typical = np.tensordot(weight / weight.sum(), consensus.confusion, axes=1)
    logs = log_of(typical)
    # [k, r]: what an answer says on average for k against r, while k is true
    step: Float[np.ndarray, "c c"] = (typical * logs).sum(axis=1, keepdims=True) - typical @ logs.T
    rows = np.arange(len(consensus.probs))
    top, second = np.argsort(-consensus.probs, axis=1, kind="stable")[:, :2].T
    odds = log_of(consensus.probs[rows, top]) - log_of(consensus.probs[rows, second])
    left = np.log(certainty / (1 - certainty)) - odds
    with np.errstate(divide="ignore", invalid="ignore"):
        wished = np.where(left <= 1e-12, 0.0, np.ceil(left / step[top, second] - 1e-9))
    needed: Int[np.ndarray, " n"] = np.clip(np.nan_to_num(wished, nan=most, posinf=most), 0, most).astype(np.int64)
    return needed
