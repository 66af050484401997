from __future__ import annotations

import math
from threading import Thread

import pytest

from yori.flywheel.alerts import Alert, Look, begin_look, earlier_looks, end_look, open_alerts
from yori.flywheel.database import Database
from yori.shift.false_alarms import BUDGET

DAY = 86_400.0


def test_many_monitors_at_once_spend_one_level(database: Database) -> None:
    begin_look(database, "r", now=0.0)
    looks: list[Look] = []
    threads = [Thread(target=lambda: looks.append(begin_look(database, "r", now=DAY))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(each.level for each in looks) == pytest.approx(BUDGET / 30)
    assert sorted(each.number for each in looks) == [2, 3, 4, 5]


def test_what_was_found_is_kept_in_order(database: Database) -> None:
    for day in range(3):
        look = begin_look(database, "r", now=day * DAY)
        alert = Alert("latency", "alarm", "slow", {"p99": math.nan})
        end_look(database, look, {"abstention": {"recent": math.nan}}, (alert,) if day else ())
    end_look(database, begin_look(database, "other", now=9 * DAY), {}, ())
    looks = earlier_looks(database, "r")
    assert [each["number"] for each in looks] == [1, 2, 3]
    assert looks[0]["abstention"] == {"recent": None}
    found = open_alerts(database)
    assert [each["look"] for each in found] == [2, 3]
    assert [each["kind"] for each in open_alerts(database, since=2 * DAY)] == ["latency"]


def test_two_alerts_of_one_kind_at_one_time_are_both_kept(database: Database) -> None:
    look = begin_look(database, "r", now=5.0)
    end_look(database, look, {}, (Alert("a", "note", "", {}), Alert("a", "note", "", {})))
    assert len(open_alerts(database)) == 2
