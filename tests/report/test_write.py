from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.report.sample import EDITS, Sample, copied

from yori.errors import CorruptError, StoreError, ValuesError
from yori.report import report_page, write_report
from yori.report.wording import Language

VOID = {"meta", "link", "img", "br", "rect", "circle", "line", "path"}


class Outline(HTMLParser):
    """Whether every tag is closed, and what the page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_one_file_that_needs_nothing_else(sample: Sample, tmp_path: Path, lang: Language) -> None:
    out = write_report(sample.proof, sample.project, tmp_path / "new folder" / "report.html", lang=lang)
    assert out == tmp_path / "new folder" / "report.html"
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
    page = out.read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert {reference.split(":")[0] if reference[:1] != "#" else "#" for reference in outline.references} == {
        "data",
        "#",
    }
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    assert "<script" not in page
    assert f'<html lang="{lang}">' in page
    assert page.count("<audio") == 12


def test_the_same_proof_gives_the_same_bytes(sample: Sample) -> None:
    assert report_page(sample.proof, sample.project) == report_page(sample.proof, sample.project)


def test_sections_come_in_the_order_a_reader_needs(sample: Sample) -> None:
    page = report_page(sample.proof, None)
    names = re.findall(r'<section id="([a-z]+)"', page)
    assert names == ["verdict", "results", "requirements", "domains", "controls", "alarm", "edits", "stability", "leakage",
                     "data", "recipe", "flops", "paper", "procedure", "provenance"]  # fmt: skip


def test_names_from_data_cannot_become_markup(sample: Sample, tmp_path: Path) -> None:
    sample = copied(sample, tmp_path)
    evil = '"><script>alert(1)</script>'
    sample.certificate["name"] = evil
    sample.certificate["task"]["text"] = evil
    sample.certificate["notes"] = [evil, "{{ 7 * 7 }}"]
    sample.certificate["data"]["domains"][0]["name"] = evil
    for each in sample.certificate["protocols"]["lodo"]["comparisons"]:
        each["comparison"]["per_domain"][0]["domain"] = evil
    sample.certificate["stability"]["over"][0]["names"][0] = evil
    sample.rewrite()
    page = report_page(sample.proof, sample.project)
    assert "<script" not in page
    assert "{{ 7 * 7 }}" in page
    assert page.count("&lt;script&gt;") >= 5


def test_all_that_is_optional_may_be_missing(sample: Sample, tmp_path: Path) -> None:
    sample = copied(sample, tmp_path)
    pq.write_table(EDITS.empty_table(), sample.proof / "edits.parquet")
    for name in ("truth", "leakage_gap", "stability", "requirements"):
        sample.certificate[name] = None
    for protocol in sample.certificate["protocols"].values():  # as in certificates from before these were kept
        del protocol["alarm"], protocol["coverage_at_risk"]
    sample.certificate["modality"] = "embeddings"
    sample.certificate["data"]["domains"] = []
    del sample.certificate["protocols"]["lodo"]
    del sample.certificate["protocols"]["id"]["values"]["oracle"]
    sample.rewrite()
    page = report_page(sample.proof, None)
    assert "<audio" not in page
    assert page.count("Not measured") == 2
    assert 'id="alarm"' not in page
    assert 'id="requirements"' not in page


def test_each_report_of_a_proof_links_to_the_other_language(sample: Sample, tmp_path: Path) -> None:
    sample = copied(sample, tmp_path)
    english = write_report(sample.proof, None, sample.proof / "report.html").read_text(encoding="utf-8")
    korean = write_report(sample.proof, None, sample.proof / "report.ko.html", lang="ko").read_text(encoding="utf-8")
    assert '<a href="report.ko.html" lang="ko" hreflang="ko">한국어</a>' in english
    assert '<a href="report.html" lang="en" hreflang="en">English</a>' in korean


def test_no_link_to_a_report_that_is_not_there(sample: Sample, tmp_path: Path) -> None:
    def linked(name: str, lang: Language) -> bool:
        return "hreflang" in write_report(sample.proof, None, tmp_path / name, lang=lang).read_text(encoding="utf-8")

    assert not linked("a b.html", "en")
    assert linked("a b.ko.html", "ko")
    assert linked("a b.html", "en")
    assert 'href="a%20b.ko.html"' in (tmp_path / "a b.html").read_text(encoding="utf-8")
    assert not linked("other.html", "ko")
    assert not linked("a b.ko.html", "en")  # an English text under the Korean name
    assert not linked("report", "en")


def test_a_broken_proof_leaves_the_old_report(sample: Sample, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("old")
    with pytest.raises(CorruptError, match=r"certificate\.json"):
        write_report(tmp_path, None, out)
    assert out.read_text() == "old"
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        write_report(sample.proof, None, tmp_path / "file" / "report.html")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(sample: Sample, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="written"):
        write_report(sample.proof, None, tmp_path / "report.html")
    tmp_path.chmod(0o700)


def test_a_failed_write_leaves_nothing_aside(sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, block: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("yori.store.atomic._write", full)
    with pytest.raises(StoreError, match="room to write"):
        write_report(sample.proof, None, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_language(sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(ValuesError, match="en or ko"):
        write_report(sample.proof, None, tmp_path / "report.html", lang="de")  # type: ignore[arg-type]
