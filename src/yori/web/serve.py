"""A release behind a web API: clips or embeddings in, answers out.

=======================  ==========================================================================================
POST /v1/clips           a sound file as the body, or several as ``multipart/form-data``
POST /v1/embeddings      JSON ``{"embeddings": [[…], …]}``, or a ``.npy`` file as ``application/octet-stream``
GET /v1/release          what serves, and what its threshold promises
GET /healthz, /readyz    the process lives; it can answer
GET /metrics             for Prometheus
GET /openapi.json        the same as this table, for programs
=======================  ==========================================================================================

The work is done in threads (the arithmetic releases Python's lock), the event loop only moves bytes. Another release that is
promoted in the database serves within ``poll_seconds``; requests under way end with the one they began with.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import FastAPI, Query, Request, Response

import yori
from yori.errors import InputError, YoriError
from yori.flywheel.group_names import LONGEST
from yori.flywheel.predictor import Answer, Predictor
from yori.flywheel.release import Release
from yori.web.bytes_in_flight import MOST_TOGETHER, BytesInFlight
from yori.web.request_bodies import CLIPS, EMBEDDINGS, SentFile, read_files, read_vectors
from yori.web.request_guard import RequestGuard, RequestLimits, say
from yori.web.security import token_hash
from yori.web.serve_errors import TooManyRequests, add_errors
from yori.web.serve_metrics import CONTENT_TYPE, ServeMetrics
from yori.workers import default_workers

T = TypeVar("T")

_GROUP = "What all of it belongs to, such as a passage or a session: no later split cuts it apart."

PATHS = ("/v1/clips", "/v1/embeddings", "/v1/release", "/healthz", "/readyz", "/metrics", "/openapi.json")


@dataclass(frozen=True)
class ServeSettings:
    """How a server behaves.

    Attributes
    ----------
    token
        What every request must bear; None: loopback only.
    limits
        Of requests.
    threads
        Clips worked on at the same time.
    most_requests
        Requests that may be under way; more are told to come back (503).
    most_in_flight
        Bytes of the requests under way, all together; what exceeds them is told to come back, too. One request alone is
        bounded by its own limit only.
    poll_seconds
        How often to look for another release.
    flush_seconds
        How long the log may take to empty at the end.
    say
        Where lines of the log go.
    """

    token: str | None = field(default=None, repr=False)
    limits: RequestLimits = field(default_factory=RequestLimits)
    threads: int = field(default_factory=default_workers)
    most_requests: int = 64
    most_in_flight: int = MOST_TOGETHER
    poll_seconds: float = 1.0
    flush_seconds: float = 30.0
    say: Callable[[str, Mapping[str, Any]], None] = say


class _Desk:
    """Work in threads, for a bounded number of requests."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="clip")
        self.under_way = 0

    @contextlib.asynccontextmanager
    async def request(self) -> AsyncIterator[float]:
        """Yield the deadline of a request."""
        if self.under_way >= self.settings.most_requests:
            raise TooManyRequests
        self.under_way += 1
        try:
            yield time.monotonic() + self.settings.limits.seconds
        finally:
            self.under_way -= 1

    async def run(self, deadline: float, work: Callable[[], T]) -> T:
        """Do something in a thread; `TimeoutError` when the deadline has passed."""
        running = asyncio.get_running_loop().run_in_executor(self.threads, work)
        return await asyncio.wait_for(running, max(0.001, deadline - time.monotonic()))


def make_app(predictor: Predictor, settings: ServeSettings | None = None) -> FastAPI:
    """The app; its lifespan watches for another release, and empties the log at the end."""
    how = settings or ServeSettings()
    in_flight = BytesInFlight(how.most_in_flight)
    metrics = ServeMetrics(PATHS, predictor.log, in_flight)
    metrics.serves(predictor.release.release_id)
    desk = _Desk(how)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watch = asyncio.create_task(_watch(predictor, metrics, how))
        try:
            yield
        finally:
            watch.cancel()
            desk.threads.shutdown(wait=True, cancel_futures=True)
            if predictor.log is not None:
                well = await asyncio.to_thread(predictor.log.close, how.flush_seconds)
                counts = predictor.log.counts()
                how.say("log closed", {"complete": well, "written": counts.written, "shed": dict(counts.shed)})

    app = FastAPI(
        title="yori", version=yori.__version__, description=__doc__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.add_middleware(
        RequestGuard, token_hash=token_hash(how.token) if how.token else None, limits=how.limits, in_flight=in_flight,
        seen=metrics.seen, log=how.say,
    )  # fmt: skip
    add_errors(app, limits=how.limits, most_requests=how.most_requests, say=how.say)

    @app.post("/v1/clips", summary="Answer for sound files", openapi_extra=CLIPS)
    async def clips(
        request: Request,
        domain: str | None = Query(None, max_length=200, description="Where it comes from, such as a site."),
        group: str | None = Query(None, max_length=LONGEST, description=_GROUP),
        source: str | None = Query(None, max_length=500, description="Your name of a file sent as the body."),
        hop: float | None = Query(None, gt=0, description="Seconds between the windows of a long recording."),
    ) -> Response:
        began = time.monotonic()
        async with desk.request() as deadline:
            release = predictor.release
            files = await read_files(request, source, group)
            metrics.waiting.inc(len(files))

            def work(file: SentFile) -> list[Answer] | YoriError:
                try:
                    return predictor.clip(
                        release, file.content, source=file.name, domain=domain, group=file.group, hop=hop, began=began,
                        deadline=deadline,
                    )  # fmt: skip
                except InputError as error:
                    return error
                finally:
                    metrics.waiting.dec()

            jobs = [desk.run(deadline, functools.partial(work, file)) for file in files]
            found = await asyncio.gather(*jobs)
            wrong = [each for each in found if isinstance(each, YoriError)]
            if len(wrong) == len(found):
                raise wrong[0]
            answers = [each for several in found if not isinstance(several, YoriError) for each in several]
            metrics.answered(answers)
            results: list[dict[str, Any]] = []
            for file, several in zip(files, found, strict=True):
                if isinstance(several, YoriError):
                    results.append({"source": file.name, "error": str(several)})
                else:
                    results += [each.to_dict() for each in several]
            return _answered(request, release, results)

    @app.post("/v1/embeddings", summary="Answer for embeddings", openapi_extra=EMBEDDINGS)
    async def embeddings(
        request: Request,
        domain: str | None = Query(None, max_length=200, description="Where they come from."),
        group: str | None = Query(None, max_length=LONGEST, description=_GROUP),
    ) -> Response:
        began = time.monotonic()
        async with desk.request() as deadline:
            release = predictor.release
            body = await request.body()
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()

            def work() -> list[dict[str, Any]]:
                sent = read_vectors(body, kind)
                answers = predictor.embeddings(
                    release,
                    sent.vectors,
                    sources=sent.sources,
                    domain=domain,
                    group=group,
                    groups=sent.groups,
                    began=began,
                )
                metrics.answered(answers)
                return [each.to_dict() for each in answers]

            return _answered(request, release, await desk.run(deadline, work))

    @app.get("/v1/release", summary="What serves")
    async def release() -> dict[str, Any]:
        serving = predictor.release
        return {"release_id": serving.release_id, **serving.manifest}

    @app.get("/healthz", summary="The process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="It can answer")
    async def readyz() -> dict[str, Any]:
        counts = predictor.log.counts() if predictor.log is not None else None
        logging = None if counts is None else {"waiting": counts.waiting, "failing": counts.failing is not None}
        return {"status": "ready", "release_id": predictor.release.release_id, "log": logging}

    @app.get("/metrics", summary="For Prometheus")
    async def scrape() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return app


def _answered(request: Request, release: Release, results: list[dict[str, Any]]) -> Response:
    request.state.facts = {"release": release.release_id[:12], "results": len(results)}
    content = {"release_id": release.release_id, "classes": list(release.classes), "results": results}
    return Response(json.dumps(content, ensure_ascii=False, allow_nan=False), media_type="application/json")


async def _watch(predictor: Predictor, metrics: ServeMetrics, how: ServeSettings) -> None:
    """Swap to a release that was promoted. A failure is told once, and the present release goes on serving."""
    told = ""
    while True:
        await asyncio.sleep(how.poll_seconds)
        try:
            if await asyncio.to_thread(predictor.refresh):
                metrics.serves(predictor.release.release_id)
                metrics.swapped(well=True)
                how.say("release swapped", {"release": predictor.release.release_id})
            told = ""
        except YoriError as error:
            if str(error) != told:
                metrics.swapped(well=False)
                how.say("release not swapped", {"error": str(error)})
            told = str(error)
