"""Answers from the release that serves now, each with a row for the prediction log; the release can change at any moment.

Whoever asks holds on to one release for the whole of a request: a swap in the middle changes neither the model nor the id that
an answer names.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from yori.errors import ShapeError, StoreError, ValuesError
from yori.flywheel.clips import ClipLimits, Window, extension_of, read_window, windows_of
from yori.flywheel.database import Database
from yori.flywheel.group_names import check_group, check_groups
from yori.flywheel.prediction_log import Logged, PredictionLog
from yori.flywheel.release import Decisions, Release, open_release, serving_release
from yori.store import Project, sha256_bytes
from yori.store.npy import as_float32

EMBEDDED_AT_A_TIME = 64
"""Windows of one recording that are decided together; between them the time limit is looked at."""


@dataclass(frozen=True)
class Answer:
    """What one input, or one window of it, was answered."""

    source: str | None
    input_sha256: str
    start: float | None
    duration: float | None
    label: str
    confidence: float
    abstained: bool
    probs: Float[np.ndarray, " c"] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; ``probs`` in the order of the classes of the release."""
        return {
            "source": self.source,
            "input_sha256": self.input_sha256,
            "start": self.start,
            "duration": self.duration,
            "label": self.label,
            "confidence": round(self.confidence, 6),
            "abstained": self.abstained,
            "probs": np.round(self.probs, 6).tolist(),
        }


class Predictor:
    """The release that serves, and everything an answer needs. Safe to use from several threads.

    Parameters
    ----------
    project, database
        Where releases lie, and which of them serves.
    log
        Where answers are noted; None: nowhere.
    limits
        For recordings.

    Raises
    ------
    StoreError
        If no release serves, or the one that should cannot be opened.
    """

    def __init__(
        self,
        project: Project,
        database: Database,
        log: PredictionLog | None = None,
        *,
        limits: ClipLimits | None = None,
    ) -> None:
        self.project, self.database, self.log = project, database, log
        self.limits = limits or ClipLimits()
        serving = serving_release(database)
        if serving is None:
            raise StoreError(
                "a release that serves", "none", where=str(project.path),
                fix="Make and promote one: yori release DIR --make --promote",
            )  # fmt: skip
        self.release = open_release(project, serving)

    def refresh(self) -> bool:
        """Swap to the release that should serve, if it is another; requests under way end with the one they began with.

        Raises
        ------
        YoriError
            If the database does not answer or the release cannot be opened. The present one goes on serving.
        """
        serving = serving_release(self.database)
        if serving is None or serving == self.release.release_id:
            return False
        self.release = open_release(self.project, serving)
        return True

    def clip(
        self,
        release: Release,
        content: bytes,
        *,
        source: str | None = None,
        domain: str | None = None,
        group: str | None = None,
        hop: float | None = None,
        began: float | None = None,
        deadline: float = float("inf"),
        clock: Callable[[], float] = time.monotonic,
    ) -> list[Answer]:
        """Answer for a sound file, in windows where it is longer than what training heard.

        Parameters
        ----------
        release
            `release` as it was when the request began.
        content
            The file.
        source, domain
            The sender's name of it, and of the place it comes from; for the log and for messages.
        group
            The sender's name of what it belongs to, see `yori.flywheel.group_names`; for the log. All windows get it.
        hop
            Seconds from one window to the next.
        began
            When the request came in, by ``clock``; for the latency in the log. Now by default.
        deadline
            By ``clock``; when it has passed no further window is begun.

        Raises
        ------
        InputError
            If it is no sound file, or beyond the limits, or the group no name. Nothing is logged then.
        TimeoutError
            If the deadline has passed.
        """
        began = clock() if began is None else began
        group = check_group(group)
        name = source or "clip"
        digest = sha256_bytes(content)
        answers: list[Answer] = []
        rows: list[Logged] = []
        with tempfile.NamedTemporaryFile(prefix="yori-clip-") as file:
            file.write(content)
            file.flush()
            path = Path(file.name)
            windows = windows_of(path, release, name=name, limits=self.limits, hop=hop)
            for begin in range(0, len(windows), EMBEDDED_AT_A_TIME):
                part = windows[begin : begin + EMBEDDED_AT_A_TIME]
                features = []
                for window in part:
                    if clock() > deadline:
                        raise TimeoutError
                    features.append(release.pooled(read_window(path, window, release, name=name)))
                vectors = release.projected(np.stack(features))
                found = release.decide(vectors)
                milliseconds = 1000 * (clock() - began) / max(1, len(answers) + len(part))
                for row, window in enumerate(part):
                    answers.append(_answer(found, row, source, digest, window))
                    kind = "clip" if window.start is None else "window"
                    rows.append(
                        _logged(
                            release,
                            kind,
                            answers[-1],
                            vectors[row],
                            milliseconds,
                            domain,
                            group,
                            content=content,
                            extension=extension_of(content),
                        )
                    )
        self._log(rows)
        return answers

    def embeddings(
        self,
        release: Release,
        vectors: Any,
        *,
        sources: Sequence[str | None] | None = None,
        domain: str | None = None,
        group: str | None = None,
        groups: Sequence[str | None] | None = None,
        began: float | None = None,
        most_rows: int = 10_000,
    ) -> list[Answer]:
        """Answer for embeddings ``(n, d)``.

        Parameters
        ----------
        group, groups
            The sender's name of what all of them belong to, or ``(n,)`` one for each.

        Raises
        ------
        InputError
            If they are not finite numbers of the right shape, or too many, or a group is no name. Nothing is logged then.
        """
        began = time.monotonic() if began is None else began
        try:
            array = np.asarray(vectors)
        except ValueError:
            raise ShapeError("embeddings of equal length", "rows that differ", where="embeddings") from None
        if array.ndim == 1 and len(array):
            array = array[None]
        if len(array) > most_rows:
            raise ValuesError(f"at most {most_rows} embeddings", str(len(array)), where="embeddings", fix="Send fewer.")
        if array.size == 0:
            raise ShapeError("embeddings of shape (n, d)", f"shape {array.shape}", where="embeddings")
        if sources is not None and len(sources) != len(array):
            raise ShapeError(f"{len(array)} sources, one for each embedding", f"{len(sources)}", where="sources")
        group = check_group(group)
        if group is not None and groups is not None:
            raise ValuesError("one group for all, or one for each", "both", where="groups")
        named = check_groups(groups, len(array)) if groups is not None else [group] * len(array)
        single = as_float32(array, first_row=0, where="embeddings")
        found = release.decide(single)
        milliseconds = 1000 * (time.monotonic() - began)
        answers = [
            _answer(found, row, sources[row] if sources else None, sha256_bytes(vector.tobytes()), None)
            for row, vector in enumerate(single)
        ]
        self._log(
            [
                _logged(release, "embedding", answer, vector, milliseconds, domain, name)
                for answer, vector, name in zip(answers, single, named, strict=True)
            ]
        )
        return answers

    def _log(self, rows: list[Logged]) -> None:
        if self.log is not None:
            self.log.offer(rows)


def _answer(found: Decisions, row: int, source: str | None, digest: str, window: Window | None) -> Answer:
    return Answer(
        source=source,
        input_sha256=digest,
        start=None if window is None else window.start,
        duration=None if window is None else window.duration,
        label=str(found.labels[row]),
        confidence=float(found.confidence[row]),
        abstained=bool(found.abstained[row]),
        probs=found.probs[row],
    )


def _logged(
    release: Release,
    kind: str,
    answer: Answer,
    embedding: Float[np.ndarray, " d"],
    milliseconds: float,
    domain: str | None,
    group: str | None,
    *,
    content: bytes | None = None,
    extension: str = "bin",
) -> Logged:
    return Logged(
        release_id=release.release_id,
        kind=kind,
        input_sha256=answer.input_sha256,
        label=answer.label,
        confidence=answer.confidence,
        abstained=answer.abstained,
        latency_ms=milliseconds,
        probs=answer.probs,
        embedding=embedding,
        content=content,
        extension=extension,
        start=answer.start,
        duration=answer.duration,
        source=answer.source,
        domain=domain,
        group=group,
    )
