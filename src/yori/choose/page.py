"""A simulation as one HTML file: no network, no script."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

import yori
from yori.choose.learning_chart import DrawnCurve, chart_styles, learning_chart

if TYPE_CHECKING:
    from yori.choose.simulate import Simulation


def simulation_page(simulation: Simulation, *, name: str) -> str:
    """The page as text: what to trust first, then the curves and the table."""
    drawn = [DrawnCurve(each.name, each.accuracy, each.accuracy_low, each.accuracy_high) for each in simulation.curves]
    trust = simulation.trust
    chart = learning_chart(
        simulation.budgets,
        drawn,
        title="Learning curves",
        description=trust.reason,
        x_title="labels",
        y_title="accuracy",
    )
    style = files("yori.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    where = "one domain held out at a time" if simulation.protocol == "lodo" else "folds of groups"
    facts = (
        f"{simulation.examples} labelled examples that are not test; {len(simulation.splits)} splits ({where}); "
        f"{simulation.seeds} seeds. Every strategy starts from nothing and sees a label only after it asked for it; the same "
        "head judges all of them. Bands and intervals: 95 %, t over the splits"
        + (", which share training examples: somewhat too narrow." if simulation.protocol == "id" else ".")
    )
    rows = Markup("").join(
        Markup(
            '<tr><th scope="row">{}</th><td class="number">{:.1f} %</td><td class="number {}">{}</td>'
            '<td class="number">{}</td><td class="number">{:.1f} %</td></tr>'
        ).format(
            each.name, 100 * each.area, _tone(each.low, each.high), _points(each.difference),
            "" if each.low != each.low else f"{_points(each.low)} to {_points(each.high)}", 100 * each.accuracy[-1],
        )
        for each in simulation.curves
    )  # fmt: skip
    notes = Markup("").join(Markup("<p>{}</p>").format(note) for note in simulation.notes)
    return str(
        Markup(
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
            "<title>{title}</title><style>{style}</style></head><body><header><h1>{title}</h1></header><main>"
            '<section class="verdict" aria-labelledby="trust"><h2 id="trust">What to trust here</h2>'
            '<p class="word">{word}</p><p class="sentence">{reason}</p></section>'
            "<section><h2>Learning curves</h2><figure>{chart}<figcaption>{facts}</figcaption></figure>{notes}"
            '<div class="scroll" role="region" tabindex="0" aria-label="Areas under the curves"><table>'
            "<caption>Mean accuracy over the budgets, and against random</caption><thead><tr>"
            '<th scope="col">strategy</th><th scope="col" class="number">area</th>'
            '<th scope="col" class="number">against random</th><th scope="col" class="number">interval</th>'
            '<th scope="col" class="number">at {last} labels</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
            "</main><footer><p>{made}</p></footer></body></html>\n"
        ).format(
            title=f"{name}: which labels to ask for",
            style=Markup(style + chart_styles()),
            word=escape(trust.strategy),
            reason=trust.reason,
            chart=chart,
            facts=facts,
            notes=notes,
            last=simulation.budgets[-1],
            rows=rows,
            made=f"yori {yori.__version__}",
        )
    )


def _points(share: float) -> str:
    return "" if share != share else f"{100 * share:+.1f}"


def _tone(low: float, high: float) -> str:
    return "good" if low > 0 else "bad" if high < 0 else ""
