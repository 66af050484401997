"""The page as a person meets it: in headless Chromium, from a file, on a desk and on a phone, by keyboard and by ear."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.report.sample import Sample, copied

from yori.report import write_report
from yori.report.certificate_schema import WORDS
from yori.report.wording import Language

pytestmark = pytest.mark.browser

CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
OUTLINE = Path(__file__).with_name("outline.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on the path")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def reports(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    sample = copied(sample, tmp_path_factory.mktemp("reports"))
    names: dict[Language, str] = {"en": "report.html", "ko": "report.ko.html"}
    return {
        lang: write_report(sample.proof, sample.project, sample.proof / name, lang=lang) for lang, name in names.items()
    }


def opened(browser: Any, path: Path, width: int = 1280) -> tuple[Any, list[str]]:
    """The page, and everything that went wrong or left the file."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url[:80]))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))
    page.goto(path.as_uri())
    return page, wrong


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_page_is_whole_accessible_and_readable(
    browser: Any, reports: dict[str, Path], lang: str, width: int
) -> None:
    page, wrong = opened(browser, reports[lang], width)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    found = page.evaluate(OUTLINE)
    headings = found.pop("headings")
    assert found == {"lang": lang, "unnamed": [], "pictures": 0, "heads": 0, "captions": 0, "double": [], "dead": 0,
                     "scrolls": 0, "mains": 1, "wide": 0, "small": 0, "cut": []}  # fmt: skip
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(headings))
    assert page.evaluate(CONTRAST, "body") == []
    assert wrong == []
    page.close()


def test_the_contrast_check_can_fail(browser: Any, reports: dict[str, Path]) -> None:
    page, _ = opened(browser, reports["en"])
    page.add_style_tag(content=".quiet { color: #9aa5ad !important } svg .quiet { fill: #9aa5ad !important }")
    low = page.evaluate(CONTRAST, "body")
    assert {name for name, *_ in low} == {"P", "text"}
    page.close()


def test_the_keyboard_reaches_everything(browser: Any, reports: dict[str, Path]) -> None:
    page, _ = opened(browser, reports["en"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('details').open") is True
    page.close()


def test_the_reader_changes_the_language_and_comes_back(browser: Any, reports: dict[str, Path]) -> None:
    page, wrong = opened(browser, reports["en"])
    for link, lang in (("한국어", "ko"), ("English", "en")):
        page.get_by_role("link", name=link, exact=True).click()
        assert page.evaluate("document.documentElement.lang") == lang
        assert page.url == reports[lang].as_uri()
    assert wrong == []
    page.close()


def test_clips_can_be_heard(browser: Any, reports: dict[str, Path]) -> None:
    page, wrong = opened(browser, reports["en"])
    seconds = page.evaluate(
        "() => Promise.all([...document.querySelectorAll('audio')].map(audio => new Promise((done, fail) => {"
        "audio.onloadedmetadata = () => done(audio.duration);"
        "audio.onerror = () => fail(audio.error.message); audio.load() })))"
    )
    assert sorted(round(each, 2) for each in seconds) == [0.6] * 11 + [10.0]
    assert wrong == []
    page.close()


def test_every_verdict_is_set_as_large_as_every_other(browser: Any, sample: Sample, tmp_path: Path) -> None:
    sample = copied(sample, tmp_path)
    sizes, colours = set(), set()
    for word in WORDS:
        sample.certificate["verdict"]["word"] = word
        sample.rewrite()
        page, _ = opened(browser, write_report(sample.proof, None, tmp_path / "report.html"))
        style = page.evaluate("(({fontSize, fontWeight, color}) => [fontSize + fontWeight, color])"
                              "(getComputedStyle(document.querySelector('.word')))")  # fmt: skip
        assert page.locator(".word").inner_text() == word
        assert page.evaluate(CONTRAST, "#verdict") == []
        sizes.add(style[0])
        colours.add(style[1])
        page.close()
    assert len(sizes) == 1
    assert len(colours) == len(WORDS)


def test_it_prints_with_everything_that_is_folded_away(browser: Any, reports: dict[str, Path]) -> None:
    page, _ = opened(browser, reports["en"])
    page.emulate_media(media="print")
    assert page.locator("audio").first.is_hidden()
    assert page.locator("nav").is_hidden()
    folded = page.locator("details:not([open]) pre").first
    assert folded.evaluate("node => node.checkVisibility() && node.getBoundingClientRect().height > 20")
    assert page.pdf()[:4] == b"%PDF"
    page.close()
