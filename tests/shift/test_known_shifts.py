from __future__ import annotations

import numpy as np
import pytest

from yori.errors import ValuesError
from yori.shift import known_shifts


def world(rng: np.random.Generator, n: int = 900) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Three domains; in ``odd`` the second coordinate, which tells the classes apart elsewhere, is turned around."""
    labels = rng.integers(0, 2, n)
    domains = np.repeat(np.array(["calm", "odd", "plain"]), n // 3)
    rows = rng.normal(0, 1, (n, 3))
    rows[:, 0] += labels
    rows[:, 1] += np.where(domains == "odd", -2, 2) * (labels - 0.5)
    return rows, labels, domains, rng.random(n) < 0.3


def test_the_domain_that_differs_is_missed_by_more(rng: np.random.Generator) -> None:
    rows, labels, domains, validation = world(rng)
    found = {each.domain: each for each in known_shifts(rows, labels, domains, validation, classes=2, l2=0.01)}
    assert list(found) == ["calm", "odd", "plain"]
    assert found["odd"].actual - found["odd"].estimated > 0.3
    assert abs(found["calm"].actual - found["calm"].estimated) < 0.2
    assert found["odd"].rows == 300


def test_only_answered_rows_count_with_a_threshold(rng: np.random.Generator) -> None:
    rows, labels, domains, validation = world(rng)
    some = known_shifts(rows, labels, domains, validation, classes=2, l2=0.01, threshold=0.9)
    every = known_shifts(rows, labels, domains, validation, classes=2, l2=0.01)
    whole = {each.domain: each for each in every}
    assert some
    assert all(0 < each.rows < whole[each.domain].rows for each in some)
    assert all(each.estimated < whole[each.domain].estimated for each in some)


def test_small_domains_are_left_aside(rng: np.random.Generator) -> None:
    rows, labels, domains, validation = world(rng)
    domains = domains.astype(object)
    domains[:5] = "tiny"
    assert [each.domain for each in known_shifts(rows, labels, domains, validation, classes=2, l2=0.01)] == [
        "calm",
        "odd",
        "plain",
    ]
    assert known_shifts(rows, labels, np.full(900, "one"), validation, classes=2, l2=0.01) == ()


def test_labels_must_be_classes(rng: np.random.Generator) -> None:
    rows, labels, domains, _ = world(rng)
    with pytest.raises(ValuesError, match="labels in 0"):
        known_shifts(rows, labels + 5, domains, labels > 0, classes=2, l2=0.1)
