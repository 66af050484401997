import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from yori.errors import AlignmentError, InputError, ShapeError, SourceError, ValuesError
from yori.prove.prediction_files import read_predictions

PROBS = np.array([[0.9, 0.1], [0.25, 0.75], [0.5, 0.5]])


def table(**columns):
    return pa.table({"example_id": ["a", "b", "c"], "label": [0, 1, 1], **columns})


def parquet(folder, rows, name="rows.parquet"):
    pq.write_table(rows, folder / name)
    return folder / name


def text(folder, content, name="rows.csv"):
    (folder / name).write_text(content, encoding="utf-8")
    return folder / name


def written(folder):
    """The same predictions in every layout."""
    lists = pa.array(PROBS.tolist(), pa.list_(pa.float64()))
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(PROBS.ravel()), 2)
    single = {f"prob_{k}": PROBS[:, k] for k in (1, 0)}
    logits = {f"logit_{k}": np.log(PROBS[:, k]) + 3 for k in (0, 1)}
    cells = "".join(f"{i},{y},{p[0]},{p[1]}\n" for i, y, p in zip("abc", (0, 1, 1), PROBS.tolist(), strict=True))
    quoted = "".join(f'{i};{y};"{p}"\n' for i, y, p in zip("abc", (0, 1, 1), PROBS.tolist(), strict=True))
    np.savez(folder / "rows.npz", ids=np.array(["a", "b", "c"]), labels=np.array([0, 1, 1]), probs=PROBS)
    np.savez(folder / "logits.npz", id=np.array(["a", "b", "c"]), label=np.array([0.0, 1, 1]), logits=np.log(PROBS))
    return [
        parquet(folder, table(probs=lists)),
        parquet(folder, table(probs=fixed), "fixed.pq"),
        parquet(folder, table(**single), "single.parquet"),
        parquet(folder, table(**logits), "logits.parquet"),
        parquet(folder, table(logits=pa.array(np.log(PROBS).tolist())), "logit_lists.parquet"),
        text(folder, "example_id,label,prob_0,prob_1\n" + cells),
        text(folder, "id;labels;probs\n" + quoted, "lists.csv"),
        folder / "rows.npz",
        folder / "logits.npz",
    ]


def test_every_layout_says_the_same(tmp_path):
    for path in written(tmp_path):
        found = read_predictions(path)
        assert found.ids.tolist() == ["a", "b", "c"], path
        assert found.labels.tolist() == ["0", "1", "1"], path
        assert found.classes == ("0", "1"), path
        np.testing.assert_allclose(found.probs, PROBS, atol=1e-12, err_msg=str(path))
        assert found.notes == (), path


def test_classes_are_compared_by_name_and_numbers_by_value(tmp_path):
    named = parquet(tmp_path, table(prob_dog=PROBS[:, 0], prob_cat=PROBS[:, 1]).set_column(1, "label", [["dog"] * 3]))
    found = read_predictions(named)
    assert found.classes == ("cat", "dog")
    np.testing.assert_array_equal(found.probs, PROBS[:, ::-1])
    assert found.predictions(found.labels).correct.tolist() == [True, False, False]
    eleven = {f"prob_{k}": np.full(3, 1 / 11) for k in range(10, -1, -1)}
    assert read_predictions(parquet(tmp_path, table(**eleven))).classes == tuple(str(k) for k in range(11))


def test_npz_may_name_its_classes(tmp_path):
    labels = np.array(["dog", "dog", "cat"])
    np.savez(tmp_path / "a.npz", ids=np.arange(3), labels=labels, probs=PROBS, classes=np.array(["dog", "cat"]))
    found = read_predictions(tmp_path / "a.npz")
    assert found.predictions(found.labels).correct.tolist() == [True, False, True]  # of equals the first by name
    assert found.ids.tolist() == ["0", "1", "2"]


def test_seed_domain_group_and_what_was_not_read(tmp_path):
    extra = {"seed": [0, 0, 1], "domain": ["x", "x", "y"], "groups": ["g", "g", "h"], "temperature": [1.0] * 3}
    found = read_predictions(parquet(tmp_path, table(prob_0=PROBS[:, 0], prob_1=PROBS[:, 1], **extra)))
    assert found.seeds.tolist() == ["0", "0", "1"]
    assert (found.domains.tolist(), found.groups.tolist()) == (["x", "x", "y"], ["g", "g", "h"])
    assert "temperature" in found.notes[0]
    assert "not read" in found.notes[0]


def test_confidence_and_correct_where_nothing_else_is_known(tmp_path):
    found = read_predictions(text(tmp_path, "id,confidence,correct\n1,0.5,true\n2,3,0\n3,-1,False\n"))
    arm = found.predictions(None)
    assert arm.confidence.tolist() == [0.5, 3, -1]
    assert arm.correct.tolist() == [True, False, False]


def test_sums_near_one_are_repaired_with_a_note_and_float16_is_named(tmp_path):
    near = PROBS.copy()
    near[1] *= 1 + 1e-5
    found = read_predictions(parquet(tmp_path, table(probs=pa.array(near.tolist()))))
    np.testing.assert_allclose(found.probs.sum(axis=1), 1, atol=1e-15)
    assert "1 rows of probabilities" in found.notes[0]
    half = parquet(tmp_path, table(**{f"prob_{k}": PROBS[:, k].astype(np.float16) for k in (0, 1)}))
    assert "float16" in read_predictions(half).notes[-1]
    single = parquet(tmp_path, table(**{f"prob_{k}": (PROBS[:, k] / 3 * 3).astype(np.float32) for k in (0, 1)}))
    assert read_predictions(single).notes == ()


WITH_PROBS = {"prob_0": PROBS[:, 0], "prob_1": PROBS[:, 1]}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"probs": pa.array((PROBS * 1.2).tolist())}, "a sum of 1.2"),
        ({"probs": pa.array([[0.5, 0.5], [np.nan, 1], [1, 0]])}, "row 1"),
        ({"probs": pa.array([[0.5, 0.5], [0.5, None], [1, 0]])}, "an empty one in row 1"),
        ({"probs": pa.array([[0.5, 0.5], None, [1, 0]])}, "none in row 1"),
        ({"probs": pa.array([[0.5, 0.5], [1.0], [1, 0]])}, "2 values in row 0 and 1 in row 1"),
        ({"probs": pa.array([[1.0], [1.0], [1.0]])}, "c ≥ 2"),
        ({"logits": pa.array([[1.0], [1.0], [1.0]])}, "at least two classes"),
        ({"logits": pa.array([[1.0, np.inf], [1.0, 2], [1.0, 2]])}, "row 0"),
        ({"probs": pa.array(["x", "y", "z"])}, "a number in every row of column 'probs'"),
        ({"prob_0": pa.array([1.0, None, 0.5]), "prob_1": [0.0, 0.5, 0.5]}, "an empty cell in row 1"),
        ({"prob_0": [1.0, 1, 1], "prob_1": ["a", "0", "0"]}, "'a' in row 0"),
        ({**WITH_PROBS, "seed": pa.array([0, None, 1])}, "'seed'"),
        ({**WITH_PROBS, "domain": pa.array(["x", "", "y"])}, "'domain'"),
        ({**WITH_PROBS, "arm": ["before", "after", "after"]}, "one arm"),
        ({}, "probs, prob_<class>"),
        ({"confidence": [0.5, 1, 2], "correct": [1, 2, 0]}, "true or false"),
    ],
)
def test_what_is_refused_says_what_and_where(tmp_path, columns, message):
    path = parquet(tmp_path, table(**columns))
    with pytest.raises(InputError) as error:
        read_predictions(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("name", ["a.npz", "a.parquet", "a.csv", "a.pkl", "a"])
def test_a_missing_damaged_or_foreign_file(tmp_path, name):
    with pytest.raises(SourceError):
        read_predictions(tmp_path / name)
    (tmp_path / name).write_bytes(b"\x80\x04not this")
    with pytest.raises(InputError):
        read_predictions(tmp_path / name)


def test_shapes_of_npz(tmp_path):
    np.savez(tmp_path / "a.npz", ids=np.arange(4), probs=PROBS)
    with pytest.raises(ShapeError, match="4 rows"):
        read_predictions(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", ids=np.arange(3), probs=PROBS[:, 0])
    with pytest.raises(ShapeError, match=r"\(n, c\)"):
        read_predictions(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", ids=np.arange(3)[:, None], probs=PROBS)
    with pytest.raises(ShapeError, match="one value per row"):
        read_predictions(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", ids=np.arange(3), probs=PROBS, classes=np.array(["x", "x"]))
    with pytest.raises(ShapeError, match="different names"):
        read_predictions(tmp_path / "a.npz")


def test_no_ids_no_rows_and_several_labels(tmp_path):
    with pytest.raises(AlignmentError, match="example_id, id or ids"):
        read_predictions(parquet(tmp_path, pa.table({"label": [0], "prob_0": [1.0], "prob_1": [0.0]})))
    with pytest.raises(ShapeError, match="without rows"):
        read_predictions(parquet(tmp_path, table(**WITH_PROBS).slice(0, 0)))
    several = table(**WITH_PROBS).set_column(1, "label", [[["a"], ["a", "b"], []]])
    with pytest.raises(ValuesError, match="one label per row"):
        read_predictions(parquet(tmp_path, several))


def test_labels_outside_the_classes(tmp_path):
    found = read_predictions(parquet(tmp_path, table(**WITH_PROBS).set_column(1, "label", [[0, 1, 7]])))
    with pytest.raises(ValuesError, match="'7' in row 2"):
        found.predictions(found.labels)
