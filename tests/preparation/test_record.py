import json

import pytest
from tests.prove.mixture import make_project

from yori.errors import CorruptError, StoreError
from yori.preparation.record import FOLDER, Record, read_record, standing, write_record

RECORD = Record(
    ({"step": "standardise", "mean": [1.0], "scale": [2.0]}, {"step": "fill_missing", "value": 0}), 1, "hash",
    {"rows": 3, "how": "train"}, weights={"a": 1.0}, copied=("a",), dropped=("b",),
)  # fmt: skip


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "p", n=12)


def test_a_record_comes_back_as_it_was_and_twice_is_once(project):
    path = write_record(project, RECORD)
    assert write_record(project, RECORD) == path
    assert [each.name for each in (project.path / FOLDER).iterdir()] == [f"{RECORD.key}.json"]
    assert read_record(project, RECORD.key) == RECORD
    assert RECORD.sentence() == "standardise, fill_missing"


def test_the_key_is_of_steps_and_data_alone():
    other = Record(RECORD.steps, 7, "hash", {})
    assert other.key == RECORD.key
    assert Record(RECORD.steps[::-1], 1, "hash", {}).key != RECORD.key  # order matters
    assert Record(RECORD.steps, 1, "other", {}).key != RECORD.key
    assert RECORD.copy_of("a") != RECORD.copy_of("b")


def test_missing_and_damaged_records_are_told_apart(project):
    with pytest.raises(StoreError, match="yori log"):
        read_record(project, "nobody")
    path = write_record(project, RECORD)
    fields = json.loads(path.read_text())
    for bad in ("{", json.dumps({**fields, "content_hash": "x"}), json.dumps({**fields, "format": 9}),
                json.dumps({**fields, "more": 1})):  # fmt: skip
        path.chmod(0o644)
        path.write_text(bad)
        with pytest.raises(CorruptError):
            read_record(project, RECORD.key)


def test_nothing_stands_where_nothing_was_prepared(project):
    assert standing(project) is None
