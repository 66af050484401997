"""A release is the proven head, bit for bit, hears as training did, and keeps its promise about risk."""

from __future__ import annotations

import json
import math
import shutil
import threading
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.conftest import Proved
from tests.flywheel.heard import RATE, copied, heard, sound
from tests.prove.mixture import make_small

from yori.errors import (
    ConflictError,
    CorruptError,
    InputError,
    NewerVersionError,
    ShapeError,
    StoreError,
    ValuesError,
    VerificationError,
)
from yori.flywheel.database import Database
from yori.flywheel.release import (
    find_release,
    history,
    list_releases,
    make_release,
    open_release,
    promote,
    rollback,
    serving_release,
)
from yori.flywheel.released_model import release_path
from yori.heads import LINKS
from yori.store import Project, read_audio, sha256_bytes


@pytest.fixture
def proved_copy(proved: Proved, tmp_path: Path) -> tuple[Project, Path]:
    """A copy of the proved project that may be written to, and its proof."""
    shutil.copytree(proved.project.path, tmp_path / "copy")
    return Project.open(tmp_path / "copy"), tmp_path / "copy" / "proofs" / proved.proof.name


def rows_of(proof: Path, arm: str) -> tuple[np.ndarray, np.ndarray, float]:
    table = pq.read_table(proof / "predictions.parquet").to_pandas()
    rows = table[(table.protocol == "id") & (table.seed == 0) & (table.arm == arm)]
    return rows.example_id.to_numpy(), np.stack(rows.logits.to_list()), float(rows.temperature.iloc[0])


# -- made from a proof ----------------------------------------------------------------------------------------------


def test_it_answers_what_the_proof_says_the_after_head_answers(proved_copy: tuple[Project, Path]) -> None:
    project, proof = proved_copy
    release = make_release(project, proof=proof, turn=3)
    ids, logits, temperature = rows_of(proof, "after")
    shards = project.open_embeddings("given")
    place = {name: row for row, name in enumerate(shards.ids.to_pylist())}
    decisions = release.decide(shards.rows(np.array([place[name] for name in ids])))
    expected = LINKS["softmax"].probs(logits.astype(np.float64) / temperature)
    np.testing.assert_allclose(decisions.probs, expected, atol=1e-5)
    assert list(decisions.labels) == [release.classes[each] for each in expected.argmax(axis=1)]
    assert release.manifest["certificate"] == json.loads((proof / "certificate.json").read_text())["seal"]
    assert release.manifest["turn"] == 3
    before = rows_of(proof, "before")[1]
    assert not np.allclose(before, logits)  # else the test could not tell the arms apart


def test_the_same_proof_gives_the_same_release(proved_copy: tuple[Project, Path]) -> None:
    project, proof = proved_copy
    first = make_release(project, proof=proof)
    assert make_release(project, proof=proof.name).release_id == first.release_id
    assert make_release(project, proof=proof, turn=1).release_id != first.release_id
    assert len(list_releases(project)) == 2
    assert find_release(project, first.release_id[:20]) == first.release_id
    with pytest.raises(StoreError, match="one release"):
        find_release(project, "")


def test_a_head_that_does_not_give_the_proofs_predictions_is_not_released(proved_copy: tuple[Project, Path]) -> None:
    project, proof = proved_copy
    from safetensors.numpy import load_file, save_file

    for path in (project.path / "runs").glob("*/head.safetensors"):
        arrays = load_file(path)
        if "validation:after" in arrays:
            path.chmod(0o644)
            save_file({**arrays, "validation:after": arrays["validation:after"] + np.float32(1e-3)}, path)
    with pytest.raises(VerificationError, match="the head of the proof"):
        make_release(project, proof=proof)
    assert list_releases(project) == []


def test_a_certificate_that_was_changed_is_not_released(proved_copy: tuple[Project, Path]) -> None:
    project, proof = proved_copy
    path = proof / "certificate.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"seeds": 2', '"seeds": 3'))
    with pytest.raises(VerificationError, match="sealed"):
        make_release(project, proof=proof)
    with pytest.raises(StoreError, match=r"yori run"):
        make_release(project, proof="0" * 64)


def test_the_threshold_keeps_its_promise_on_test_examples(proved: Proved, proved_copy: tuple[Project, Path]) -> None:
    project, proof = proved_copy
    release = make_release(project, proof=proof)
    promise = release.manifest["threshold"]
    assert promise["promise"] in ("guaranteed", "conformal", "none")
    assert promise["risk"] == 0.05
    ids, logits, _ = rows_of(proof, "after")
    probs = LINKS["softmax"].probs(logits.astype(np.float64) / release.temperature)
    table = pq.read_table(proof / "predictions.parquet").to_pandas()
    rows = table[(table.protocol == "id") & (table.seed == 0) & (table.arm == "after")]
    answered = probs.max(axis=1) >= release.threshold
    wrong = (probs.argmax(axis=1) != rows.label.to_numpy())[answered]
    n = len(ids)
    chance = wrong.sum() / n if promise["promise"] == "conformal" else (wrong.mean() if answered.any() else 0.0)
    assert chance <= 0.05 + 3 * math.sqrt(0.05 / n)


# -- made from a plain fit ------------------------------------------------------------------------------------------


def test_a_plain_fit_needs_no_proof(tmp_path: Path) -> None:
    project = make_small(tmp_path / "small")
    release = make_release(project, workers=1)
    shards = project.open_embeddings("given")
    decisions = release.decide(shards.rows(np.arange(len(shards.ids))))
    truth = project.examples()["verified"].to_pylist()
    order = {name: row for row, name in enumerate(shards.ids.to_pylist())}
    labels = [decisions.labels[order[name]] for name in project.examples()["example_id"].to_pylist()]
    assert np.mean(np.array(labels) == np.array(truth)) > 0.6
    assert release.manifest["certificate"] is None


def test_several_labels_for_each_example(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    targets = rng.random((120, 2)) < 0.5
    vectors = (targets @ rng.normal(size=(2, 16)) * 3 + rng.normal(size=(120, 16)) * 0.3).astype(np.float32)
    names = np.array(["a", "b"])
    task = "format: 1\nname: two\nmodality: embeddings\nlabels: multiple\nclasses: [a, b]\n"
    task += "columns: {label: label}\nbackbone: {name: given, dimensions: 16}\nsplits: {protocols: [id], by: clip}\n"
    task += "head: {epochs: 20, l2: 0.01}\nseeds: 1\nobjective: nll\n"
    project = make_small(
        tmp_path / "two", task=task, embeddings=vectors, label=[names[row].tolist() for row in targets],
        verified=None, group=None, domain=None,
    )  # fmt: skip
    release = make_release(project, workers=1)
    decisions = release.decide(vectors)
    expected = [";".join(names[row]) for row in targets]
    assert np.mean(decisions.labels == np.array(expected, dtype=object)) > 0.9
    assert decisions.probs.shape == (120, 2)
    assert ((decisions.confidence >= 0) & (decisions.confidence <= 1)).all()


def test_too_few_examples_for_any_promise_always_abstain(tmp_path: Path) -> None:
    release = make_release(make_small(tmp_path / "few", n=48), workers=1)
    assert release.manifest["threshold"]["promise"] == "none"
    assert release.manifest["threshold"]["confidence"] is None
    decisions = release.decide(np.zeros((3, 16), np.float32))
    assert decisions.abstained.all()
    assert all(decisions.labels)


# -- hearing --------------------------------------------------------------------------------------------------------


def test_it_hears_what_training_heard() -> None:
    project, release = heard()
    shards = project.open_embeddings(release.manifest["backbone"]["embeddings"])
    examples = project.examples().to_pylist()[::7]
    clips = [read_audio(project.locate(row["source"], row["uri"]), sample_rate=RATE)[0] for row in examples]
    place = {name: row for row, name in enumerate(shards.ids.to_pylist())}
    stored = shards.rows(np.array([place[row["example_id"]] for row in examples]))
    found = release.embed(clips)
    np.testing.assert_allclose(found, stored, rtol=0, atol=2e-5 * np.abs(stored).max())


def test_the_answer_for_a_clip_does_not_depend_on_its_company() -> None:
    _, release = heard()
    clips = [sound("tone", seed).astype(np.float32) for seed in range(37)]
    together = release.embed(clips)
    for row in (0, 5, 15, 16, 36):
        np.testing.assert_array_equal(release.embed([clips[row]])[0], together[row])
    np.testing.assert_array_equal(release.embed(clips[::-1])[::-1], together)


def test_it_tells_new_sounds_apart() -> None:
    _, release = heard()
    clips = [(label, sound(label, seed).astype(np.float32)) for label in release.classes for seed in range(100, 120)]
    decisions = release.decide(release.embed([samples for _, samples in clips]))
    assert np.mean([label == found for (label, _), found in zip(clips, decisions.labels, strict=True)]) > 0.6


def test_nothing_to_do() -> None:
    _, release = heard()
    assert release.embed([]).shape == (0, release.dimensions)
    assert len(release.decide(np.zeros((0, release.dimensions), np.float32)).labels) == 0


def test_embeddings_that_are_of_no_use(proved_copy: tuple[Project, Path]) -> None:
    release = make_release(proved_copy[0], proof=proved_copy[1])
    with pytest.raises(ShapeError, match="16 numbers"):
        release.decide(np.zeros((1, 7), np.float32))
    with pytest.raises(ValuesError, match="finite"):
        release.decide(np.full((2, 16), np.nan, np.float32))
    with pytest.raises(InputError, match="embeddings only"):
        release.embed([np.zeros(8000, np.float32)])


# -- on disk --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["release.json", "head.safetensors", "backbone.safetensors"])
def test_every_byte_counts(tmp_path: Path, name: str) -> None:
    project, release = copied(tmp_path)
    path = release_path(project, release.release_id) / name
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    with pytest.raises(CorruptError, match="was released"):
        open_release(project, release.release_id)


def test_a_release_that_is_not_there_or_newer(tmp_path: Path) -> None:
    project, release = copied(tmp_path)
    with pytest.raises(StoreError, match="release of the project"):
        open_release(project, "0" * 64)
    with pytest.raises(StoreError):
        open_release(project, "../../etc")
    content = json.dumps({**release.manifest, "format": 99}).encode()
    newer = release_path(project, sha256_bytes(content))
    shutil.copytree(release_path(project, release.release_id), newer)
    (newer / "release.json").chmod(0o644)
    (newer / "release.json").write_bytes(content)
    with pytest.raises(NewerVersionError):
        open_release(project, newer.name)


# -- which one serves -----------------------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path: Path, database: Database) -> tuple[Project, list[str]]:
    """Three releases of one project; `database` need not lie in it."""
    project = make_small(tmp_path / "three")
    return project, [make_release(project, turn=turn, workers=1).release_id for turn in range(3)]


def test_promote_and_roll_back(three: tuple[Project, list[str]], database: Database) -> None:
    project, (a, b, c) = three
    assert serving_release(database) is None
    for release_id in (a, b, c):
        assert promote(database, project, release_id, who="ann", why="a test")
        assert serving_release(database) == release_id
    assert not promote(database, project, c, who="ann", why="again")
    assert rollback(database, project, who="ben", why="it was worse") == b
    assert rollback(database, project, who="ben", why="still") == a
    with pytest.raises(StoreError, match="served before"):
        rollback(database, project, who="ben", why="further")
    assert serving_release(database) == a
    assert [(row.release_id, row.action) for row in history(database)] == [
        (a, "promote"), (b, "promote"), (c, "promote"), (b, "rollback"), (a, "rollback"),
    ]  # fmt: skip
    promote(database, project, c, who="ann", why="after all")
    assert rollback(database, project, who="ben", why="no", to=a) == a


def test_rolling_back_to_what_never_served(three: tuple[Project, list[str]], database: Database) -> None:
    project, (a, b, c) = three
    promote(database, project, a, who="ann", why="first")
    promote(database, project, b, who="ann", why="second")
    with pytest.raises(StoreError):
        rollback(database, project, who="ann", why="?", to=c)
    assert serving_release(database) == b


def test_a_damaged_release_is_neither_promoted_nor_rolled_back_to(
    three: tuple[Project, list[str]], database: Database
) -> None:
    project, (a, b, c) = three
    promote(database, project, a, who="ann", why="first")
    promote(database, project, b, who="ann", why="second")
    for name in (a, c):
        (release_path(project, name) / "head.safetensors").unlink()
    with pytest.raises(CorruptError):
        promote(database, project, c, who="ann", why="third")
    with pytest.raises(CorruptError):
        rollback(database, project, who="ann", why="back")
    assert serving_release(database) == b


def test_of_two_turns_at_once_one_wins(three: tuple[Project, list[str]], database: Database) -> None:
    project, (a, b, c) = three
    promote(database, project, a, who="ann", why="first")
    lost = []

    def work(release_id: str) -> None:
        try:
            promote(database, project, release_id, who="turn", why="gate passed", instead_of=a)
        except ConflictError:
            lost.append(release_id)

    threads = [threading.Thread(target=work, args=(name,)) for name in (b, c)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lost) == 1
    assert {serving_release(database), *lost} == {b, c}
