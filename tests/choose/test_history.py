import pyarrow as pa

from yori.choose.history import label_rounds, stops_of
from yori.choose.material import material_of


def relabel(project, ids, label):
    n = len(ids)
    patch = {"example_id": ids, "action": ["relabel"] * n, "old": [None] * n, "new": [label] * n, "who": ["ann"] * n}
    kinds = pa.schema([("example_id", pa.string()), ("action", pa.string()), ("old", pa.string()), ("new", pa.string()),
                       ("who", pa.string())])  # fmt: skip
    project.add_labels(pa.table(patch, schema=kinds), message="more")


def test_every_version_that_added_labels_is_a_round(make):
    project = make()
    ids = material_of(project.path).candidates["example_id"].to_pylist()
    relabel(project, ids[:9], "a")
    relabel(project, ids[9:18], "b")
    found = material_of(project.path)
    counts = [int((labels >= 0).sum()) for labels in label_rounds(found)]
    assert counts == sorted(counts)
    assert len(counts) == 3
    assert counts[-1] == len(found.ids)
    rounds, stops = stops_of(found)
    assert rounds == 3
    assert {each.name: each.value for each in stops}["classification_change"] >= 0


def test_nothing_to_watch(make):
    assert stops_of(material_of(make(label=[None] * 180).path)) == (0, [])
