"""What was found, first and largest: the word, the change with its interval, and what the claim rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yori.report import number_text as text
from yori.report.blocks import Block, Cell, Facts, Paragraph
from yori.report.comparisons import reference_of, verdict_tone
from yori.report.wording import Words


@dataclass(frozen=True)
class Headline:
    """The verdict: its word in its colour, and the sentence with the numbers."""

    word: str
    tone: str
    sentence: str
    blocks: tuple[Block, ...]


def headline(certificate: Mapping[str, Any], words: Words) -> Headline:
    """The top of the report. Every word is set in the same size, whatever it says."""
    primary, verdict = certificate["primary"], certificate["verdict"]
    part = f"{50 * (1 - primary['comparison']['level']):.3g}"
    blocks: list[Block] = [Paragraph(words(f"verdict.meaning.{verdict['word']}", part=part))]
    if reference_of(certificate) != "before":
        blocks.append(Paragraph(words("verdict.cross_fitted")))
    if verdict["needed_examples"] is not None:
        name = "verdict.needed" if verdict["needed_domains"] is None else "verdict.needed_domains"
        blocks.append(
            Paragraph(
                words(
                    name,
                    n=text.count(verdict["needed_examples"]),
                    domains=text.count(verdict["needed_domains"]),
                    now=text.count(verdict["n_examples"]),
                )
            )
        )
    if not (certificate["parity"]["equal"] and certificate["flops"]["counter_agrees"]):
        blocks.append(Paragraph(words("verdict.unequal"), alert=True))
    blocks.append(Facts(_facts(certificate, words)))
    blocks.append(Paragraph(words("verdict.rule"), quiet=True))
    return Headline(
        word=words(f"verdict.{verdict['word']}"),
        tone=verdict_tone(verdict["word"]),
        sentence=sentence(primary, words),
        blocks=tuple(blocks),
    )


def sentence(primary: Mapping[str, Any], words: Words) -> str:
    """Metric, stage, protocol, before, after, change and interval in one sentence."""
    found = primary["comparison"]
    metric = primary["metric"]
    against = primary.get("against", "before")
    return words(
        "verdict.sentence" if against == "before" else "verdict.sentence_against",
        arm=words.arm(against),
        metric=words.metric(metric),
        stage=words.stage(primary["stage"]),
        protocol=words.protocol(primary["protocol"]),
        better=words(f"direction.{primary['direction']}"),
        before=words.value(metric, found["before"]),
        after=words.value(metric, found["after"]),
        change=words.change(metric, found["delta"]),
        relative=text.percent(found["relative"]).replace("-", text.MINUS),
        level=f"{100 * found['level']:g}",
        low=words.change(metric, found["low"]),
        high=words.change(metric, found["high"]),
    )


def _facts(certificate: Mapping[str, Any], words: Words) -> list[tuple[str, Cell]]:
    primary, verdict = certificate["primary"], certificate["verdict"]
    found, metric, parity = primary["comparison"], primary["metric"], certificate["parity"]
    edits, flops = certificate["edits"], certificate["flops"]
    domains = words.count("n.domains", found["n_domains"])
    if found["n_domains"] > 1:
        domains += words("domains.fixed" if found["domains_fixed"] else "domains.sampled")
    # A training run of a protocol costs the same in every arm; a single number says so.
    costs = ", ".join(f"{words.protocol(name)} {text.flops(number)}" for name, number in flops["train_per_arm"].items())
    same = words("parity.same", n=text.count(parity["parameters"]), flops=text.flops(parity["flops_per_prediction"]))
    return [
        (words("fact.change"), Cell(f"{words.change(metric, found['delta'])} "
                                    f"{words.interval(metric, found['low'], found['high'])}")),
        (words("fact.margin"), Cell(words.value(metric, verdict["margin"]) if verdict["margin"]
                                    else words("fact.no_margin"))),
        (words("fact.power", power=f"{100 * verdict['power']:g}"),
         Cell(words.value(metric, verdict["minimum_detectable_effect"]))),
        (words("fact.p_value"), Cell(text.p_value(found["p_value"]))),
        (words("fact.examples"), Cell(words("fact.examples_in_groups", n=words.count("n.examples", found["n_examples"]),
                                            groups=words.count("n.clusters", found["n_clusters"])))),
        (words("fact.seeds"), Cell(text.count(found["n_seeds"]))),
        (words("fact.domains"), Cell(domains)),
        (words("fact.edits"), Cell(words("fact.edits_share", n=words.count("n.edits", edits["count"]),
                                         share=text.percent(edits["budget_share"], digits=2)))),
        (words("fact.flops"), Cell(words("flops.equal", costs=costs) if flops["counter_agrees"]
                                   else words("flops.doubt", costs=costs),
                                   "" if flops["counter_agrees"] else "bad")),
        (words("fact.parity"), Cell(same) if parity["equal"] else Cell(words("parity.differs"), "bad")),
    ]  # fmt: skip
