"""The page of all turns: what each asked, changed, cost and bought, and what served when."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yori
from yori.flywheel.history_chart import Line
from yori.flywheel.labels_chart import labels_chart
from yori.flywheel.serving import Served
from yori.flywheel.turn import Turn
from yori.flywheel.turn_words import TurnWords
from yori.report import number_text as text
from yori.report.blocks import Block, Cell, Figures, Headline, Listing, Paragraph, Section, Table, cells
from yori.report.wording import Language
from yori.report.write import page_templates
from yori.store import atomic

STYLES = {"yori": "arm-after", "random": "arm-random"}


def write_history(
    name: str,
    turns: Sequence[Turn],
    served: Sequence[Served],
    out: Path,
    *,
    world: Mapping[str, Any] | None = None,
    lang: Language = "en",
) -> Path:
    """Write the page as one HTML file that needs no network; what was there is replaced in one step.

    Parameters
    ----------
    name
        Of the task.
    world
        What `yori.flywheel.simulated_world.Outcome.to_dict` gives: risk over labels, beside random labels.

    Raises
    ------
    ValuesError
        If the language is not known.
    StoreError
        If the file cannot be written.
    """
    page = history_page(name, turns, served, world=world, lang=lang).encode()
    atomic.replace_file(out, page)
    return out


def history_page(
    name: str,
    turns: Sequence[Turn],
    served: Sequence[Served],
    *,
    world: Mapping[str, Any] | None = None,
    lang: Language = "en",
) -> str:
    """The page as text; turns and promotions oldest first."""
    words = TurnWords(lang)
    sections = [
        _world(world, words),
        _turns(turns, words),
        *(_gate(each, words) for each in reversed(turns) if "gate" in each.steps),
        _people(turns, words),
        _serving(served, words),
    ]
    return page_templates().get_template("audit.html.j2").render(
        words=words, lang=lang, title=words("turns.title", name=name), skip=words("turns.skip"),
        headline=_headline(turns, words), sections=[each for each in sections if each is not None], other=None,
        made=words("turns.made", version=yori.__version__),
    )  # fmt: skip


def _headline(turns: Sequence[Turn], words: TurnWords) -> Headline:
    if not turns:
        return Headline(words("turns.headline"), "few", words("turns.word.none"), "")
    last = turns[-1]
    kind = "promoted" if last.promoted else "kept" if last.done else "waiting"
    flops = sum(each.steps.get("train", {}).get("training_flops", 0) for each in turns)
    sentence = words(
        "turns.sentence", turns=words.count("n.turns", len(turns)), labels=sum(_asked(each) for each in turns),
        minutes=f"{sum(_minutes(each) for each in turns):.0f}", flops=f"{flops / 1e9:.3g} GFLOP",
        promoted=sum(each.promoted is not None for each in turns),
    )  # fmt: skip
    why = last.steps.get("end", {}).get("why", ())
    told = [words.told(each) for each in why]
    blocks = [Paragraph(one, quiet=True, language=None if spoken == words.language else spoken) for one, spoken in told]
    tone = {"promoted": "good", "kept": "few", "waiting": "few"}[kind]
    return Headline(words("turns.headline"), tone, words(f"turns.word.{kind}", n=last.number), sentence, blocks)


def _asked(turn: Turn) -> int:
    return int(turn.steps.get("mine", {}).get("asked", 0))


def _minutes(turn: Turn) -> float:
    return float(turn.steps.get("merge", {}).get("seconds", 0.0)) / 60


def _turns(turns: Sequence[Turn], words: TurnWords) -> Section:
    rows = []
    for each in turns:
        merged, trained = each.steps.get("merge", {}), each.steps.get("train", {})
        kind = "promoted" if each.promoted else "kept" if each.done else "waiting"
        numbers = [merged.get(name) for name in ("added", "relabelled", "dropped", "conflicts")]
        rows.append(
            (
                Cell(str(each.number)),
                Cell(words(f"outcome.{kind}"), "good" if kind == "promoted" else ""),
                Cell(text.count(_asked(each))),
                *(Cell(text.NONE if number is None else text.count(number)) for number in numbers),
                Cell(text.NONE if "edits" not in trained else text.count(trained["edits"])),
                Cell(f"{_minutes(each):.1f}"),
            )
        )
    names = ("turn", "outcome", "asked", "added", "changed", "dropped", "conflicts", "edits", "minutes")
    heads = [words(f"head.{each}") for each in names]
    return Section("turns", words("section.turns"), [Table(words("turns.caption"), heads, rows, text_columns=2)])


def _gate(turn: Turn, words: TurnWords) -> Section:
    found = turn.steps["gate"]
    rows = [
        (
            Cell(words(f"question.{each['name']}")),
            Cell(words("passed.yes") if each["passed"] else words("passed.no"), "good" if each["passed"] else "bad"),
            Cell(words.told(each["sentence"])[0]),
        )
        for each in found["questions"]
    ]
    heads = [words(f"head.{each}") for each in ("question", "passed", "numbers")]
    caption = words(
        "gate.caption", n=turn.number, look=found["look"], examples=found["examples"],
        deciding=found.get("deciding", found["examples"]), level=f"{found['level']:.4g}",
    )  # fmt: skip
    return Section(f"gate-{turn.number}", f"{words('section.gate')}: {words('head.turn')} {turn.number}",
                   [Table(caption, heads, rows, text_columns=3)])  # fmt: skip


def _people(turns: Sequence[Turn], words: TurnWords) -> Section | None:
    merged = next((each.steps["merge"] for each in reversed(turns) if "merge" in each.steps), None)
    if merged is None or not merged["people"].get("answers"):
        return None
    people = merged["people"]
    rows = [
        cells(name, text.count(count), text.percent(people["skill"].get(name)))
        for name, count in sorted(people["answers"].items())
    ]
    heads = [words(f"head.{each}") for each in ("person", "answers", "skill")]
    blocks: list[Block] = [Table(words("people.caption"), heads, rows)]
    if merged["agreement"] is not None:
        blocks.append(Paragraph(words("people.agreement", share=text.percent(merged["agreement"]))))
    reason, spoken = words.told(people["reason"])
    blocks.append(Listing([reason], language=None if spoken == words.language else spoken))
    return Section("people", words("section.people"), blocks)


def _serving(served: Sequence[Served], words: TurnWords) -> Section | None:
    if not served:
        return None
    rows = [
        cells(
            datetime.datetime.fromtimestamp(each.at, datetime.UTC).strftime("%Y-%m-%d %H:%M"),
            words(f"action.{each.action}"), each.release_id[:12], each.who, words.told(each.why)[0],
        )
        for each in served
    ]  # fmt: skip
    heads = [words(f"head.{each}") for each in ("when", "action", "release", "who", "why")]
    return Section("serving", words("section.serving"), [Table(words("serving.caption"), heads, rows, text_columns=5)])


def _world(world: Mapping[str, Any] | None, words: TurnWords) -> Section | None:
    if world is None:
        return None
    coverage = text.percent(world["coverage"], digits=0)
    charts = []
    for name, column, title in (("newest", "risk", "figure.world.title"), ("served", "served", "figure.served.title")):
        described = words(f"figure.{name}", coverage=coverage)
        lines = [
            Line(words(f"arm.{arm}"), STYLES.get(arm, "arm-before"), values, _promotions(world, arm))
            for arm, values in world[column].items()
        ]
        chart = labels_chart(
            world["labels"], lines, title=words(title), description=described,
            x_title=words("axis.labels"), y_title=words("axis.risk"),
        )  # fmt: skip
        charts.append((chart, described))
    rows = [
        (
            Cell(words(f"arm.{arm}")),
            _gate_said(world, arm, place, words),
            Cell(text.count(labels)),
            Cell(text.percent(world["risk"][arm][place], digits=1)),
            Cell(text.percent(world["served"][arm][place], digits=1)),
        )
        for arm in world["risk"]
        for place, labels in enumerate(world["labels"])
    ]
    heads = [words(f"head.{each}") for each in ("arm", "gate", "labels", "newest", "serves")]
    table = Table(words("world.caption", coverage=coverage), heads, rows, text_columns=2)
    return Section("world", words("section.world"), [Figures(charts), table])


def _promotions(world: Mapping[str, Any], arm: str) -> list[int]:
    return [number for number, release in enumerate(world["promoted"][arm], 1) if release is not None]


def _gate_said(world: Mapping[str, Any], arm: str, place: int, words: TurnWords) -> Cell:
    if place == 0:
        return Cell(words("outcome.begin"))
    promoted = place in _promotions(world, arm)
    return Cell(words("outcome.promoted" if promoted else "outcome.kept"), "good" if promoted else "")
