"""How probable it is that a label is wrong: every witness in one number, by one rule.

1. *What class is it?* Witnesses that did not see the label: the mean out-of-fold probabilities ``p̄`` of several heads, and the
   shares ``v`` of the nearest examples' labels. Joined: ``q ∝ p̄^a · (v + ε)^b``; how far each is believed (``a``, ``b``) is
   fitted to the labels (`weigh_witnesses`), so a weak head accuses nobody.
2. *How do labels go wrong here?* `NoiseModel`: rates by source and class, which class for which, fitted together with the
   weights. It gives ``P(true class | witnesses, label)``, so a label that is unlikely but of a pair nobody confuses counts
   less than one of a pair that is confused all the time.
3. *What else speaks?* Scores without a class (training dynamics, influence, disagreeing heads): each is turned into a log
   likelihood ratio against step 2; their mean, times `SCALAR_WEIGHT`, is added to the log-odds. They are not independent
   of the heads, hence a mean and not a sum.

Without neighbours step 1 is ``p̄^a`` alone, without further scores step 3 is nothing. The table of `benchmarks/labels.py` says
what each step is worth.

A probability of .9 or more is an accusation, and is measured as one (two seeds; of those accused so many are wrong, of
the wrong so many are accused). 3 000 spoken digits, 8 and 20 % flipped, uniformly and in pairs: 99 %, 90 %. The flips
in half of the speakers: 8 % as above; 20 %: 100 %, 7 % while nobody says who spoke. 300 digits: 99 %, 23 %. 100 digits:
9 of 13 accused in eight trials. Overlapping classes, accuracy .72: 95 %, 21 %; at .5 and .3 next to nobody is accused.
Accused among clean labels: 1 of 3 000 digits; 8 of 3 000 with heads of six random dimensions (accuracy .28; with flips
4 of 13 are wrong); 21 of 3 000 with speakers held out as groups, two in three of them one digit of one speaker (with
flips 90 %, 71 %); none of 121 windows of ships in 18 recordings (accuracy .57). Believing the witnesses as they are,
this rule accused 80 of 3 000 and 26 of 1 500 clean labels where heads are weak.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

from yori.arrays import check_finite, check_labels, check_length, check_probs
from yori.errors import ShapeError, ValuesError
from yori.labels.noise_model import NoiseModel, row_blocks
from yori.labels.scalar_witness import log_likelihood_ratio
from yori.labels.witness_weights import joined, weigh_witnesses

HEAD_WEIGHT, VOTE_WEIGHT = 1.0, 0.5
"""Weights to start from."""

VOTE_FLOOR = 0.05
"""Spread over all classes: a vote nobody cast is unlikely, not impossible."""

SCALAR_WEIGHT = 0.5
LEAST = 1e-12
"""No head is surer than that."""

MOST_NUMBERS = 500_000
"""Of more probabilities evenly spaced rows teach how labels go wrong; all are scored."""

WHERE = "label_errors"


@dataclass(frozen=True)
class LabelErrors:
    """How much each label is to be doubted.

    Parameters
    ----------
    probability
        ``(n,)`` that the label is wrong.
    suggested
        ``(n,)`` the most probable other class.
    suggested_probability
        ``(n,)`` that it is the true one.
    noise
        How labels go wrong in these data.
    evidence
        The witnesses by name, ``(n,)`` each, for a person to look at.
    weights
        How far ``heads`` and ``neighbours`` are believed; 1 = as they say.
    """

    probability: Float[np.ndarray, " n"]
    suggested: Int[np.ndarray, " n"]
    suggested_probability: Float[np.ndarray, " n"]
    noise: NoiseModel
    evidence: Mapping[str, Num[np.ndarray, " n"]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def order(self) -> Int[np.ndarray, " n"]:
        """Positions from the most to the least doubtful label; equal ones by position."""
        order: Int[np.ndarray, " n"] = np.argsort(-self.probability, kind="stable")
        return order

    @property
    def expected(self) -> float:
        """Expected number of wrong labels: the sum of the probabilities. Too low where a class pair is confused often."""
        return float(self.probability.sum())


def join_witnesses(
    probs: Float[np.ndarray, "n c"],
    labels: Int[np.ndarray, " n"],
    *,
    votes: Float[np.ndarray, "n c"] | None = None,
    sources: Shaped[np.ndarray, " n"] | None = None,
    scores: Mapping[str, Num[np.ndarray, " n"]] | None = None,
) -> LabelErrors:
    """Apply the rule to witnesses that are at hand.

    Parameters
    ----------
    probs
        ``(n, c)`` out-of-fold probabilities, the mean of several heads if there are.
    labels
        ``(n,)`` given labels.
    votes
        ``(n, c)`` shares of the nearest examples' labels, from `neighbour_votes`; rows of zeros where nobody voted.
    sources
        ``(n,)`` who or what gave the label (annotator, session, domain), if rates of error may differ.
    scores
        Further scores by name, ``(n,)`` each, **high = suspicious**: minus the area under the margin, minus influence …

    Returns
    -------
    `LabelErrors`.

    Raises
    ------
    ShapeError, ValuesError
        If arrays do not fit together or hold NaN; probabilities of 1.00001 are renormalised.

    Notes
    -----
    O(n c) in row blocks; beside the input it needs a few numbers per example.

    Examples
    --------
    >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.9, 0.1]])
    >>> join_witnesses(probs, np.array([0, 0, 1, 1])).order[0]
    np.int64(3)
    """
    array = np.asarray(probs)
    if array.ndim != 2 or len(array) == 0 or array.shape[1] < 2:
        raise ShapeError("probs of shape (n, c) with n ≥ 1 and c ≥ 2", f"shape {array.shape}", where=WHERE)
    n, classes = array.shape
    given = check_labels(labels, classes, where=WHERE)
    check_length(given, n, name="labels", where=WHERE)
    if votes is not None and np.shape(votes) != array.shape:
        raise ShapeError(f"votes of shape {array.shape}", f"shape {np.shape(votes)}", where=WHERE)
    if votes is not None and not (np.min(votes) >= -1e-3 and np.max(votes) <= 1 + 1e-3):
        check_finite(np.asarray(votes), name="votes", where=WHERE)
        raise ValuesError(
            "votes as shares in 0 … 1", f"{np.min(votes):.6g} … {np.max(votes):.6g}", where=WHERE,
            fix="Divide counts by how many voted.",
        )  # fmt: skip
    further = {name: np.asarray(score) for name, score in (scores or {}).items()}
    for name, score in further.items():
        check_length(score, n, name=name, where=WHERE)
        check_finite(score, name=name, where=WHERE)
    source = np.zeros(n, dtype=np.int64)
    if sources is not None:
        check_length(np.asarray(sources), n, name="sources", where=WHERE)
        source = np.unique(np.asarray(sources).astype(str), return_inverse=True)[1].astype(np.int64)

    stride = -(-array.size // MOST_NUMBERS)
    taught = np.arange(0, n, stride)
    first = [HEAD_WEIGHT, VOTE_WEIGHT][: 1 if votes is None else 2]
    logs = _logs(array[::stride], votes, slice(None, None, stride), np.float32)
    weighed = weigh_witnesses(logs, given[::stride], source[::stride], first=first)
    del logs
    noise = _all_sources(weighed.noise, int(source.max()) + 1)
    # Who did not teach has nothing to take out again.
    rival, share = np.zeros(n, dtype=np.int32), np.zeros(n)
    rival[taught], share[taught] = weighed.own
    probability, suggested, likely = np.empty(n), np.empty(n, dtype=np.int64), np.empty(n)
    own, voted = np.empty(n), np.empty(n)
    for block in row_blocks(n, classes):
        label = given[block]
        rows = np.arange(len(label))
        said = joined(_logs(array[block], votes, block), weighed.weights)
        own[block] = array[block][rows, label]
        posterior = noise.posterior(said, label, source[block], (rival[block], share[block]))
        kept = posterior[rows, label]
        posterior[rows, label] = -1.0
        suggested[block] = posterior.argmax(axis=1)
        posterior[rows, label] = 0.0
        # The sum of the others, not 1 − own: it keeps its digits near 0.
        probability[block] = np.where(kept < 0.5, 1 - kept, posterior.sum(axis=1))
        likely[block] = posterior[rows, suggested[block]]
    evidence: dict[str, Num[np.ndarray, " n"]] = {"self_confidence": own}
    if votes is not None:
        voted[:] = np.asarray(votes)[np.arange(n), given]
        evidence["neighbours_for_label"] = voted
    if further:
        log_odds = np.log(np.maximum(probability, 1e-300)) - np.log(np.maximum(1 - probability, 1e-16))
        ratios = [log_likelihood_ratio(score.astype(np.float64), probability) for score in further.values()]
        log_odds += SCALAR_WEIGHT * np.mean(ratios, axis=0)
        raised = 1 / (1 + np.exp(-log_odds))
        likely *= np.divide(raised, probability, out=np.ones(n), where=probability > 0)
        probability = raised
    weights = dict(zip(("heads", "neighbours"), weighed.weights.tolist(), strict=False))
    return LabelErrors(probability, suggested, np.minimum(likely, probability), noise, {**evidence, **further}, weights)


def _logs(
    probs: Num[np.ndarray, "b c"], votes: Float[np.ndarray, "n c"] | None, rows: slice, dtype: type = np.float64
) -> list[Float[np.ndarray, "b c"]]:
    """What the witnesses of step 1 say of some rows."""
    said = check_probs(probs, where=WHERE)
    logs = [np.log(np.maximum(said, LEAST)).astype(dtype)]
    if votes is not None:
        shares = np.asarray(votes[rows], dtype=np.float64)
        # Where nobody voted the shares are all alike and change nothing.
        logs.append(np.log(np.maximum(shares, 0.0) + VOTE_FLOOR / said.shape[1]).astype(dtype))
    return logs


def _all_sources(noise: NoiseModel, sources: int) -> NoiseModel:
    """A source that was not among the rows that taught: the mean rate."""
    if len(noise.rate) == sources:
        return noise
    missing = np.full(sources - len(noise.rate), noise.rate.mean())
    return replace(noise, rate=np.concatenate([noise.rate, missing]))
