"""The gate between a candidate and serving: better where it counts, worse nowhere, its threshold where people expect it.

Both models answer the same test examples, which neither was trained on. Some of them are of the split of the first release,
the others came from the stream, asked for at random. Where the stream has given enough of them, they decide: a gain where the
model works is what a turn is for, and where it came from it must only not get worse. Five questions, each with its numbers:

===============  =================================================================================================
question         passes when
===============  =================================================================================================
verdict          the endpoint of task.yaml *improved* at the level this look may spend (`yori.statistics.look_error`)
domains          no domain is significantly worse, and not the examples of the first release (Holm over all of them);
                 domains too small to be asked alone are asked together
requirements     coverage at risk, size of the model and latency are as task.yaml asks
threshold        what the candidate's threshold promises is not shown to be broken, or it lets fewer mistakes through
                 than the one that serves, whose promise the same stream has broken
alarms           the threshold for the target risk moves by no more than task.yaml allows, if it says so
===============  =================================================================================================

Only the verdict can let a candidate pass that is not better, so only it spends the error of a look. Its interval has two
sides of which one promotes; the other half is not spent, because with 40 examples the far tails of an interval are not exact.
The other questions can only stop a candidate; they are asked at `HARM` every time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

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
"""A domain with fewer independent test groups is not asked alone."""

FROM_STREAM = 30
"""From so many independent test groups of the stream on, they decide; before, all test examples do."""

HARM = 0.05
"""Level at which a domain counts as worse, and a promise as broken."""


@dataclass(frozen=True)
class TestSet:
    """Test examples, aligned: ids ``(n,)``, embeddings ``(n, d)``, targets, groups, domains.

    ``stream`` ``(n,)``: those that were asked for at random after the first release; None: none of them.
    """

    __test__ = False  # for pytest

    ids: Shaped[np.ndarray, " n"]
    embeddings: Float[np.ndarray, "n d"]
    targets: Num[np.ndarray, "n ..."]
    groups: Int[np.ndarray, " n"]
    domains: Shaped[np.ndarray, " n"] | None
    stream: Bool[np.ndarray, " n"] | None = None

    def deciding(self) -> Bool[np.ndarray, " n"]:
        """The examples that decide: those of the stream if there are enough groups of them, else all."""
        if self.stream is not None and len(np.unique(self.groups[self.stream])) >= FROM_STREAM:
            return self.stream
        return np.ones(len(self.ids), dtype=np.bool_)


@dataclass(frozen=True)
class Question:
    """One question of the gate: whether it passes, the sentence, and its numbers."""

    name: str
    passed: bool
    sentence: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Gate:
    """What the gate said.

    ``look``: how often this test set has decided, this time included; ``level``: of the interval of the verdict; ``examples``
    of the test set, and ``deciding`` of them.
    """

    passed: bool
    look: int
    level: float
    examples: int
    deciding: int
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
    old, new = _arm(serving, test), _arm(candidate, test)
    rows = np.flatnonzero(test.deciding())
    before, after = _rows(old, rows), _rows(new, rows)
    level = 1 - look_error(look, error=ERROR)
    questions = [
        _verdict(before, after, test.groups[rows], task, level, rng),
        _domains(old, new, test, task, rng),
        *_requirements(before, after, task, latency_ms, model_bytes),
        _threshold(serving, candidate, before, after, task),
        _alarms(before, after, task, largest_shift),
    ]
    passed = all(each.passed for each in questions)
    return Gate(passed, look, level, len(test.ids), len(rows), tuple(questions))


def _arm(release: Release, test: TestSet) -> Predictions:
    decided = release.decide(test.embeddings)
    targets = test.targets
    if targets.ndim == 1:
        return Predictions(test.ids, probs=decided.probs, labels=targets.astype(np.int64))
    correct = label_set_correct(decided.probs, targets.astype(np.int64))
    return Predictions(test.ids, confidence=label_set_confidence(decided.probs), correct=correct)


def _verdict(
    before: Predictions,
    after: Predictions,
    groups: Int[np.ndarray, " n"],
    task: Task,
    level: float,
    rng: np.random.Generator,
) -> Question:
    metric = task.endpoint.metric
    found = compare(before, after, metric=metric, groups=groups, level=level, rng=rng)
    said = verdict(found, task.endpoint.margin)
    return Question("verdict", said.word == "improved", said.sentence, {**found.to_dict(), "verdict": said.to_dict()})


def _domains(before: Predictions, after: Predictions, test: TestSet, task: Task, rng: np.random.Generator) -> Question:
    rows: list[dict[str, Any]] = []
    for name, kind, inside in _parts(test):
        groups = test.groups[inside]
        row: dict[str, Any] = {
            "domain": name, "kind": kind, "examples": len(inside), "groups": len(np.unique(groups)), "p": None
        }  # fmt: skip
        if row["groups"] >= FEW:
            parts = (_rows(before, inside), _rows(after, inside))
            found = compare(*parts, metric=task.endpoint.metric, groups=groups, level=1 - HARM, rng=rng)
            worse = found.delta > 0 if found.direction == "lower" else found.delta < 0
            row |= {"delta": found.delta, "low": found.low, "high": found.high, "p": found.p_value, "worse": worse}
        rows.append(row)
    asked = [row for row in rows if row["p"] is not None]
    for row, adjusted in zip(asked, holm(np.array([row["p"] for row in asked])) if asked else [], strict=True):
        row["holm"] = float(adjusted)
    bad = [row["domain"] for row in asked if row["worse"] and row["holm"] <= HARM]
    return Question("domains", not bad, _of_domains(rows, bad), {"domains": rows})


def _parts(test: TestSet) -> Iterator[tuple[str, str, Int[np.ndarray, " k"]]]:
    """Name, kind and rows of what is asked: every domain, the small ones together, and the examples of the first release."""
    small: list[int] = []
    domains = np.empty(0, dtype=str) if test.domains is None else test.domains.astype(str)
    for name in np.unique(domains).tolist():
        inside = np.flatnonzero(domains == name)
        yield name, "domain", inside
        if len(np.unique(test.groups[inside])) < FEW:
            small += inside.tolist()
    if small:
        yield "small domains", "together", np.array(sorted(small), dtype=np.int64)
    if not test.deciding().all() and test.stream is not None:
        yield "first test set", "first", np.flatnonzero(~test.stream)


def _of_domains(rows: Sequence[Mapping[str, Any]], bad: Sequence[str]) -> str:
    alone = [row for row in rows if row["kind"] == "domain"]
    small = [row for row in alone if row["p"] is None]
    others = [row for row in rows if row["kind"] == "together"]
    if bad:
        said = f"significantly worse in: {', '.join(bad)}"
    elif not rows:
        return "no domain is known"
    else:
        said = f"none of {len(alone)} domains significantly worse"
    if any(row["kind"] == "first" and row["p"] is not None and row["domain"] not in bad for row in rows):
        said += "; the first test set not significantly worse"
    if small and others[0]["p"] is not None:
        said += f"; small domains asked together: {len(small)}"
    elif small:
        said += f"; domains with too few examples to tell: {len(small)}"
    return said


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


def _threshold(serving: Release, candidate: Release, before: Predictions, after: Predictions, task: Task) -> Question:
    """Whether the promise of the threshold survives the test set: a one-sided exact test of what it promised.

    A guaranteed threshold promises a risk among what is answered: the wrong ones are binomial at that risk. A conformal one
    promises that test examples are like validation examples: with *k* of *n* of those answered wrongly, as many test examples
    as here are beta-binomial with *k* + 1 and *n* − *k*.

    A stream that has moved breaks promises made before it moved. A candidate that lets fewer mistakes through than the
    threshold that serves is then not the one to refuse.
    """
    risk = target_risk(task)
    facts = _kept(candidate, after, risk)
    now = _kept(serving, before, risk)
    facts["serving"] = now
    if not facts["answered"]:
        return Question("threshold", False, "it would abstain from everything", facts)
    among = "examples are answered wrongly" if facts["promise"] == "conformal" else "answered are wrong"
    said = f"{facts['wrong']} of {facts['of']} {among}, promised {risk:g} (p = {facts['p']:.3g})"
    if facts["p"] > HARM:
        return Question("threshold", True, said, facts)
    said += f"; the release that serves lets {now['wrong']} through"
    fewer = now["answered"] > 0 and now["p"] <= HARM and facts["wrong"] < now["wrong"]
    return Question("threshold", fewer, said, facts)


def _kept(release: Release, arm: Predictions, risk: float) -> dict[str, Any]:
    """What a threshold promised, and what it let through; ``p`` of so many mistakes or more if the promise holds."""
    from scipy import stats

    outcomes = _outcomes(arm)
    answered = outcomes.confidence >= release.threshold
    wrong = int((~outcomes.correct[answered]).sum())
    stated = release.manifest["threshold"]
    promise = stated["promise"]
    n = len(answered) if promise == "conformal" else int(answered.sum())
    p = None
    if answered.any() and promise == "conformal":
        asked = stated["validation_examples"]
        k = round(stated["bound"] * (asked + 1)) - 1
        p = float(stats.betabinom.sf(wrong - 1, n, k + 1, asked - k))
    elif answered.any():
        p = float(stats.binom.sf(wrong - 1, n, risk))
    return {
        "threshold": release.threshold if math.isfinite(release.threshold) else None,
        "promise": promise,
        "answered": int(answered.sum()),
        "wrong": wrong,
        "of": n,
        "risk": risk,
        "p": p,
    }


def _alarms(before: Predictions, after: Predictions, task: Task, largest: float | None) -> Question:
    found: Mapping[str, Any] = alarm(_outcomes(before), _outcomes(after), risk=target_risk(task))
    shift = found["mean_shift"]
    if shift is None:
        return Question("alarms", largest is None, "no threshold reaches the target risk on the test set", dict(found))
    said = f"the threshold for risk {found['risk']:g} moves by {shift:+.3f}"
    said += "" if largest is None else f", allowed {largest:g}"
    return Question("alarms", largest is None or abs(shift) <= largest, said, dict(found))
