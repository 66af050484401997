"""Check a certificate: are the files those it names, and does every number follow from them?

Needs the folder of the proof alone, on any machine. With the project beside it, the data version and the task are checked too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from yori.curate import read_edits
from yori.errors import CorruptError, NewerVersionError, StoreError, YoriError
from yori.prove.arm_names import TRAIN_AND_VALIDATION
from yori.prove.dataset import Dataset, cells_of, dataset_of
from yori.prove.evaluate import evaluate
from yori.prove.manifest import Manifest, read_manifest
from yori.prove.proof import FILES, FORMAT, Overrides, seal
from yori.prove.tuning import temperature_of
from yori.store import Project, content_key, sha256_file
from yori.task import Task, parse_task

RELATIVE = 1e-9
"""Numbers computed on another machine may differ by rounding; more than this is a difference."""


@dataclass(frozen=True)
class Check:
    """One thing that was checked, in words; ``findings`` says what does not hold."""

    name: str
    findings: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


@dataclass(frozen=True)
class Verification:
    """All checks of a certificate."""

    path: Path
    verdict: str
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether the certificate holds in every point."""
        return all(check.holds for check in self.checks)


def read_certificate(folder: Path) -> dict[str, Any]:
    """Read ``certificate.json`` of a proof.

    Raises
    ------
    StoreError
        If the folder is no proof; `NewerVersionError` if a newer yori wrote it; `CorruptError` if it is unreadable.
    """
    path = folder / "certificate.json" if folder.is_dir() else folder
    if not path.is_file():
        raise StoreError("the folder of a proof", "one without certificate.json", where=str(folder),
                         fix="Give PROJECT/proofs/<id>.")  # fmt: skip
    try:
        certificate = json.loads(path.read_text(encoding="utf-8"))
        number = int(certificate["format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptError("a readable certificate", str(error), where=str(path)) from error
    if number > FORMAT:
        raise NewerVersionError(f"a certificate of format {FORMAT} or older", f"format {number}", where=str(path),
                                fix="Update yori.")  # fmt: skip
    return dict(certificate)


def verify(folder: str | Path, project: Project | None = None) -> Verification:
    """Check a proof.

    Parameters
    ----------
    folder
        ``proofs/<id>``, copied anywhere.
    project
        Where the data are, if they are at hand.

    Returns
    -------
    `Verification`; a certificate that does not hold is a result, not an error.

    Raises
    ------
    StoreError
        If there is no readable certificate.
    """
    path = Path(folder)
    path = path.parent if path.name == "certificate.json" else path
    certificate = read_certificate(path)
    found: list[Check] = []

    def check(name: str, function: Callable[[], Iterator[str]]) -> None:
        try:
            findings = tuple(function())
        except (
            YoriError, OSError, pa.ArrowException, LookupError, ValueError, TypeError, AttributeError, ArithmeticError
        ) as error:  # fmt: skip
            findings = (f"could not be checked: {type(error).__name__}: {error}",)
        found.append(Check(name, findings))

    check("certificate is unchanged", lambda: _seal(certificate))
    check("files are those the certificate names", lambda: _files(path, certificate))
    check("splits are as recorded, and nothing is on two sides", lambda: _splits(path, certificate))
    check("edits are as recorded, within budget, on training examples only", lambda: _edits(path, certificate))
    check("predictions are on test examples only, the same ones for every arm", lambda: _rows(path, certificate))
    check("temperatures follow from validation predictions", lambda: _temperatures(path, certificate))
    check("every arm is the same model trained at equal FLOPs", lambda: _parity(certificate))
    check("every number follows from the predictions", lambda: _numbers(path, certificate))
    if project is not None:
        check("the project still holds the data version and the task", lambda: _project(path, project, certificate))
    verdict = certificate.get("verdict")
    return Verification(path, str(verdict.get("word", "?")) if isinstance(verdict, dict) else "?", tuple(found))


def _task(certificate: Mapping[str, Any]) -> Task:
    task = certificate["task"]
    return Overrides(**task["overrides"]).apply(parse_task(task["text"], name="task.yaml in the certificate"))


def _seal(certificate: dict[str, Any]) -> Iterator[str]:
    if seal(certificate) != certificate["seal"]:
        yield "something in certificate.json was changed after it was written"
    if content_key(text=certificate["task"]["text"]) != certificate["task"]["sha256"]:
        yield "the task text is not the one whose hash is recorded"


def _files(path: Path, certificate: Mapping[str, Any]) -> Iterator[str]:
    for name in FILES:
        if not (path / name).is_file():
            yield f"{name} is missing"
        elif sha256_file(path / name) != certificate["files"][name]:
            yield f"{name} was changed"


def _splits(path: Path, certificate: Mapping[str, Any]) -> Iterator[str]:
    manifest = read_manifest(path / "splits.json")
    listed = certificate["splits"]["cells"]
    if len(listed) != len(manifest.cells):
        yield f"{len(manifest.cells)} cells in splits.json, {len(listed)} in the certificate"
        return
    for cell, recorded, entry in zip(manifest.cells, manifest.recorded, listed, strict=True):
        if not cell.sha256(manifest.ids) == recorded == entry["sha256"]:
            yield f"{cell.name}: the assignment is not the recorded one"
        if certificate["splits"]["by"] != "clip":
            sides = [set(manifest.groups[part].tolist()) for part in (cell.train, cell.validation, cell.test)]
            for a, b, names in (
                (0, 1, "train and validation"),
                (0, 2, "train and test"),
                (1, 2, "validation and test"),
            ):
                if both := sides[a] & sides[b]:
                    yield f"{cell.name}: {len(both)} groups in both {names}, such as {min(both)!r}"


def _edits(path: Path, certificate: Mapping[str, Any]) -> Iterator[str]:
    manifest = read_manifest(path / "splits.json")
    edits = read_edits(path / "edits.parquet")
    recorded = certificate["edits"]
    if edits.sha256() != recorded["sha256"] or len(edits) != recorded["count"]:
        yield "edits.parquet is not the recorded edit set"
    task = _task(certificate)
    share, pooled = task.budget.edits, task.curate.cross_fitted
    allowed = int(np.floor(share * len(manifest.ids) + 1e-9))
    if recorded["budget"] != allowed:
        yield f"a budget of {recorded['budget']}; the task allows {allowed}"
    if len(edits) > min(recorded["budget"], allowed):
        yield f"{len(edits)} edits with a budget of {recorded['budget']}"
    if len({edit.example_id for edit in edits}) < len(edits):
        yield "an example is edited twice"
    unknown = {edit.example_id for edit in edits} - set(manifest.ids.tolist())
    if unknown:
        yield f"{len(unknown)} edits of examples that are in no split, such as {min(unknown)!r}"
    table = pq.read_table(path / "edits_by_cell.parquet").to_pylist()
    limits = {(each["protocol"], each["seed"]): each["budget"] for each in recorded["cells"]}
    for cell in manifest.cells:
        chosen = [row["example_id"] for row in table if (row["protocol"], row["seed"]) == (cell.protocol, cell.seed)]
        editable = np.concatenate([cell.train, cell.validation]) if pooled else cell.train
        outside = set(chosen) - set(manifest.ids[editable].tolist())
        if outside:
            yield f"{cell.name}: {len(outside)} edits of examples it does not train on, such as {min(outside)!r}"
        allowed = int(np.floor(share * len(editable) + 1e-9))
        if limits[cell.protocol, cell.seed] != allowed:
            yield f"{cell.name}: a budget of {limits[cell.protocol, cell.seed]}; the task allows {allowed}"
        if len(chosen) > min(limits[cell.protocol, cell.seed], allowed):
            yield f"{cell.name}: {len(chosen)} edits with a budget of {limits[cell.protocol, cell.seed]}"


def _of_cell(table: pa.Table, protocol: str, seed: int) -> pa.Table:
    return table.filter(pc.and_(pc.equal(table["protocol"], protocol), pc.equal(table["seed"], seed)))


def _rows(path: Path, certificate: Mapping[str, Any]) -> Iterator[str]:
    manifest = read_manifest(path / "splits.json")
    yield from _same_rows(pq.read_table(path / "predictions.parquet"), manifest, "test")
    yield from _same_rows(pq.read_table(path / "validation.parquet"), manifest, "validation")


def _same_rows(table: pa.Table, manifest: Manifest, part: str) -> Iterator[str]:
    seen = 0
    group = dict(zip(manifest.ids.tolist(), manifest.groups.tolist(), strict=True))
    named = zip(table["example_id"].to_pylist(), table["group"].to_pylist(), strict=True)
    if other := {name for name, its_group in named if group.get(name) != its_group}:
        yield f"{len(other)} {part} examples in another group than in splits.json, such as {min(other)!r}"
    for cell in manifest.cells:
        rows = _of_cell(table, cell.protocol, cell.seed)
        wanted = sorted(manifest.ids[getattr(cell, part)].tolist())
        labels: dict[str, Any] = {}
        for arm in rows["arm"].unique().to_pylist():
            mine = rows.filter(pc.equal(rows["arm"], arm))
            seen += len(mine)
            if sorted(mine["example_id"].to_pylist()) != wanted:
                yield f"{cell.name}, {arm}: the predicted examples are not its {part} examples"
            for name, label in zip(mine["example_id"].to_pylist(), mine["label"].to_pylist(), strict=True):
                if labels.setdefault(name, label) != label:
                    yield f"{cell.name}: {name!r} has two labels"
                    break
    if seen != len(table):
        yield f"{len(table) - seen} predictions belong to no cell of splits.json"


def _temperatures(path: Path, certificate: Mapping[str, Any]) -> Iterator[str]:
    task = _task(certificate)
    classes = len(task.classes)
    validation = pq.read_table(path / "validation.parquet")
    test = pq.read_table(path / "predictions.parquet")
    manifest = read_manifest(path / "splits.json")
    for cell in manifest.cells:
        asked, used = _of_cell(validation, cell.protocol, cell.seed), _of_cell(test, cell.protocol, cell.seed)
        fitted: dict[str, float] = {}
        for arm in used["arm"].unique().to_pylist():
            rows = asked.filter(pc.equal(asked["arm"], arm))
            logits = np.asarray(pc.list_flatten(rows["logits"].combine_chunks())).reshape(len(rows), classes)
            fitted[arm] = temperature_of(logits, _targets(rows, task))
        if not task.curate.cross_fitted:
            fitted[TRAIN_AND_VALIDATION] = fitted["before"]  # it has seen validation
        for arm, value in fitted.items():
            stored = used.filter(pc.equal(used["arm"], arm))["temperature"].unique().to_pylist()
            if len(stored) != 1 or not math.isclose(stored[0], value, rel_tol=1e-6):
                shown = ", ".join(f"{each:.6g}" for each in stored[:3])
                yield f"{cell.name}, {arm}: temperature {shown}; validation gives {value:.6g}"


def _targets(rows: pa.Table, task: Task) -> np.ndarray:
    if task.labels == "single":
        return rows["label"].to_numpy().astype(np.int64)
    hot = np.zeros((len(rows), len(task.classes)), dtype=np.float32)
    for row, names in enumerate(rows["label"].to_pylist()):
        hot[row, names] = 1
    return hot


def _parity(certificate: Mapping[str, Any]) -> Iterator[str]:
    if certificate["parity"]["equal"] is not True:
        yield "the arms are not the same model at inference"
    if certificate["flops"]["counter_agrees"] is not True:
        yield "counted and computed FLOPs of a training step differ"


def _numbers(path: Path, certificate: Mapping[str, Any]) -> Iterator[str]:
    again = evaluate(pq.read_table(path / "predictions.parquet"), _task(certificate))
    for name, part in json.loads(json.dumps(again)).items():
        yield from _differences(part, certificate[name], name)


def _differences(now: Any, then: Any, where: str) -> Iterator[str]:
    if isinstance(now, dict) and isinstance(then, dict):
        for name in sorted(now.keys() | then.keys()):
            if name not in now or name not in then:
                yield f"{where}.{name}: only {'computed' if name in now else 'recorded'}"
            else:
                yield from _differences(now[name], then[name], f"{where}.{name}")
    elif isinstance(now, list) and isinstance(then, list):
        if len(now) != len(then):
            yield f"{where}: {len(then)} recorded, {len(now)} computed"
        else:
            for number, (left, right) in enumerate(zip(now, then, strict=True)):
                yield from _differences(left, right, f"{where}[{number}]")
    elif isinstance(now, float) and isinstance(then, int | float) and not isinstance(then, bool):
        if not math.isclose(now, then, rel_tol=RELATIVE, abs_tol=1e-12):
            yield f"{where}: recorded {then!r}, computed {now!r}"
    elif isinstance(now, str) and isinstance(then, str) and where.endswith("sentence"):
        return  # follows from the numbers, which are compared above; the last printed digit may round either way
    elif now != then:
        yield f"{where}: recorded {then!r}, computed {now!r}"


def _project(path: Path, project: Project, certificate: Mapping[str, Any]) -> Iterator[str]:
    number = certificate["data"]["version"]
    version = project.version(number)
    if version.content_hash != certificate["data"]["content_sha256"]:
        yield f"version {number} of the project is not the data of this proof"
    elif project.check(number) < 1:
        yield f"version {number} has no files"
    else:
        yield from _same_data(path, dataset_of(project, _task(certificate), number), certificate)
    if project.task_text() != certificate["task"]["text"]:
        yield "task.yaml has changed since"


def _same_data(path: Path, data: Dataset, certificate: Mapping[str, Any]) -> Iterator[str]:
    """The splits are those the task makes of these data, and every prediction is judged by the label they hold."""
    made = [cell.sha256(data.ids) for cell in cells_of(data, _task(certificate))]
    if made != [cell["sha256"] for cell in certificate["splits"]["cells"]]:
        yield "the splits are not those that the task makes of this data"
    truth = data.truth.tolist() if data.truth.ndim == 1 else [np.flatnonzero(row).tolist() for row in data.truth]
    known = dict(zip(data.ids.tolist(), truth, strict=True))
    for name in ("predictions.parquet", "validation.parquet"):
        table = pq.read_table(path / name, columns=["example_id", "label"])
        judged = zip(table["example_id"].to_pylist(), table["label"].to_pylist(), strict=True)
        if other := {each for each, label in judged if known.get(each) != label}:
            yield f"{name}: {len(other)} examples have another label in the project, such as {min(other)!r}"
