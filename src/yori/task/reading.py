"""task.yaml → `Task`. Every error names the line, what was expected and what arrived.

YAML is read as a tree of nodes and never as Python objects: no tag but the plain ones, no anchors (a kilobyte of
aliases can expand to gigabytes), no repeated keys, no unknown words.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml

from yori.errors import TaskError, ValuesError
from yori.task.definition import (
    AudioFormat,
    Backbone,
    Budget,
    ClassDefinition,
    Columns,
    Costs,
    CoverageRequirement,
    CurationRules,
    EditLimits,
    Endpoint,
    HeadRecipe,
    Requirements,
    SplitPolicy,
    Task,
    metric_direction,
)
from yori.task.queue_rules import SHARES, QueueRules

T = TypeVar("T")
MAX_BYTES = 1_000_000
_OBJECTIVES = ("nll", "robust_nll", "brier", "aurc", "augrc", "aurc_soft", "augrc_soft")
LARGE_BUDGET = 0.05
"""Above this share of edits the task must say ``allow_large: true``: small changes can be checked by people."""


def read_task(path: str | Path) -> Task:
    """Read a task definition from a file.

    Raises
    ------
    TaskError
        With ``file:line`` of the first mistake.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TaskError(
                f"a task definition under {MAX_BYTES} bytes", f"{path.stat().st_size} bytes", where=str(path)
            )
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TaskError("a task.yaml", "no such file", where=str(path), fix="Run: yori init") from None
    except UnicodeDecodeError as error:
        raise TaskError("UTF-8 text", f"byte {error.object[error.start]:#x}", where=str(path)) from None
    except OSError as error:
        raise TaskError("a readable task.yaml", error.strerror or str(error), where=str(path)) from None
    return parse_task(text, name=str(path))


def parse_task(text: str, *, name: str = "task.yaml") -> Task:
    """Read a task definition from text; ``name`` is what errors call it.

    Examples
    --------
    >>> parse_task("name: digits\\nclasses: [{name: one}, {name: two}]").class_names
    ('one', 'two')
    >>> parse_task("name: digits\\nclasses: [{name: one}, {name: two}]\\nseeds: many")
    Traceback (most recent call last):
    ...
    yori.errors.TaskError: task.yaml:3 seeds: expected a whole number ≥ 1, got 'many'.
    """
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                place = f"{name}:{event.start_mark.line + 1}" if event.start_mark else name
                raise TaskError("no anchors or aliases", "one", where=place, fix="Write the value out.")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise TaskError("YAML", error.problem or "something else", where=f"{name}:{line}") from None
    except yaml.YAMLError as error:
        raise TaskError("YAML", str(error).splitlines()[0], where=name) from None
    except RecursionError:
        raise TaskError("YAML a person could write", "nesting too deep to read", where=name) from None
    if node is None:
        raise TaskError("a task definition", "an empty file", where=f"{name}:1", fix="Run: yori init")
    return _task(_Map(node, name, ""))


class _Map:
    """One YAML mapping whose keys are taken one by one; what is left over is an error."""

    def __init__(self, node: yaml.Node, file: str, path: str) -> None:
        self.node, self.file, self.path = node, file, path
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, "a mapping (key: value lines)", _show(node))
        self.entries: dict[str, yaml.Node] = {}
        self.key_nodes: dict[str, yaml.Node] = {}
        self.known: list[str] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.fail(key, "a word as key", _show(key))
            if key.value in self.entries:
                self.fail(key, f"every key once, so only one {key.value!r}", "a second one")
            self.entries[key.value] = value
            self.key_nodes[key.value] = key

    def fail(self, node: yaml.Node, expected: str, arrived: str, *, key: str = "", fix: str = "") -> NoReturn:
        place = ".".join(part for part in (self.path, key) if part)
        where = f"{self.file}:{node.start_mark.line + 1}" + (f" {place}" if place else "")
        raise TaskError(expected, arrived, where=where, fix=fix)

    def take(self, key: str, read: Callable[[yaml.Node], T], expected: str, default: T | None = None) -> T:
        self.known.append(key)
        node = self.entries.get(key)
        if node is None:
            if default is None:
                self.fail(self.node, f"the key {key!r} ({expected})", "none")
            return default
        if _is_null(node):
            if default is None:
                self.fail(node, expected, "nothing", key=key)
            return default
        try:
            return read(node)
        except (TypeError, ValueError) as error:
            if isinstance(error, TaskError):
                raise
            self.fail(node, expected, _show(node), key=key)

    def optional(self, key: str, read: Callable[[yaml.Node], T], expected: str) -> T | None:
        self.known.append(key)
        node = self.entries.get(key)
        if node is None or _is_null(node):
            return None
        self.known.pop()
        return self.take(key, read, expected)

    def section(self, key: str) -> _Map | None:
        self.known.append(key)
        node = self.entries.get(key)
        if node is None or _is_null(node):
            return None
        return _Map(node, self.file, ".".join(part for part in (self.path, key) if part))

    def finish(self) -> None:
        for key, node in self.key_nodes.items():
            if key not in self.known:
                near = difflib.get_close_matches(key, self.known, n=1)
                fix = f"Did you mean {near[0]!r}?" if near else ""
                self.fail(node, f"one of {', '.join(self.known)}", repr(key), fix=fix)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _show(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.startswith("tag:yaml.org,2002:python"):
            return f"the tag {node.tag!r}, which is never read"
        return repr(node.value)
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


_SCALARS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "timestamp", "null"))


def _text(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag not in _SCALARS or not node.value.strip():
        raise ValueError
    if any(ord(character) < 32 for character in node.value):
        raise ValueError
    return str(node.value)


def _bool(node: yaml.Node) -> bool:
    return {"true": True, "false": False}[_text(node).lower()] if _text(node).lower() in ("true", "false") else _raise()


def _raise() -> NoReturn:
    raise ValueError


def _number(low: float = -math.inf, high: float = math.inf, *, open_low: bool = False) -> Callable[[yaml.Node], float]:
    def read(node: yaml.Node) -> float:
        value = float(_text(node))
        if not math.isfinite(value) or not low <= value <= high or (open_low and value == low):
            raise ValueError
        return value

    return read


def _whole(low: int) -> Callable[[yaml.Node], int]:
    def read(node: yaml.Node) -> int:
        value = int(_text(node).replace("_", ""))
        if value < low:
            raise ValueError
        return value

    return read


def _one_of(words: Collection[str]) -> Callable[[yaml.Node], Any]:
    def read(node: yaml.Node) -> str:
        value = _text(node)
        if value not in words:
            raise ValueError
        return value

    return read


def _list_of(read: Callable[[yaml.Node], T]) -> Callable[[yaml.Node], tuple[T, ...]]:
    def read_list(node: yaml.Node) -> tuple[T, ...]:
        if not isinstance(node, yaml.SequenceNode):
            raise ValueError
        values = tuple(read(item) for item in node.value)
        if not values or len(set(values)) != len(values):
            raise ValueError
        return values

    return read_list


def _metric(node: yaml.Node) -> str:
    name = _text(node)
    metric_direction(name)
    return name


def _words(*words: str) -> tuple[Callable[[yaml.Node], Any], str]:
    return _one_of(words), "one of " + ", ".join(words)


def _task(top: _Map) -> Task:
    top.take("format", _one_of(["1"]), "1, the format this yori reads", "1")
    task = Task(
        name=top.take("name", _text, "a name"),
        modality=top.take("modality", *_words("audio", "embeddings"), default="audio"),
        labels=top.take("labels", *_words("single", "multiple"), default="single"),
        classes=tuple(_classes(top)),
        columns=_columns(top.section("columns")),
        audio=_audio(top.section("audio")),
        backbone=_backbone(top.section("backbone")),
        splits=_splits(top.section("splits")),
        head=_head(top.section("head")),
        objective=top.take("objective", *_words(*_OBJECTIVES), default=Task.objective),
        endpoint=_endpoint(top.section("endpoint")),
        secondary=top.take("secondary", _list_of(_metric), "a list of metrics, each once", default=Task.secondary),
        budget=_budget(top.section("budget")),
        curate=_curate(top.section("curate")),
        seeds=top.take("seeds", _whole(1), "a whole number ≥ 1", default=Task.seeds),
        requirements=_requirements(top.section("requirements")),
        queue=_queue(top.section("queue")),
    )
    top.finish()
    if task.endpoint.protocol not in task.splits.protocols:
        node = top.entries.get("endpoint", top.node)
        top.fail(
            node,
            f"the endpoint's protocol among splits.protocols ({', '.join(task.splits.protocols)})",
            task.endpoint.protocol,
            key="endpoint",
        )
    return task


def _classes(top: _Map) -> Iterator[ClassDefinition]:
    top.known.append("classes")
    node = top.entries.get("classes")
    if node is None or not isinstance(node, yaml.SequenceNode):
        top.fail(
            node or top.node, "a list of classes, each with a name", _show(node) if node else "none", key="classes"
        )
    if len(node.value) < 2:
        top.fail(node, "at least two classes", str(len(node.value)), key="classes")
    definitions: list[tuple[ClassDefinition, yaml.Node]] = []
    for item in node.value:
        if isinstance(item, yaml.ScalarNode):
            try:
                definitions.append((ClassDefinition(_text(item)), item))
            except ValueError:
                top.fail(item, "a class name", _show(item), key="classes")
            continue
        entry = _Map(item, top.file, "classes")
        definition = ClassDefinition(
            name=entry.take("name", _text, "a name"),
            means=entry.take("means", _text, "a sentence", default=""),
            parent=entry.optional("parent", _text, "the name of a broader class"),
            rare=entry.take("rare", _bool, "true or false", default=False),
        )
        entry.finish()
        definitions.append((definition, item))
    seen: set[str] = set()
    for definition, item in definitions:
        if definition.name in seen:
            top.fail(item, "every class once", f"{definition.name!r} again", key="classes")
        seen.add(definition.name)
        yield definition


def _columns(section: _Map | None) -> Columns:
    if section is None:
        return Columns()
    columns = Columns(
        label=section.take("label", _text, "a column name", default=Columns.label),
        **{
            role: section.optional(role, _text, "a column name")
            for role in ("domain", "group", "annotator", "time", "verified")
        },
    )
    section.finish()
    return columns


def _audio(section: _Map | None) -> AudioFormat:
    if section is None:
        return AudioFormat()
    seconds = _number(0, open_low=True)
    audio = AudioFormat(
        sample_rate=section.take("sample_rate", _whole(1000), "a rate in Hz ≥ 1000", default=AudioFormat.sample_rate),
        window=section.optional("window", seconds, "seconds > 0"),
        hop=section.optional("hop", seconds, "seconds > 0"),
    )
    section.finish()
    if audio.hop is not None and audio.window is None:
        section.fail(section.node, "a window beside the hop", "none", key="window")
    return audio


def _backbone(section: _Map | None) -> Backbone:
    if section is None:
        return Backbone()
    backbone = Backbone(
        name=section.take("name", *_words("patches", "statistics", "given"), default=Backbone.name),
        dimensions=section.take(
            "dimensions",
            lambda node: int(_number(2, 1024)(node)),
            "a whole number from 2 to 1024",
            default=Backbone.dimensions,
        ),
    )
    section.finish()
    return backbone


def _splits(section: _Map | None) -> SplitPolicy:
    if section is None:
        return SplitPolicy()
    share = _number(0.01, 0.8)
    policy = SplitPolicy(
        protocols=section.take(
            "protocols", _list_of(_one_of(["id", "lodo"])), "a list out of id, lodo", default=SplitPolicy.protocols
        ),
        by=section.take("by", *_words("group", "clip", "table"), default=SplitPolicy.by),
        validation=section.take("validation", share, "a share from 0.01 to 0.8", default=SplitPolicy.validation),
        test=section.take("test", share, "a share from 0.01 to 0.8", default=SplitPolicy.test),
        seed=section.take("seed", _whole(0), "a whole number ≥ 0", default=SplitPolicy.seed),
    )
    section.finish()
    if policy.validation + policy.test > 0.9:
        section.fail(section.node, "at least 0.1 left for training", f"{policy.validation} + {policy.test} taken")
    return policy


def _head(section: _Map | None) -> HeadRecipe:
    if section is None:
        return HeadRecipe()
    recipe = HeadRecipe(
        l2=section.optional("l2", _number(0, open_low=True), "a number > 0, or nothing to tune it"),
        tune=section.take("tune", *_words("nll", "nll_after_temperature"), default=HeadRecipe.tune),
        batch_size=section.take("batch_size", _whole(1), "a whole number ≥ 1", default=HeadRecipe.batch_size),
        epochs=section.take("epochs", _whole(1), "a whole number ≥ 1", default=HeadRecipe.epochs),
    )
    section.finish()
    return recipe


def _endpoint(section: _Map | None) -> Endpoint:
    if section is None:
        return Endpoint()
    metric = section.take("metric", _metric, "a metric such as aurc, augrc, risk@0.8", default=Endpoint.metric)
    try:
        right = metric_direction(metric)
    except ValuesError:  # pragma: no cover - _metric refused it already
        right = "lower"
    endpoint = Endpoint(
        metric=metric,
        protocol=section.take("protocol", *_words("id", "lodo"), default=Endpoint.protocol),
        direction=section.take("direction", *_words("lower", "higher"), default=right),
        margin=section.take("margin", _number(0), "a number ≥ 0 in units of the metric", default=Endpoint.margin),
    )
    section.finish()
    if endpoint.direction != right:
        node = section.entries["direction"]
        section.fail(node, f"{right!r}, which is better for {metric}", repr(endpoint.direction), key="direction")
    return endpoint


def _budget(section: _Map | None) -> Budget:
    if section is None:
        return Budget()
    budget = Budget(
        edits=section.take("edits", _number(0, 1, open_low=True), "a share in (0, 1]", default=Budget.edits),
        labels=section.take("labels", _whole(0), "a whole number ≥ 0", default=Budget.labels),
        allow_large=section.take("allow_large", _bool, "true or false", default=Budget.allow_large),
    )
    section.finish()
    if budget.edits > LARGE_BUDGET and not budget.allow_large:
        section.fail(
            section.entries["edits"],
            f"at most {LARGE_BUDGET} of the training examples",
            str(budget.edits),
            key="edits",
            fix="Lower it, or set allow_large: true if a change this big is meant.",
        )
    return budget


def _curate(section: _Map | None) -> CurationRules:
    if section is None:
        return CurationRules()
    rules = CurationRules(
        mode=section.take("mode", *_words("validation", "cross_fitted"), default=CurationRules.mode),
        queries=section.take(
            "queries", *_words("training_domains", "nested_domains", "choose"), default=CurationRules.queries
        ),
        actions=section.take(
            "actions",
            _list_of(_one_of(["drop", "relabel", "review"])),
            "a list out of drop, relabel, review",
            default=CurationRules.actions,
        ),
        rounds=section.take("rounds", *_words("equal", "line_search"), default=CurationRules.rounds),
        consensus=section.take("consensus", _number(0, 1), "a share from 0 to 1", default=CurationRules.consensus),
        costs=_costs(section.section("costs")),
        limits=_limits(section.section("limits")),
    )
    section.finish()
    return rules


def _costs(section: _Map | None) -> Costs:
    if section is None:
        return Costs()
    minutes = _number(0), "minutes of a person ≥ 0"
    costs = Costs(
        drop=section.take("drop", *minutes, default=Costs.drop),
        relabel=section.take("relabel", *minutes, default=Costs.relabel),
        review=section.take("review", *minutes, default=Costs.review),
        minute=section.take("minute", _number(0), "a number ≥ 0 in units of the objective", default=Costs.minute),
    )
    section.finish()
    return costs


def _limits(section: _Map | None) -> EditLimits:
    if section is None:
        return EditLimits()
    share = _number(0, 1, open_low=True)
    limits = EditLimits(
        per_class=section.optional("per_class", share, "a share in (0, 1]"),
        per_domain=section.optional("per_domain", share, "a share in (0, 1]"),
        per_group=section.optional("per_group", share, "a share in (0, 1]"),
        minutes=section.optional("minutes", _number(0), "minutes of a person ≥ 0"),
    )
    section.finish()
    return limits


def _requirements(section: _Map | None) -> Requirements:
    if section is None:
        return Requirements()
    positive = _number(0, open_low=True)
    serving, expected = _words("file", "stream", "server")
    coverage = section.section("coverage_at_risk")
    requirement = None
    if coverage is not None:
        share = _number(0, 1)
        requirement = CoverageRequirement(
            risk=coverage.take("risk", share, "a share from 0 to 1"),
            coverage=coverage.take("coverage", share, "a share from 0 to 1"),
        )
        coverage.finish()
    requirements = Requirements(
        latency_ms=section.optional("latency_ms", positive, "milliseconds > 0"),
        queries_per_second=section.optional("queries_per_second", positive, "a rate > 0"),
        model_bytes=section.optional("model_bytes", _whole(1), "a whole number of bytes ≥ 1"),
        device=section.optional("device", _text, "a device name"),
        serving=section.optional("serving", serving, expected),
        coverage_at_risk=requirement,
    )
    section.finish()
    return requirements


def _queue(section: _Map | None) -> QueueRules:
    if section is None:
        return QueueRules()
    share = _number(0, 1)
    shares = section.section("shares")
    weights = dict(SHARES)
    if shares is not None:
        # Whoever writes shares writes all that are wanted.
        weights = {name: shares.take(name, _number(0), "a weight ≥ 0", default=0.0) for name, _ in SHARES}
        shares.finish()
        if not any(weights.values()):
            section.fail(section.entries["shares"], "at least one weight above 0", "none", key="shares")
    limit = _number(0, 1, open_low=True)
    rules = QueueRules(
        shares=tuple(weights.items()),
        double=section.take("double", share, "a share from 0 to 1", default=QueueRules.double),
        gold=section.take("gold", share, "a share from 0 to 1", default=QueueRules.gold),
        per_domain=section.optional("per_domain", limit, "a share in (0, 1]"),
        per_class=section.optional("per_class", limit, "a share in (0, 1]"),
    )
    section.finish()
    return rules
