import dataclasses
import math

import numpy as np
import pytest
from tests.flywheel import mixture_world

from yori.flywheel.gate import ERROR, FEW, FROM_STREAM, HARM, TestSet, _verdict, gate
from yori.statistics import Predictions
from yori.statistics.looks import look_error
from yori.task import CoverageRequirement, Requirements, parse_task


@pytest.fixture(scope="module")
def release():
    return mixture_world.released()[1]


TASK = dataclasses.replace(parse_task(mixture_world.TASK, name="task"), requirements=Requirements())


def some_examples(n=600, seed=0):
    arrived = mixture_world.stream(n, seed=seed)
    return TestSet(
        np.array([f"t{k}" for k in range(n)], dtype=object), arrived.embeddings, arrived.truth.astype(np.int64),
        np.arange(n), np.array(arrived.domains, dtype=object),
    )  # fmt: skip


def changed(release, *, noise=0.0, threshold=None, seed=1):
    """The release with another head: noise makes it worse."""
    rng = np.random.default_rng(seed)
    weight = release.weight + noise * rng.standard_normal(release.weight.shape).astype(np.float32)
    return dataclasses.replace(release, weight=weight, threshold=release.threshold if threshold is None else threshold)


def asked(found):
    return {each.name: each for each in found.questions}


def run(serving, candidate, *, task=TASK, look=1, test=None, **how):
    return gate(serving, candidate, test or some_examples(), task, look=look, rng=np.random.default_rng(0), **how)


def test_the_same_model_does_not_pass(release):
    found = run(release, release)
    assert not found.passed
    assert asked(found)["verdict"].facts["delta"] == 0
    assert asked(found)["domains"].passed
    assert asked(found)["alarms"].facts["mean_shift"] == 0


def test_a_better_model_passes_and_going_back_does_not(release):
    worse = changed(release, noise=1.5)
    better = dataclasses.replace(release, threshold=0.9)  # this release's own was an unlucky draw
    there, back = run(worse, better), run(release, worse)
    assert there.passed, there.reasons
    assert not back.passed
    assert "worse" in asked(back)["verdict"].sentence
    assert not asked(back)["domains"].passed


def test_every_look_asks_for_more(release):
    worse = changed(release, noise=1.5)
    widths = []
    for look in (1, 2, 5):
        found = run(worse, release, look=look)
        assert found.level == pytest.approx(1 - look_error(look))
        facts = asked(found)["verdict"].facts
        widths.append(facts["high"] - facts["low"])
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_one_domain_that_gets_worse_stops_it(release):
    test = some_examples(900)
    worse = changed(release, noise=1.5)
    bad = test.domains == "site2"
    embeddings = test.embeddings.copy()
    found = run(worse, release, test=test)
    assert asked(found)["domains"].passed
    # In one domain the candidate reads the classes in another order: clearly worse there.
    targets = test.targets.copy()
    before = worse.decide(embeddings[bad]).labels
    targets[bad] = [release.classes.index(name) for name in before]
    found = run(worse, release, test=dataclasses.replace(test, targets=targets))
    assert not asked(found)["domains"].passed
    assert "site2" in asked(found)["domains"].sentence


def parts(found):
    return {each["domain"]: each for each in asked(found)["domains"].facts["domains"]}


def test_a_domain_with_few_groups_is_listed_and_decides_nothing(release):
    test = some_examples(300)
    domains = np.where(np.arange(300) < FEW - 1, "tiny", test.domains.astype(str)).astype(object)
    found = run(release, changed(release, noise=1.5), test=dataclasses.replace(test, domains=domains))
    assert parts(found)["tiny"]["p"] is None
    assert "too few examples to tell: 1" in asked(found)["domains"].sentence


def test_several_small_domains_are_asked_together(release):
    test = some_examples(300)
    small = np.array([f"tiny{number % 5}" for number in range(300)], dtype=object)
    domains = np.where(np.arange(300) < 60, small, "large").astype(object)  # twelve groups in each of the small ones
    # Only there the candidate is wrong: none of them could show it alone.
    targets = test.targets.copy()
    worse = changed(release, noise=1.5)
    targets[:60] = worse.decide(test.embeddings[:60]).probs.argmax(axis=1)
    found = run(worse, release, test=dataclasses.replace(test, domains=domains, targets=targets))
    assert parts(found)["tiny0"]["p"] is None
    assert parts(found)["small domains"]["groups"] == 60
    assert not asked(found)["domains"].passed
    assert asked(found)["domains"].sentence.startswith("significantly worse in: small domains")


def test_harm_is_looked_for_as_hard_at_every_look(release):
    worse = changed(release, noise=1.5)
    first, late = (run(worse, release, look=look) for look in (1, 20))
    assert parts(first)["site0"]["low"] == parts(late)["site0"]["low"]
    assert asked(first)["verdict"].facts["low"] > asked(late)["verdict"].facts["low"]


def test_the_stream_decides_once_there_is_enough_of_it(release):
    test = some_examples(400)
    worse = changed(release, noise=1.5)
    # Where it came from the candidate is worse, in the stream it is better.
    targets = test.targets.copy()
    old = np.arange(400) < 200
    targets[old] = worse.decide(test.embeddings[old]).probs.argmax(axis=1)
    mixed = dataclasses.replace(test, targets=targets, domains=None)
    few = run(worse, release, test=dataclasses.replace(mixed, stream=np.arange(400) >= 400 - FROM_STREAM + 1))
    many = run(worse, release, test=dataclasses.replace(mixed, stream=~old))
    assert (few.examples, few.deciding) == (400, 400)
    assert not asked(few)["verdict"].passed
    assert (many.examples, many.deciding) == (400, 200)
    assert asked(many)["verdict"].passed
    assert not asked(many)["domains"].passed  # and so it stays out
    assert asked(many)["domains"].sentence == "significantly worse in: first test set"
    only = dataclasses.replace(
        test, ids=test.ids[~old], embeddings=test.embeddings[~old], targets=test.targets[~old],
        groups=test.groups[~old], domains=None,
    )  # fmt: skip
    assert asked(many)["verdict"].facts == asked(run(worse, release, test=only))["verdict"].facts


def test_one_group_is_one_however_many_examples_it_has(release):
    test = some_examples(400)
    stream = np.arange(400) >= 300
    groups = np.where(stream, 1000 + np.arange(400) % (FROM_STREAM - 1), test.groups)
    assert dataclasses.replace(test, stream=stream, groups=groups).deciding().all()


def test_candidates_without_a_gain_seldom_pass(release):
    """Exactly no gain: every example's two answers change places by chance, before every look."""
    test = some_examples(600)
    arms = [release.decide(test.embeddings), changed(release, noise=0.7).decide(test.embeddings)]
    first, second = ((arm.probs.max(axis=1), arm.probs.argmax(axis=1) == test.targets) for arm in arms)
    rng = np.random.default_rng(5)
    passed = 0
    for _ in range(300):
        order = rng.permutation(600)
        for look in (1, 2, 3):
            rows, swapped = order[: 40 * look], rng.random(40 * look) < 0.5
            before, after = (
                Predictions(
                    np.arange(len(rows)),
                    confidence=np.where(swap, second[0][rows], first[0][rows]),
                    correct=np.where(swap, second[1][rows], first[1][rows]),
                )
                for swap in (swapped, ~swapped)
            )
            level = 1 - look_error(look, error=ERROR)
            if _verdict(before, after, np.arange(len(rows)), TASK, level, rng).passed:
                passed += 1
                break
    assert passed <= 15  # 5 % of 300


def test_requirements_are_asked(release):
    task = dataclasses.replace(
        TASK,
        requirements=Requirements(latency_ms=5.0, model_bytes=1000, coverage_at_risk=CoverageRequirement(0.5, 0.2)),
    )
    found = asked(run(changed(release, noise=1.5), release, task=task, latency_ms=4.0, model_bytes=2000))
    assert found["coverage at risk"].passed
    assert found["latency"].passed
    assert not found["model size"].passed
    missing = asked(run(release, release, task=task))
    assert not missing["latency"].passed
    assert "not measured" in missing["latency"].sentence


def test_a_threshold_that_lets_too_much_through_stops_it(release):
    found = asked(run(dataclasses.replace(release, threshold=0.9), dataclasses.replace(release, threshold=-math.inf)))
    test = some_examples()
    wrong = int((release.decide(test.embeddings).probs.argmax(axis=1) != test.targets).sum())
    assert found["threshold"].facts["wrong"] == wrong
    assert not found["threshold"].passed
    assert found["threshold"].facts["of"] == len(test.ids)  # the promise of this one is about all examples
    always = asked(run(release, dataclasses.replace(release, threshold=math.inf)))
    assert not always["threshold"].passed
    assert "abstain from everything" in always["threshold"].sentence


def test_a_promise_the_stream_broke_keeps_nobody_out_who_breaks_it_less(release):
    loose = dataclasses.replace(release, threshold=-math.inf)  # lets every mistake through
    tighter = dataclasses.replace(release, threshold=0.55)
    better, worse = asked(run(loose, tighter))["threshold"], asked(run(tighter, loose))["threshold"]
    assert better.facts["p"] <= HARM
    assert better.facts["wrong"] < better.facts["serving"]["wrong"] == worse.facts["wrong"]
    assert better.passed
    assert not worse.passed
    # Where the serving release keeps its promise, a broken one is refused however little it lets through.
    silent = dataclasses.replace(release, threshold=math.inf)
    assert not asked(run(silent, tighter))["threshold"].passed


def test_a_threshold_that_jumps_stops_it_where_that_is_asked(release):
    worse = changed(release, noise=1.5)
    free, bound = run(worse, release), run(worse, release, largest_shift=1e-6)
    assert asked(free)["alarms"].passed
    assert not asked(bound)["alarms"].passed


def test_it_is_ready_for_json(release):
    import json

    json.dumps(run(release, release).to_dict(), allow_nan=False)
