import re

import numpy as np

from yori.choose.embedding_map import EmbeddingMap
from yori.choose.map_chart import COLOURS
from yori.choose.map_page import map_page, places_of

MAP = EmbeddingMap(np.arange(3), np.array([[0.0, 0.0], [1.0, 1.0], [-1.0, -1.0]]), "pca", "a <note>")
WORDS = {
    "title": "<bells>", "word": "margin", "sentence": "1 of 2.", "total": 5, "picked_words": "to label next",
    "head": ("example", "rank"), "rows": [("<e1>", "1")], "notes": ["said"],
}  # fmt: skip


def test_the_page_stands_alone_and_is_escaped():
    page = map_page(found=MAP, ids=["a", "b", "c"], labels=["x", None, ""], picked=np.array([0, 1, 0]) > 0, **WORDS)
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "<script" not in page
    for raw in ("<bells>", "<e1>", "<note>"):
        assert raw not in page
        assert raw.replace("<", "&lt;").replace(">", "&gt;") in page
    assert "b: no label, picked" in page
    assert "c: (none of the classes)" in page
    assert "3 of 5 examples" in page
    assert "nothing is trained, scored or chosen on this map" in page


def test_without_a_map_there_is_the_table_alone():
    page = map_page(found=None, ids=[], labels=[], picked=np.zeros(0, dtype=bool), **WORDS)
    assert "<svg" not in page
    assert "&lt;e1&gt;" in page


def test_the_most_frequent_labels_have_colours_and_the_rest_are_grey():
    labels = [f"{k:02}" for k in range(len(COLOURS) + 2) for _ in range(20 - k)]
    n = len(labels)
    found = EmbeddingMap(np.arange(n), np.zeros((n, 2)), "pca")
    places, names = places_of(found, labels, labels, np.zeros(n, dtype=bool))
    assert names == [f"{k:02}" for k in range(len(COLOURS))]
    assert [place.colour for place in places if place.words.startswith("13")] == [None] * 7
