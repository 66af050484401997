"""The standard operating procedure of such an experiment, filled in with the values of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yori.report import number_text as text
from yori.report.paper import actions, controls_named, costs, recipe
from yori.report.wording import Language, Words


def procedure(certificate: Mapping[str, Any], lang: Language = "en") -> tuple[str, ...]:
    """Steps in order, each saying what to do and what this run did.

    Parameters
    ----------
    certificate
        As `yori.report.certificate_schema.read_certificate` returns it.
    lang
        ``en`` or ``ko``.
    """
    words = Words(lang)
    primary, data, parity = certificate["primary"], certificate["data"], certificate["parity"]
    splits, edits, metric = certificate["splits"], certificate["edits"], certificate["primary"]["metric"]
    found = primary["comparison"]
    temperatures = [value for cell in splits["cells"] for value in cell["temperature"].values()] or [1.0]
    gap = certificate.get("leakage_gap")
    return (
        words("sop.task", classes=", ".join(each["name"] for each in data["classes"]), metric=words.metric(metric),
              stage=words.stage(primary["stage"]), better=words(f"direction.{primary['direction']}"),
              protocol=words.protocol(primary["protocol"]), margin=text.value(metric, primary["margin"]),
              hash=text.short_hash(certificate["task"]["sha256"])),
        words("sop.import", version=data["version"], examples=words.count("n.examples", data["examples"]),
              groups=words.count("n.groups", data["groups"]), hash=text.short_hash(data["content_sha256"])),
        words("sop.split", by=words(f"split_by.{splits['by']}"), cells=words.count("n.cells", len(splits["cells"]))),
        words("sop.leakage_missing") if gap is None else
        words("sop.leakage_measured", by_clip=words.value(gap["metric"], gap["by_clip"]),
              by_group=words.value(gap["metric"], gap["by_group"])),
        words("sop.freeze", parameters=text.count(parity["parameters"]), dtype=parity["dtype"],
              hash=text.short_hash(parity["graph_sha256"])),
        words("sop.tune", **recipe(certificate)),
        words("sop.curate", budget=text.count(edits["budget"]), edits=words.count("n.edits", edits["count"]),
              actions=actions(certificate, words)),
        words("sop.train", controls=controls_named(certificate, words) or text.NONE, costs=costs(certificate, words)),
        words("sop.temperature", low=f"{min(temperatures):.3g}", high=f"{max(temperatures):.3g}"),
        words("sop.test", n=certificate["looks"]),
        words("sop.compare", verdict=words(f"verdict.{certificate['verdict']['word']}"),
              change=words.change(metric, found["delta"]), low=words.change(metric, found["low"]),
              high=words.change(metric, found["high"]), method=words.known(f"method.{found['method']}", found["method"])),
        words("sop.listen"),
        words("sop.publish"),
    )  # fmt: skip
