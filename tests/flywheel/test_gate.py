import dataclasses
import math

import numpy as np
import pytest
from tests.flywheel import mixture_world

from yori.flywheel.gate import FEW, TestSet, gate
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


def test_a_domain_with_few_groups_is_listed_and_decides_nothing(release):
    test = some_examples(300)
    domains = np.where(np.arange(300) < FEW - 1, "tiny", test.domains.astype(str)).astype(object)
    found = run(release, changed(release, noise=1.5), test=dataclasses.replace(test, domains=domains))
    row = next(each for each in asked(found)["domains"].facts["domains"] if each["domain"] == "tiny")
    assert row["p"] is None
    assert "1 with too few examples" in asked(found)["domains"].sentence


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
    found = asked(run(changed(release, noise=1.5), dataclasses.replace(release, threshold=-math.inf)))
    test = some_examples()
    wrong = int((release.decide(test.embeddings).probs.argmax(axis=1) != test.targets).sum())
    assert found["threshold"].facts["wrong"] == wrong
    assert not found["threshold"].passed
    assert found["threshold"].facts["of"] == len(test.ids)  # the promise of this one is about all examples
    always = asked(run(release, dataclasses.replace(release, threshold=math.inf)))
    assert not always["threshold"].passed
    assert "abstain from everything" in always["threshold"].sentence


def test_a_threshold_that_jumps_stops_it_where_that_is_asked(release):
    worse = changed(release, noise=1.5)
    free, bound = run(worse, release), run(worse, release, largest_shift=1e-6)
    assert asked(free)["alarms"].passed
    assert not asked(bound)["alarms"].passed


def test_it_is_ready_for_json(release):
    import json

    json.dumps(run(release, release).to_dict(), allow_nan=False)
