from __future__ import annotations

import copy

from tests.report.reading import row, tables, texts
from tests.report.sample import DOMAINS, METRICS, Sample

from yori.report.blocks import Details, Figures
from yori.report.domains_section import domains_section
from yori.report.wording import Words


def test_one_forest_for_all_metrics_and_one_for_each_over_domains(sample: Sample) -> None:
    section = domains_section(sample.certificate, Words("en"))
    figures = [block for block in section.blocks if isinstance(block, Figures)]
    assert [len(block.items) for block in figures] == [1, 1 + len(METRICS)]
    for drawing, _ in figures[1].items[1:]:
        assert all(name in str(drawing) for name in (*DOMAINS, "Mean over domains"))


def test_many_domains_fold_the_other_metrics_away(sample: Sample) -> None:
    changed = copy.deepcopy(sample.certificate)
    for each in changed["protocols"]["lodo"]["comparisons"]:
        each["comparison"]["per_domain"] *= 5
    blocks = domains_section(changed, Words("en")).blocks
    assert [len(block.items) for block in blocks if isinstance(block, Figures)] == [1, 1, 1]
    folded = next(block for block in blocks if isinstance(block, Details))
    assert len(folded.blocks[0].items) == len(METRICS) - 1  # type: ignore[union-attr]


def test_the_table_has_every_domain_and_its_seeds(sample: Sample) -> None:
    section = domains_section(sample.certificate, Words("en"))
    found = tables(section.blocks)
    assert len(found) == len(METRICS)
    first = found[0]
    assert first.caption.startswith("AURC (raw) by domain")
    far = next(each for each in sample.certificate["protocols"]["lodo"]["comparisons"][0]["comparison"]["per_domain"]
               if each["domain"] == "far")  # fmt: skip
    shown = row(first, "far")
    assert shown[1] == f"{far['before']:.4f}"
    assert len(shown[-1].split(", ")) == 3


def test_the_common_scale_turns_every_metric_so_that_right_is_better(sample: Sample) -> None:
    section = domains_section(sample.certificate, Words("en"))
    spoken = str(section.blocks[2].items[0][0])  # type: ignore[union-attr, index]
    description = spoken.split("<desc")[1].split(">")[1].split("<")[0]
    shown = dict(each.rsplit(" ", 1) for each in description.replace("\u202f%", "").split("; "))
    entries = {each["metric"]: each["comparison"] for each in sample.certificate["protocols"]["id"]["comparisons"][:8]}
    assert float(shown["AURC"]) == round(-100 * entries["aurc"]["delta"] / entries["aurc"]["before"], 1) > 0
    assert float(shown["Accuracy"]) == round(100 * entries["accuracy"]["delta"] / entries["accuracy"]["before"], 1) > 0


def test_a_metric_that_was_zero_has_no_relative_change(sample: Sample) -> None:
    changed = copy.deepcopy(sample.certificate)
    for protocol in changed["protocols"].values():
        for each in protocol["comparisons"]:
            each["comparison"]["before"] = 0.0
    section = domains_section(changed, Words("en"))
    assert "on one scale" not in texts(section.blocks)
    for protocol in changed["protocols"].values():
        protocol["comparisons"] = []
    assert tables(domains_section(changed, Words("en")).blocks) == []
