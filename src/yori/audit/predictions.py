"""Embeddings of the examples, and what heads that never saw an example say about it; kept between audits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from yori.audit.material import Material
from yori.backbones import EmbeddingJob, embed
from yori.backbones.given import given_parts, open_given
from yori.errors import CorruptError
from yori.heads import LINKS, Spectrum
from yori.labels import follow_training, neighbour_shares, neighbour_votes, out_of_fold_heads, out_of_fold_logits
from yori.labels.neighbours import evenly_spaced_voters
from yori.metrics import negative_log_likelihood
from yori.prove.baseline import finite_rows
from yori.prove.tuning import temperature_of
from yori.splits import group_folds
from yori.store import content_key
from yori.workers import Progress, silent

VERSION = 2
FOLDS = 5
PENALTIES = (0.3, 0.03, 0.003)
"""Penalties of the head to choose from, by the loss out of fold."""
TUNED_ON = 8000
ALL_VOTES = 40_000
"""Up to so many examples, all are voted on by their neighbours; of more, the `ALL_VOTES` least certain."""
FOLLOWED = 20_000
"""Up to so many examples, folds are drawn several times and a training is followed; of more, one draw is all."""


def audit_embeddings(
    material: Material, readable: Bool[np.ndarray, " n"], *, workers: int | None = None, progress: Progress = silent
) -> tuple[Float32[np.ndarray, "m d"], str] | None:
    """Embeddings of the readable examples, and the key they are stored under; None if there is nothing to embed.

    Given embeddings are opened. Otherwise the backbone of the task is fitted once, without labels, on the examples that are no
    test examples of a fixed split.
    """
    project, backbone = material.project, material.task.backbone
    rows = np.flatnonzero(readable)
    if backbone.name == "given":
        if not given_parts(project):
            return None
        shards = open_given(project)
        place = {name: row for row, name in enumerate(shards.ids.to_pylist())}
        known = np.array([place.get(each, -1) for each in material.ids[rows]])
        if (known < 0).any():
            shards.rows_of([str(each) for each in material.ids[rows]])  # says which are missing
        return finite_rows(shards, known), shards.path.name
    fit = np.flatnonzero(~material.fixed_test[rows])
    if len(fit) < 2 or len(rows) < 2:
        return None
    [shards] = embed(
        project, material.table.take(rows), [EmbeddingJob(fit, 0)], name=backbone.name,
        dimensions=backbone.dimensions, sample_rate=material.task.audio.sample_rate, workers=workers,
        progress=progress,
    )  # fmt: skip
    return finite_rows(shards, np.arange(len(rows))), shards.path.name


@dataclass(frozen=True)
class Witnesses:
    """What is said about some examples.

    Parameters
    ----------
    rows
        ``(k,)`` positions in the material.
    probs
        ``(k, c)`` out of fold, after temperature scaling.
    votes
        ``(k, c)`` shares of the neighbours; zeros where nobody was asked.
    l2
        The penalty used.
    margin
        ``(k,)`` area under the margin of a training; None where none was followed.
    """

    rows: Int[np.ndarray, " k"]
    probs: Float[np.ndarray, "k c"]
    votes: Float[np.ndarray, "k c"]
    l2: float
    margin: Float[np.ndarray, " k"] | None = None


def hear_witnesses(
    material: Material,
    embeddings: Float32[np.ndarray, "m d"],
    place: Int[np.ndarray, " n"],
    key: str,
    *,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> Witnesses | None:
    """Heads out of fold and neighbours, for every labelled example that has an embedding and is no fixed test example.

    Parameters
    ----------
    embeddings, place
        Embeddings, and the row of each example in them, ``m`` = none.
    key
        Of the embeddings.

    Returns
    -------
    None if there are not two classes in two groups to learn from.
    """
    rows = np.flatnonzero(material.labelled & (place < len(embeddings)) & ~material.fixed_test)
    groups = material.groups[rows]
    strata = material.strata[rows]
    parts = min(FOLDS, len(np.unique(groups)))
    targets = material.targets[rows]
    seen = (targets.sum(axis=0) > 0).sum()
    if parts < 2 or seen < 2 or (material.several and len(rows) < 2 * parts):
        return None
    wanted = content_key(
        version=VERSION, embeddings=key, ids=material.ids[rows].astype(str), targets=targets, groups=groups,
    )[:32]  # fmt: skip
    name = f"audit-witnesses-{wanted}"
    if not material.project.has_stage("cache", name):
        x = embeddings[place[rows]]
        fold = group_folds(strata, groups, parts, rng=rng)
        answers = targets.astype(np.float32) if material.several else strata
        logits, l2 = _best_logits(x, answers, fold, len(material.classes), material.several, rng, progress)
        margin = np.zeros(0)
        if not material.several and len(x) <= FOLLOWED:
            probs, _, spectrum, _ = out_of_fold_heads(
                x, strata, groups, classes=len(material.classes), rng=rng, l2=l2, folds=parts
            )
            logits = np.log(np.maximum(probs, 1e-12))
            margin = follow_training(
                x, strata, classes=len(material.classes), l2=l2, spectrum=spectrum, rng=rng
            ).margin  # fmt: skip
        link = "sigmoid" if material.several else "softmax"
        probs = LINKS[link].probs(logits.astype(np.float64) / temperature_of(logits, answers))
        votes = np.zeros_like(probs)
        # The fewer votes can be asked for, the more they are for the examples whose labels the heads doubt.
        sure = np.where(targets > 0, probs, 1 - probs).min(axis=1) if material.several else probs[targets > 0]
        asked = np.sort(np.argsort(sure, kind="stable")[:ALL_VOTES])
        voters = evenly_spaced_voters(len(x))
        if material.several:
            votes[asked] = neighbour_shares(x, targets, groups, asked, voters=voters)
        else:
            votes[asked] = neighbour_votes(x, strata, groups, asked, classes=len(material.classes), voters=voters)
        progress("ask neighbours", 1, 1)
        with material.project.stage_folder("cache", name) as folder:
            np.save(folder / "probs.npy", probs)
            np.save(folder / "votes.npy", votes)
            np.save(folder / "l2.npy", np.array(l2))
            np.save(folder / "margin.npy", margin)
    folder = material.project.stage_path("cache", name)
    try:
        probs, votes, l2, margin = (
            np.load(folder / f"{each}.npy", allow_pickle=False) for each in ("probs", "votes", "l2", "margin")
        )
    except (OSError, ValueError) as error:
        raise CorruptError(
            "readable predictions", str(error), where=str(folder), fix="Remove the folder and audit again."
        ) from error
    return Witnesses(rows, probs, votes, float(l2), margin if len(margin) else None)


def _best_logits(
    x: Float32[np.ndarray, "n d"],
    answers: np.ndarray,
    fold: Int[np.ndarray, " n"],
    classes: int,
    several: bool,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[Float[np.ndarray, "n c"], float]:
    """Logits out of fold at the penalty with the lowest loss, chosen on at most `TUNED_ON` examples."""
    link = "sigmoid" if several else "softmax"
    few = np.sort(rng.permutation(len(x))[:TUNED_ON])
    spectrum = Spectrum.of(x[few])
    tried = {}
    for number, l2 in enumerate(PENALTIES):
        logits = out_of_fold_logits(
            x[few], answers[few], fold[few], classes=classes, l2=l2, link=link, spectrum=spectrum, tolerance=1e-3
        )
        tried[l2] = (_loss(logits, answers[few], several), logits)
        progress("fit heads out of fold", number + 1, len(PENALTIES) + 1)
    best = min(tried, key=lambda each: tried[each][0])
    if len(few) == len(x):
        return tried[best][1], best
    logits = out_of_fold_logits(x, answers, fold, classes=classes, l2=best, link=link, tolerance=1e-3)
    progress("fit heads out of fold", len(PENALTIES) + 1, len(PENALTIES) + 1)
    return logits, best


def _loss(logits: Float[np.ndarray, "n c"], answers: np.ndarray, several: bool) -> float:
    scaled = logits.astype(np.float64) / temperature_of(logits, answers)
    if several:
        probs = np.clip(LINKS["sigmoid"].probs(scaled), 1e-12, 1 - 1e-12)
        return float(-np.where(answers > 0, np.log(probs), np.log1p(-probs)).sum(axis=1).mean())
    return float(negative_log_likelihood(LINKS["softmax"].probs(scaled), answers))


def correct_by_columns(
    material: Material,
    embeddings: Float32[np.ndarray, "m d"],
    place: Int[np.ndarray, " n"],
    witnesses: Witnesses,
    column: np.ndarray,
    *,
    rng: np.random.Generator,
) -> tuple[Bool[np.ndarray, " k"], Bool[np.ndarray, " k"], int] | None:
    """Right or wrong out of fold, with folds drawn by group and with folds that keep values of ``column`` whole, too.

    Parameters
    ----------
    column
        ``(n,)`` text; examples without a value are left out.

    Returns
    -------
    None if the column has too few values to make folds of; otherwise the two and the number of values.
    """
    used = witnesses.rows[column[witnesses.rows] != ""]
    if len(used) > 4000:
        used = np.sort(rng.permutation(used)[:4000])
    strata, groups = material.strata[used], material.groups[used]
    values = np.unique(column[used].astype(str), return_inverse=True)[1]
    joined = np.unique(values * (int(groups.max()) + 1) + groups, return_inverse=True)[1]
    count = int(values.max()) + 1
    # A fold by value must leave every class somewhere to be learnt from.
    spread = min(len(np.unique(values[strata == k])) for k in np.unique(strata))
    if count < FOLDS or spread < 3 or len(np.unique(joined)) < 3 * count or len(np.unique(groups)) < FOLDS:
        return None
    x = embeddings[place[used]]
    targets = material.targets[used].astype(np.float32) if material.several else strata
    link = "sigmoid" if material.several else "softmax"
    correct = []
    for by in (groups, values):
        fold = group_folds(strata, by, FOLDS, rng=rng)
        logits = out_of_fold_logits(
            x, targets, fold, classes=len(material.classes), l2=witnesses.l2, link=link, tolerance=1e-3
        )
        # Several labels are right all together, or not.
        right = ((logits > 0) == (targets > 0)).all(axis=1) if material.several else logits.argmax(axis=1) == strata
        correct.append(right)
    return correct[0], correct[1], count
