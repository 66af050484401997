"""What Prometheus reads from a server: requests, answers, the log, and which release serves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from yori.flywheel.prediction_log import PredictionLog
from yori.flywheel.predictor import Answer
from yori.flywheel.released_model import LABEL_SEPARATOR
from yori.web.bytes_in_flight import BytesInFlight

SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class ServeMetrics:
    """Counters of one server, in a registry of their own.

    Parameters
    ----------
    paths
        The paths that are told apart; any other is counted as ``other``, so that strangers cannot fill the memory.
    log
        Whose counts are shown; None where nothing is logged.
    in_flight
        Bytes of the requests under way.
    """

    def __init__(self, paths: Sequence[str], log: PredictionLog | None, in_flight: BytesInFlight) -> None:
        self.registry = CollectorRegistry()
        self._paths = frozenset(paths)
        names = ("path", "status")
        self._requests = Counter("yori_requests", "Requests answered.", names, registry=self.registry)
        self._seconds = Histogram(
            "yori_request_seconds", "From request to answer.", ["path"], buckets=SECONDS, registry=self.registry
        )
        self._answers = Counter(
            "yori_answers", "Inputs and windows answered.", ["label", "abstained"], registry=self.registry
        )
        self._serving = Gauge(
            "yori_serving_release", "1 for the release that serves.", ["release"], registry=self.registry
        )
        self._swaps = Counter("yori_release_swaps", "Changes of the release.", ["result"], registry=self.registry)
        self.waiting = Gauge("yori_clips_waiting", "Clips that wait for a processor.", registry=self.registry)
        self.registry.register(_InFlightCollector(in_flight))
        if log is not None:
            self.registry.register(_LogCollector(log))

    def seen(self, path: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        known = path if path in self._paths else "other"
        self._requests.labels(known, str(status)).inc()
        self._seconds.labels(known).observe(seconds)

    def answered(self, answers: Iterable[Answer]) -> None:
        """Count answers by label."""
        for answer in answers:
            label = "several" if LABEL_SEPARATOR in answer.label else answer.label  # sets of labels are many
            self._answers.labels(label, str(answer.abstained).lower()).inc()

    def serves(self, release_id: str) -> None:
        """Note which release serves."""
        self._serving.clear()
        self._serving.labels(release_id).set(1)

    def swapped(self, *, well: bool) -> None:
        """Count a change of the release, or one that failed."""
        self._swaps.labels("done" if well else "failed").inc()

    def text(self) -> bytes:
        """In the text format of Prometheus."""
        return generate_latest(self.registry)


class _InFlightCollector(Collector):
    def __init__(self, in_flight: BytesInFlight) -> None:
        self.in_flight = in_flight

    def collect(self) -> Iterable[Metric]:
        held, refused = self.in_flight.held, self.in_flight.refused
        yield GaugeMetricFamily("yori_request_bytes_in_flight", "Bytes that requests under way hold.", held)
        yield CounterMetricFamily("yori_requests_without_room", "Requests told to come back: too many bytes.", refused)


class _LogCollector(Collector):
    def __init__(self, log: PredictionLog) -> None:
        self.log = log

    def collect(self) -> Iterable[Metric]:
        counts = self.log.counts()
        yield CounterMetricFamily("yori_log_rows_offered", "Rows offered to the log.", counts.offered)
        yield CounterMetricFamily("yori_log_rows_written", "Rows in the database.", counts.written)
        yield GaugeMetricFamily("yori_log_rows_waiting", "Rows that wait for the database.", counts.waiting)
        yield GaugeMetricFamily("yori_log_failing", "1 while the database does not answer.", counts.failing is not None)
        shed = CounterMetricFamily("yori_log_shed", "Rows and copies let go, by rule.", labels=["rule"])
        for rule, count in counts.shed.items():
            shed.add_metric([rule], count)
        yield shed
