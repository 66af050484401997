from hypothesis import given, settings
from hypothesis import strategies as st

from yori.task import (
    AudioFormat,
    Backbone,
    Budget,
    ClassDefinition,
    Columns,
    Costs,
    CoverageRequirement,
    CurationRules,
    EditLimits,
    Endpoint,
    HeadRecipe,
    Requirements,
    SplitPolicy,
    Task,
    parse_task,
    task_text,
)

words = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=20).filter(
    lambda text: text.strip()
)


@settings(deadline=None)
@given(st.lists(words, min_size=2, max_size=6, unique=True), words, words)
def test_round_trip_of_any_names(names, name, column):
    classes = tuple(
        ClassDefinition(each, means=name, parent=column, rare=index == 0) for index, each in enumerate(names)
    )
    task = Task(name, classes, columns=Columns(label=column, domain=name))
    assert parse_task(task_text(task, notes=["from somewhere"])) == task


def test_round_trip_of_every_field():
    task = Task(
        name="all",
        classes=(ClassDefinition("a"), ClassDefinition("b")),
        modality="audio",
        labels="multiple",
        columns=Columns("l", "d", "g", "a", "t", "v"),
        audio=AudioFormat(8000, 2.0, 0.5),
        backbone=Backbone("statistics", 64),
        splits=SplitPolicy(("id", "lodo"), "clip", 0.1, 0.3, 7),
        head=HeadRecipe(0.5, "nll_after_temperature", 32, 9),
        objective="aurc",
        endpoint=Endpoint("accuracy", "lodo", "higher", 0.01),
        secondary=("nll", "coverage@0.05"),
        budget=Budget(0.06, 10, True),
        curate=CurationRules(
            "cross_fitted",
            "nested_domains",
            ("drop", "review"),
            "line_search",
            0.25,
            Costs(1.0, 2.0, 3.0, 0.001),
            EditLimits(0.5, 0.25, None, 90.0),
        ),
        seeds=5,
        requirements=Requirements(1.0, 2.0, 3, "cpu", "file", CoverageRequirement(0.1, 0.9)),
    )
    assert parse_task(task_text(task)) == task
