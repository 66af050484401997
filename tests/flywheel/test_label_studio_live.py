"""A real Label Studio, where one can be started: ``YORI_LABEL_STUDIO`` names its program (`make test-label-studio`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.flywheel.real_label_studio import PROGRAM, Account, choice, label_studio
from tests.flywheel.round_trip import AFTER_ALL, ask, foreign, play, tasks_of

from yori.errors import AlignmentError, ValuesError
from yori.flywheel.database import Database, open_database
from yori.flywheel.label_studio_api import LabelStudio
from yori.flywheel.label_studio_exchange import project_key, pull, push
from yori.flywheel.queue import open_answers
from yori.store import Project

pytestmark = pytest.mark.skipif(not PROGRAM, reason="no Label Studio: set YORI_LABEL_STUDIO to its program")

Real = tuple[str, list[Account], Project, Database, LabelStudio]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """Label Studio with two people, a project of ours with seven questions, and our client with a personal token."""
    folder = tmp_path_factory.mktemp("real")
    project = Project.create(folder / "project", "format: 1\nname: bells\nclasses: [bell, horn, whistle]\n")
    database = open_database(project)
    ask(project, database)
    with label_studio(folder / "studio", document_root=project.path) as (url, people):
        yield url, people, project, database, LabelStudio(url, people[0].personal_token())
    database.close()


def answers(database: Database, people: list[Account]) -> list[tuple[str, int, str, str | None, str | None]]:
    """What is in force, with people by their place."""
    numbers = {f"label studio {one.number}": place for place, one in enumerate(people, start=1)}
    rows = open_answers(database).to_pylist()
    found = [(row["item_id"], numbers[row["person"]], row["verdict"], row["label"], row["note"]) for row in rows]
    return sorted(found, key=lambda one: one[:2])


def test_a_round_trip_through_label_studio(real: Real, tmp_path: Path) -> None:
    url, (ann, eun), project, database, studio = real
    first = push(project, database, studio=studio)
    assert first.project is not None
    again = push(project, database, studio=studio, studio_project=first.project)
    assert (first.pushed, again.pushed, again.there) == (7, 0, 7)
    tasks = tasks_of(ann, first.project)
    assert {one["data"]["yori_project"] for one in tasks.values()} == {project_key(project)}

    # the clips can be heard by whoever is logged in, and by nobody else
    assert first.served
    for item, one in tasks.items():
        clip = (project.path / "labelstudio" / "media" / f"{item}.wav").read_bytes()
        assert [who.http.get(one["data"]["audio"]).content == clip for who in (ann, eun)] == [True, True]
        assert httpx.get(url + one["data"]["audio"]).status_code == 401
    stored = ann.ask("GET", f"/api/storages/localfiles?project={first.project}")
    assert len(stored) == 1
    ann.ask("POST", f"/api/storages/localfiles/{stored[0]['id']}/sync")
    assert len(tasks_of(ann, first.project)) == 7, "a sync must not make tasks of the clips"

    play(ann, eun, first.project)
    taken = pull(project, database, studio=studio, studio_project=first.project)
    assert (taken.given.added, taken.given.replaced, taken.gone) == (len(AFTER_ALL), 0, ())
    assert answers(database, [ann, eun]) == AFTER_ALL
    assert {row["seconds"] for row in open_answers(database).to_pylist()} == {1.5}
    again_taken = pull(project, database, studio=studio, studio_project=first.project)
    assert (again_taken.given.added, again_taken.given.repeated) == (0, len(AFTER_ALL))

    # the page's own exports say the same; flat ones know no skips
    for kind, extension in (("JSON", "json"), ("JSON_MIN", "json"), ("CSV", "csv"), ("TSV", "tsv")):
        file = tmp_path / f"{kind}.{extension}"
        file.write_bytes(ann.exported(first.project, kind))
        from_file = pull(project, database, file=file)
        known = len(AFTER_ALL) - (0 if kind == "JSON" else 1)
        assert (from_file.given.added, from_file.given.replaced, from_file.given.repeated) == (0, 0, known), kind
        assert from_file.gone == ()

    # somebody changes her mind, somebody takes his word back
    now = tasks_of(ann, first.project)
    (mine,) = now["item0"]["annotations"]
    ann.ask("PATCH", f"/api/annotations/{mine['id']}/", {"result": [choice("label", "whistle")]})
    theirs = next(one for one in now["item1"]["annotations"] if one["completed_by"] == eun.number)
    eun.ask("DELETE", f"/api/annotations/{theirs['id']}/")
    told = pull(project, database, studio=studio, studio_project=first.project)
    assert (told.given.replaced, told.gone, told.taken_back) == (1, (("item1", f"label studio {eun.number}"),), False)
    assert ("item1", 2, "relabel", "bell", None) in answers(database, [ann, eun])
    pull(project, database, studio=studio, studio_project=first.project, take_gone_back=True)
    expected = [one for one in AFTER_ALL if one[:2] != ("item1", 2)]
    expected[0] = ("item0", 1, "relabel", "whistle", None)
    assert answers(database, [ann, eun]) == expected


def test_a_project_of_somebody_else_is_refused(real: Real) -> None:
    _, (ann, _), project, database, studio = real
    number = foreign(ann)
    before = open_answers(database)
    with pytest.raises(AlignmentError, match="tasks that yori did not push"):
        pull(project, database, studio=studio, studio_project=number)
    assert open_answers(database).equals(before)
    with pytest.raises(ValuesError, match="HTTP 404"):
        pull(project, database, studio=studio, studio_project=number + 100)


def test_both_kinds_of_token_open_it_once_allowed(real: Real) -> None:
    url, (ann, eun), *_ = real
    with pytest.raises(ValuesError, match="HTTP 401"):
        LabelStudio(url, "0" * 40).export(1)
    with pytest.raises(ValuesError, match="HTTP 401"):
        LabelStudio(url, "not.a.token")
    old = eun.ask("GET", "/api/current-user/token")["token"]
    with pytest.raises(ValuesError, match="personal"):  # a new installation allows personal ones only
        LabelStudio(url, old).export(1)
    assert len(LabelStudio(url, ann.legacy_token()).export(1)) == 7
    assert len(LabelStudio(url, old).export(1)) == 7
