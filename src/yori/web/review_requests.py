"""Requests of the review page: log in, take, answer, undo, progress, files of items."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from sqlalchemy import select
from starlette.exceptions import HTTPException

from yori.errors import ValuesError, YoriError
from yori.flywheel.database import Database
from yori.flywheel.items import in_force
from yori.flywheel.queue import Lease, Person, answer, person_of, take, undo
from yori.flywheel.review_progress import progress
from yori.flywheel.schema import ANSWERS, ITEMS, LEASES
from yori.store import Project
from yori.task import Task, read_task
from yori.web.review_media import ReviewMedia
from yori.web.review_view import ReviewSettings, is_suggestion_shown, shown_item

LOGIN_SECONDS = 7 * 86_400
_ID = r"^[0-9A-Za-z_-]{1,64}$"

ROUTER = APIRouter(prefix="/api")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Login(_Body):
    """A person's token."""

    token: Annotated[StrictStr, Field(min_length=1, max_length=200)]


class Take(_Body):
    """How many items to hold in all, or one item by its id."""

    count: Annotated[StrictInt, Field(ge=1, le=50)] = 1
    item_id: Annotated[StrictStr, Field(pattern=_ID)] | None = None


class AnswerBody(_Body):
    """What a person says; see `yori.flywheel.answers.answer`."""

    item_id: Annotated[StrictStr, Field(pattern=_ID)]
    lease: Annotated[StrictStr, Field(min_length=1, max_length=64, pattern=r"^[\x20-\x7e]*$")]
    nonce: Annotated[StrictStr, Field(max_length=64)]
    verdict: Annotated[StrictStr, Field(max_length=16)]
    label: Annotated[StrictStr, Field(max_length=10_000)] | None = None
    note: Annotated[StrictStr, Field(max_length=2_000)] | None = None
    seconds: float | None = None


class Undo(_Body):
    """Which answer to take back."""

    answer_id: Annotated[StrictInt, Field(ge=1, lt=2**62)]
    nonce: Annotated[StrictStr, Field(max_length=64)]


class TaskNow:
    """The task as task.yaml says it at this moment; it may change while the page is open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._task: Task | None = None

    def __call__(self) -> Task:
        """Read it again if the file has changed."""
        found = self._path.stat() if self._path.exists() else None
        stamp = (found.st_mtime_ns, found.st_size) if found else None
        if self._task is None or stamp != self._stamp:
            self._task, self._stamp = read_task(self._path), stamp
        return self._task


@dataclass(frozen=True)
class Reviewed:
    """What the requests work on."""

    project: Project
    database: Database
    settings: ReviewSettings
    media: ReviewMedia
    task: TaskNow

    @property
    def cookie(self) -> str:
        """Name of the cookie; browsers share cookies between the ports of a machine, projects must not."""
        path = str(self.project.path).encode("utf-8", "surrogateescape")
        return f"yori_review_{hashlib.sha256(path).hexdigest()[:8]}"


def _here(request: Request) -> Reviewed:
    return request.app.state.reviewed


Here = Annotated[Reviewed, Depends(_here)]


def _who(request: Request, here: Here) -> Person:
    token = request.cookies.get(here.cookie)
    person = person_of(here.database, token) if token else None
    if person is None:
        raise HTTPException(401, "expected your token, got none that is known. Log in again.")
    return person


Somebody = Annotated[Person, Depends(_who)]


def _seen_item(item_id: Annotated[str, InPath(pattern=_ID)], here: Here, person: Somebody) -> dict[str, Any]:
    """An item, for somebody who holds, held or answered it, and for owners."""
    mine = (LEASES.c.item_id == item_id) & (LEASES.c.person == person.name)
    said = (ANSWERS.c.item_id == item_id) & (ANSWERS.c.person == person.name) & in_force()
    with here.database.connect() as connection:
        row = connection.execute(select(ITEMS).where(ITEMS.c.item_id == item_id)).mappings().first()
        known = row is not None and (
            person.role == "owner"
            or connection.execute(select(LEASES.c.lease).where(mine)).first() is not None
            or connection.execute(select(ANSWERS.c.answer_id).where(said)).first() is not None
        )
    if row is None or not known:
        raise HTTPException(404, "expected an item in your hands, got another.")
    return dict(row)


SeenItem = Annotated[dict[str, Any], Depends(_seen_item)]


@ROUTER.post("/login")
def login(body: Login, here: Here, request: Request, response: Response) -> dict[str, Any]:
    """Exchange a token for a cookie."""
    person = person_of(here.database, body.token)
    if person is None:
        raise HTTPException(401, "expected your token, got one that nobody has.")
    response.set_cookie(
        here.cookie, body.token, max_age=LOGIN_SECONDS, httponly=True, samesite="strict",
        secure=request.url.scheme == "https", path="/api",
    )  # fmt: skip
    return _session(here, person)


@ROUTER.post("/logout")
def logout(here: Here, response: Response) -> dict[str, Any]:
    """Forget the cookie."""
    response.delete_cookie(here.cookie, path="/api", httponly=True, samesite="strict")
    return {}


@ROUTER.get("/session")
def session(here: Here, person: Somebody) -> dict[str, Any]:
    """Who this is, and what is asked."""
    return _session(here, person)


@ROUTER.post("/take")
def take_items(body: Take, here: Here, person: Somebody) -> dict[str, Any]:
    """Items to answer."""
    leases = take(
        here.database, person.name, count=body.count, seconds=here.settings.lease_seconds, item_id=body.item_id
    )
    return {"leases": [_shown(here, one, person) for one in leases]}


@ROUTER.post("/answer")
def give_answer(body: AnswerBody, here: Here, person: Somebody) -> dict[str, Any]:
    """One answer. The reply does not say whether it met a hidden suggestion."""
    shown = is_suggestion_shown(here.settings.suggestions, body.item_id, person.name)
    if not shown and body.verdict == "accept" and body.label is None:
        raise ValuesError("a label, because no suggestion is shown", "an accept without", where="answer")
    fields = body.model_dump(exclude={"lease"})
    classes = here.task().class_names
    given = answer(here.database, person.name, body.lease, classes=classes, suggestion_shown=shown, **fields)
    return {"answer_id": given.answer_id, "item_id": given.item_id, "repeated": given.repeated}


@ROUTER.post("/undo")
def undo_answer(body: Undo, here: Here, person: Somebody) -> dict[str, Any]:
    """Take an answer back."""
    seconds = here.settings.lease_seconds
    lease = undo(here.database, person.name, body.answer_id, nonce=body.nonce, seconds=seconds)
    return {"lease": None if lease is None else _shown(here, lease, person)}


@ROUTER.get("/progress")
def get_progress(here: Here, person: Somebody) -> dict[str, Any]:
    """How far, how fast, how much in agreement."""
    return asdict(progress(here.database, person.name))


@ROUTER.get("/items/{item_id}/{what}")
def item_file(item: SeenItem, what: str, here: Here) -> Response:
    """Sound, spectrogram or picture of an item."""
    return _file(here, item, what)


@ROUTER.get("/items/{item_id}/neighbours/{place}/{what}")
def neighbour_file(item: SeenItem, place: Annotated[int, InPath(ge=0, le=100)], what: str, here: Here) -> Response:
    """The same of one of its neighbours."""
    return _file(here, here.media.neighbour(item, place), what)


def _file(here: Reviewed, item: Mapping[str, Any], what: str) -> Response:
    makers: dict[str, Callable[[], tuple[bytes, str]]] = {
        "sound": lambda: (here.media.sound(item), "audio/wav"),
        "spectrogram": lambda: (here.media.spectrogram(item), "image/png"),
        "picture": lambda: here.media.picture(item),
    }
    if what not in makers:
        raise HTTPException(404, "expected sound, spectrogram or picture, got something else.")
    content, kind = makers[what]()
    return Response(content, media_type=kind, headers={"cache-control": "private, max-age=3600"})


def _session(here: Reviewed, person: Person) -> dict[str, Any]:
    task = here.task()
    return {
        "person": person.name,
        "role": person.role,
        "task": {
            "name": task.name,
            "labels": task.labels,
            "classes": [{"name": one.name, "means": one.means, "rare": one.rare} for one in task.classes],
        },
        "settings": {"hold": here.settings.hold, "lease_seconds": here.settings.lease_seconds},
    }


def _shown(here: Reviewed, lease: Lease, person: Person) -> dict[str, Any]:
    item, text, problem = lease.item, None, None
    if item["kind"] == "text" and not item["content"].get("text"):
        try:
            text = here.media.text(item)
        except YoriError as error:  # one file that is gone must not keep somebody from the other items
            problem = f"expected {error.expected}, got something else."
    return {"lease": lease.lease, "item": shown_item(item, person.name, here.settings, text), "problem": problem}
