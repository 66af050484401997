"""Which findings of a look become alerts, and how loud.

``alarm``: somebody must act, and the exit code of `yori monitor` says so. Only tests that share the look's level and
requirements of task.yaml can alarm. ``warning``: estimates without labels and clusters of novel inputs, which carry no promise
about false alarms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yori.flywheel.alerts import Alert
from yori.flywheel.drift_look import DriftLook
from yori.flywheel.service_levels import ServiceLevels
from yori.shift.rarity import LEVEL as NOVEL_LEVEL

SAID = {
    "mmd": "embeddings have moved (MMD)",
    "energy": "embeddings have moved (energy distance)",
    "classifier": "a head can tell new embeddings from old ones",
    "confidence": "the confidence is distributed differently",
    "classes": "the mix of predicted classes has changed",
    "abstention": "the share of abstentions has changed",
    "slow_drift": "over all predictions since the release the confidence has moved",
    "labelled_risk": "labels of predictions picked by chance show more errors than the target",
    "calibration": "confidence no longer means what it did on validation",
}


def alerts_of(found: Mapping[str, Any], drift: DriftLook, service: ServiceLevels | None) -> tuple[Alert, ...]:
    """The alerts of one look.

    Parameters
    ----------
    found
        The object of ``yori monitor --json`` without its alerts.
    drift, service
        The tests, and the figures of the service.
    """
    alerts: list[Alert] = []
    for name in drift.alarms:
        facts = dict(drift.tests[name])
        alerts.append(Alert(f"drift_{name}"[:32], "alarm", SAID[name], facts))
    if service is not None and service.too_slow:
        text = f"one answer in a hundred takes {service.latency_p99:.1f} ms; {service.latency_required:g} are required"
        alerts.append(Alert("latency", "alarm", text, {"p99": service.latency_p99}))
    lost = 0 if service is None else sum(service.sheds.values())
    if service is not None and lost:
        text = f"{lost} predictions were not logged"
        alerts.append(Alert("sheds", "warning", text, {"sheds": service.sheds}))
    answered = found["estimated_risk"]["answered"].get("average_confidence")
    if answered and answered["basis"] == "cannot know":
        alerts.append(Alert("risk_unknown", "warning", f"the risk cannot be known: {answered['reason']}", {}))
    elif answered and answered["low"] > found["target_risk"]:
        text = f"estimated risk of answers {answered['risk']:.1%}, above the target of {found['target_risk']:.1%}"
        alerts.append(Alert("estimated_risk", "warning", text, {"low": answered["low"]}))
    named = [each for each in found["novelty"]["clusters"] if each["farness"] > 1]
    share = found["novelty"]["share"]
    if named and share is not None and share > 2 * NOVEL_LEVEL:
        first = named[0]
        text = f"{first['rows']} novel inputs lie together, like {first['resembles'][0]['class']!r} but far from it"
        alerts.append(Alert("novel_cluster", "warning", text, {"rows": first["rows"]}))
    return tuple(alerts)
