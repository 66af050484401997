from __future__ import annotations

from tests.report.sample import Sample

from yori.report.procedure import procedure


def test_the_task_comes_before_the_data_and_the_test_after_training(sample: Sample) -> None:
    steps = procedure(sample.certificate)
    firsts = ("Write", "Import", "Split", "Tune", "Choose edits", "Train", "Open the test", "Compare", "Publish")
    order = [next(number for number, step in enumerate(steps) if step.startswith(first)) for first in firsts]
    assert order == sorted(order)
    assert sample.certificate["task"]["sha256"][:12] in steps[0]


def test_without_cells_or_controls(sample: Sample) -> None:
    bare = {**sample.certificate, "splits": {"by": "group", "cells": []}, "protocols": {}}
    assert "controls (–)" in procedure(bare)[7]
