"""The report: one HTML file that needs no network, no server and no script."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import yori
from yori.report.alarm_section import alarm_section
from yori.report.audit_section import audit_section
from yori.report.certificate_schema import read_certificate
from yori.report.clips import clips_of
from yori.report.controls_section import controls_section
from yori.report.data_section import data_section, recipe_section
from yori.report.domains_section import domains_section
from yori.report.edits_of_proof import read_edits_of_proof
from yori.report.edits_section import edits_section
from yori.report.ledger_section import ledger_section
from yori.report.paper_section import paper_section, procedure_section
from yori.report.provenance_section import provenance_section
from yori.report.requirements_section import requirements_section
from yori.report.results_section import results_section
from yori.report.stability_section import leakage_section, stability_section
from yori.report.verdict_section import headline
from yori.report.wording import Language, Words
from yori.store import Project, atomic

if TYPE_CHECKING:
    from jinja2 import Environment


def write_report(proof: Path, project: Project | None, out: Path, *, lang: Language = "en") -> Path:
    """Write the report of a proof; a file that is there is replaced in one step.

    The reports of a proof are ``report.html`` and ``report.ko.html``. One written under such a pair of names links to the
    other if that is there, or will be: `yori run` writes both into the folder of the proof.

    Parameters
    ----------
    proof
        Folder with ``certificate.json`` and ``edits.parquet``.
    project
        Where the sound files are; None: the report has no players and says so.
    out
        The HTML file to write.
    lang
        ``en`` or ``ko``.

    Returns
    -------
    ``out``.

    Raises
    ------
    CorruptError
        If a file of the proof is missing or is not what a proof holds.
    NewerVersionError
        If a newer yori wrote the certificate.
    ValuesError
        If the language is not known.
    StoreError
        If the disk is full or the folder cannot be written.
    """
    out = Path(out)
    page = report_page(Path(proof), project, lang=lang, other=_other_report(Path(proof), out, lang)).encode()
    atomic.replace_file(out, page)
    return out


def _other_report(proof: Path, out: Path, lang: Language) -> str | None:
    """Name of the report in the other language beside this one; None if there is none."""
    stem = out.name.removesuffix(".html")
    if stem == out.name or (lang == "ko") != stem.endswith(".ko"):
        return None
    name = f"{stem}.ko.html" if lang == "en" else f"{stem.removesuffix('.ko')}.html"
    pair = out.parent.resolve() == proof.resolve() and name in ("report.html", "report.ko.html")
    return name if pair or out.with_name(name).is_file() else None


def report_page(proof: Path, project: Project | None, *, lang: Language = "en", other: str | None = None) -> str:
    """The report as text; see `write_report`. ``other``: name of the file in the other language, to link to."""
    words = Words(lang)
    certificate = read_certificate(proof / "certificate.json")
    edits = read_edits_of_proof(proof / "edits.parquet")
    clips = clips_of(
        [
            *(edit.example_id for edit in edits),
            *(name for edit in edits for name, _ in (*edit.helps, *edit.hurts)),  # where there is room
        ],
        project,
        version=certificate["data"]["version"],
        modality=certificate["modality"],
    )
    sections = [
        results_section(certificate, words),
        requirements_section(certificate, words),
        domains_section(certificate, words),
        controls_section(certificate, words),
        alarm_section(certificate, words),
        edits_section(certificate, edits, clips, words),
        stability_section(certificate, words),
        leakage_section(certificate, words),
        data_section(certificate, words),
        audit_section(certificate, project, words),
        recipe_section(certificate, words),
        ledger_section(certificate, words),
        paper_section(certificate, words),
        procedure_section(certificate, words),
        provenance_section(certificate, words),
    ]
    return _render(certificate, words, [section for section in sections if section is not None], other)


def _render(certificate: Mapping[str, Any], words: Words, sections: list[Any], other: str | None) -> str:
    page = page_templates().get_template("report.html.j2")
    return page.render(
        words=words,
        lang=words.language,
        name=certificate["name"],
        headline=headline(certificate, words),
        sections=sections,
        other=None
        if other is None
        else {"file": quote(other), "words": Words("ko" if words.language == "en" else "en")},
        made=words("page.made", version=yori.__version__, created=certificate["created"]),
    )


@lru_cache(maxsize=1)
def page_templates() -> Environment:
    """Templates of all pages; what is put into them is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("yori.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
