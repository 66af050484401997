"""The queue on both databases: leases, blind double labelling, undo, replays, clocks, races."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from yori.errors import AlignmentError, ConflictError, ValuesError
from yori.flywheel.database import Database
from yori.flywheel.queue import (
    Answer,
    GivenAnswer,
    Item,
    Lease,
    add_items,
    add_person,
    answer,
    ask_again,
    count_items,
    deactivate,
    give_answers,
    give_back,
    item_key,
    list_people,
    new_token,
    open_answers,
    person_of,
    take,
    undo,
    withdraw_items,
)
from yori.flywheel.schema import ANSWERS, ITEMS, LEASES, PEOPLE

CLASSES = ("bell", "horn", "whistle")
_NONCES = itertools.count()


def nonce() -> str:
    return f"nonce-{next(_NONCES):06}"


def item(name: str, **fields: Any) -> Item:
    values: dict[str, Any] = {
        "item_id": item_key(example_id=name),
        **{"turn": 1, "kind": "audio", "share": "uncertain", "priority": 1.0, "example_id": name},
        **{"suggested": "horn", "current": "bell", "reasons": [{"kind": "uncertain", "text": "0.4"}]},
    }
    return Item(**{**values, **fields})


def say(database: Database, lease: Lease, verdict: str = "accept", label: str | None = None, **how: Any) -> Answer:
    how = {"nonce": nonce(), "classes": CLASSES, **how}
    return answer(database, lease.person, lease.lease, verdict=verdict, label=label, **how)


@pytest.fixture
def people(database: Database) -> Database:
    for name in ("ann", "ben", "eun"):
        add_person(database, name)
    return database


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """``clock(−3600)``: it is an hour earlier now."""
    now = [1_800_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


# -- items ---------------------------------------------------------------------------------------------------------------


def test_the_same_question_is_asked_once(people: Database) -> None:
    assert add_items(people, [item("a"), item("b"), item("a", priority=9)]) == 2
    assert add_items(people, [item("b", priority=9), item("c")]) == 1
    assert add_items(people, []) == 0
    with people.connect() as connection:
        rows = connection.execute(select(ITEMS.c.example_id, ITEMS.c.priority)).all()
    assert sorted(map(tuple, rows)) == [("a", 1.0), ("b", 1.0), ("c", 1.0)]


def test_many_items_are_added_in_one_go(people: Database) -> None:
    many = [item(str(number)) for number in range(1201)]
    assert add_items(people, many[:700]) == 700
    assert add_items(people, many) == 501
    assert count_items(people) == {"open": 1201}


@pytest.mark.parametrize(
    ("wrong", "said"), [({"kind": "film"}, "film"), ({"wanted": 0}, "0"), ({"priority": float("nan")}, "nan")]
)
def test_an_item_nobody_can_ask_is_refused(unchecked: None, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValuesError, match=said):
        item("a", **wrong)


def test_a_key_needs_an_input() -> None:
    with pytest.raises(ValuesError, match="neither"):
        item_key()
    assert item_key(input_sha256="0" * 64, start=1.0) != item_key(input_sha256="0" * 64, start=2.0)


# -- people --------------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_only_its_hash_is_kept(database: Database) -> None:
    token = add_person(database, "김 하나", role="owner")
    found = person_of(database, token)
    assert found is not None
    assert (found.name, found.role) == ("김 하나", "owner")
    with database.connect() as connection:
        stored = [str(cell) for row in connection.execute(select(PEOPLE)) for cell in row]
    assert not any(token in cell for cell in stored)
    for wrong in ("", token[:-1], token + "x", "x" * 300, token.swapcase(), "\ud800"):
        assert person_of(database, wrong) is None


def test_a_new_token_ends_the_old_one_and_who_is_out_stays_out(database: Database) -> None:
    first = add_person(database, "ann")
    second = new_token(database, "ann")
    assert person_of(database, first) is None
    assert person_of(database, second) is not None
    deactivate(database, "ann")
    assert person_of(database, second) is None
    assert [(one.name, one.active) for one in list_people(database)] == [("ann", False)]
    for change in (new_token, deactivate):
        with pytest.raises(ValuesError, match="nobody"):
            change(database, "nobody")


def test_a_name_is_taken_once_and_must_be_a_name(unchecked: None, database: Database) -> None:
    add_person(database, "ann")
    with pytest.raises(ConflictError, match="ann"):
        add_person(database, "ann")
    for wrong in ("", "<b>", "a\nb", "x" * 65, " ann", "a/b", "a\0"):
        with pytest.raises(ValuesError, match="a name of"):
            add_person(database, wrong)
    with pytest.raises(ValuesError, match="role"):
        add_person(database, "ben", role="king")  # type: ignore[arg-type]


# -- leases --------------------------------------------------------------------------------------------------------------


def test_the_most_urgent_comes_first_and_nobody_gets_what_another_holds(people: Database) -> None:
    add_items(people, [item("low", priority=1), item("high", priority=3), item("middle", priority=2)])
    (ann,) = take(people, "ann")
    ben = take(people, "ben", count=5)
    assert ann.item["example_id"] == "high"
    assert [one.item["example_id"] for one in ben] == ["middle", "low"]
    assert take(people, "eun", count=5) == []


def test_who_asks_again_gets_the_same_lease(people: Database) -> None:
    add_items(people, [item("a"), item("b")])
    first = take(people, "ann")
    assert [one.lease for one in take(people, "ann")] == [first[0].lease]
    both = take(people, "ann", count=2)
    assert first[0].lease in [one.lease for one in both]
    assert len({one.item_id for one in both}) == 2


def test_a_lease_expires_and_another_takes_over(people: Database, clock: Callable[[float], None]) -> None:
    add_items(people, [item("a")])
    (ann,) = take(people, "ann", seconds=60)
    clock(59)
    assert take(people, "ben") == []
    clock(2)
    (ben,) = take(people, "ben", seconds=60)
    with pytest.raises(ConflictError, match="time is over"):
        say(people, ann)
    assert take(people, "ann", item_id=ann.item_id) == []
    say(people, ben)
    assert open_answers(people)["person"].to_pylist() == ["ben"]


def test_an_expired_item_that_is_still_free_is_taken_again(people: Database, clock: Callable[[float], None]) -> None:
    add_items(people, [item("a"), item("b", priority=5)])
    ann = take(people, "ann", count=2, seconds=60)[1]
    clock(100)
    with pytest.raises(ConflictError, match="time is over"):
        say(people, ann)
    (again,) = take(people, "ann", item_id=ann.item_id)
    assert again.lease != ann.lease
    assert say(people, again).item_id == ann.item_id
    with pytest.raises(ValuesError, match="lease"):
        say(people, ann)


def test_a_clock_that_goes_back_holds_an_item_for_one_lease_and_never_gives_it_twice(
    people: Database, clock: Callable[[float], None]
) -> None:
    add_items(people, [item("a")])
    (ann,) = take(people, "ann", seconds=60)
    clock(-7200)
    assert take(people, "ben", seconds=60) == []
    clock(61)
    (ben,) = take(people, "ben", seconds=60)
    with pytest.raises(ConflictError, match="time is over"):
        say(people, ann)
    clock(-30)
    say(people, ben)
    assert len(open_answers(people)) == 1


def test_what_is_given_back_is_free(people: Database) -> None:
    add_items(people, [item("a"), item("b")])
    take(people, "ann", count=2)
    assert give_back(people, "ann", item_key(example_id="a")) == 1
    assert [one.item["example_id"] for one in take(people, "ben", count=2)] == ["a"]
    assert give_back(people, "ann") == 1


@pytest.mark.parametrize(("count", "seconds"), [(0, 60.0), (51, 60.0), (1, 0.0), (1, -5.0), (1, 1e9)])
def test_a_lease_of_no_sense_is_refused(people: Database, count: int, seconds: float) -> None:
    with pytest.raises(ValuesError, match="items for up to a day"):
        take(people, "ann", count=count, seconds=seconds)


# -- answers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "label", "stored"),
    [
        ("accept", None, ("accept", "horn")),
        ("accept", "horn", ("accept", "horn")),
        ("accept", "bell", ("relabel", "bell")),
        ("relabel", "horn", ("accept", "horn")),
        ("relabel", "whistle", ("relabel", "whistle")),
        ("unsure", None, ("unsure", None)),
        ("drop", "horn", ("drop", None)),
    ],
)
def test_an_answer_is_what_was_said(people: Database, verdict: str, label: str | None, stored: tuple) -> None:
    add_items(people, [item("a")])
    (lease,) = take(people, "ann")
    say(people, lease, verdict, label, note="  far away ", seconds=2.5, suggestion_shown=False, item_id=lease.item_id)
    (row,) = open_answers(people).to_pylist()
    assert (row["verdict"], row["label"]) == stored
    assert (row["note"], row["seconds"], row["suggestion_shown"], row["origin"]) == ("  far away ", 2.5, False, "page")
    assert (row["example_id"], row["current"], row["suggested"], row["state"]) == ("a", "bell", "horn", "answered")
    assert row["reasons"] == '[{"kind": "uncertain", "text": "0.4"}]'
    assert take(people, "ben") == []


def test_an_accept_without_suggestion_confirms_the_current_label(people: Database) -> None:
    add_items(people, [item("a", suggested=None), item("b", suggested=None, current=None)])
    first, second = take(people, "ann", count=2)
    if first.item["current"] is None:
        first, second = second, first
    assert say(people, first).label == "bell"
    with pytest.raises(ValuesError, match="nothing is suggested"):
        say(people, second)


def test_a_class_that_left_the_task_is_refused(people: Database) -> None:
    add_items(people, [item("a")])
    (lease,) = take(people, "ann")
    for verdict, label in (("relabel", "gong"), ("accept", None)):
        with pytest.raises(ValuesError, match=r"a class of the task \(bell\)"):
            say(people, lease, verdict, label, classes=("bell",))
    assert say(people, lease, "relabel", "bell", classes=("bell",)).label == "bell"


def test_several_labels_are_each_checked(people: Database) -> None:
    add_items(people, [item("a"), item("b")])
    first, second = take(people, "ann", count=2)
    assert say(people, first, "relabel", "bell\x1fhorn").label == "bell\x1fhorn"
    with pytest.raises(ValuesError, match="gong"):
        say(people, second, "relabel", "bell\x1fgong")


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "undo"},
        {"verdict": "relabel"},
        {"verdict": "relabel", "label": "gong"},
        {"nonce": "short"},
        {"nonce": "'; drop table--"},
        {"note": "x" * 2001},
        {"note": "a\0b"},
        {"item_id": "0" * 64},
    ],
)
def test_what_cannot_be_meant_is_refused_and_the_item_stays_in_hand(people: Database, wrong: dict[str, Any]) -> None:
    add_items(people, [item("a")])
    (lease,) = take(people, "ann")
    with pytest.raises(ValuesError):
        say(people, lease, **wrong)
    assert len(open_answers(people)) == 0
    assert say(people, lease).answer_id > 0


def test_a_forged_or_stolen_lease_is_refused(people: Database) -> None:
    add_items(people, [item("a")])
    (lease,) = take(people, "ann")
    for person, secret in (("ann", "forged"), ("ben", lease.lease), ("ann", lease.lease.swapcase())):
        with pytest.raises(ValuesError, match="lease of an item in your hands"):
            answer(people, person, secret, nonce=nonce(), verdict="skip", classes=CLASSES)


def test_a_repeated_request_is_one_answer_and_a_replayed_one_is_refused(people: Database) -> None:
    add_items(people, [item("a"), item("b")])
    first, second = take(people, "ann", count=2)
    once = say(people, first, "relabel", "whistle", nonce="the-same-nonce")
    again = say(people, first, "relabel", "whistle", nonce="the-same-nonce")
    assert again == Answer(once.answer_id, once.item_id, "ann", "relabel", "whistle", repeated=True)
    for lease, verdict, label in ((first, "relabel", "bell"), (first, "drop", None)):
        with pytest.raises(ConflictError, match="used for another"):
            say(people, lease, verdict, label, nonce="the-same-nonce")
    with pytest.raises(ConflictError, match="used for another"):
        say(people, second, "relabel", "whistle", nonce="the-same-nonce", item_id=second.item_id)
    with pytest.raises(ValuesError, match="lease"):
        say(people, first, "relabel", "bell")
    assert len(open_answers(people)) == 1


def test_a_browsers_strange_clock_loses_no_answer(people: Database) -> None:
    add_items(people, [item("a"), item("b"), item("c")])
    for lease, seconds in zip(take(people, "ann", count=3), (float("nan"), -1.0, 1e12), strict=True):
        say(people, lease, seconds=seconds)
    assert open_answers(people)["seconds"].to_pylist() == [None, None, 86_400.0]


def test_who_skips_leaves_the_item_to_others(people: Database) -> None:
    add_items(people, [item("a")])
    say(people, take(people, "ann")[0], "skip")
    assert take(people, "ann") == []
    say(people, take(people, "ben")[0])
    assert count_items(people) == {"answered": 1}
    assert open_answers(people)["verdict"].to_pylist() == ["skip", "accept"]


def test_two_answers_come_from_two_people(people: Database) -> None:
    add_items(people, [item("a", wanted=2)])
    (ann,) = take(people, "ann")
    (ben,) = take(people, "ben")
    assert take(people, "eun") == []
    say(people, ann)
    assert take(people, "ann") == []
    assert "whistle" not in str(ben.item)
    say(people, ben, "relabel", "whistle")
    assert take(people, "eun") == []
    assert count_items(people) == {"answered": 1}


def test_items_withdrawn_are_not_asked_and_not_answered(people: Database) -> None:
    add_items(people, [item("a"), item("b")])
    held = take(people, "ann")[0]
    assert withdraw_items(people, [held.item_id, "0" * 64]) == 1
    with pytest.raises(ValuesError, match="lease"):
        say(people, held)
    assert withdraw_items(people, [held.item_id]) == 0
    assert len(take(people, "ann", count=5)) == 1


def test_a_conflict_goes_back_to_somebody_new(people: Database) -> None:
    add_items(people, [item("a", wanted=2)])
    say(people, take(people, "ann")[0])
    say(people, take(people, "ben")[0], "relabel", "bell")
    assert ask_again(people, [item_key(example_id="a")]) == 1
    assert take(people, "ann") == take(people, "ben") == []
    say(people, take(people, "eun")[0], "relabel", "bell")
    assert open_answers(people)["label"].to_pylist() == ["horn", "bell", "bell"]


# -- undo ----------------------------------------------------------------------------------------------------------------


def test_an_answer_is_taken_back_and_stays_in_the_log(people: Database) -> None:
    add_items(people, [item("a")])
    first = say(people, take(people, "ann")[0])
    lease = undo(people, "ann", first.answer_id, nonce="undo-it-please")
    assert lease is not None
    assert lease.item_id == first.item_id
    assert len(open_answers(people)) == 0
    assert take(people, "ben") == []
    repeated = undo(people, "ann", first.answer_id, nonce="undo-it-please")
    assert repeated is None or repeated.lease == lease.lease
    say(people, lease, "relabel", "bell")
    assert open_answers(people)["label"].to_pylist() == ["bell"]
    with people.connect() as connection:
        verdicts = connection.execute(select(ANSWERS.c.verdict).order_by(ANSWERS.c.answer_id)).scalars().all()
    assert verdicts == ["accept", "undo", "relabel"]
    with pytest.raises(ConflictError, match="taken back"):
        undo(people, "ann", first.answer_id, nonce=nonce())


def test_nobody_takes_back_what_another_said_or_what_is_in_the_data(people: Database) -> None:
    add_items(people, [item("a")])
    said = say(people, take(people, "ann")[0])
    for person, number in (("ben", said.answer_id), ("ann", said.answer_id + 1)):
        with pytest.raises(ValuesError, match="your own"):
            undo(people, person, number, nonce=nonce())
    with people.begin() as connection:
        connection.execute(ITEMS.update().values(state="merged"))
    with pytest.raises(ConflictError, match="merged"):
        undo(people, "ann", said.answer_id, nonce=nonce())


def test_a_skip_is_taken_back_without_pushing_another_out(people: Database) -> None:
    add_items(people, [item("a")])
    skipped = say(people, take(people, "ann")[0], "skip")
    (ben,) = take(people, "ben")
    assert undo(people, "ann", skipped.answer_id, nonce=nonce()) is None
    say(people, ben)
    assert take(people, "ann") == []


# -- answers from elsewhere ----------------------------------------------------------------------------------------------


def given_one(name: str, person: str = "ann", key: str = "1", **fields: Any) -> GivenAnswer:
    return GivenAnswer(
        **{"item_id": item_key(example_id=name), "person": person, "key": key, "verdict": "accept", **fields}
    )


def test_answers_from_elsewhere_are_stored_once_and_corrected_later(people: Database) -> None:
    add_items(people, [item("a"), item("b")])

    def give(*answers: GivenAnswer) -> tuple[int, int, int]:
        report = give_answers(people, answers, classes=CLASSES, origin="label_studio")
        return report.added, report.replaced, report.repeated

    assert give(given_one("a"), given_one("b", "new one", verdict="relabel", label="bell")) == (2, 0, 0)
    assert give(given_one("a"), given_one("b", "new one", verdict="relabel", label="bell")) == (0, 0, 2)
    assert give(given_one("a", key="2")) == (0, 0, 1)
    assert give(given_one("a", key="3", verdict="drop")) == (0, 1, 0)
    table = open_answers(people)
    assert sorted(zip(table["person"].to_pylist(), table["verdict"].to_pylist(), strict=True)) == [
        ("ann", "drop"),
        ("new one", "relabel"),
    ]
    assert [one.active for one in list_people(people) if one.name == "new one"] == [False]


def test_answers_from_elsewhere_are_all_stored_or_none(people: Database) -> None:
    add_items(people, [item("a"), item("b")])
    for wrong, error in (
        (given_one("elsewhere"), AlignmentError),
        (given_one("b", verdict="relabel", label="gong"), ValuesError),
        (given_one("b", "<b>"), ValuesError),
    ):
        with pytest.raises(error):
            give_answers(people, [given_one("a"), wrong], classes=CLASSES, origin="file")
    assert len(open_answers(people)) == 0
    with people.begin() as connection:
        connection.execute(ITEMS.update().where(ITEMS.c.example_id == "b").values(state="merged"))
    with pytest.raises(ConflictError, match="merged"):
        give_answers(people, [given_one("a"), given_one("b")], classes=CLASSES, origin="file")
    assert len(open_answers(people)) == 0


# -- several at once -----------------------------------------------------------------------------------------------------


def test_eight_people_at_once_answer_every_item_as_often_as_wanted(people: Database) -> None:
    names = [f"p{number}" for number in range(8)]
    for name in names:
        add_person(people, name)
    add_items(people, [item(str(number), wanted=1 + number % 2) for number in range(40)])
    wrong: list[BaseException] = []

    def work(name: str) -> None:
        try:
            while leases := take(people, name, count=3):
                for lease in leases:
                    say(people, lease, "relabel", "whistle")
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    # Who finds nothing free may leave while others still hold items; one more round finishes.
    for name in names:
        work(name)
    table = open_answers(people)
    given_by = Counter(zip(table["item_id"].to_pylist(), table["person"].to_pylist(), strict=True))
    assert set(given_by.values()) == {1}
    assert Counter(table["item_id"].to_pylist()) == {
        item_key(example_id=str(number)): 1 + number % 2 for number in range(40)
    }
    assert count_items(people) == {"answered": 40}


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "accept", "skip", "undo", "wait", "back", "again"]),
        st.sampled_from(["ann", "ben", "eun"]),
    ),
    max_size=25,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_whatever_happens_nobody_answers_twice_and_nothing_is_held_twice(
    people: Database, clock: Callable[[float], None], steps: list[tuple[str, str]]
) -> None:
    with people.begin() as connection:
        for table in (LEASES, ANSWERS, ITEMS):
            connection.execute(table.delete())
    add_items(people, [item("a"), item("b", wanted=2)])
    hands: dict[str, list[Lease]] = {"ann": [], "ben": [], "eun": []}
    said: dict[str, list[int]] = {"ann": [], "ben": [], "eun": []}
    for what, who in steps:
        try:
            if what == "take":
                hands[who] = take(people, who, count=2, seconds=60)
            elif what in ("accept", "skip") and hands[who]:
                said[who].append(say(people, hands[who].pop(), what).answer_id)
            elif what == "undo" and said[who]:
                undo(people, who, said[who].pop(), nonce=nonce(), seconds=60)
            elif what == "again":
                take(people, who, item_id=item_key(example_id="b"), seconds=60)
        except (ConflictError, ValuesError):
            pass
        clock({"wait": 45.0, "back": -200.0}.get(what, 1.0))
        table = open_answers(people)
        rows = list(zip(table["item_id"].to_pylist(), table["person"].to_pylist(), strict=True))
        assert len(rows) == len(set(rows))
        counted = Counter(
            one
            for one, verdict in zip(table["item_id"].to_pylist(), table["verdict"].to_pylist(), strict=True)
            if verdict != "skip"
        )
        with people.connect() as connection:
            states = dict(map(tuple, connection.execute(select(ITEMS.c.item_id, ITEMS.c.state))))
        for name, wanted in (("a", 1), ("b", 2)):
            key = item_key(example_id=name)
            assert counted[key] <= wanted
            assert (states[key] == "answered") == (counted[key] == wanted)
