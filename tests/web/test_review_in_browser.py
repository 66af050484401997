"""The review page as people use it: a real server, headless Chromium, the keyboard, a phone, a server that dies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.review_project import (
    HOSTILE,
    TASK,
    Server,
    audio_items,
    filled,
    make_project,
    picture,
    serving,
    serving_here,
)

from yori.flywheel.database import Database
from yori.flywheel.queue import Item, add_items, add_person, item_key, open_answers
from yori.store import Project

pytestmark = pytest.mark.browser

CONTRAST = Path(__file__).parents[1].joinpath("report", "contrast.js").read_text(encoding="utf-8")
Open = Callable[..., Any]
PATIENCE = 30_000
AS_PROCESS = pytest.mark.parametrize("server", ["process"], indirect=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on the path")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project")


@pytest.fixture
def database(project: Project) -> Iterator[Database]:
    opened = filled(project, audio_items(project, 8))
    yield opened
    opened.close()


@pytest.fixture
def server(request: pytest.FixtureRequest, project: Project, database: Database) -> Iterator[Server]:
    """The page in a thread of this process; a process of its own for tests marked `AS_PROCESS`."""
    add_person(database, "chief", role="owner")
    own = getattr(request, "param", None) == "process"
    with serving(project.path) if own else serving_here(project, database) as started:
        yield started


@pytest.fixture
def opened(chromium: Any, server: Server, database: Database) -> Iterator[Open]:
    """``opened("ann")``: a page on which Ann has logged in, by the link; everything that goes wrong in it fails the test."""
    contexts, wrong = [], []

    def open_page(person: str = "ann", *, width: int = 1280, query: str = "", log_in: bool = True) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 860}, locale="en-GB")
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda one: one.url.startswith((server.address, "blob:")) or wrong.append(one.url))
        page.on(
            "dialog", lambda dialog: wrong.append(dialog.message) if dialog.type != "beforeunload" else dialog.accept()
        )
        page.on("console", lambda one: wrong.append(one.text) if "Content Security Policy" in one.text else None)
        token = add_person(database, person)
        page.goto(f"{server.address}/{query}" + (f"#token={token}" if log_in else ""))
        page.token = token
        if log_in:
            page.wait_for_selector("#item:not([hidden])")
            ready(page)
        return page

    yield open_page
    assert wrong == []
    for context in contexts:
        context.close()


def until(page: Any, condition: str) -> None:
    """Wait for a condition; Playwright's own way evaluates text inside the page, which the page forbids."""
    for _ in range(PATIENCE // 50):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def title(page: Any) -> str:
    return str(page.locator("#item-title").inner_text())


def ready(page: Any) -> None:
    """The item's media are there, and a key counts again."""
    until(page, "!document.querySelector('#spectrogram').src || document.querySelector('#spectrogram').complete")
    page.wait_for_timeout(200)


def press(page: Any, key: str) -> None:
    """Press a key and wait until another item is on the page."""
    before = title(page)
    page.keyboard.press(key)
    until(
        page,
        f"document.getElementById('item-title').textContent !== {json.dumps(before)} "
        "|| document.getElementById('item').hidden",
    )
    ready(page)


def stored(page: Any, database: Database, count: int) -> list[tuple[Any, ...]]:
    """Answers in force once there are so many."""
    for _ in range(100):
        table = open_answers(database)
        if len(table) == count:
            break
        page.wait_for_timeout(100)
    columns = [table[name].to_pylist() for name in ("person", "verdict", "label")]
    return list(zip(*columns, strict=True))


@AS_PROCESS
def test_a_whole_session_by_keyboard_alone(opened: Open, database: Database) -> None:
    page = opened("ann", log_in=False)
    page.wait_for_selector("#login:not([hidden])")
    assert page.evaluate("document.activeElement.id") == "token"
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    until(page, "document.getElementById('login-said').textContent !== ''")
    page.locator("#token").fill("")
    page.keyboard.type(page.token)
    page.keyboard.press("Enter")
    page.wait_for_selector("#item:not([hidden])")
    ready(page)
    assert title(page) == "Item 1 · clip-0000"
    assert page.locator("#suggestion").inner_text() == "Suggested: horn (confidence 0.41). In the data now: bell"
    page.keyboard.press("n")
    page.keyboard.type("far 1 2 a")
    page.keyboard.press("Escape")
    for key in ("3", "a", "Enter", "s", "u", "d"):
        press(page, key)
    expected = [("relabel", "whistle"), ("accept", "horn"), ("accept", "horn"), ("skip", None), ("unsure", None)]
    said = [("ann", *one) for one in [*expected, ("drop", None)]]
    assert stored(page, database, 6) == said
    assert open_answers(database)["note"].to_pylist() == ["far 1 2 a", None, None, None, None, None]
    assert title(page) == "Item 7 · clip-0006"
    press(page, "z")
    assert title(page) == "Item 6 · clip-0005"
    press(page, "1")
    assert stored(page, database, 6) == [*said[:-1], ("ann", "relabel", "bell")]
    press(page, "2")
    page.keyboard.press("2")
    page.wait_for_selector("#empty:not([hidden])")
    assert len(stored(page, database, 8)) == 8
    until(page, "document.getElementById('progress').textContent.startsWith('7 answered, 0 left')")
    page.keyboard.press("z")
    page.wait_for_selector("#item:not([hidden])")
    assert len(stored(page, database, 7)) == 7
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def test_sound_plays_by_itself_loops_and_goes_faster(opened: Open) -> None:
    page = opened()
    press(page, "s")  # a browser plays by itself once a person has pressed a key
    until(page, "document.getElementById('player').currentTime > 0")
    page.keyboard.press("l")
    for rate in (1.25, 1.5, 2, 1, 1.25):
        page.keyboard.press("f")
        assert page.evaluate("document.getElementById('player').playbackRate") == rate
    page.keyboard.press(" ")
    until(page, "document.getElementById('player').paused")
    press(page, "s")
    assert page.evaluate(
        "(p => [p.loop, p.playbackRate, Math.round(p.duration)])(document.getElementById('player'))"
    ) == [
        True,
        1.25,
        1,
    ]
    assert page.locator("#loop").get_attribute("aria-pressed") == "true"
    page.reload()
    page.wait_for_selector("#item:not([hidden])")
    assert page.locator("#rate-now").inner_text() == "1.25×"


def test_the_next_items_are_there_before_they_are_asked_for(opened: Open) -> None:
    page = opened()
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    first = page.evaluate("document.getElementById('player').src")
    press(page, "1")
    until(page, f"document.getElementById('player').src !== {json.dumps(first)}")
    assert page.evaluate("performance.getEntriesByName('key to painted').length") == 1
    page.wait_for_load_state("networkidle")
    shown = page.evaluate("document.getElementById('player').src")
    assert shown.startswith("blob:")
    assert not any(item_key(input_sha256=f"{1:064}") in url for url in asked)


@AS_PROCESS
def test_an_answer_outlives_a_server_that_is_killed(opened: Open, server: Server, database: Database) -> None:
    page = opened()
    server.kill()
    press(page, "1")
    page.wait_for_selector("#unsaved:not([hidden])")
    assert page.locator("#unsaved-title").inner_text() == "NOT SAVED: 1 answer"
    assert page.locator("#unsaved").get_attribute("role") == "alert"
    assert page.title().startswith("⚠ NOT SAVED")
    press(page, "3")
    until(page, "document.getElementById('unsaved-title').textContent === 'NOT SAVED: 2 answers'")
    server.start()
    page.locator("#unsaved-retry").click()
    page.wait_for_selector("#unsaved", state="hidden")
    assert stored(page, database, 2) == [("ann", "relabel", "bell"), ("ann", "relabel", "whistle")]
    assert page.title() == "yori review"


def test_an_answer_outlives_the_page(opened: Open, server: Server, database: Database) -> None:
    page = opened()
    page.route("**/api/answer", lambda route: route.abort())
    press(page, "1")
    page.wait_for_selector("#unsaved:not([hidden])")
    assert len(open_answers(database)) == 0
    page.unroute("**/api/answer")
    page.reload()
    assert stored(page, database, 1) == [("ann", "relabel", "bell")]


def test_an_answer_whose_reply_was_lost_is_stored_once(opened: Open, database: Database) -> None:
    page = opened()
    lost: list[int] = []

    def lose(route: Any) -> None:
        if not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    page.route("**/api/answer", lose)
    press(page, "1")
    page.wait_for_selector("#unsaved:not([hidden])")
    page.wait_for_selector("#unsaved", state="hidden")
    assert lost == [200]
    assert stored(page, database, 1) == [("ann", "relabel", "bell")]


def test_a_refused_answer_is_loud_and_comes_back(opened: Open, project: Project, database: Database) -> None:
    page = opened()
    without = TASK.replace("  - name: whistle\n    means: High, and wavering.\n", "  - name: gong\n")
    (project.path / "task.yaml").write_text(without, encoding="utf-8")
    press(page, "3")
    page.wait_for_selector("#unsaved-back:not([hidden])")
    assert "a class of the task (bell, horn, gong)" in page.locator("#unsaved").inner_text()
    assert page.evaluate("performance.now() > 0")
    page.locator("#unsaved-back").click()
    until(page, "document.getElementById('item-title').textContent.includes('clip-0000')")
    page.wait_for_selector("#unsaved", state="hidden")
    assert "gong" in page.locator("#classes").inner_text()
    ready(page)
    press(page, "3")
    assert stored(page, database, 1) == [("ann", "relabel", "gong")]


def test_a_lease_that_ran_out_is_taken_again_without_a_word(opened: Open, database: Database) -> None:
    from yori.flywheel.schema import LEASES

    page = opened()
    with database.begin() as connection:
        connection.execute(LEASES.update().values(expires_at=1.0, taken_at=0.0))
    press(page, "1")
    assert stored(page, database, 1) == [("ann", "relabel", "bell")]
    assert page.locator("#unsaved").is_hidden()


def test_what_another_has_answered_meanwhile_is_refused_loudly(opened: Open, database: Database) -> None:
    from yori.flywheel.queue import GivenAnswer, give_answers

    page = opened()
    first = item_key(input_sha256=f"{0:064}")
    from yori.flywheel.schema import LEASES

    with database.begin() as connection:
        connection.execute(LEASES.update().values(expires_at=1.0, taken_at=0.0))
    given = GivenAnswer(item_id=first, person="ben", verdict="accept", key="1")
    give_answers(database, [given], classes=("bell", "horn", "whistle"), origin="file")
    press(page, "1")
    page.wait_for_selector("#unsaved-dismiss:not([hidden])")
    assert "clip-0000" in page.locator("#unsaved").inner_text()
    page.locator("#unsaved-dismiss").click()
    assert page.locator("#unsaved").is_hidden()
    assert [one[0] for one in stored(page, database, 1)] == ["ben"]


def test_two_people_at_once_never_see_the_same_item(opened: Open, database: Database) -> None:
    ann, ben = opened("ann"), opened("ben")
    seen: dict[str, set[str]] = {"ann": set(), "ben": set()}
    for _ in range(3):
        for name, page in (("ann", ann), ("ben", ben)):
            seen[name].add(title(page).split(" · ")[1])
            press(page, "1")
    assert not seen["ann"] & seen["ben"]
    assert len(stored(ann, database, 6)) == 6


def test_a_korean_input_method_answers_too(opened: Open, database: Database) -> None:
    page = opened(query="?lang=ko")
    assert page.evaluate("document.documentElement.lang") == "ko"
    assert page.locator("#suggestion").inner_text() == "제안: horn (확신도 0.41). 현재 데이터: bell"
    page.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ㅇ', code: 'KeyD', bubbles: true}))")
    assert stored(page, database, 1) == [("ann", "drop", None)]


def test_a_key_that_bounces_or_is_held_answers_once(opened: Open, database: Database) -> None:
    page = opened()
    page.evaluate(
        "for (const repeat of [false, false, true, true]) document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key: '1', code: 'Digit1', bubbles: true, repeat}))"
    )
    page.wait_for_timeout(400)
    assert stored(page, database, 1) == [("ann", "relabel", "bell")]


def test_single_keys_can_be_switched_off(opened: Open, database: Database) -> None:
    page = opened()
    page.locator("#help-open").click()
    page.locator("#keys").uncheck()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("1")
    page.wait_for_timeout(200)
    assert len(open_answers(database)) == 0
    page.locator("#classes button").nth(2).focus()
    page.keyboard.press("Enter")
    assert stored(page, database, 1) == [("ann", "relabel", "whistle")]


def test_hostile_words_are_shown_and_not_run(opened: Open, database: Database) -> None:
    more = {
        "content": {"name": HOSTILE, "neighbours": [{"media": "media/tone-1.wav", "label": HOSTILE}]},
        "priority": 9.0,
    }
    reasons = [{"kind": "x", "text": HOSTILE}]
    add_items(
        database,
        audio_items_of(database, item_id="hostile", suggested=HOSTILE, reasons=reasons, domain=HOSTILE, **more),
    )
    page = opened()
    assert HOSTILE in title(page)
    assert HOSTILE in page.locator("#suggestion").inner_text()
    assert HOSTILE in page.locator("#reasons").inner_text()
    assert HOSTILE in page.locator("#neighbours").inner_text()
    assert page.title() == "yori review"
    assert page.evaluate("document.querySelectorAll('main img:not([id])').length") == 0


def audio_items_of(database: Database, **fields: Any) -> list[Item]:
    folder = Path(database.engine.url.database or "").parent
    return audio_items(Project.open(folder), 1, **fields)


def test_pictures_texts_and_rows_have_their_place(opened: Open, project: Project, database: Database) -> None:
    (project.path / "media" / "a.png").write_bytes(picture(1))
    common: dict[str, Any] = {"turn": 1, "share": "rare", "suggested": "bell"}
    add_items(
        database,
        [
            Item(item_id="image", kind="image", media="media/a.png", priority=9.0, **common),
            Item(item_id="text", kind="text", content={"text": "One line.\nAnother."}, priority=8.0, **common),
            Item(item_id="row", kind="row", content={"fields": {"speed": 3, "길이": "12 m"}}, priority=7.0, **common),
            Item(item_id="gone", kind="audio", media="media/gone.wav", priority=6.0, **common),
        ],
    )
    page = opened()
    assert page.evaluate("document.getElementById('picture').naturalWidth") > 50
    assert page.locator("#audio").is_hidden()
    press(page, "a")
    assert page.locator("#text").inner_text() == "One line.\nAnother."
    press(page, "a")
    assert page.locator("#fields td").all_inner_texts() == ["3", "12 m"]
    press(page, "a")
    page.wait_for_selector("#problem:not([hidden])")
    assert "cannot be shown" in page.locator("#problem").inner_text()
    press(page, "d")
    assert [one[1] for one in stored(page, database, 4)] == ["accept", "accept", "accept", "drop"]


def test_several_labels_are_switched_on_and_sent_together(chromium: Any, tmp_path: Path) -> None:
    project = make_project(tmp_path / "several", TASK + "labels: multiple\n")
    database = filled(project, audio_items(project, 2))
    token = add_person(database, "ann")
    with serving_here(project, database) as server:
        page = chromium.new_page()
        page.goto(f"{server.address}/#token={token}")
        page.wait_for_selector("#item:not([hidden])")
        ready(page)
        page.keyboard.press("3")
        page.keyboard.press("1")
        assert page.locator("#accept-word").inner_text() == "this is right: bell + horn + whistle"
        page.keyboard.press("2")
        press(page, "Enter")
        assert stored(page, database, 1) == [("ann", "relabel", "bell\x1fwhistle")]
        page.close()
    database.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_fits_and_can_be_read(opened: Open, language: str, width: int, database: Database) -> None:
    near = [{"media": "media/tone-1.wav", "label": "bell", "similarity": 0.91}]
    add_items(database, audio_items_of(database, item_id="near", priority=9.0, content={"neighbours": near}))
    page = opened(width=width, query=f"?lang={language}")
    page.keyboard.press("n")
    page.keyboard.press("Escape")
    until(page, "document.getElementById('progress').textContent !== ''")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert page.evaluate(CONTRAST, "body") == []
    small = page.evaluate(
        "[...document.querySelectorAll('button, select')].filter(b => b.checkVisibility() && !b.closest('dialog'))"
        ".filter(b => { const box = b.getBoundingClientRect(); return box.height < 24 || box.width < 24 })"
        ".map(b => b.id)"
    )
    assert small == []
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, select, input, textarea, img, ul, section, dialog, [role=region]')]"
        ".filter(n => n.checkVisibility() && n.getAttribute('aria-hidden') !== 'true')"
        ".filter(n => !(n.textContent.trim() || n.alt || n.getAttribute('aria-labelledby') || (n.labels && n.labels.length)))"
        ".map(n => n.outerHTML.slice(0, 80))"
    )
    assert unnamed == []
    buttons = page.locator(".verdicts button").all()
    assert all(one.bounding_box()["y"] + one.bounding_box()["height"] <= 860 for one in buttons)


def test_tab_reaches_everything_in_order_of_reading(opened: Open) -> None:
    page = opened()
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className || "
                                     "document.activeElement.dataset.place || document.activeElement.tagName"))  # fmt: skip
    order = [
        reached.index(one) for one in ("skip-link", "language", "help-open", "player", "play", "note", "accept", "drop")
    ]
    assert order == sorted(order)
    assert page.locator("#live").get_attribute("aria-live") == "polite"
    assert "Item 1" in page.locator("#live").inner_text()
