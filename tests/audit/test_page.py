"""The page as a person meets it: one file, two languages, players, no network."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from yori.audit.page import audit_page
from yori.report.clips import Clips

REPORT = Path(__file__).parent.parent / "report"


def test_both_pages_are_whole_and_need_no_network(broken):
    for name, lang in (("audit.html", "en"), ("audit.ko.html", "ko")):
        page = (broken.audited.folder / name).read_text(encoding="utf-8")
        assert f'<html lang="{lang}">' in page
        assert not re.findall(r'(?:src|href)="(?!data:|#|audit)', page)
        assert page.count("<audio") >= 10
        assert "{" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_what_stands_in_the_data_cannot_leave_its_place(clean):
    summary = dict(clean.audited.summary)
    summary["name"] = "<script>alert(1)</script>"
    assert "<script>" not in audit_page(clean.audited.findings, summary, Clips({}, {}))


def test_embeddings_have_no_players(tmp_path):
    from tests.prove.mixture import make_project

    from yori.audit import audit

    page = (audit(make_project(tmp_path / "p", n=120).path, workers=1).folder / "audit.html").read_text()
    assert "<audio" not in page
    assert "not sound" in page


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["audit.html", "audit.ko.html"])
def test_in_a_browser(broken: Any, name: str, width: int) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium on the path")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text))
        page.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))
        page.goto((broken.audited.folder / name).as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        found = page.evaluate((REPORT / "outline.js").read_text(encoding="utf-8"))
        contrast = page.evaluate((REPORT / "contrast.js").read_text(encoding="utf-8"), "body")
        plays = page.evaluate(
            "async () => { const one = document.querySelector('audio'); one.load();"
            " await new Promise(done => { one.onloadedmetadata = done; one.onerror = done }); return one.duration }"
        )
        browser.close()
    headings = found.pop("headings")
    assert headings[0] == 1
    assert {name: value for name, value in found.items() if value not in ([], 0)} == {
        "lang": "ko" if "ko" in name else "en", "mains": 1}  # fmt: skip
    assert contrast == []
    assert wrong == []
    assert plays > 0.2
