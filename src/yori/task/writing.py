"""A commented task.yaml for a new project: what a person edits before looking at any result."""

from __future__ import annotations

import json
from collections.abc import Sequence

from yori.task.definition import Columns, Costs, CurationRules, Task
from yori.task.queue_rules import QueueRules

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")


def _scalar(text: str) -> str:
    """A YAML scalar that reads back as exactly this text (JSON strings are YAML)."""
    word = text and set(text) <= _PLAIN | set("0123456789-") and text[0] in _PLAIN
    reserved = text.lower() in {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
    return text if word and not reserved else json.dumps(text, ensure_ascii=False)


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, (int, float)) else _scalar(str(value))


def _columns(columns: Columns) -> list[str]:
    roles = ("label", "domain", "group", "annotator", "time", "verified")
    return [f"  {role}: {_value(getattr(columns, role))}".rstrip() for role in roles]


def _curation(rules: CurationRules) -> list[str]:
    costs, limits = rules.costs, rules.limits
    lines = [
        "",
        "# Who asks for edits: validation, or every example outside test out of fold (cross_fitted: after trains on both).",
        "curate:",
        f"  mode: {rules.mode}          # validation | cross_fitted",
        f"  queries: {rules.queries}   # lodo: nested_domains | training_domains | choose",
        f"  actions: [{', '.join(rules.actions)}]   # review = a person confirms",
    ]
    if rules.rounds != CurationRules.rounds:
        lines.append(f"  rounds: {rules.rounds}")
    if rules.consensus != CurationRules.consensus:
        lines.append(f"  consensus: {rules.consensus}")
    if costs != Costs():
        each = ", ".join(f"{name}: {getattr(costs, name)}" for name in ("drop", "relabel", "review", "minute"))
        lines.append(f"  costs: {{{each}}}   # minutes of a person; minute = what one must buy")
    known = {name: getattr(limits, name) for name in ("per_class", "per_domain", "per_group", "minutes")}
    if given := ", ".join(f"{name}: {value}" for name, value in known.items() if value is not None):
        lines.append(f"  limits: {{{given}}}")
    return lines


def task_text(task: Task, *, notes: Sequence[str] = ()) -> str:
    """``task`` as commented YAML; reading it back gives the same task.

    Parameters
    ----------
    task
        The definition to write.
    notes
        Lines put at the top as comments, such as where the data came from.

    Examples
    --------
    >>> from yori.task import ClassDefinition, Task, parse_task
    >>> task = Task("digits", (ClassDefinition("one"), ClassDefinition("no")))
    >>> parse_task(task_text(task)) == task
    True
    """
    lines = [f"# {note}" for note in notes]
    lines += [
        "# What the model must do. Fix endpoint, margin and splits before looking at a result.",
        "format: 1",
        f"name: {_scalar(task.name)}",
        f"modality: {task.modality}          # audio | embeddings",
        f"labels: {task.labels}           # single | multiple per example",
        "",
        "# One sentence per class: two people should label alike after reading them.",
        "classes:",
    ]
    for definition in task.classes:
        lines.append(f"  - name: {_scalar(definition.name)}")
        lines.append(f"    means: {_scalar(definition.means)}" if definition.means else "    means:")
        if definition.parent is not None:
            lines.append(f"    parent: {_scalar(definition.parent)}")
        if definition.rare:
            lines.append("    rare: true")
    lines += ["", "# Which column plays which role. verified: a label that a person checked.", "columns:"]
    lines += _columns(task.columns)
    if task.modality == "audio":
        lines += [
            "",
            "audio:",
            f"  sample_rate: {task.audio.sample_rate}      # Hz; clips are resampled to it",
            f"  window: {_value(task.audio.window)}            # seconds; empty = one example per file".rstrip(),
            f"  hop: {_value(task.audio.hop)}               # seconds; empty = the window",
        ]
    lines += [
        "",
        "backbone:",
        f"  name: {task.backbone.name}         # patches | statistics | given",
        f"  dimensions: {task.backbone.dimensions}",
        "",
        "splits:",
        f"  protocols: [{', '.join(task.splits.protocols)}]   # id = random groups, lodo = each domain held out",
        f"  by: {task.splits.by}             # group | clip (leaks when clips share a recording) | table",
        f"  validation: {task.splits.validation}",
        f"  test: {task.splits.test}",
        f"  seed: {task.splits.seed}",
        "",
        "head:",
        f"  l2: {_value(task.head.l2)}                # empty = tuned on validation for the before arm, then frozen",
        f"  tune: {task.head.tune}          # nll | nll_after_temperature",
        f"  batch_size: {task.head.batch_size}",
        f"  epochs: {task.head.epochs}",
        "",
        "# What the validation set asks for: robust_nll | nll | brier | aurc_soft | augrc_soft | aurc | augrc",
        f"objective: {task.objective}",
        "",
        "# The one claim. margin: the smallest change that counts, in units of the metric.",
        "endpoint:",
        f"  metric: {task.endpoint.metric}",
        f"  protocol: {task.endpoint.protocol}",
        f"  direction: {task.endpoint.direction}     # which way is better",
        f"  margin: {task.endpoint.margin}",
        f"secondary: [{', '.join(task.secondary)}]",
        "",
        "budget:",
        f"  edits: {task.budget.edits}         # share of the training examples; above 0.05 needs allow_large: true",
        f"  labels: {task.budget.labels}           # new labels people may give",
    ]
    if task.budget.allow_large:
        lines.append("  allow_large: true")
    lines += _curation(task.curate)
    needs = task.requirements
    lines += [
        "",
        f"seeds: {task.seeds}",
        "",
        "# What the deployed model must keep; empty = no requirement.",
        "requirements:",
        f"  latency_ms: {_value(needs.latency_ms)}".rstrip(),
        f"  queries_per_second: {_value(needs.queries_per_second)}".rstrip(),
        f"  model_bytes: {_value(needs.model_bytes)}".rstrip(),
        f"  device: {_value(needs.device)}".rstrip(),
        f"  serving: {_value(needs.serving)}".rstrip(),
    ]
    if needs.coverage_at_risk is not None:
        both = f"{{risk: {needs.coverage_at_risk.risk}, coverage: {needs.coverage_at_risk.coverage}}}"
        lines.append(f"  coverage_at_risk: {both}")
    else:
        lines.append("  coverage_at_risk:    # such as {risk: 0.05, coverage: 0.8}")
    lines += _queue(task.queue)
    return "\n".join(lines) + "\n"


def _queue(rules: QueueRules) -> list[str]:
    """Only what differs: most teams never change it."""
    if rules == QueueRules():
        return []
    lines = ["", "# How the label budget is shared out among reasons to ask.", "queue:"]
    if rules.shares != QueueRules.shares:
        lines.append(f"  shares: {{{', '.join(f'{name}: {weight}' for name, weight in rules.shares if weight)}}}")
    lines += [f"  double: {rules.double}", f"  gold: {rules.gold}"]
    for name, limit in (("per_domain", rules.per_domain), ("per_class", rules.per_class)):
        if limit is not None:
            lines.append(f"  {name}: {limit}")
    return lines
