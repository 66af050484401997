from __future__ import annotations

import numpy as np
from tests.flywheel.mixture_world import copied, log, serving, stream

from yori.flywheel.candidates import neighbourhood, reasons_of, shown_neighbours
from yori.flywheel.database import open_database
from yori.flywheel.logged import read_logged
from yori.flywheel.reference import reference_of
from yori.shift import novel_clusters, novelty


def test_scores_are_what_they_say(tmp_path) -> None:
    project, release = copied(tmp_path)
    database = open_database(project)
    serving(project, release, database)
    arrived = stream(150, seed=40, rare=6)
    log(database, release, arrived)
    rows = read_logged(database, release.release_id, classes=4, dimensions=16, limit=1000)
    reference = reference_of(project, release)
    near = neighbourhood(reference, rows)
    novel = novelty(reference.known, reference.validation, rows.embeddings)
    clusters = novel_clusters(
        rows.embeddings, novel, reference.known, reference.classes_of[: reference.trained], classes=4
    )
    found = reasons_of(
        reference, rows, novel=novel, clusters=clusters, newness=np.linspace(0, 1, 150), drifted=True, objective="aurc",
        l2=0.01, near=near,
    )  # fmt: skip
    abstained = rows["abstained"]
    assert (np.isfinite(found["abstained"].score) == abstained).all()
    assert (np.isfinite(found["uncertain"].score) == ~abstained).all()
    assert np.flatnonzero(np.isfinite(found["drifted"].score)).min() >= 142
    assert np.isfinite(found["influence"].score).all()
    assert (found["influence"].score >= 0).all()
    assert set(np.argsort(-np.nan_to_num(found["rare"].score, nan=-1))[:1]) <= set(range(144, 150))
    for reason in found.values():
        for row in np.flatnonzero(np.isfinite(reason.score)):
            assert reason.text[int(row)]
    # The neighbours of a row are those scikit-learn would name, and what disagrees is their majority.
    assert near is not None
    labels = np.array(reference.labels[: reference.trained], dtype=object)
    for row in np.flatnonzero(np.isfinite(found["disagreeing"].score))[:10]:
        distance = np.linalg.norm(reference.known - rows.embeddings[row], axis=1)
        votes = labels[np.argsort(distance)[:20]]
        names, counts = np.unique(votes.astype(str), return_counts=True)
        assert names[counts.argmax()] != rows["label"][row] or counts.max() == (votes == rows["label"][row]).sum()
    shown = shown_neighbours(reference, near, 0)
    assert [each["similarity"] for each in shown] == sorted((each["similarity"] for each in shown), reverse=True)
    assert shown_neighbours(reference, near, -1) == []
    database.close()
