from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.flywheel.mixture_world import CLASSES, KNOWN, copied, released, world

from yori.errors import StoreError
from yori.flywheel.reference import reference_of, tuned_penalty
from yori.flywheel.release import make_release


def test_it_is_the_split_that_was_released() -> None:
    project, release = released()
    found = reference_of(project, release)
    data = world()
    rows = np.array([int(str(name)[1:]) for name in found.ids])
    assert found.trained + len(found.validation) == len(rows) < KNOWN  # the test examples are not there
    np.testing.assert_array_equal(found.embeddings, data.embeddings[rows].astype(np.float32))
    assert [CLASSES[each] for each in found.targets] == list(found.labels)
    said = release.decide(found.validation)
    np.testing.assert_array_equal(said.confidence, found.decisions.confidence)
    np.testing.assert_array_equal(found.correct, said.labels == np.array(found.labels[found.trained :], dtype=object))
    assert len(found.validation) == release.manifest["threshold"]["validation_examples"]


def test_the_penalty_is_computed_once(tmp_path) -> None:
    project, release = copied(tmp_path)
    found = reference_of(project, release)
    first = tuned_penalty(project, found)
    assert first > 0
    broken = dataclasses.replace(found, embeddings=np.full_like(found.embeddings, np.nan))
    assert tuned_penalty(project, broken) == first


def test_a_task_that_changed_is_found_in_the_proof(tmp_path) -> None:
    from yori.main_job import run

    project, _ = copied(tmp_path)
    proof = run(project.path, workers=1).proof
    release = make_release(project, proof=proof)
    path = project.path / "task.yaml"
    before = path.read_text()
    path.write_text(before.replace("{protocols: [id]}", "{protocols: [id], seed: 5}"))
    assert len(reference_of(project, release).validation)
    (proof / "certificate.json").unlink()
    with pytest.raises(StoreError, match="the split of the release"):
        reference_of(project, release)


def test_what_a_cross_fitted_head_was_trained_on_is_judged_out_of_fold(tmp_path) -> None:
    project, release = copied(tmp_path)
    path = project.path / "task.yaml"
    path.write_text(path.read_text() + "curate: {mode: cross_fitted}\n")
    as_after = dataclasses.replace(
        release, manifest={**release.manifest, "head": {**release.manifest["head"], "arm": "after"}}
    )
    found = reference_of(project, as_after)
    plain = release.decide(found.validation)
    assert not np.array_equal(found.decisions.confidence, plain.confidence)
    assert np.mean(found.decisions.labels == plain.labels) > 0.9


def test_a_release_of_a_later_turn_keeps_the_assignment_of_the_first(tmp_path) -> None:
    from yori.flywheel.assignment import add_assignment, cell_of, first_assignment
    from yori.prove.dataset import dataset_of
    from yori.task import parse_task

    project, release = copied(tmp_path)
    task = parse_task(project.task_text())
    parts = add_assignment(project, 0, first_assignment(project, task, release))
    data = dataset_of(project, task)
    cell = cell_of(data, parts, turn=2)
    head = {**release.manifest["head"], "seed": 2, "split": cell.sha256(data.ids)}
    later = dataclasses.replace(release, manifest={**release.manifest, "head": head})
    found = reference_of(project, later)
    assert set(found.ids[found.trained :]) == set(data.ids[cell.validation])
    np.testing.assert_array_equal(found.correct.mean(), reference_of(project, release).correct.mean())
