from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.flywheel.mixture_world import START, copied, log, serving, stream

from yori.flywheel.answer_check import LABELS_APART
from yori.flywheel.database import open_database
from yori.flywheel.logged import Logged, count_logged, labels_by_chance, read_confidence, read_logged


@pytest.fixture
def three_days(tmp_path, database_url):
    """A database of 10 rows with embeddings, 5 without, 5 with, and the release."""
    project, release = copied(tmp_path)
    database = open_database(project, database_url)
    serving(project, release, database)
    for day, (n, keep) in enumerate(((10, True), (5, False), (5, True))):
        log(database, release, stream(n, seed=50 + day), start=START + 86_400 * day, keep=keep)
    yield database, release
    database.close()


def test_rows_come_back_as_they_were_logged(three_days) -> None:
    database, release = three_days

    def read(**options: object) -> Logged:
        return read_logged(database, release.release_id, classes=4, dimensions=16, **{"limit": 99, **options})  # type: ignore[arg-type]

    every = read()
    assert count_logged(database, release.release_id) == len(every) == 20
    assert every.embedded.tolist() == [True] * 10 + [False] * 5 + [True] * 5
    np.testing.assert_array_equal(every.embeddings[:10], stream(10, seed=50).embeddings)
    np.testing.assert_allclose(every.probs.max(axis=1), every["confidence"], rtol=1e-6)
    assert every["prediction_id"].tolist() == list(range(1, 21))
    assert read(limit=3)["prediction_id"].tolist() == [18, 19, 20]
    assert read(limit=3, oldest=True)["prediction_id"].tolist() == [1, 2, 3]
    assert len(read(since=START + 86_400)) == 10
    assert read(after=15)["prediction_id"].tolist() == [16, 17, 18, 19, 20]
    assert len(read_logged(database, "other", classes=4, dimensions=16, limit=9)) == 0


def test_taking_rows_keeps_embeddings_in_line(three_days) -> None:
    database, release = three_days
    every = read_logged(database, release.release_id, classes=4, dimensions=16, limit=99)
    some = every.take(np.array([16, 2, 12]))
    assert some.embedded.tolist() == [True, True, False]
    np.testing.assert_array_equal(some.embeddings, every.embeddings[[11, 2]])
    assert len(every.take(np.zeros(20, dtype=bool)).embeddings) == 0


def test_only_labels_by_chance_are_counted_and_votes_are_shared(three_days) -> None:
    database, release = three_days
    rows = read_logged(database, release.release_id, classes=4, dimensions=16, limit=99)
    said = [str(each) for each in rows["label"]]
    answers = pa.table(
        {
            "prediction_id": [1, 1, 2, 3, 4, 99],
            "share": ["random", "random", "random", "abstained", "random", "random"],
            "verdict": ["accept", "relabel", "relabel", "accept", "skip", "accept"],
            "label": [said[0], "zz", "zz", said[2], None, "a"],
        }
    )
    place, agreed = labels_by_chance(answers, rows)
    assert place.tolist() == [0, 1]
    assert agreed.tolist() == [0.5, 0.0]


def test_sets_of_labels_are_compared_as_sets(three_days) -> None:
    database, release = three_days
    rows = read_logged(database, release.release_id, classes=4, dimensions=16, limit=1)
    rows.columns["label"][0] = "b;a"
    answers = pa.table({"prediction_id": rows["prediction_id"], "share": ["random"], "verdict": ["accept"],
                        "label": [LABELS_APART.join(["a", "b"])]})  # fmt: skip
    assert labels_by_chance(answers, rows)[1].tolist() == [1.0]


def test_the_whole_log_is_thinned_evenly(three_days) -> None:
    database, release = three_days
    ids, confidence = read_confidence(database, release.release_id, most=99)
    every = read_logged(database, release.release_id, classes=4, dimensions=16, limit=99)
    first = np.sort(np.unique(every["input_sha256"].astype(str), return_index=True)[1])  # each input once
    assert ids.tolist() == every["prediction_id"][first].tolist()
    np.testing.assert_array_equal(confidence, every["confidence"][first])
    assert set(read_confidence(database, release.release_id, most=5)[0].tolist()) <= {4, 8, 12, 16, 20}
    assert len(read_confidence(database, "other", most=5)[0]) == 0


def test_what_callers_say_belongs_together_is_one_group(three_days) -> None:
    database, release = three_days
    rows = read_logged(database, release.release_id, classes=4, dimensions=16, limit=6)
    rows.columns["input_sha256"][:] = ["x", "x", "y", "z", "z", "w"]
    rows.columns["group_name"][:] = [None, "a", "a", None, "b", None]
    assert rows.groups.tolist() == [0, 0, 0, 1, 1, 2]
    assert rows.take(np.array([3, 5])).groups.tolist() == [0, 1]
