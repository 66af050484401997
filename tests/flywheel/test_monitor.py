from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert, update
from tests.flywheel.mixture_world import CLASSES, START, Stream, copied, log, serving, stream

from yori.errors import CorruptError, StoreError, ValuesError
from yori.flywheel.alerts import begin_look, open_alerts
from yori.flywheel.database import Database, open_database
from yori.flywheel.items import Item, add_items, item_key
from yori.flywheel.monitor import MonitorReport, monitor
from yori.flywheel.monitor_page import write_page
from yori.flywheel.monitor_words import monitor_catalogue
from yori.flywheel.release import Release
from yori.flywheel.schema import ALERTS, ANSWERS, PEOPLE, PREDICTIONS, SHEDS
from yori.shift.false_alarms import BUDGET
from yori.store import Project

DAY = 86_400.0


@dataclass
class World:
    project: Project
    release: Release
    database: Database
    day: int = 0

    def look(self, **options: object) -> MonitorReport:
        """A look one day after the one before; a large budget needs fewer permutations."""
        self.day += 1
        return monitor(
            self.project,
            self.database,
            **{"now": START + self.day * DAY, "rng": np.random.default_rng(self.day), "budget": 0.3, **options},  # type: ignore[arg-type]
        )

    def log(self, arrived: Stream, **options: object) -> None:
        log(self.database, self.release, arrived, start=START + self.day * DAY, **options)  # type: ignore[arg-type]


@pytest.fixture
def any_world(tmp_path: Path, database_url: str | None) -> Iterator[World]:
    """Served, with an empty log, on each kind of database."""
    project, release = copied(tmp_path)
    database = open_database(project, database_url)
    serving(project, release, database)
    yield World(project, release, database)
    database.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    project, release = copied(tmp_path)
    database = open_database(project)
    serving(project, release, database)
    yield World(project, release, database)
    database.close()


def test_a_quiet_day_then_a_drift_with_something_new(any_world: World) -> None:
    world = any_world
    world.log(stream(250, seed=1))
    quiet = world.look(rows=250)
    assert not quiet.alarm
    assert quiet.found["level"] == pytest.approx(0.3 / 30)
    assert set(quiet.found["tests"]) == {
        "mmd", "energy", "classifier", "confidence", "classes", "abstention", "slow_drift",
    }  # fmt: skip
    assert quiet.found["estimated_risk"]["all"]["average_confidence"]["basis"] == "same distribution"
    assert quiet.found["service"]["peak_per_second"] == 1
    world.log(stream(250, seed=2, shift=0.6, rare=25))
    loud = world.look(rows=250)
    assert loud.alarm
    assert {"drift_mmd", "drift_energy", "drift_classifier"} <= {each.kind for each in loud.alerts}
    first = loud.found["novelty"]["clusters"][0]
    assert first["rows"] == 25
    assert first["farness"] > 3
    kept = [each["kind"] for each in open_alerts(world.database)]
    assert kept == [each.kind for each in loud.alerts]
    json.dumps(loud.fields(), allow_nan=False)


def test_the_estimate_holds_what_is_true_on_a_quiet_day(world: World) -> None:
    inside = 0
    for seed in range(6):
        arrived = stream(300, seed=seed)
        world.log(arrived)
        found = world.look(rows=300).found["estimated_risk"]["all"]["average_confidence"]
        wrong = np.mean(
            world.release.decide(arrived.embeddings).labels != np.array(CLASSES, dtype=object)[arrived.truth]
        )
        inside += found["low"] <= wrong <= found["high"]
    assert inside >= 5


def test_drift_within_what_held_out_domains_showed_widens_the_estimate(world: World) -> None:
    world.log(stream(300, seed=3, domain=1))
    found = world.look(rows=300).found
    assert found["drift_suspected"]
    each = found["estimated_risk"]["all"]["average_confidence"]
    assert each["basis"] == "known shifts"
    assert each["high"] - each["low"] > 0.02


def test_drift_beyond_them_cannot_be_known(world: World) -> None:
    world.log(stream(300, seed=4, shift=2.0))
    found = world.look(rows=300)
    each = found.found["estimated_risk"]["answered"]["average_confidence"]
    assert (each["basis"], each["low"], each["high"]) == ("cannot know", 0.0, 1.0)
    assert "risk_unknown" in {alert.kind for alert in found.alerts}


def test_looks_share_the_budget_whatever_the_clock_says(world: World) -> None:
    world.log(stream(300, seed=5, shift=1.0))
    release = world.release.release_id
    assert begin_look(world.database, release, now=START).level == pytest.approx(BUDGET / 30)
    at_once = monitor(world.project, world.database, now=START, rng=np.random.default_rng(0))
    assert at_once.found["level"] == 0
    assert not at_once.alarm
    assert any("clock" in note for note in at_once.found["notes"])
    hour = begin_look(world.database, release, now=START + DAY / 24)
    assert hour.level == pytest.approx(BUDGET / 30 / 24)
    back = begin_look(world.database, release, now=START - DAY)
    assert (back.level, back.number) == (0, 4)
    assert begin_look(world.database, release, now=START).level == pytest.approx(BUDGET / 30)


def test_an_empty_log_and_a_short_one_are_said_in_words(world: World) -> None:
    empty = world.look()
    assert empty.found["tests"] == {}
    assert not empty.alerts
    assert empty.found["service"] is None
    world.log(stream(10, seed=6))
    short = world.look()
    assert "20 are needed" in short.found["notes"][0]
    assert short.found["estimated_risk"]["all"] == {}


def test_without_embeddings_scores_are_still_watched(world: World) -> None:
    world.log(stream(300, seed=7, shift=2.0), keep=False)
    found = world.look()
    assert set(found.found["tests"]) == {"confidence", "classes", "abstention", "slow_drift"}
    assert found.found["novelty"]["share"] is None
    assert any("without embedding" in note for note in found.found["notes"])
    # Whether the rows have moved cannot be seen, so the estimate is not trusted either.
    assert found.found["estimated_risk"]["all"]["average_confidence"]["basis"] == "cannot know"


def test_windows_of_one_input_are_one_unit(world: World) -> None:
    arrived = stream(60, seed=8)
    many = Stream(np.repeat(arrived.embeddings, 8, axis=0), np.repeat(arrived.truth, 8), arrived.domains * 8)
    names = [f"{number:064x}" for number in np.repeat(np.arange(60), 8)]
    world.log(many, inputs=names)
    found = world.look(rows=480).found
    assert found["window"]["units"] == 60
    assert not world.look(rows=480).alarm


def test_what_arrives_together_can_be_one_unit(world: World) -> None:
    world.log(stream(300, seed=9), step=1.0)
    assert world.look(block_seconds=100.0).found["window"]["units"] == 4 * 3  # domains times blocks


def test_a_place_of_its_own_is_compared_with_itself(world: World) -> None:
    world.log(stream(300, seed=10, domain=2))
    world.log(stream(300, seed=11, domain=2))
    with_validation = world.look(rows=300)
    itself = world.look(rows=300, against="log")
    assert with_validation.alarm
    assert not itself.alarm
    assert itself.found["reference"]["rows"] == itself.found["window"]["rows"] == 300


def test_labels_picked_by_chance_count_errors(world: World) -> None:
    arrived = stream(300, seed=12)
    world.log(arrived)
    said = world.release.decide(arrived.embeddings)
    truth = np.array(CLASSES, dtype=object)[arrived.truth]
    answer(world.database, said.labels, truth, share="random", rows=120)
    found = world.look(rows=300).found["labelled"]
    answered = ~said.abstained[:120]
    assert found["rows"] == 120
    assert found["risk"]["rows"] == answered.sum()
    assert found["risk"]["risk"] == pytest.approx(np.mean((said.labels != truth)[:120][answered]))
    assert found["risk"]["low"] < found["risk"]["risk"] < found["risk"]["high"]
    assert found["calibration"]["rows"] == 120


def test_labels_that_show_too_many_errors_alarm(world: World) -> None:
    arrived = stream(300, seed=13)
    world.log(arrived)
    said = world.release.decide(arrived.embeddings)
    wrong = np.where(said.labels == "a", "b", "a")
    answer(world.database, said.labels, wrong, share="random", rows=80)
    found = world.look(rows=300)
    assert "drift_labelled_risk" in {each.kind for each in found.alerts}


def test_labels_of_other_shares_say_nothing_about_errors(world: World) -> None:
    arrived = stream(100, seed=14)
    world.log(arrived)
    said = world.release.decide(arrived.embeddings)
    answer(world.database, said.labels, np.where(said.labels == "a", "b", "a"), share="abstained", rows=80)
    assert world.look().found["labelled"]["rows"] == 0


def answer(database: Database, said: np.ndarray, truth: np.ndarray, *, share: str, rows: int) -> None:
    """One person answers the first so many predictions with the truth."""
    keys = [item_key(example_id=str(row)) for row in range(rows)]
    items = [
        Item(item_id=keys[row], turn=1, kind="row", share=share, priority=0.5, prediction_id=row + 1)
        for row in range(rows)
    ]
    add_items(database, items)
    with database.begin() as connection:
        connection.execute(insert(PEOPLE).values(person="ann", token_sha256="0" * 64, at=START))
        for row in range(rows):
            same = truth[row] == said[row]
            given = {"verdict": "accept" if same else "relabel", "label": str(truth[row]), "at": START}
            connection.execute(insert(ANSWERS).values(nonce=f"n{row}", item_id=keys[row], person="ann", **given))


def test_slow_answers_alarm_and_lost_rows_warn(world: World) -> None:
    world.log(stream(200, seed=15), latency=21.0)
    with world.database.begin() as connection:
        connection.execute(insert(SHEDS).values(at=START + 5, rule="queue full", count=7))
    found = world.look()
    assert {each.kind: each.severity for each in found.alerts} == {"latency": "alarm", "sheds": "warning"}
    assert found.found["service"]["sheds"] == {"queue full": 7}


def test_since_leaves_older_predictions_out(world: World) -> None:
    world.log(stream(100, seed=16))
    world.day = 3
    world.log(stream(50, seed=17))
    assert world.look(since=START + 2 * DAY).found["window"]["rows"] == 50
    assert world.look(rows=30).found["window"]["rows"] == 30


def test_the_same_seed_gives_the_same_figures(world: World) -> None:
    world.log(stream(200, seed=18))
    found = [
        monitor(world.project, world.database, now=START + day * DAY, rng=np.random.default_rng(1)).found["tests"]
        for day in (1, 2)
    ]
    assert found[0] == found[1]


def test_damaged_rows_are_named(world: World) -> None:
    world.log(stream(30, seed=19))
    with world.database.begin() as connection:
        connection.execute(update(PREDICTIONS).where(PREDICTIONS.c.prediction_id == 7).values(embedding=b"\0" * 12))
    with pytest.raises(CorruptError, match="prediction 7: expected 16 numbers as embedding, got 3"):
        world.look()
    with world.database.begin() as connection:
        bad = np.full(16, np.nan, dtype="<f4").tobytes()
        connection.execute(update(PREDICTIONS).where(PREDICTIONS.c.prediction_id == 7).values(embedding=bad))
    with pytest.raises(CorruptError, match="NaN or infinity"):
        world.look()


def test_no_release_no_look(tmp_path: Path) -> None:
    project, _ = copied(tmp_path)
    database = open_database(project)
    with pytest.raises(StoreError, match="a release that serves"):
        monitor(project, database, rng=np.random.default_rng(0))
    database.close()


def test_options_out_of_range_are_refused(world: World) -> None:
    with pytest.raises(ValuesError):
        world.look(rows=0)
    with pytest.raises(ValuesError):
        world.look(block_seconds=-1.0)


def test_a_split_that_cannot_be_rebuilt_is_said(world: World) -> None:
    path = world.project.path / "task.yaml"
    path.write_text(path.read_text().replace("{protocols: [id]}", "{protocols: [id], seed: 99}"))
    with pytest.raises(StoreError, match="the split of the release"):
        world.look()


def test_two_looks_at_one_moment_are_both_kept(world: World) -> None:
    looks = [begin_look(world.database, "r", now=START) for _ in range(3)]
    assert [each.number for each in looks] == [1, 2, 3]
    with world.database.connect() as connection:
        assert len(connection.execute(ALERTS.select()).all()) == 3


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_page_says_what_was_found(world: World, tmp_path: Path, lang: str) -> None:
    world.log(stream(200, seed=20))
    world.look(rows=200)
    arrived = stream(200, seed=21, shift=0.8)
    world.log(Stream(arrived.embeddings, arrived.truth, ["<script>alert(1)</script>"] * 200))
    report = world.look(rows=200)
    page = write_page(world.project, world.database, report, tmp_path / "m.html", lang=lang).read_text()  # type: ignore[arg-type]
    assert {"en": "Alarm", "ko": "경보"}[lang] in page
    assert "<script" not in page
    assert "&lt;script" in page
    assert page.count("<svg") == 3
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert [path.name for path in tmp_path.glob(".m.html*")] == []


def test_every_alert_has_words_in_both_languages() -> None:
    from yori.flywheel.monitor_alerts import SAID

    known = monitor_catalogue()
    for name in SAID:
        assert set(known[f"alert.drift_{name}"]) == {"en", "ko"}
    for name, each in known.items():
        places = {lang: sorted(part.split("}")[0] for part in text.split("{")[1:]) for lang, text in each.items()}
        assert places["en"] == places["ko"], name


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_in_a_browser(world: World, tmp_path: Path, width: int) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on the path")
    for seed, shift in ((22, 0.0), (23, 0.8)):
        world.log(stream(200, seed=seed, shift=shift))
        report = world.look(rows=200)
    path = write_page(world.project, world.database, report, tmp_path / "m.html")
    wrong: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("console", lambda message: wrong.append(message.text))
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))
        page.goto(path.as_uri())
        assert page.locator("h2").first.inner_text() == "What the served model meets"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        browser.close()
    assert wrong == []


def test_several_labels_for_each_example(tmp_path: Path) -> None:
    """The whole path with a head of sigmoids: reference, look, page."""
    import pyarrow as pa
    from tests.flywheel.mixture_world import TASK

    from yori.flywheel.mine import mine
    from yori.flywheel.release import make_release

    rng = np.random.default_rng(0)
    truth = rng.random((500, 3)) < [0.5, 0.4, 0.3]
    embeddings = (truth @ rng.normal(0, 3, (3, 8)) + rng.normal(0, 1, (500, 8))).astype(np.float32)
    names = np.array(["a", "b", "c"])
    task = TASK.replace("classes: [a, b, c, d]", "classes: [a, b, c]\nlabels: multiple").replace("16", "8")
    project = Project.create(tmp_path / "several", task.replace(", domain: domain", ""))
    ids = [f"e{row:04}" for row in range(300)]
    rows = pa.table({"example_id": ids, "label": [names[row].tolist() for row in truth[:300]]})
    project.add_rows(rows, sources={}, message="several", who="ann")
    project.write_embeddings("given", [embeddings[:300]], ids)
    release = make_release(project, workers=1)
    database = open_database(project)
    serving(project, release, database)
    log(database, release, Stream(embeddings[300:], truth[300:, 0].astype(int), ["x"] * 200))
    report = monitor(project, database, now=START, rng=rng)
    assert not report.alarm
    assert report.found["estimated_risk"]["all"]["average_confidence"]["high"] < 1
    assert "<svg" in write_page(project, database, report, tmp_path / "m.html").read_text()
    found = mine(project, database, budget=20, rng=rng)
    assert found.added > 10
    assert "influence" not in found.shares
    database.close()
