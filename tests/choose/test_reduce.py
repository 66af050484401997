import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from yori.choose import reduce
from yori.choose.material import material_of
from yori.choose.reduce import Reduction, verdict_of
from yori.errors import SourceError, ValuesError


def mine(seconds, training, difference=0.01, method="glister"):
    return Reduction(method, 0.8, 0.5, seconds, training, difference, (difference,))


def test_the_kept_examples_are_training_examples_and_controls_stand_beside(half_labelled):
    made = reduce(half_labelled.path, keep_share=0.3, seeds=2, features=True)
    assert made.kept == round(0.3 * made.examples)
    found = material_of(half_labelled.path)
    table = pq.read_table(made.folder / "kept.parquet")
    assert table.equals(made.table)
    assert len(set(table["example_id"].to_pylist())) == made.kept
    assert set(table["example_id"].to_pylist()) <= set(found.ids)
    assert [each.method for each in made.methods] == ["glister", "facility_location", "random", "stratified"]
    fields = json.loads((made.folder / "reduce.json").read_text(encoding="utf-8"))
    assert fields["verdict"] == made.verdict
    assert sum(step["chosen"] for step in fields["feature_steps"]) == 1
    assert reduce(half_labelled.path, keep_share=0.3, seeds=2, features=True).folder == made.folder


def test_it_says_when_choosing_costs_more_than_it_saves():
    assert "costs more than one training saves" in verdict_of(mine(4.0, 1.0), 3.0, 0.9)
    assert "from training number 2 on" in verdict_of(mine(4.0, 1.0), 3.0, 0.9)
    assert "each training saves 2.0 s" in verdict_of(mine(1.0, 1.0), 3.0, 0.9)
    assert "saves nothing" in verdict_of(mine(1.0, 3.0), 3.0, 0.9)


def test_it_says_when_random_is_as_good():
    assert "take random" in verdict_of(mine(1.0, 1.0, difference=-0.01), 3.0, 0.9)
    assert "random" not in verdict_of(mine(0.0, 1.0, method="random"), 3.0, 0.9)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"keep_share": 0.0}, "between 0 and 1"),
        ({"keep_share": 1.0}, "between 0 and 1"),
        ({"keep_share": 1e-4}, "a share of at least"),
        ({"method": "best"}, "a method out of"),
        ({"compare": ("worse",)}, "a method out of"),
        ({"seeds": 0}, "1 to 100 seeds"),
    ],
)
def test_bad_wishes(half_labelled, more, words):
    with pytest.raises(ValuesError, match=words):
        reduce(half_labelled.path, **{"keep_share": 0.3, **more})


def test_no_labels(make):
    with pytest.raises(SourceError):
        reduce(make(label=[None] * 180).path, keep_share=0.3)


def test_identical_embeddings_and_classes_of_one_example(make):
    same = make(embeddings=np.ones((180, 16), dtype=np.float32), folder="same")
    assert reduce(same.path, keep_share=0.3, seeds=1, features=True).map.places.shape[1] == 2
    label = ["a" if k % 3 else None for k in range(180)]
    label[1], label[2] = "b", "c"
    assert reduce(make(label=label, folder="one").path, keep_share=0.3, seeds=1).kept > 0


def test_the_page_shows_what_is_kept_and_no_map_is_a_step(half_labelled):
    made = reduce(half_labelled.path, keep_share=0.2, seeds=1, features=True, compare=())
    page = (made.folder / "reduce.html").read_text(encoding="utf-8")
    assert page.count(", picked</title>") == made.kept
    assert made.map.to_dict()["use"].startswith("looking only")
    assert not {"umap", "pca"} & {each.method for each in made.steps}
    plain = reduce(half_labelled.path, keep_share=0.2, seeds=1, compare=(), map_method="none")
    assert plain.map is None
    assert plain.table.equals(made.table)
    with pytest.raises(ValuesError, match="a map out of"):
        reduce(half_labelled.path, keep_share=0.2, map_method="tsne")
