import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yori.flywheel.answer_check import LABELS_APART
from yori.flywheel.verdicts import MOST_ANSWERS, decide

CLASSES = ("bell", "horn", "whistle")


def row(item, person, verdict="relabel", label="bell", gold=None):
    named = verdict in ("accept", "relabel")
    return {"item_id": item, "person": person, "verdict": verdict, "label": label if named else None, "gold": gold}


def decided(rows, **how):
    found, people = decide(rows, classes=CLASSES, several=how.get("several", False), rng=np.random.default_rng(0))
    return {each.item_id: each for each in found}, people


def test_one_answer_is_taken_and_two_that_agree_are_surer():
    found, _ = decided([row("a", "ann"), row("b", "ann", label="horn"), row("b", "ben", label="horn")])
    assert (found["a"].word, found["a"].label) == ("label", ("bell",))
    assert (found["b"].word, found["b"].label, found["b"].people) == ("label", ("horn",), ("ann", "ben"))


def test_two_that_disagree_are_asked_again_and_at_last_given_up():
    rows = [row("a", "ann"), row("a", "ben", label="horn")]
    assert decided(rows)[0]["a"].word == "again"
    many = [row("a", f"p{k}", label=CLASSES[k % 2]) for k in range(MOST_ANSWERS + MOST_ANSWERS % 2)]
    assert decided(many)[0]["a"].word == "gave up"


def test_a_drop_needs_more_people_than_a_label():
    assert decided([row("a", "ann", "drop")])[0]["a"].word == "drop"
    assert decided([row("a", "ann", "drop"), row("a", "ben")])[0]["a"].word == "again"
    assert decided([row("a", "ann", "drop"), row("a", "ben"), row("a", "cem", "drop")])[0]["a"].word == "drop"
    assert decided([row("a", "ann", "drop"), row("a", "ben"), row("a", "cem")])[0]["a"].word == "label"


def test_unsure_is_no_vote_but_wants_another_person():
    assert decided([row("a", "ann", "unsure")])[0]["a"].word == "again"
    assert decided([row("a", "ann", "unsure"), row("a", "ben")])[0]["a"].word == "label"


def test_several_labels_are_decided_class_by_class():
    rows = [
        row("a", "ann", label=f"bell{LABELS_APART}horn"),
        row("a", "ben", label=f"horn{LABELS_APART}bell"),
        row("b", "ann", label="whistle"),
    ]
    found, _ = decided(rows, several=True)
    assert found["a"].label == ("bell", "horn")
    assert found["b"].label == ("whistle",)


def test_a_class_that_is_gone_counts_for_nothing():
    found, _ = decided([row("a", "ann", label="gong"), row("b", "ann")])
    assert found["a"].word == "again"
    assert found["b"].label == ("bell",)


def test_an_annotator_who_is_mostly_wrong_is_outvoted_by_two_who_are_mostly_right():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 300)
    rows = []
    for item, right in enumerate(truth):
        for person, skill in (("good", 0.95), ("fair", 0.9), ("poor", 0.34)):
            said = right if rng.random() < skill else (right + rng.integers(1, 3)) % 3
            rows.append(row(f"i{item:03}", person, label=CLASSES[said]))
    found, people = decided(rows)
    labels = np.array([CLASSES.index(each.label[0]) if each.label else -1 for each in found.values()])
    kept = labels >= 0
    assert kept.mean() > 0.9
    assert (labels[kept] == truth[kept]).mean() > 0.95
    assert min(people.skill["good"], people.skill["fair"]) > 0.85 > 0.5 > people.skill["poor"]
    assert people.answers == {"good": 300, "fair": 300, "poor": 300}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from(["relabel", "drop", "unsure"]),
                  st.sampled_from(CLASSES)),
        min_size=1, max_size=30, unique_by=lambda each: each[:2],
    )
)  # fmt: skip
def test_every_item_gets_exactly_one_word_and_only_named_labels(answers):
    rows = [row(f"i{item}", f"p{person}", verdict, label) for item, person, verdict, label in answers]
    found, _ = decided(rows)
    assert set(found) == {each["item_id"] for each in rows}
    for item, each in found.items():
        assert (each.label is not None) == (each.word == "label")
        if each.label:
            assert each.label[0] in {one["label"] for one in rows if one["item_id"] == item}


@pytest.mark.parametrize("verdict", ["skip", "unsure"])
def test_nobody_named_anything(verdict):
    found, people = decided([row("a", "ann", verdict)])
    assert found["a"].word == "again"
    assert people.method == "none"
