from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import ValuesError
from yori.flywheel.picking import part_of, pick

SHARES = {"a": 0.5, "b": 0.3, "random": 0.2}


def scores(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    first, second = rng.random(n), rng.random(n)
    first[: n // 2] = np.nan
    return {"a": first, "b": second}


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 40), st.lists(st.integers(0, 30), min_size=1, max_size=5), st.integers(0, 10**6))
def test_parts_use_the_budget_or_all_there_is(budget: int, there: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = "abcde"[: len(there)]
    shares = dict(zip(names, rng.random(len(there)) + 0.01, strict=True))
    available = dict(zip(names, there, strict=True))
    part = part_of(budget, shares, available)
    assert all(0 <= part[name] <= available[name] for name in names)
    assert sum(part.values()) == min(budget, sum(there))


def test_parts_are_in_proportion() -> None:
    assert part_of(10, SHARES, dict.fromkeys(SHARES, 99)) == {"a": 5, "b": 3, "random": 2}
    assert part_of(3, {"a": 1.0, "b": 0.0}, {"a": 9, "b": 9}) == {"a": 3, "b": 0}
    assert part_of(1, SHARES, dict.fromkeys(SHARES, 99)) == {"a": 1, "b": 0, "random": 0}


def taken(n: int = 100, budget: int = 20, seed: int = 0, **options: object):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    every = {
        "eligible": np.ones(n, dtype=bool), "asked": np.zeros(n, dtype=bool), "embeddings": None, "radius": 0.0,
        "rng": rng, **options,
    }  # fmt: skip
    return pick(scores(np.random.default_rng(1), n), SHARES, budget, **every)  # type: ignore[arg-type]


def test_no_row_twice_and_shares_as_asked() -> None:
    found = taken()
    rows = [each.row for each in found.picks]
    assert len(rows) == len(set(rows)) == 20
    count = {name: sum(each.share == name for each in found.picks) for name in SHARES}
    assert count == {"a": 10, "b": 6, "random": 4}
    best = scores(np.random.default_rng(1), 100)["b"]
    first = min((each for each in found.picks if each.share == "b"), key=lambda each: each.place)
    free = np.setdiff1d(np.arange(100), [each.row for each in found.picks if each.share != "b"])
    assert best[first.row] == best[free].max()


def test_what_one_reason_cannot_use_goes_to_the_others() -> None:
    only = np.zeros(100, dtype=bool)
    only[:10] = True  # where "a" does not apply
    found = taken(eligible=only)
    assert {each.row for each in found.picks} == set(range(10))
    assert {each.share for each in found.picks} == {"b", "random"}


def test_chance_is_fair_whatever_the_others_take() -> None:
    counts = np.zeros(40)
    for seed in range(500):
        for each in taken(40, 20, seed).picks:
            counts[each.row] += each.share == "random"
    # Four of forty each time: every row in one draw of ten.
    assert counts.min() > 25
    assert counts.max() < 78


def test_near_duplicates_of_what_was_taken_or_asked_are_passed_over() -> None:
    points = np.repeat(np.arange(20.0), 5)[:, None]  # twenty places, five rows at each
    found = taken(budget=60, embeddings=points, radius=0.5)
    by_reason = [points[each.row, 0] for each in found.picks if each.share != "random"]
    assert len(by_reason) == len(set(by_reason))
    assert found.passed["near-duplicate"] > 0
    asked = np.zeros(100, dtype=bool)
    asked[0] = True
    again = taken(budget=60, embeddings=points, radius=0.5, asked=asked, eligible=~asked)
    assert 0.0 not in [points[each.row, 0] for each in again.picks if each.share != "random"]


def test_rows_without_embedding_are_never_near() -> None:
    found = taken(embeddings=np.full((100, 2), np.nan), radius=10.0)
    assert len(found.picks) == 20


def test_limits_hold_for_all_but_chance() -> None:
    domain = np.array(["x"] * 90 + [None] * 10, dtype=object)
    found = taken(limits=[(domain, 6, "enough of its domain")])
    inside = [each for each in found.picks if domain[each.row] == "x"]
    assert len([each for each in inside if each.share != "random"]) <= 6
    assert found.passed["enough of its domain"] > 0


def test_nothing_to_ask_is_no_error() -> None:
    assert taken(eligible=np.zeros(100, dtype=bool)).picks == ()
    assert taken(budget=0).picks == ()


def test_negative_numbers_are_refused() -> None:
    with pytest.raises(ValuesError):
        taken(budget=-1)
