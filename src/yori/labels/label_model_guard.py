"""Does the label model beat majority vote? It is kept only if all of this holds:

* *every class has a function that votes for it*, and *functions do not copy each other*: no two agree so much more often than
  the model expects that it shows (functions that lean on the same words are counted twice, and EM then believes them more
  than majority vote does);
* *it corrects majority vote* and does not contradict it on more than half of the examples;
* *every other label model that could as well be true expects it to win*: models from other starts (other precisions, other
  class balances) that are as likely, models of halves of the examples and, of few functions, without each of them, are
  asked about the examples where the two differ; each must expect more right answers, beyond what luck can make of so many.

With control questions it must also be right at least as often as majority vote on these. The guard is careful, and not
infallible: what it does on generated problems is in `benchmarks/weak_supervision.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from yori.labels.labelling_functions import VoteMatrix
from yori.labels.vote_patterns import PRECISION, Patterns, fit, posterior
from yori.labels.votes import Gold

ALTERNATIVES = ((0.6, 0.5), (0.9, 0.5), (PRECISION, 1.0), (PRECISION, 0.0), (0.6, 1.0), (0.9, 0.0))
"""Other starts: the precision of a vote, and how much of the class balance is even."""

RESAMPLES = 6
FEW_FUNCTIONS = 5
"""Of fewer functions each is left out in turn."""

RESTARTS = 12
AS_LIKELY = 10.0
"""A model from another start counts as another answer if its log-likelihood is not lower than by so much, nats."""

LUCK = 3.0
"""The expected gain over majority vote must be so many times what luck can make of it."""

COPIES = 4.0
"""Agreement above what the model expects, in standard errors, from which two functions count as copies."""


def judge_label_model(
    matrix: VoteMatrix,
    patterns: Patterns,
    balance: Float[np.ndarray, " c"],
    answers: Float[np.ndarray, "m c v"],
    probs: Float[np.ndarray, "n c"],
    plain: Float[np.ndarray, "n c"],
    gold: Gold | None,
    rng: np.random.Generator,
) -> tuple[bool, str]:
    """Whether the label model is kept, and one sentence why.

    Parameters
    ----------
    matrix, patterns
        The votes, and their distinct rows.
    balance, answers, probs
        What the label model estimated; ``probs`` ``(n, c)``.
    plain
        ``(n, c)`` majority vote.
    gold
        Examples whose class is known.
    rng
        Draws restarts and resamples.
    """
    ours, theirs = probs.argmax(axis=1), plain.argmax(axis=1)
    if gold is not None and len(gold):
        right = int((ours[gold.example] == gold.label).sum())
        plainly = int((theirs[gold.example] == gold.label).sum())
        if right < plainly:
            return (
                False,
                f"Majority vote: right on {plainly} of {len(gold)} known examples, the label model on {right}.",
            )
    silent = np.flatnonzero(patterns.share.sum(axis=0) == 0)
    if len(silent):
        named = ", ".join(matrix.classes[k] for k in silent)
        return False, f"Majority vote: no function ever votes for {named}, so silence could mean it or anything."
    copies = most_alike(matrix.votes, balance, answers)
    if copies[0] > COPIES:
        first, second = (matrix.names[j] for j in copies[1:])
        return False, (
            f"Majority vote: {first} and {second} agree {copies[0]:.0f} standard errors more often than independent "
            "functions would; they seem to look at the same thing."
        )
    differ = np.flatnonzero(ours != theirs)
    if len(differ) == 0:
        return True, "The label model: it says the same as majority vote everywhere."
    n, back = len(matrix.votes), patterns.back[differ]
    if 2 * len(differ) > n:
        return (
            False,
            f"Majority vote: the label model contradicts it on {len(differ)} of {n} examples, which corrects nothing.",
        )
    for name, other in _others(patterns, rng):
        for_us, for_them = other[back, ours[differ]], other[back, theirs[differ]]
        gain = float((for_us - for_them).sum())
        # Right here, wrong there, or both wrong: how far luck can take the difference in this many examples.
        luck = float(np.sqrt((for_us + for_them - (for_us - for_them) ** 2).sum()))
        if gain <= LUCK * luck:
            return False, (
                f"Majority vote: they differ on {len(differ)} of {n} examples, and {name} expects only "
                f"{gain:+.1f} ± {luck:.1f} more right answers of the label model."
            )
    return (
        True,
        f"The label model: it differs from majority vote on {len(differ)} of {n} examples, and every check expects gain.",
    )


def _others(patterns: Patterns, rng: np.random.Generator) -> Iterator[tuple[str, Float[np.ndarray, "p c"]]]:
    """Posteriors of the distinct rows by other label models that could as well be true."""
    for precision, even in ALTERNATIVES:
        yield f"a start with {precision:.0%} precision", fit(patterns, precision=precision, even=even)[2]
    m, classes = patterns.share.shape
    voting = np.flatnonzero(patterns.share.any(axis=1))
    for j in voting if len(voting) < FEW_FUNCTIONS else ():
        # Of so few functions the answers of two decide what the third is worth: nothing checks them.
        others = patterns.met.copy()
        others.data[others.indices // (classes + 1) == j] = 0.0
        share = patterns.share.copy()
        share[j] = 0.0
        yield (
            "a label model without one of the functions",
            fit(Patterns(others, patterns.many, patterns.back, share))[2],
        )
    best = float(posterior(patterns, *fit(patterns)[:2])[1] @ patterns.many)
    for _ in range(RESTARTS):
        drawn, start = rng.uniform(0.5, 0.95, (m, classes)), rng.dirichlet(np.full(classes, 3.0))
        balance, answers, probs = fit(patterns, precision=drawn, balance=start)
        if float(posterior(patterns, balance, answers)[1] @ patterns.many) > best - AS_LIKELY:
            yield "another label model that is as likely", probs
    n = int(patterns.many.sum())
    for _ in range(RESAMPLES):
        many = rng.multinomial(n // 2, patterns.many / n).astype(np.float64)
        yield "half of the examples", fit(patterns, many=many)[2]


def most_alike(
    votes: Int[np.ndarray, "n m"], balance: Float[np.ndarray, " c"], answers: Float[np.ndarray, "m c v"]
) -> tuple[float, int, int]:
    """The two functions that give the same answer most above expectation: standard errors, and their positions.

    Abstaining together counts as agreeing. Expectation is under independence within each class, at the fitted parameters.
    """
    n, m = votes.shape
    worst = (-np.inf, 0, 0)
    for a in range(m):
        for b in range(a):
            share = float((votes[:, a] == votes[:, b]).mean())
            expected = float(np.clip(balance @ (answers[a] * answers[b]).sum(axis=1), 1e-9, 1 - 1e-9))
            excess = (share - expected) / np.sqrt(expected * (1 - expected) / n)
            if excess > worst[0]:
                worst = (float(excess), b, a)
    return worst
