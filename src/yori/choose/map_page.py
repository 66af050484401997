"""What was chosen, as one HTML file: a map of the examples and a table; no network, no script."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
from jaxtyping import Bool, Int
from markupsafe import Markup

import yori
from yori.choose.embedding_map import MOST, EmbeddingMap
from yori.choose.map_chart import COLOURS, Place, map_chart, map_styles

WAYS = {
    "pca": "the two principal components of the embeddings, the directions in which they differ most",
    "umap": "UMAP of the embeddings: neighbours stay neighbours; distances between groups, their sizes and the space "
    "between them mean nothing",
}


def places_of(
    found: EmbeddingMap,
    ids: Sequence[str],
    labels: Sequence[str | None],
    picked: Bool[np.ndarray, " k"],
) -> tuple[list[Place], list[str]]:
    """Dots of the mapped rows, with the names of the most frequent labels, each a colour of its own."""
    names, counts = np.unique([each for each in labels if each is not None], return_counts=True)
    order = np.argsort(-counts, kind="stable")[: len(COLOURS)]
    shown = sorted(str(names[k]) for k in order)
    colour = {name: number for number, name in enumerate(shown)}
    places = [
        Place(
            float(x), float(y), None if label is None else colour.get(label), bool(own),
            f"{name}: {'no label' if label is None else label or '(none of the classes)'}{', picked' if own else ''}",
        )
        for (x, y), name, label, own in zip(found.places, ids, labels, picked, strict=True)
    ]  # fmt: skip
    return places, [name or "(none)" for name in shown]


def map_page(
    *,
    title: str,
    word: str,
    sentence: str,
    found: EmbeddingMap | None,
    ids: Sequence[str],
    labels: Sequence[str | None],
    picked: Bool[np.ndarray, " k"],
    total: int,
    picked_words: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str],
) -> str:
    """The page as text.

    Parameters
    ----------
    title, word, sentence
        Heading, verdict in a word, and in a sentence.
    found, ids, labels, picked
        The map and what its rows are; None: no map.
    total
        How many examples there are; the map shows some of them where there are many.
    picked_words
        What a ring on the map means.
    head, rows
        Of the table.
    notes
        Sentences below.
    """
    figure = Markup("")
    if found is not None:
        places, names = places_of(found, ids, labels, picked)
        others = len({each for each in labels if each is not None}) > len(names)
        chart = map_chart(
            places, names, grey="other, or none" if others else "no label", picked=picked_words, title="Map of the examples",
            description=f"{len(places)} examples, {int(picked.sum())} of them {picked_words}; {WAYS[found.method]}.",
        )  # fmt: skip
        some = f"{len(places)} of {total} examples" if len(places) < total else f"{total} examples"
        facts = f"{some}: {WAYS[found.method]}. For looking only: nothing is trained, scored or chosen on this map."
        figure = Markup(
            "<section><h2>Map of the examples</h2><figure>{}<figcaption>{} {}</figcaption></figure></section>"
        ).format(chart, facts, found.note)
    body = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            row[0], Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row[1:])
        )
        for row in rows
    )
    style = files("yori.report").joinpath("templates/report.css").read_text(encoding="utf-8") + map_styles()
    return str(
        Markup(
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
            "<title>{title}</title><style>{style}</style></head><body><header><h1>{title}</h1></header><main>"
            '<section class="verdict" aria-labelledby="what"><h2 id="what">What was chosen</h2>'
            '<p class="word">{word}</p><p class="sentence">{sentence}</p></section>{figure}'
            '<section><h2>Table</h2><div class="scroll" role="region" tabindex="0" aria-label="Table"><table><thead><tr>'
            "{head}</tr></thead><tbody>{body}</tbody></table></div>{notes}</section>"
            "</main><footer><p>{made}</p></footer></body></html>\n"
        ).format(
            title=title,
            style=Markup(style),
            word=word,
            sentence=sentence,
            figure=figure,
            body=body,
            head=Markup("").join(Markup('<th scope="col">{}</th>').format(each) for each in head),
            notes=Markup("").join(Markup("<p>{}</p>").format(note) for note in notes),
            made=f"yori {yori.__version__}",
        )
    )


def marked_first(picked: Int[np.ndarray, " b"], most: int = MOST // 2) -> Int[np.ndarray, " k"]:
    """The first picks: more rings than these would hide the rest."""
    return picked[:most]
