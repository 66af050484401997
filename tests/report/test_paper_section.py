from __future__ import annotations

import base64

from tests.report.sample import Sample

from yori.report.blocks import Details, Listing, Source
from yori.report.paper import csv_table
from yori.report.paper_section import paper_section, procedure_section
from yori.report.wording import Words


def test_the_saved_file_is_the_shown_text(sample: Sample) -> None:
    folded = [block for block in paper_section(sample.certificate, Words("ko")).blocks if isinstance(block, Details)]
    (source,) = folded[-1].blocks
    assert isinstance(source, Source)
    assert source.text == csv_table(sample.certificate)
    assert base64.b64decode(source.file_uri.split(",")[1]).decode() == source.text
    assert source.file_name.endswith(".csv")


def test_steps_are_numbered(sample: Sample) -> None:
    (steps,) = procedure_section(sample.certificate, Words("en")).blocks[1].blocks  # type: ignore[union-attr]
    assert isinstance(steps, Listing)
    assert steps.steps
