from __future__ import annotations

import numpy as np
import pytest

from yori.errors import AlignmentError, ShapeError
from yori.statistics import Predictions
from yori.statistics.pairing import pair, renumber


def arm(ids: list[object], loss: list[float] | None = None) -> Predictions:
    return Predictions(np.array(ids), loss=np.arange(len(ids), dtype=float) if loss is None else np.array(loss))


def test_rows_in_another_order_are_aligned_by_id() -> None:
    found = pair(arm(["c", "a", "b"], [3.0, 1.0, 2.0]), arm(["a", "b", "c"], [10.0, 20.0, 30.0]))
    cell = found.cells[0]
    assert cell.before.ids.tolist() == cell.after.ids.tolist()
    assert cell.after.loss is not None
    assert cell.after.loss.tolist() == [30.0, 10.0, 20.0]


def test_cells_of_domains_and_seeds() -> None:
    ids = ["a", "b", "a", "b", "c", "c"]
    found = pair(
        arm(ids), arm(ids), domains=np.array(["x", "x", "x", "x", "y", "y"]), seeds=np.array([0, 0, 7, 7, 0, 7])
    )
    assert [(c.domain, c.seed, c.before.ids.tolist()) for c in found.cells] == [
        (0, 0, ["a", "b"]),
        (0, 1, ["a", "b"]),
        (1, 0, ["c"]),
        (1, 1, ["c"]),
    ]
    assert (found.domains, found.seeds) == (("x", "y"), (0, 7))
    assert (found.n_rows, found.n_examples, found.n_clusters) == (6, 3, 3)
    assert found.cells[0].cluster.tolist() == found.cells[1].cluster.tolist()


def test_groups_become_clusters_through_all_cells() -> None:
    ids = [1, 2, 3, 1, 2, 3]
    found = pair(
        arm(ids), arm(ids), groups=np.array(["s", "t", "s", "s", "t", "s"]), seeds=np.array([0, 0, 0, 1, 1, 1])
    )
    assert found.n_clusters == 2
    assert found.cells[1].cluster.tolist() == [0, 1, 0]
    assert found.nested


def test_a_group_in_two_domains_is_noticed() -> None:
    found = pair(arm([1, 2]), arm([1, 2]), groups=np.array([5, 5]), domains=np.array([0, 1]))
    assert not found.nested


def test_an_example_tested_in_two_domains_counts_in_both() -> None:
    found = pair(arm([1, 1]), arm([1, 1]), domains=np.array([0, 1]))
    assert (found.n_examples, found.n_clusters, found.nested) == (2, 1, False)


def test_missing_ids_are_named() -> None:
    with pytest.raises(AlignmentError, match=r"1 only in before \(first 'b'\), 1 only in after \(first 'z'\)"):
        pair(arm(["a", "b"]), arm(["a", "z"]))


def test_pooled_seeds_are_refused_and_the_way_out_is_named() -> None:
    with pytest.raises(AlignmentError, match=r"2 ids more than once \(first 4, 5\).*pass seeds"):
        pair(arm([4, 5, 6, 4, 5]), arm([4, 5, 6, 4, 5]))


def test_a_duplicate_within_one_seed_is_refused() -> None:
    ids = [1, 2, 2, 1, 3, 2]
    with pytest.raises(AlignmentError, match="first 2"):
        pair(arm(ids), arm(ids), seeds=np.array([0, 0, 0, 1, 1, 1]))


def test_repeated_ids_in_another_order_are_refused() -> None:
    with pytest.raises(AlignmentError, match="Sort both"):
        pair(arm([1, 2, 1, 2]), arm([2, 1, 1, 2]), seeds=np.array([0, 0, 1, 1]))


def test_a_longer_arm_is_refused() -> None:
    with pytest.raises(AlignmentError):
        pair(arm([1, 2]), arm([1, 2, 2]))


def test_an_example_with_two_groups_is_refused() -> None:
    with pytest.raises(AlignmentError, match="one group"):
        pair(arm([1, 1]), arm([1, 1]), groups=np.array([0, 1]), seeds=np.array([0, 1]))


def test_labels_must_be_the_same() -> None:
    probs = np.full((2, 2), 0.5)
    first = Predictions(np.arange(2), probs=probs, labels=np.array([0, 1]))
    with pytest.raises(AlignmentError, match="same labels"):
        pair(first, Predictions(np.arange(2), probs=probs, labels=np.array([0, 0])))


@pytest.mark.usefixtures("unchecked")
def test_columns_of_another_length_or_with_holes_are_refused() -> None:
    for name in ("groups", "domains", "seeds"):
        with pytest.raises(ShapeError, match=name):
            pair(arm([1, 2]), arm([1, 2]), **{name: np.array([1])})
    with pytest.raises(AlignmentError, match="missing"):
        pair(arm([1, 2]), arm([1, 2]), domains=np.array(["a", None], dtype=object))


def test_renumbering_keeps_who_is_with_whom() -> None:
    clusters = np.random.default_rng(0).integers(0, 50, 30) * 3
    code, count = renumber(clusters)
    assert count == len(np.unique(clusters))
    np.testing.assert_array_equal(code, np.unique(clusters, return_inverse=True)[1])
