"""Methods and results in the words a paper needs, and the numbers as LaTeX and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from yori.report import number_text as text
from yori.report.comparisons import all_entries, controls_of, entry_of, main_entries, reference_of
from yori.report.wording import Language, Words

CSV_COLUMNS = (
    "protocol", "arm", "against", "metric", "stage", "direction", "before", "after", "delta", "low", "high", "level",
    "p_value", "holm_p", "verdict", "method", "n_examples", "n_clusters", "n_seeds", "n_domains",
)  # fmt: skip
"""Columns of `csv_table`; ``before`` and ``after`` are the values of ``against`` and ``arm``."""

_LATEX = {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
          "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", text.MINUS: "$-$", text.NARROW: r"\,", "–": "--",
          "↓": r"$\downarrow$", "↑": r"$\uparrow$", "<": "$<$"}  # fmt: skip


def methods_paragraph(certificate: Mapping[str, Any], lang: Language = "en") -> str:
    """What was done, filled in from a certificate.

    Parameters
    ----------
    certificate
        As `yori.report.certificate_schema.read_certificate` returns it.
    lang
        ``en`` or ``ko``.
    """
    words = Words(lang)
    primary, data, edits = certificate["primary"], certificate["data"], certificate["edits"]
    found, metric, looks = primary["comparison"], primary["metric"], certificate["looks"]
    equal = certificate["parity"]["equal"] and certificate["flops"]["counter_agrees"]
    sentences = [
        words("methods.what", share=text.percent(edits["budget_share"], digits=2), actions=actions(certificate, words)),
        words("methods.data", version=data["version"], examples=words.count("n.examples", data["examples"]),
              classes=words.count("n.classes", len(data["classes"])), groups=words.count("n.groups", data["groups"])),
        words(f"methods.split.{certificate['splits']['by']}"),
        words("methods.protocols", list="; ".join(_protocols(certificate, words))),
        words("methods.recipe" if equal else "methods.recipe_unequal", **recipe(certificate),
              costs=costs(certificate, words), parameters=text.count(certificate["parity"]["parameters"]),
              prediction=text.flops(certificate["parity"]["flops_per_prediction"])),
        words("methods.temperature" if reference_of(certificate) == "before" else "methods.temperature_cross_fitted"),
        words("methods.endpoint", metric=words.metric(metric), stage=words.stage(primary["stage"]),
              better=words(f"direction.{primary['direction']}"), protocol=words.protocol(primary["protocol"]),
              margin=text.value(metric, primary["margin"])),
        words("methods.test", level=f"{100 * found['level']:g}",
              method=words.known(f"method.{found['method']}", found["method"])),
    ]  # fmt: skip
    if controls := controls_named(certificate, words):
        sentences.append(words("methods.controls", controls=controls))
    sentences.append(words("methods.looks_one") if looks == 1 else words("methods.looks_more", n=looks))
    return " ".join(sentences)


def results_paragraph(certificate: Mapping[str, Any], lang: Language = "en") -> str:
    """What was found, filled in from a certificate; the verdict first, whatever it is."""
    words = Words(lang)
    primary, verdict = certificate["primary"], certificate["verdict"]
    found, metric = primary["comparison"], primary["metric"]
    sentences = [
        words("results.primary", verdict=words(f"verdict.{verdict['word']}"), metric=words.metric(metric),
              stage=words.stage(primary["stage"]), protocol=words.protocol(primary["protocol"]),
              before=words.value(metric, found["before"]), after=words.value(metric, found["after"]),
              change=words.change(metric, found["delta"]), level=f"{100 * found['level']:g}",
              low=words.change(metric, found["low"]), high=words.change(metric, found["high"]),
              p=text.p_statement(found["p_value"]), examples=words.count("n.examples", found["n_examples"])),
        words("results.detectable", power=f"{100 * verdict['power']:g}",
              detectable=words.value(metric, verdict["minimum_detectable_effect"])),
    ]  # fmt: skip
    if verdict["needed_examples"] is not None:
        sentences.append(words("results.needed", n=text.count(verdict["needed_examples"])))
    for name, protocol in certificate["protocols"].items():
        listed = ", ".join(_item(words, each["metric"], each["comparison"]) for each in main_entries(protocol))
        if listed:
            sentences.append(words("results.secondary", protocol=words.protocol(name), list=listed))
        against = [(arm, entry_of(protocol, "after", arm, metric)) for arm in controls_of(protocol)]
        parts = [_item(words, metric, each["comparison"], words.arm(arm)) for arm, each in against if each]
        if parts:
            sentences.append(words("results.controls", metric=words.metric(metric), protocol=words.protocol(name),
                                   list=", ".join(parts)))  # fmt: skip
    if (truth := certificate.get("truth")) is not None:
        sentences.append(words("results.truth", hits=text.count(truth["hits"]), n=text.count(truth["edits"]),
                               rate=text.percent(truth["rate"]), chance=text.percent(truth["chance"])))  # fmt: skip
    if (gap := certificate.get("leakage_gap")) is not None:
        name = "results.leakage" if gap["by_clip"] > gap["by_group"] else "results.leakage_other"
        sentences.append(words(name, metric=words.metric(gap["metric"]),
                               by_clip=words.value(gap["metric"], gap["by_clip"]),
                               by_group=words.value(gap["metric"], gap["by_group"])))  # fmt: skip
    return " ".join(sentences)


def latex_table(certificate: Mapping[str, Any], lang: Language = "en") -> str:
    r"""Before and after of every metric and protocol, for the package booktabs.

    Examples
    --------
    >>> escape_latex("risk_at 80 %")
    'risk\\_at 80 \\%'
    """
    words = Words(lang)
    found = certificate["primary"]["comparison"]
    caption = words("paper.latex_caption", seeds=words.count("n.seeds", found["n_seeds"]),
                    level=f"{100 * found['level']:g}")  # fmt: skip
    heads = [escape_latex(words(f"head.{name}")) for name in ("metric", "stage", "before", "after", "change", "holm")]
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{caption}}}", r"\begin{tabular}{llrrrr}", r"\toprule",
             " & ".join(heads) + r" \\"]  # fmt: skip
    for name, protocol in certificate["protocols"].items():
        lines += [r"\midrule", rf"\multicolumn{{6}}{{l}}{{{escape_latex(words.protocol(name))}}} \\"]
        lines += [_latex_row(words, each) for each in main_entries(protocol)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def csv_table(certificate: Mapping[str, Any]) -> str:
    """Every comparison with all digits; columns `CSV_COLUMNS`, empty where unknown."""
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for name, each in all_entries(certificate):
        known = {"protocol": name, **each["comparison"], **{key: each[key] for key in CSV_COLUMNS if key in each}}
        known["verdict"] = each["verdict"]["word"]
        writer.writerow({key: "" if known.get(key) is None else known[key] for key in CSV_COLUMNS})
    return out.getvalue()


def escape_latex(words: str) -> str:
    """Plain words as LaTeX."""
    return "".join(_LATEX.get(letter, letter) for letter in words)


def actions(certificate: Mapping[str, Any], words: Words) -> str:
    """How many edits of each kind."""
    found = certificate["edits"]["by_action"]
    parts = [f"{words.known(f'action.{name}', name)} {text.count(number)}" for name, number in found.items()]
    return ", ".join(parts) or words.count("n.edits", 0)


def recipe(certificate: Mapping[str, Any]) -> dict[str, str]:
    """Regularisation, steps and batch size over all cells: ``l2``, ``steps``, ``batch``."""
    cells = certificate["splits"]["cells"]
    l2 = [each["l2"] for each in cells] or [0.0]
    low, high = f"{min(l2):.3g}", f"{max(l2):.3g}"
    return {
        "l2": low if low == high else f"{low}–{high}",
        "steps": _range(each["steps"] for each in cells),
        "batch": _range(each["batch_size"] for each in cells),
    }


def costs(certificate: Mapping[str, Any], words: Words) -> str:
    """Training cost of an arm in each protocol."""
    found = certificate["flops"]["train_per_arm"]
    return ", ".join(f"{words.protocol(name)} {text.flops(number)}" for name, number in found.items())


def controls_named(certificate: Mapping[str, Any], words: Words) -> str:
    """Names of all controls of all protocols."""
    arms = dict.fromkeys(arm for protocol in certificate["protocols"].values() for arm in controls_of(protocol))
    return ", ".join(words.arm(arm) for arm in arms)


def _protocols(certificate: Mapping[str, Any], words: Words) -> Iterable[str]:
    for name, protocol in certificate["protocols"].items():
        seeds = words.count("n.seeds", protocol["seeds"])
        key = "methods.protocol_domains" if protocol["domains"] else "methods.protocol"
        domains = words.count("n.domains", len(protocol["domains"]))
        yield words(key, protocol=words.protocol(name), seeds=seeds, domains=domains)


def _item(words: Words, metric: str, found: Mapping[str, Any], name: str | None = None) -> str:
    return words("results.item", metric=name or words.metric(metric), change=words.change(metric, found["delta"]),
                 low=words.change(metric, found["low"]), high=words.change(metric, found["high"]))  # fmt: skip


def _latex_row(words: Words, each: Mapping[str, Any]) -> str:
    found, metric = each["comparison"], each["metric"]
    change = f"{words.change(metric, found['delta'])} {words.interval(metric, found['low'], found['high'])}"
    arrow = "↓" if found["direction"] == "lower" else "↑"
    parts = (f"{words.metric(metric)} {arrow}", words.stage(each["stage"]), words.value(metric, found["before"]),
             words.value(metric, found["after"]), change, text.p_value(each["holm_p"]))  # fmt: skip
    return " & ".join(escape_latex(part) for part in parts) + r" \\"


def _range(numbers: Iterable[int]) -> str:
    found = sorted(set(numbers))
    if not found:
        return text.NONE
    return text.count(found[0]) if len(found) == 1 else f"{text.count(found[0])}–{text.count(found[-1])}"
