from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.errors import SplitError, TaskError, ValuesError
from yori.importers import Listing, Recording
from yori.main_job import DataSource
from yori.main_job.first_task import MOST_DOMAINS, propose_task, written_task
from yori.task import AudioFormat, parse_task


def rows_of(n=40, *, domains=("a", "b"), labels=("x", "y"), group=None):
    return pa.table(
        {
            "example_id": [f"e{i:04}" for i in range(n)],
            "label": [labels[i % len(labels)] for i in range(n)],
            "domain": pa.array([domains[i // len(labels) % len(domains)] for i in range(n)], pa.string()),
            "group": [f"g{i}" if group is None else group for i in range(n)],
            "duplicates": pa.array([None] * n, pa.string()),
            "split": pa.array([None] * n, pa.string()),
        }
    )


def propose(rows, *, columns=None, roles=("label", "domain"), protocols=None, **options):
    listing = Listing(Path(), (Recording("u", **dict.fromkeys(roles, "train")),))
    source = DataSource(layout="table", columns=columns or {})
    given = {"name": "t", "audio": AudioFormat(), "dimensions": None, **options}
    return propose_task(listing, rows, source, protocols=protocols, **given)


def test_protocols_of_domains():
    assert propose(rows_of())[0].splits.protocols == ("id", "lodo")
    assert propose(rows_of(domains=("a",)))[0].splits.protocols == ("id",)
    assert propose(rows_of(), protocols=["lodo"])[0].endpoint.protocol == "lodo"
    assert propose(rows_of(), protocols=["id"])[0].splits.protocols == ("id",)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (rows_of(domains=("a", "b", None)), "a domain for every example"),
        (rows_of(group="one"), "no example outside it|groups"),
        (rows_of(400, domains=[f"d{i}" for i in range(MOST_DOMAINS + 1)]), "domains: leaving each one out was not"),
    ],
)
def test_why_lodo_is_not_proposed(rows, said):
    task, notes = propose(rows)
    assert task.splits.protocols == ("id",)
    assert len(notes) == 1
    assert any(word in notes[0] for word in said.split("|"))


def test_lodo_that_cannot_be_done_is_refused_when_asked_for():
    with pytest.raises(SplitError, match="a domain for every example"):
        propose(rows_of(domains=("a", None)), protocols=["lodo"])
    with pytest.raises(SplitError, match="at least two domains"):
        propose(rows_of(domains=("a",)), protocols=["id", "lodo"])


@pytest.mark.parametrize("wrong", [[], ["id", "id"], ["odd"]])
def test_protocols_nobody_knows(wrong):
    with pytest.raises(ValuesError, match="protocols"):
        propose(rows_of(), protocols=wrong)


def test_columns_as_said_or_as_the_role():
    task, _ = propose(rows_of(), columns={"label": "kind", "group": "tape"}, roles=("label", "domain", "time"))
    assert (task.columns.label, task.columns.group) == ("kind", "tape")
    assert (task.columns.domain, task.columns.time, task.columns.annotator) == ("domain", "time", None)


def test_one_class():
    with pytest.raises(ValuesError, match="at least two classes"):
        propose(rows_of(labels=("x",)))


@pytest.mark.parametrize(("d", "dimensions"), [(1, 2), (768, 768), (4096, 1024)])
def test_dimensions_of_given_embeddings(d, dimensions):
    task, _ = propose(rows_of(), audio=None, dimensions=d)
    assert (task.modality, task.backbone.name, task.backbone.dimensions) == ("embeddings", "given", dimensions)
    assert parse_task(written_task(task, [])) == task


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=4, unique=True))
def test_any_names_are_written_exactly_or_refused(names):
    task, notes = propose(rows_of(labels=tuple(names), domains=("a",)), name=names[0])
    try:
        text = written_task(task, notes)
    except TaskError:
        assert any(not name.isprintable() or not name.strip() for name in names)
    else:
        assert parse_task(text) == task
