"""`yori monitor`: has what the served model meets moved away from what it was released on, and does it still do its work?"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float

from yori.errors import StoreError, ValuesError
from yori.flywheel.alerts import Alert, Look, begin_look, earlier_looks, end_look
from yori.flywheel.answer_table import open_answers
from yori.flywheel.database import Database
from yori.flywheel.drift_look import SLOW, DriftLook, Side, drift_look, logged_side, reference_side, slow_drift
from yori.flywheel.logged import Logged, count_logged, labels_by_chance, read_confidence, read_logged
from yori.flywheel.monitor_alerts import alerts_of
from yori.flywheel.reference import Reference, reference_of
from yori.flywheel.released_model import Release, open_release
from yori.flywheel.risk_now import calibration_now, estimate, labelled_risk, shown, stored_shifts
from yori.flywheel.service_levels import service_levels, sheds_since
from yori.flywheel.serving import serving_release
from yori.prove.alarm import target_risk
from yori.shift import KnownShift, NovelCluster, Novelty, novel_clusters, novelty
from yori.shift.false_alarms import BUDGET
from yori.shift.rarity import LEVEL as NOVEL_LEVEL
from yori.store import Project
from yori.task import parse_task
from yori.workers import Progress, silent

ROWS = 1000
"""The newest so many predictions are compared, unless a time is given."""

MOST = 20_000
"""Never more than so many, the newest."""

WHOLE_LOG = 10_000
"""About so many predictions since the release at most enter the test for slow drift."""

CLUSTER = 3
"""Novel rows that make a cluster worth naming."""

Against = Literal["validation", "log"]


@dataclass(frozen=True)
class MonitorReport:
    """What one look found.

    Attributes
    ----------
    found
        Everything, as the object of ``--json``.
    alerts
        What somebody must act on or should know.
    rows, reference, novel
        The predictions looked at, what they were compared with, and how new those with an embedding are: for pages and mining.
    """

    found: Mapping[str, Any]
    alerts: tuple[Alert, ...]
    rows: Logged
    reference: Reference
    recent: Side
    compared: Side
    novel: Novelty | None
    clusters: tuple[NovelCluster, ...]

    @property
    def alarm(self) -> bool:
        """Whether somebody must act."""
        return any(each.severity == "alarm" for each in self.alerts)

    def fields(self) -> dict[str, Any]:
        """The object of ``--json``."""
        return {**self.found, "alarm": self.alarm, "alerts": [each.fields() for each in self.alerts]}


def monitor(
    project: Project,
    database: Database,
    *,
    since: float | None = None,
    rows: int = ROWS,
    against: Against = "validation",
    block_seconds: float = 0.0,
    budget: float = BUDGET,
    cadence_days: float = 1.0,
    release_id: str | None = None,
    now: float | None = None,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> MonitorReport:
    """Look once at the log of the serving release.

    Parameters
    ----------
    since
        Seconds since 1970: look at what was logged after; None: the newest ``rows`` predictions.
    against
        ``validation``: what the release was held against. ``log``: the first ``rows`` predictions it ever logged, for a
        place whose mix is known to differ from the validation set's and was accepted.
    block_seconds
        Predictions of one domain within so many seconds count as one unit: what arrives together is alike, and taken one by
        one it would look like drift. 0: only windows of one input belong together.
    budget, cadence_days
        Chance of a false alarm in a month of looks, and how often somebody is expected to look
        (`yori.shift.level_of_look`).
    release_id
        None: the one that serves.
    now
        Seconds since 1970, for tests and simulations.
    rng
        For permutations.

    Returns
    -------
    MonitorReport
        Also kept in the table ``alerts``.

    Raises
    ------
    StoreError
        If no release serves, or its split cannot be rebuilt.
    ValuesError
        If an option is out of its range.
    """
    if rows < 1 or block_seconds < 0 or against not in ("validation", "log"):
        raise ValuesError(
            "rows ≥ 1, block_seconds ≥ 0, against validation or log", f"{rows}, {block_seconds}, {against}",
            where="monitor",
        )  # fmt: skip
    task = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
    release = _release(project, database, release_id)
    reference = reference_of(project, release)
    moment = time.time() if now is None else now
    look = begin_look(database, release.release_id, now=moment, budget=budget, cadence_days=cadence_days)
    options: dict[str, Any] = {"classes": len(release.classes), "dimensions": release.dimensions}
    wide = read_logged(database, release.release_id, since=since, limit=MOST, **options)
    recent = wide if since is not None else wide.take(np.arange(max(0, len(wide) - rows), len(wide)))
    side = logged_side(recent, block_seconds=block_seconds)
    compared = reference_side(reference)
    first: Logged | None = None
    if against == "log":
        first = read_logged(database, release.release_id, limit=rows, oldest=True, **options)
        new = recent["prediction_id"] > first["prediction_id"].max(initial=-1)
        recent = recent.take(new)
        side = logged_side(recent, block_seconds=block_seconds)
        compared = logged_side(first, block_seconds=block_seconds)
    risk = float(release.manifest["threshold"].get("risk") or target_risk(task))
    labels = _labels(database, reference, wide, risk)
    slow = _slow(database, release, compared, first, rng)
    extra = labels.p_values | ({SLOW: slow["p_value"]} if slow else {})
    drift = drift_look(compared, side, level=look.level, extra=extra, rng=rng, progress=progress)
    if slow:
        drift.tests[SLOW]["statistic"] = slow["statistic"]
    novel, clusters = _novel(reference, recent)
    estimates = _estimates(project, reference, recent, drift, novel)
    service = service_levels(
        recent["at"], recent["latency_ms"], task.requirements, sheds=sheds_since(database, _start(recent, moment))
    )
    found: dict[str, Any] = {
        "look": look.number,
        "at": look.at,
        "release": release.release_id,
        "level": look.level,
        "budget_per_month": budget,
        "against": against,
        "window": _window(database, release, recent, side),
        "reference": {"rows": len(compared), "units": compared.units},
        "tests": drift.tests,
        "not_tested": drift.left_out,
        "drift_suspected": drift.suspicious,
        "target_risk": risk,
        "threshold": release.threshold,
        "estimated_risk": estimates,
        "labelled": labels.fields,
        "abstention": {"recent": _mean(side.abstained), "reference": _mean(compared.abstained)},
        "confidence": {"recent": _mean(side.confidence), "reference": _mean(compared.confidence)},
        "classes": _mix(release, side, compared),
        "novelty": _novelty_fields(reference, recent, novel, clusters),
        "domains": _domains(recent, novel),
        "service": None if service is None else service.fields(),
        "notes": _notes(recent, look, drift, release),
    }
    alerts = alerts_of(found, drift, service)
    end_look(database, look, {key: found[key] for key in ("tests", "abstention", "confidence", "novelty")}, alerts)
    return MonitorReport(found, alerts, recent, reference, side, compared, novel, clusters)


def looks_so_far(database: Database, report: MonitorReport) -> list[dict[str, Any]]:
    """The present and earlier looks at the same release, oldest first, for plots over time."""
    return earlier_looks(database, report.found["release"])


def _release(project: Project, database: Database, release_id: str | None) -> Release:
    chosen = release_id or serving_release(database)
    if chosen is None:
        raise StoreError("a release that serves", "none", where=str(project.path),
                         fix="Make one and promote it: yori release DIR --make --promote")  # fmt: skip
    return open_release(project, chosen)


@dataclass(frozen=True)
class _Labels:
    p_values: dict[str, float]
    fields: dict[str, Any]


def _labels(database: Database, reference: Reference, rows: Logged, risk: float) -> _Labels:
    """What people's answers about predictions picked by chance say."""
    answers = open_answers(database, states=("open", "answered", "merged"))
    place, agreed = labels_by_chance(answers, rows)
    answered = ~rows["abstained"][place] if len(place) else np.zeros(0, dtype=np.bool_)
    counted = labelled_risk(agreed[answered], target=risk)
    calibration = calibration_now(reference, rows["confidence"], place, agreed)
    p_values: dict[str, float] = {}
    if counted is not None:
        p_values["labelled_risk"] = counted.p_value
    if calibration is not None:
        p_values["calibration"] = calibration.p_value
    fields = {"rows": len(place), "risk": shown(counted), "calibration": shown(calibration)}
    return _Labels(p_values, fields)


def _slow(
    database: Database, release: Release, compared: Side, first: Logged | None, rng: np.random.Generator
) -> dict[str, float] | None:
    ids, confidence = read_confidence(database, release.release_id, most=WHOLE_LOG)
    if first is not None:  # the first rows are what the others are compared with
        confidence = confidence[ids > first["prediction_id"].max(initial=-1)]
    return slow_drift(compared.confidence, confidence, rng=rng)


def _novel(reference: Reference, rows: Logged) -> tuple[Novelty | None, tuple[NovelCluster, ...]]:
    if len(rows.embeddings) == 0 or len(reference.validation) == 0:
        return None, ()
    found = novelty(reference.known, reference.validation, rows.embeddings)
    labels = reference.classes_of[: reference.trained].astype(np.int64)
    classes = len(reference.release.classes)
    return found, novel_clusters(rows.embeddings, found, reference.known, labels, classes=classes)


def _estimates(
    project: Project, reference: Reference, rows: Logged, drift: DriftLook, novel: Novelty | None
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, answered in (("all", False), ("answered", True)):

        @cache
        def shifts(answered: bool = answered) -> tuple[KnownShift, ...]:
            return stored_shifts(project, reference, answered=answered)

        share = 1.0 if novel is None else novel.share
        each = estimate(
            reference, rows["confidence"], moved=drift.suspicious or bool(drift.left_out), novelty=share, shifts=shifts,
            answered=answered,
        )  # fmt: skip
        found[name] = {method: shown(value) for method, value in each.items()}
    return found


def _window(database: Database, release: Release, rows: Logged, side: Side) -> dict[str, Any]:
    times = rows["at"]
    return {
        "rows": len(rows),
        "units": side.units if len(rows) else 0,
        "embedded": int(rows.embedded.sum()),
        "logged_in_all": count_logged(database, release.release_id),
        "first_prediction": int(rows["prediction_id"][0]) if len(rows) else None,
        "last_prediction": int(rows["prediction_id"][-1]) if len(rows) else None,
        "from": float(times.min()) if len(rows) else None,
        "to": float(times.max()) if len(rows) else None,
    }


def _start(rows: Logged, moment: float) -> float:
    return float(rows["at"].min()) if len(rows) else moment


def _mix(release: Release, recent: Side, reference: Side) -> dict[str, dict[str, float]]:
    names = dict.fromkeys([*release.classes, *reference.labels.tolist(), *recent.labels.tolist()])
    return {
        str(name): {"recent": _mean(recent.labels == name), "reference": _mean(reference.labels == name)}
        for name in names
    }


def _novelty_fields(
    reference: Reference, rows: Logged, novel: Novelty | None, clusters: tuple[NovelCluster, ...]
) -> dict[str, Any]:
    if novel is None:
        return {"share": None, "expected": NOVEL_LEVEL, "clusters": []}
    ids = rows["prediction_id"][rows.embedded]
    classes = reference.release.classes
    return {
        "share": novel.share,
        "expected": NOVEL_LEVEL,
        "clusters": [
            {
                "rows": len(each.rows),
                "resembles": [{"class": classes[label], "share": share} for label, share in each.resembles[:3]],
                "farness": each.farness,
                "predictions": [int(ids[row]) for row in each.rows[:10]],
            }
            for each in sorted(clusters, key=lambda each: -len(each.rows) * max(each.farness - 1, 0))
            if len(each.rows) >= CLUSTER
        ][:10],
    }


def _domains(rows: Logged, novel: Novelty | None) -> list[dict[str, Any]]:
    """One row for each domain the callers named; figures, no tests: there may be many."""
    names = np.array(["" if each is None else str(each) for each in rows["domain"]], dtype=object)
    found = []
    for name in sorted(set(names.tolist()) - {""}):
        here = names == name
        inside = here[rows.embedded]
        latency = rows["latency_ms"][here]
        found.append(
            {
                "domain": name,
                "rows": int(here.sum()),
                "abstention": _mean(rows["abstained"][here]),
                "confidence": _mean(rows["confidence"][here]),
                "novelty": None if novel is None or not inside.any() else _mean(novel.novel[inside]),
                "latency_p99": float(np.quantile(latency, 0.99)),
            }
        )
    return found


def _mean(values: Float[np.ndarray, " n"] | Bool[np.ndarray, " n"]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _notes(rows: Logged, look: Look, drift: DriftLook, release: Release) -> list[str]:
    notes = []
    if look.level == 0:
        notes.append("No time has passed since the last look (or the clock went back): this one cannot raise an alarm.")
    if len(rows) and rows.embedded.sum() < len(rows):
        notes.append(
            f"{int(len(rows) - rows.embedded.sum())} of {len(rows)} predictions were logged without embedding."
        )
    for why in dict.fromkeys(drift.left_out.values()):
        names = ", ".join(name for name, each in drift.left_out.items() if each == why)
        notes.append(f"Not tested ({why}): {names}.")
    if math.isinf(release.threshold):
        notes.append("The release answers nothing: no threshold could be promised on its validation examples.")
    return notes
