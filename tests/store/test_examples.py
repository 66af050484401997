"""Reading: order, columns, damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from yori.errors import CorruptError, ValuesError
from yori.store import Project
from yori.store.examples import count_classes
from yori.store.tables import ROW_COLUMNS


def test_examples_are_sorted_by_the_bytes_of_their_id_whatever_the_files(project: Project, make_rows: Any) -> None:
    for ids in (["b", "가", "Z"], ["ä", "a"], ["10", "9"]):
        project.add_rows(make_rows(ids), sources={}, message="m", who="w")
    assert project.examples()["example_id"].to_pylist() == ["10", "9", "Z", "a", "b", "ä", "가"]


def test_the_columns(project: Project, make_rows: Any) -> None:
    project.add_rows(make_rows("b", snr=[1]), sources={}, message="m", who="w")
    project.add_rows(make_rows("a", depth=["deep"]), sources={}, message="m", who="w")
    project.add_rows(make_rows("c", snr=[0.5]), sources={}, message="m", who="w")
    names = list(ROW_COLUMNS)
    at = names.index("label") + 1
    table = project.examples()
    assert table.column_names == [*names[:at], "label_original", *names[at:], "depth", "snr"]
    assert table["snr"].to_pylist() == [None, 1.0, 0.5]
    assert table["depth"].to_pylist() == ["deep", None, None]
    assert table["weight"].to_pylist() == [1.0, 1.0, 1.0]
    chosen = project.examples(columns=["snr", "example_id", "label_original"])
    assert chosen.column_names == ["snr", "example_id", "label_original"]
    assert chosen.equals(table.select(["snr", "example_id", "label_original"]))
    with pytest.raises(ValuesError, match=r"columns among example_id.*snr, label_original, got colour"):
        project.examples(columns=["example_id", "colour"])


def test_patches_change_only_what_they_say(bells: Project, make_patch: Any) -> None:
    bells.add_labels(
        make_patch(
            ("a", "relabel", "bell", "ship"),
            ("b", "drop", "bell"),
            ("c", "reweight", None, None, 0.25),
            ("e", "relabel", None, "horn"),
        ),
        message="m",
    )
    columns = ["example_id", "label", "label_original", "weight"]
    assert [tuple(row.values()) for row in bells.examples(columns=columns).to_pylist()] == [
        ("a", "ship", "bell", 1.0),
        ("c", "bell", "bell", 0.25),
        ("d", "horn", "horn", 1.0),
        ("e", "horn", None, 1.0),
    ]
    bells.add_labels(make_patch(*((one, "restore") for one in "abce")), message="m")
    assert bells.examples(3).equals(bells.examples(1))
    assert bells.examples(2, columns).num_rows == 4


def test_an_imported_weight_is_where_reweighting_starts(project: Project, make_rows: Any, make_patch: Any) -> None:
    project.add_rows(make_rows("ab", weight=[0.5, None]), sources={}, message="m", who="w")
    project.add_labels(make_patch(("a", "reweight", None, None, 3.0)), message="m")
    assert project.examples()["weight"].to_pylist() == [3.0, 1.0]
    project.add_labels(make_patch(("a", "restore")), message="m")
    assert project.examples()["weight"].to_pylist() == [0.5, 1.0]


def test_several_labels_for_each_example(project: Project, make_rows: Any, make_patch: Any) -> None:
    project.add_rows(make_rows("a", [None]), sources={}, message="m", who="w")
    assert project.version().label_kind is None
    project.add_rows(make_rows("bc", [["rain", "wind"], []]), sources={}, message="m", who="w")
    assert project.version().label_kind == "several"
    assert project.examples()["label"].to_pylist() == [None, ["rain", "wind"], []]
    assert project.version().counts["classes"] == {"rain": 1, "wind": 1}
    patch = pa.table(
        {"example_id": ["b", "a"], "action": ["relabel"] * 2, "who": ["w"] * 2}
        | {"old": [["wind", "rain"], None], "new": [["rain"], ["wind"]]}
    )
    project.add_labels(patch, message="m")
    assert project.examples()["label"].to_pylist() == [["wind"], ["rain"], []]
    assert project.diff(2, 3).relabelled.to_pylist() == [
        {"example_id": "a", "old": None, "new": ["wind"]},
        {"example_id": "b", "old": ["rain", "wind"], "new": ["rain"]},
    ]
    assert project.examples(1)["label"].to_pylist() == [None]
    assert project.diff(1, 3).relabelled.to_pylist() == [{"example_id": "a", "old": None, "new": ["wind"]}]
    with pytest.raises(ValuesError, match="several label"):
        project.add_rows(make_rows("d", ["rain"]), sources={}, message="m", who="w")


def test_the_first_labels_may_come_from_a_patch(project: Project, make_rows: Any) -> None:
    project.add_rows(make_rows("ab", [None, None]), sources={}, message="m", who="w")
    project.add_labels(
        pa.table({"example_id": ["a"], "action": ["drop"], "who": ["w"]}), message="a patch before any label"
    )
    patch = {"example_id": ["b"], "action": ["relabel"], "old": pa.nulls(1), "new": [["x"]], "who": ["w"]}
    project.add_labels(pa.table(patch), message="m")
    assert project.examples()["label"].to_pylist() == [["x"]]
    assert project.version().label_kind == "several"
    project.add_rows(make_rows("c", [["y"]]), sources={}, message="m", who="w")
    assert project.examples()["label"].to_pylist() == [["x"], ["y"]]


def damage_truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(bytes(content))


def damage_garbage(path: Path) -> None:
    path.write_bytes(bytes(len(path.read_bytes())))


@pytest.mark.parametrize("damage", [Path.unlink, damage_truncate, damage_empty, damage_flip, damage_garbage])
@pytest.mark.parametrize("kind", ["rows", "labels"])
def test_a_damaged_file_is_named(bells: Project, make_patch: Any, damage: Any, kind: str) -> None:
    bells.add_labels(make_patch(("a", "drop")), message="m")
    file = next(file for file in bells.version().files if file.is_rows == (kind == "rows"))
    damage(bells.path / file.path)
    with pytest.raises(CorruptError, match=file.path):
        bells.examples()
    with pytest.raises(CorruptError, match=file.path):
        bells.check()
    if kind == "labels":
        assert bells.examples(1).num_rows == 5
        assert bells.check(1) == 1


def test_a_flipped_bit_anywhere_is_never_read(bells: Project) -> None:
    path = bells.path / bells.version().files[0].path
    content, expected = path.read_bytes(), bells.examples()
    for position in range(0, len(content), 97):
        broken = bytearray(content)
        broken[position] ^= 4
        path.write_bytes(bytes(broken))
        with pytest.raises(CorruptError):
            bells.check()
        with pytest.raises(CorruptError):
            bells.examples()
    path.write_bytes(content)
    assert bells.examples().equals(expected)


def test_one_percent_of_relabels_of_100_000_rows_costs_kilobytes(project: Project) -> None:
    n = 100_000
    rng = np.random.default_rng(0)
    classes = np.array(["bell", "horn", "ship"])
    labels = classes[rng.integers(0, 3, n)]
    ids = [f"recordings/2026/{i:08x}/clip-{i % 7}" for i in rng.permutation(n)]
    rows = pa.table({"example_id": ids, "uri": ids, "source": ["s"] * n, "label": labels, "start": rng.random(n)})
    (project.path / "audio").mkdir()
    project.add_rows(rows, sources={"s": project.path / "audio"}, message="all", who="w")
    before = project.examples(1, ["example_id", "label"])

    def size() -> int:
        return sum(path.stat().st_size for path in (project.path / "data").rglob("*") if path.is_file())

    chosen = rng.choice(n, n // 100, replace=False)
    old = before["label"].take(chosen)
    new = pa.array(["ship" if label == "bell" else "bell" for label in old.to_pylist()])
    patch = {
        "example_id": before["example_id"].take(chosen),
        "action": ["relabel"] * len(chosen),
        "old": old,
        "new": new,
    }
    at_first = size()
    commit = project.add_labels(pa.table({**patch, "who": ["yori:curate"] * len(chosen)}), message="1 %")
    added = size() - at_first
    assert commit.added == 1000
    assert added < 200_000
    assert project.examples(1, ["example_id", "label"]).equals(before)
    relabelled = project.diff(1, 2).relabelled
    assert relabelled.num_rows == 1000
    assert project.version().counts["relabelled"] == 1000
    project.check(1)


def test_classes_are_counted_in_order() -> None:
    column = pa.chunked_array([["b", None, "a"], ["b"]])
    assert list(count_classes(column).items()) == [("a", 1), ("b", 2)]
    assert count_classes(pa.chunked_array([[["x", "y"], [], None, ["x"]]])) == {"x": 2, "y": 1}
