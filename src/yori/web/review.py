"""The review page: people listen, look or read, and answer with one key."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException

from yori import __version__
from yori.errors import ConflictError, InputError, PathEscapeError, SourceError, YoriError
from yori.flywheel.database import Database
from yori.store import Project
from yori.web.review_guard import ReviewGuard
from yori.web.review_media import ReviewMedia
from yori.web.review_requests import ROUTER, Reviewed, TaskNow
from yori.web.review_view import ReviewSettings

STATIC = Path(__file__).with_name("static")

STATIC_FILES = {
    "review.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "review.js": "text/javascript; charset=utf-8",
    "media.js": "text/javascript; charset=utf-8",
    "outbox.js": "text/javascript; charset=utf-8",
    "player.js": "text/javascript; charset=utf-8",
    "view.js": "text/javascript; charset=utf-8",
    "words.js": "text/javascript; charset=utf-8",
}
"""Every file the page is made of; nothing else of the folder, or of the disk, can be asked for."""

_STATUS: tuple[tuple[type[YoriError], int], ...] = (
    (ConflictError, 409),
    (PathEscapeError, 404),
    (SourceError, 404),
    (InputError, 422),
)


def review_app(
    project: Project, database: Database, settings: ReviewSettings | None = None, *, loopback_only: bool = True
) -> FastAPI:
    """The app behind ``yori review``.

    Everything but the page itself, its script and the login needs a person's token, which the login puts into a cookie that
    scripts cannot read and other sites cannot send.

    Parameters
    ----------
    project, database
        Whose queue is asked.
    settings
        How the page asks.
    loopback_only
        Answer requests to this machine's own names only.
    """
    app = FastAPI(title="yori review", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.reviewed = Reviewed(
        project, database, settings or ReviewSettings(), ReviewMedia(project), TaskNow(project.path / "task.yaml")
    )
    app.include_router(ROUTER)
    app.add_api_route("/", _page, methods=["GET"])
    app.add_api_route("/static/{name}", _static, methods=["GET"])
    app.add_api_route("/health", _health, methods=["GET"])
    for kind in (YoriError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _refuse)
    app.add_middleware(ReviewGuard, loopback_only=loopback_only)
    return app


def _page() -> Response:
    return FileResponse(STATIC / "review.html", media_type="text/html; charset=utf-8")


def _static(name: str) -> Response:
    if name not in STATIC_FILES:
        raise HTTPException(404, "expected a file of the page, got another.")
    return FileResponse(STATIC / name, media_type=STATIC_FILES[name], headers={"cache-control": "no-cache"})


def _health() -> dict[str, bool]:
    return {"ok": True}


async def _refuse(request: Request, error: Exception) -> Response:
    """What is said when something is refused: one sentence, never the request itself."""
    if isinstance(error, HTTPException):
        status, sentence = error.status_code, str(error.detail)
    elif isinstance(error, RequestValidationError):
        where = ".".join(str(part) for part in error.errors()[0]["loc"][1:2])
        status, sentence = 422, f"expected a request as this page sends it, got another: {where or 'the whole body'}."
    elif isinstance(error, YoriError):
        status = next((number for kind, number in _STATUS if isinstance(error, kind)), 503)
        # What arrived there is, or names, a path of this machine.
        hidden = isinstance(error, SourceError | PathEscapeError)
        sentence = f"expected {error.expected}, got something else." if hidden else str(error)
    else:
        status, sentence = 500, "expected this to work, got an error of the server. Its log says more."
    return JSONResponse({"error": sentence, "kind": type(error).__name__}, status)
