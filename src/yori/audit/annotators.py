"""Annotators who disagree: with each other on the same examples, and one of them with all the others.

An example whose answers are split is *inconsistent*: medium if no answer has more than half, low otherwise. An annotator is
reported whose answers agree with those of the others on shared examples so much less than the rest do that chance explains
it at less than 1 in 100, corrected for the number of annotators (exact binomial test against the agreement of all others):
high below half of that agreement, medium otherwise. An annotator who shares no example with anybody cannot be checked,
which is said; so are answers about examples or classes that there are none of (medium: somebody's work is lost).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from yori.audit.findings import Finding, Severity
from yori.errors import ShapeError

SIGNIFICANT = 0.01


@dataclass(frozen=True)
class Answers:
    """Answers of annotators, one row each: which example, who, which label; three columns of the same length."""

    example: Sequence[str]
    annotator: Sequence[str]
    label: Sequence[str]

    def __post_init__(self) -> None:
        lengths = {len(self.example), len(self.annotator), len(self.label)}
        if len(lengths) != 1:
            raise ShapeError("three columns of the same length", f"lengths {sorted(lengths)}", where="answers")

    def by_example(self) -> dict[str, dict[str, str]]:
        """Example → annotator → label; of several answers of one annotator to one example the last counts."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for example, annotator, label in zip(self.example, self.annotator, self.label, strict=True):
            found[example][annotator] = label
        return dict(found)


def annotator_findings(answers: Answers) -> list[Finding]:
    """Findings about examples and annotators.

    Examples
    --------
    >>> answers = Answers(["x", "x", "y"], ["ann", "ben", "ann"], ["cat", "dog", "cat"])
    >>> [(each.code, each.example_id) for each in annotator_findings(answers)]
    [('answers_split', 'x')]
    """
    from scipy.stats import binomtest

    table = answers.by_example()
    found = []
    # Of each pair of annotators on one example: agreed or not, counted for both.
    agreed: Counter[str] = Counter()
    shared: Counter[str] = Counter()
    for example, given in table.items():
        votes = Counter(given.values())
        names, labels = list(given), list(given.values())
        for a in range(len(names)):
            for b in range(a + 1, len(names)):
                for name in (names[a], names[b]):
                    shared[name] += 1
                    agreed[name] += labels[a] == labels[b]
        if len(votes) > 1:
            first, count = votes.most_common(1)[0]
            split: Severity = "medium" if 2 * count <= len(given) else "low"
            shown = ", ".join(f"{label} × {number}" for label, number in votes.most_common())
            values = {"answers": shown, "first": first, "n": len(given)}
            found.append(Finding("annotator", "answers_split", split, 1 - count / len(given), example, (), values))
    people = sorted(set(answers.annotator))
    judged = [name for name in people if shared[name]]
    for name in people if len(people) > 1 else []:
        if not shared[name]:
            values = {"annotator": name, "n": sum(name in given for given in table.values())}
            found.append(Finding("annotator", "annotator_alone", "low", 0.0, None, (), values))
            continue
        # Every pair counts for both of its people, so the others' pairs are those without this one.
        others = sum(shared.values()) / 2 - shared[name]
        others_agreed = sum(agreed.values()) / 2 - agreed[name]
        if others < 1:
            continue
        usual = others_agreed / others
        own = agreed[name] / shared[name]
        p = float(binomtest(agreed[name], shared[name], min(max(usual, 1e-9), 1 - 1e-9), alternative="less").pvalue)
        if p * len(judged) < SIGNIFICANT:
            grave: Severity = "high" if own < usual / 2 else "medium"
            values = {"annotator": name, "own": round(own, 3), "usual": round(usual, 3), "n": shared[name],
                      "p": float(f"{p * len(judged):.2g}")}  # fmt: skip
            found.append(Finding("annotator", "annotator_apart", grave, usual - own, None, (), values))
    return found


def unknown_answer_findings(answers: Answers, examples: Collection[str], classes: Collection[str]) -> list[Finding]:
    """Answers that say nothing about these data: about examples that are not there, or classes that nobody declared.

    Parameters
    ----------
    examples, classes
        Ids of the data version, and the classes of the task.

    Examples
    --------
    >>> answers = Answers(["x", "y"], ["ann", "ann"], ["cat", "cow"])
    >>> [(each.code, each.severity) for each in unknown_answer_findings(answers, {"x", "y"}, {"cat", "dog"})]
    [('answers_no_class', 'medium')]
    """
    found = []
    lost = [each for each in answers.example if each not in examples]
    if lost:
        values = {"n": len(lost), "examples": ", ".join(sorted(set(lost))[:3])}
        found.append(Finding("annotator", "answers_no_example", "medium", len(lost), None, (), values))
    strange = Counter(part for label in answers.label for part in label.split(";") if part and part not in classes)
    for label, n in sorted(strange.items()):
        found.append(Finding("annotator", "answers_no_class", "medium", n, None, (), {"label": label, "n": n}))
    return found


def annotator_error_findings(annotators: Sequence[str | None], wrong: Sequence[bool]) -> list[Finding]:
    """Annotators whose labels are probably wrong more often than those of the others.

    Parameters
    ----------
    annotators
        Who labelled each example; None = nobody knows.
    wrong
        Whether its label is probably wrong.

    Examples
    --------
    >>> found = annotator_error_findings(["ann"] * 50 + ["ben"] * 50, [True] * 20 + [False] * 80)
    >>> [(each.values["annotator"], each.severity) for each in found]
    [('ann', 'medium')]
    """
    from scipy.stats import fisher_exact

    if len(annotators) != len(wrong):
        raise ShapeError("two columns of the same length", f"{len(annotators)} and {len(wrong)}", where="annotators")
    labelled = Counter(name for name in annotators if name)
    errors = Counter(name for name, bad in zip(annotators, wrong, strict=True) if name and bad)
    total, bad = sum(labelled.values()), sum(errors.values())
    found = []
    for name in sorted(labelled) if len(labelled) > 1 else []:
        n, e = labelled[name], errors[name]
        table = [[e, n - e], [bad - e, total - n - bad + e]]
        p = min(1.0, float(fisher_exact(table, alternative="greater").pvalue) * len(labelled))
        if p < SIGNIFICANT and e > 1:
            usual = (bad - e) / max(1, total - n)
            values = {
                "annotator": name,
                "own": round(e / n, 3),
                "usual": round(usual, 3),
                "n": n,
                "p": float(f"{p:.2g}"),
            }
            found.append(Finding("annotator", "annotator_errors", "medium", e / n - usual, None, (), values))
    return found
