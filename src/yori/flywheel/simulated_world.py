"""A flywheel whose world is known: ships drift away, a rare vessel comes, simulated people answer.

Twice the same three turns: once the queue is filled as `yori mine` does it, once with the same number of labels asked for
at random. Both begin with the same release and meet the same stream; what they know in the end is measured on passages of
the last season that neither ever heard.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int
from sqlalchemy import select

from yori.flywheel.database import Database, open_database
from yori.flywheel.given_answers import GivenAnswer, give_answers
from yori.flywheel.log_predictions import log_predictions
from yori.flywheel.log_rules import LogRules
from yori.flywheel.new_release import make_release
from yori.flywheel.predict import predict
from yori.flywheel.released_model import Release, open_release
from yori.flywheel.schema import ITEMS, PREDICTIONS
from yori.flywheel.serving import promote
from yori.flywheel.turn import Turn, turn, turns
from yori.main_job import DataSource, init
from yori.metrics import risk_at_coverage
from yori.store import Project, atomic, sha256_bytes
from yori.store.audio import wav_bytes
from yori.synthetic import CLASSES, Clip, Season, simulate_season
from yori.task import parse_task
from yori.task.queue_rules import QueueRules
from yori.workers import Progress, silent

SAMPLE_RATE = 16_000
RARE = "tug"
COMMON = {name: 1.0 for name in CLASSES if name != RARE}
BEGINNING = Season(classes={**COMMON, RARE: 0.25}, distances={"2km": 0.8, "3km": 0.2})
SEASONS = (
    Season(classes={**COMMON, RARE: 0.5}, distances={"2km": 0.5, "3km": 0.35, "4km": 0.15}),
    Season(classes={**COMMON, RARE: 0.75}, distances={"2km": 0.3, "3km": 0.35, "4km": 0.35}),
    Season(classes={**COMMON, RARE: 1.0}, distances={"2km": 0.2, "3km": 0.3, "4km": 0.5}),
)
"""Ships drift away from the hydrophone, and the rare vessel becomes common. The last one is what is tested."""

PEOPLE = {"p1": 0.98, "p2": 0.95, "p3": 0.9}
"""Share of right answers of each simulated person."""

COVERAGE = 0.8
SECONDS_PER_ANSWER = 5.0
ARMS = ("yori", "random")

TASK = """

# What the demo sets. People are wrong now and then: a wrong label among the surest test examples moves AURC far, AUGRC little.
objective: augrc_soft
endpoint: {{metric: augrc, protocol: id, margin: 0.0}}
secondary: [aurc, ece, nll, brier, risk@0.8, accuracy, macro_f1]
head: {{epochs: 20, batch_size: 64}}
seeds: 1
budget: {{edits: 0.01, labels: {labels}}}
"""

_SET = ("objective", "endpoint", "secondary", "head", "seeds", "budget")


@dataclass(frozen=True)
class Size:
    """Passages of each part of the world, and labels per turn.

    Collections have ``clips`` of each passage. The stream has one: a detector that fires once for a ship. The log is
    told which passage it is of.
    """

    beginning: int = 200
    season: int = 800
    test: int = 300
    clips: int = 2
    labels: int = 120


@dataclass(frozen=True)
class Outcome:
    """What each arm knew and served after every turn, index 0 before the first one.

    Attributes
    ----------
    labels
        Spent until then, those that only test included.
    risk
        At 80 % coverage, of the newest head, whether its gate let it pass or not: what the labels were worth.
    served
        The same of the release that serves: what the users had.
    turns
        All turns of each arm.
    """

    labels: tuple[int, ...]
    risk: Mapping[str, tuple[float, ...]]
    served: Mapping[str, tuple[float, ...]]
    turns: Mapping[str, tuple[Turn, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "labels": list(self.labels),
            "coverage": COVERAGE,
            "risk": {arm: list(values) for arm, values in self.risk.items()},
            "served": {arm: list(values) for arm, values in self.served.items()},
            "promoted": {arm: [each.promoted for each in done] for arm, done in self.turns.items()},
            "why": {arm: [_why(each) for each in done] for arm, done in self.turns.items()},
        }


def _why(each: Turn) -> list[str]:
    """The questions that a gate answered with no."""
    return [one["name"] for one in each.steps["gate"]["questions"] if not one["passed"]]


def simulate_world(
    folder: str | Path,
    *,
    seed: int = 0,
    size: Size | None = None,
    arms: Sequence[str] = ARMS,
    workers: int | None = None,
    progress: Progress = silent,
) -> Outcome:
    """Turn the flywheel as often as there are seasons, in every arm.

    Parameters
    ----------
    folder
        Gets the clips, a project for each arm, and ``outcome.json``. What an interrupted call has done is used.
    seed
        Of the world and its people.
    arms
        ``yori`` and ``random``.
    """
    how = size or Size()
    place = Path(folder).absolute()
    parts = _clips(place, how, seed, progress)
    base = _beginning(place / "start", parts, how, workers, progress)
    test = _embedded(place, base, parts["test"], progress)
    risk: dict[str, tuple[float, ...]] = {}
    served: dict[str, tuple[float, ...]] = {}
    done: dict[str, tuple[Turn, ...]] = {}
    for arm in arms:
        project = _copy(base, place / arm)
        database = open_database(project)
        try:
            _turn_all(project, database, parts, arm, how, seed, workers, progress)
            done[arm] = tuple(turns(database))
        finally:
            database.close()
        heads = [_first(base), *(open_release(project, each.steps["train"]["release"]) for each in done[arm])]
        risk[arm] = tuple(_risk(head, *test) for head in heads)
        serving = [heads[0].release_id, *(each.steps["end"]["serving"] for each in done[arm])]
        known = {head.release_id: value for head, value in zip(heads, risk[arm], strict=True)}
        served[arm] = tuple(known[name] for name in serving)
    asked = [0, *np.cumsum([each.steps["mine"]["budget"] for each in done[arms[0]]]).tolist()]
    outcome = Outcome(tuple(asked), risk, served, done)
    _write(place / "outcome.json", json.dumps(outcome.to_dict(), indent=1).encode())
    return outcome


# -- the world ------------------------------------------------------------------------------------------------------


def _clips(place: Path, how: Size, seed: int, progress: Progress) -> dict[str, list[tuple[Path, str, str, str]]]:
    """File, label, domain and group of every clip, by part: ``beginning``, ``season1`` …, ``test``."""
    wanted = {
        "beginning": (BEGINNING, how.beginning, how.clips),
        **{f"season{number}": (season, how.season, 1) for number, season in enumerate(SEASONS, 1)},
        "test": (SEASONS[-1], how.test, how.clips),
    }
    found: dict[str, list[tuple[Path, str, str, str]]] = {}
    total, made = sum(passages * clips for _, passages, clips in wanted.values()), 0
    for index, (part, (season, passages, clips)) in enumerate(wanted.items()):
        table = place / "clips" / f"{part}.csv"
        if not table.is_file():
            rows = []
            rng = np.random.default_rng([seed, index])
            for number, clip in enumerate(
                simulate_season(
                    season, passages=passages, clips_per_passage=clips, sample_rate=SAMPLE_RATE,
                    name=f"{part}-", rng=rng,
                )
            ):  # fmt: skip
                name = f"{part}/{clip.group}-{number % clips}.wav"
                _write(place / "clips" / name, _wav(clip))
                rows.append((name, clip.label, clip.domain, clip.group))
                progress("simulate a hydrophone", made + number + 1, total)
            _write(table, _csv(rows))
        made += passages * clips
        with table.open(encoding="utf-8", newline="") as file:
            found[part] = [
                (place / "clips" / row["path"], row["label"], row["distance"], row["passage"])
                for row in csv.DictReader(file)
            ]
    return found


def _wav(clip: Clip) -> bytes:
    # Pressures in pascal are small or large numbers; recorders set their gain.
    return wav_bytes(0.3 * clip.samples / max(float(np.abs(clip.samples).max()), 1e-12), clip.sample_rate)


def _csv(rows: Sequence[tuple[str, str, str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "label", "distance", "passage"])
    writer.writerows(rows)
    return text.getvalue().encode()


def _write(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.part")
    with atomic.disk_errors(path):
        atomic.make_folder(path.parent, durable=False)
        atomic.remove_file(aside)
        atomic.write_new(aside, [content])
        aside.replace(path)


def _beginning(place: Path, parts: Mapping[str, Any], how: Size, workers: int | None, progress: Progress) -> Project:
    """The project before the first turn, with a release of a plain fit that serves."""
    if not (place / "yori.json").is_file():
        table = parts["beginning"][0][0].parents[1] / "beginning.csv"
        columns = {"domain": "distance", "group": "passage", "uri": "path"}
        source = DataSource(layout="table", path=table.parent, table=table, columns=columns)
        init(place, source, name="ships", workers=workers, progress=progress)
        task = place / "task.yaml"
        text = task.read_text(encoding="utf-8")
        kept = "\n".join(line for line in _without(text.splitlines(), _SET))
        _write(task, (kept + TASK.format(labels=how.labels)).encode())
    project = Project.open(place)
    database = open_database(project)
    try:
        release = make_release(project, workers=workers, progress=progress)
        promote(database, project, release.release_id, who="demo", why="the first release")
    finally:
        database.close()
    return project


def _without(lines: Sequence[str], names: Sequence[str]) -> list[str]:
    """Lines of a YAML file without some of its top-level entries."""
    kept, leaving = [], False
    for line in lines:
        if line[:1] not in ("", " ", "#", "-"):
            leaving = line.split(":")[0] in names
        if not leaving:
            kept.append(line)
    return kept


def _copy(base: Project, place: Path) -> Project:
    if not (place / "yori.json").is_file():
        shutil.rmtree(place, ignore_errors=True)
        aside = place.with_name(f".{place.name}.part")
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(base.path, aside)
        aside.rename(place)
    return Project.open(place)


def _first(base: Project) -> Release:
    from yori.flywheel.released_model import list_releases

    return open_release(base, list_releases(base)[0])


# -- what happens in it ---------------------------------------------------------------------------------------------


def _turn_all(
    project: Project,
    database: Database,
    parts: Mapping[str, list[tuple[Path, str, str, str]]],
    arm: str,
    how: Size,
    seed: int,
    workers: int | None,
    progress: Progress,
) -> None:
    task = parse_task(project.task_text(), name=str(project.path / "task.yaml"))
    known = [each for each in turns(database) if each.done]
    for number in range(len(known) + 1, len(SEASONS) + 1):
        clips = parts[f"season{number}"]
        _hear(project, database, clips, number, workers, progress)
        # An item whose answers were in conflict is asked again in the next turn.
        heard = [each for earlier in range(1, number + 1) for each in parts[f"season{earlier}"]]
        truth = {sha256_bytes(path.read_bytes()): label for path, label, _, _ in heard}
        rules = None if arm == "yori" else QueueRules(shares=(("random", 1.0),), double=QueueRules().double)
        turn(
            project,
            database,
            task,
            budget=how.labels,
            rules=rules,
            wait=False,
            who="demo",
            answer=lambda _, truth=truth: _answer(database, truth, seed),  # type: ignore[misc]
            workers=workers,
            progress=progress,
        )


def _hear(
    project: Project,
    database: Database,
    clips: Sequence[tuple[Path, str, str, str]],
    number: int,
    workers: int | None,
    progress: Progress,
) -> None:
    """The serving release answers a season, and its answers are logged; each distance is a site of its own."""
    from yori.flywheel.serving import serving_release

    release = serving_release(database)
    assert release is not None  # the first release serves
    rules = LogRules(inputs=1.0)
    for domain in sorted({each[2] for each in clips}):
        out = project.path / "flywheel" / f"season{number}-{domain}.parquet"
        atomic.make_folder(out.parent, durable=False)
        groups = {str(path): passage for path, _, place, passage in clips if place == domain}
        predict(project, release, list(groups), out, embeddings=True, workers=workers, progress=progress)
        log_predictions(database, project, out, rules, domain=domain, group=groups.get)


def _answer(database: Database, truth: Mapping[str, str], seed: int) -> None:
    """Every simulated person answers what is open, right as often as they are; nobody is sure of what they did not hear."""
    query = select(ITEMS.c.item_id, ITEMS.c.wanted, PREDICTIONS.c.input_sha256)
    query = query.join(PREDICTIONS, PREDICTIONS.c.prediction_id == ITEMS.c.prediction_id)
    with database.connect() as connection:
        rows = connection.execute(query.where(ITEMS.c.state == "open").order_by(ITEMS.c.item_id)).all()
    given = []
    for item_id, wanted, digest in rows:
        # A person's answer to a clip is a property of both, not of when they are asked.
        rng = np.random.default_rng([seed, int(item_id[:12], 16)])
        for person in rng.permutation(list(PEOPLE))[: max(1, wanted)].tolist():
            label = truth[digest]
            if rng.random() > PEOPLE[person]:
                label = str(rng.choice([name for name in CLASSES if name != label]))
            given.append(
                GivenAnswer(
                    item_id=item_id,
                    person=person,
                    verdict="relabel",
                    label=label,
                    key="demo",
                    seconds=SECONDS_PER_ANSWER,
                )
            )
    give_answers(database, given, classes=CLASSES, origin="simulated")


# -- what it was worth ----------------------------------------------------------------------------------------------


def _embedded(
    place: Path, base: Project, clips: Sequence[tuple[Path, str, str, str]], progress: Progress
) -> tuple[Float32[np.ndarray, "n d"], Int[np.ndarray, " n"]]:
    """Embeddings of the hidden test clips, by the backbone that all releases share, and their classes."""
    from yori.store.audio import read_audio

    release = _first(base)
    path = place / "test.npy"
    if not path.is_file():
        vectors = np.empty((len(clips), release.dimensions), dtype=np.float32)
        for row, (clip, _, _, _) in enumerate(clips):
            samples, _ = read_audio(clip, sample_rate=release.sample_rate)
            vectors[row] = release.embed([samples])[0]
            progress("embed the hidden test", row + 1, len(clips))
        sink = io.BytesIO()
        np.save(sink, vectors)
        _write(path, sink.getvalue())
    return np.load(path, allow_pickle=False), np.array([release.classes.index(label) for _, label, _, _ in clips])


def _risk(release: Release, embeddings: Float32[np.ndarray, "n d"], truth: Int[np.ndarray, " n"]) -> float:
    decided = release.decide(embeddings)
    return risk_at_coverage(decided.confidence, decided.probs.argmax(axis=1) == truth, COVERAGE)


def smaller(size: Size, share: float) -> Size:
    """A world of a share of the passages and labels."""
    values = {name: max(2, round(value * share)) for name, value in dataclasses.asdict(size).items() if name != "clips"}
    return dataclasses.replace(size, **values)
