"""The gate between a candidate and serving: better where it counts, worse nowhere, its threshold where people expect it.

Both models answer the same test examples, which neither was trained on. Five questions, each with its numbers:

===============  =================================================================================================
question         passes when
===============  =================================================================================================
verdict          the endpoint of task.yaml *improved* at the level this look may spend (`yori.statistics.look_error`)
domains          no domain is significantly worse (endpoint per domain, Holm over domains)
requirements     coverage at risk, size of the model and latency are as task.yaml asks
threshold        what the candidate's threshold promises is not shown to be broken, at that level
alarms           the threshold for the target risk moves by no more than task.yaml allows, if it says so
===============  =================================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

from yori.errors import AlignmentError
from yori.flywheel.released_model import Release
from yori.metrics import label_set_confidence, label_set_correct
from yori.prove.alarm import Outcomes, alarm, coverage_requirement, target_risk
from yori.statistics import Predictions, compare, holm, verdict
from yori.statistics.looks import look_error
from yori.task import Task

ERROR = 0.05
"""What all looks at the test set together may spend."""

FEW = 20
"""A domain with fewer independent test groups is listed but decides nothing."""


@dataclass(frozen=True)
class TestSet:
    """Test examples, aligned: ids ``(n,)``, embeddings ``(n, d)``, targets, groups, domains."""

    __test__ = False  # for pytest

    ids: Shaped[np.ndarray, " n"]
    embeddings: Float[np.ndarray, "n d"]
    targets: Num[np.ndarray, "n ..."]
    groups: Int[np.ndarray, " n"]
    domains: Shaped[np.ndarray, " n"] | None


@dataclass(frozen=True)
class Question:
    """One question of the gate: whether it passes, the sentence, and its numbers."""

    name: str
    passed: bool
    sentence: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Gate:
    """What the gate said. ``look``: how often this test set has decided, this time included; ``level``: of the interval."""

    passed: bool
    look: int
    level: float
    examples: int
    questions: tuple[Question, ...]

    @property
    def reasons(self) -> list[str]:
        """Sentences of what did not pass."""
        return [each.sentence for each in self.questions if not each.passed]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def gate(
    serving: Release,
    candidate: Release,
    test: TestSet,
    task: Task,
    *,
    look: int,
    latency_ms: float | None = None,
    model_bytes: int | None = None,
    largest_shift: float | None = None,
    rng: np.random.Generator,
) -> Gate:
    """Ask all questions.

    Parameters
    ----------
    serving, candidate
        Both take the same embeddings.
    test
        Examples neither was trained on.
    look
        How often the test set has been used for a gate, this time included.
    latency_ms, model_bytes
        Of the candidate, where task.yaml requires something; None: not measured, which does not pass a requirement.
    largest_shift
        How far the threshold for the target risk may move, in units of confidence; None: no limit.
    """
    before, after = (_arm(release, test) for release in (serving, candidate))
    level = 1 - look_error(look, error=ERROR)
    questions = [
        _verdict(before, after, test, task, level, rng),
        _domains(before, after, test, task, level, rng),
        *_requirements(before, after, task, latency_ms, model_bytes),
        _threshold(candidate, after, task, level),
        _alarms(before, after, task, largest_shift),
    ]
    return Gate(all(each.passed for each in questions), look, level, len(test.ids), tuple(questions))


def _arm(release: Release, test: TestSet) -> Predictions:
    decided = release.decide(test.embeddings)
    targets = test.targets
    if targets.ndim == 1:
        return Predictions(test.ids, probs=decided.probs, labels=targets.astype(np.int64))
    correct = label_set_correct(decided.probs, targets.astype(np.int64))
    return Predictions(test.ids, confidence=label_set_confidence(decided.probs), correct=correct)


def _verdict(
    before: Predictions, after: Predictions, test: TestSet, task: Task, level: float, rng: np.random.Generator
) -> Question:
    metric = task.endpoint.metric
    found = compare(before, after, metric=metric, groups=test.groups, level=level, rng=rng)
    said = verdict(found, task.endpoint.margin)
    return Question("verdict", said.word == "improved", said.sentence, {**found.to_dict(), "verdict": said.to_dict()})


def _domains(
    before: Predictions, after: Predictions, test: TestSet, task: Task, level: float, rng: np.random.Generator
) -> Question:
    if test.domains is None:
        return Question("domains", True, "no domain is known", {"domains": []})
    rows: list[dict[str, Any]] = []
    for name in sorted({str(each) for each in test.domains}):
        inside = np.flatnonzero(test.domains.astype(str) == name)
        groups = test.groups[inside]
        row: dict[str, Any] = {"domain": name, "examples": len(inside), "groups": len(np.unique(groups)), "p": None}
        if row["groups"] >= FEW:
            parts = (_rows(before, inside), _rows(after, inside))
            found = compare(*parts, metric=task.endpoint.metric, groups=groups, level=level, rng=rng)
            worse = found.delta > 0 if found.direction == "lower" else found.delta < 0
            row |= {"delta": found.delta, "low": found.low, "high": found.high, "p": found.p_value, "worse": worse}
        rows.append(row)
    tested = [row for row in rows if row["p"] is not None]
    for row, adjusted in zip(tested, holm(np.array([row["p"] for row in tested])) if tested else [], strict=True):
        row["holm"] = float(adjusted)
    bad = [row["domain"] for row in tested if row["worse"] and row["holm"] <= 1 - level]
    left = len(rows) - len(tested)
    sentence = (
        f"significantly worse in {', '.join(bad)}" if bad else f"none of {len(tested)} domains significantly worse"
    )
    sentence += f" ({left} with too few examples to tell)" if left else ""
    return Question("domains", not bad, sentence, {"domains": rows})


def _rows(arm: Predictions, inside: Int[np.ndarray, " k"]) -> Predictions:
    taken: dict[str, Any] = {"ids": arm.ids[inside]}
    for name in ("confidence", "correct", "probs", "labels"):
        column = getattr(arm, name)
        if column is not None:
            taken[name] = column[inside]
    return Predictions(**taken)


def _outcomes(arm: Predictions) -> Outcomes:
    confidence, correct = arm.confidence, arm.correct
    if confidence is None or correct is None:  # pragma: no cover - both follow from probabilities
        raise AlignmentError("confidence and correctness", "neither", where="gate")
    return Outcomes(confidence, correct, np.zeros(len(arm.ids), dtype=np.int64))


def _requirements(
    before: Predictions, after: Predictions, task: Task, latency_ms: float | None, model_bytes: int | None
) -> list[Question]:
    asked, found = task.requirements, []
    if asked.coverage_at_risk is not None:
        old, new = _outcomes(before), _outcomes(after)
        facts = coverage_requirement(old, new, asked.coverage_at_risk) or {}
        reached = facts["after"]
        passed = bool(reached["met"])
        wish = asked.coverage_at_risk
        found.append(
            Question(
                "coverage at risk", passed,
                f"coverage {reached['coverage']:.3f} at risk {wish.risk:g}, required {wish.coverage:g}", facts,
            )
        )  # fmt: skip
    for name, limit, value, unit in (
        ("latency", asked.latency_ms, latency_ms, "ms"),
        ("model size", asked.model_bytes, model_bytes, "bytes"),
    ):
        if limit is not None:
            measured = "not measured" if value is None else f"{value:g} {unit}"
            passed = value is not None and value <= limit
            found.append(Question(name, passed, f"{measured}, required at most {limit:g} {unit}", {"value": value}))
    return found


def _threshold(candidate: Release, after: Predictions, task: Task, level: float) -> Question:
    """Whether the promise of the threshold survives the test set: a one-sided exact test of what it promised.

    A guaranteed threshold promises a risk among what is answered: the wrong ones are binomial at that risk. A conformal one
    promises that test examples are like validation examples: with *k* of *n* of those answered wrongly, as many test examples
    as here are beta-binomial with *k* + 1 and *n* − *k*.
    """
    from scipy import stats

    risk = target_risk(task)
    outcomes = _outcomes(after)
    answered = outcomes.confidence >= candidate.threshold
    wrong = int((~outcomes.correct[answered]).sum())
    stated = candidate.manifest["threshold"]
    promise = stated["promise"]
    n = len(answered) if promise == "conformal" else int(answered.sum())
    facts = {
        "threshold": candidate.threshold if math.isfinite(candidate.threshold) else None,
        "promise": promise,
        "answered": int(answered.sum()),
        "wrong": wrong,
        "of": n,
        "risk": risk,
    }
    if not answered.any():
        return Question("threshold", False, "it would abstain from everything", facts)
    if promise == "conformal":
        asked = stated["validation_examples"]
        k = round(stated["bound"] * (asked + 1)) - 1
        p = float(stats.betabinom.sf(wrong - 1, n, k + 1, asked - k))
    else:
        p = float(stats.binom.sf(wrong - 1, n, risk))
    among = "examples are answered wrongly" if promise == "conformal" else "answered are wrong"
    said = f"{wrong} of {n} {among}, promised {risk:g} (p = {p:.3g})"
    return Question("threshold", p > 1 - level, said, {**facts, "p": p})


def _alarms(before: Predictions, after: Predictions, task: Task, largest: float | None) -> Question:
    found: Mapping[str, Any] = alarm(_outcomes(before), _outcomes(after), risk=target_risk(task))
    shift = found["mean_shift"]
    if shift is None:
        return Question("alarms", largest is None, "no threshold reaches the target risk on the test set", dict(found))
    said = f"the threshold for risk {found['risk']:g} moves by {shift:+.3f}"
    said += "" if largest is None else f", allowed {largest:g}"
    return Question("alarms", largest is None or abs(shift) <= largest, said, dict(found))
