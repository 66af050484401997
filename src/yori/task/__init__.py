"""What the model must do, for whom, and within which limits: ``task.yaml``, written by people.

definition.py  the words of a task, as frozen dataclasses
queue_rules.py how the label budget is shared out among reasons to ask
reading.py     task.yaml → `Task`; every error names the line
writing.py     a commented task.yaml for a new project
"""

from yori.task.definition import (
    METRIC_DIRECTIONS,
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
    metric_direction,
)
from yori.task.queue_rules import QueueRules
from yori.task.reading import parse_task, read_task
from yori.task.writing import task_text

__all__ = [
    "METRIC_DIRECTIONS",
    "AudioFormat",
    "Backbone",
    "Budget",
    "ClassDefinition",
    "Columns",
    "Costs",
    "CoverageRequirement",
    "CurationRules",
    "EditLimits",
    "Endpoint",
    "HeadRecipe",
    "QueueRules",
    "Requirements",
    "SplitPolicy",
    "Task",
    "metric_direction",
    "parse_task",
    "read_task",
    "task_text",
]
