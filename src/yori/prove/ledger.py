"""What everything cost, and that every arm is the same model at inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from yori.heads import LINKS
from yori.heads.flop_counter import CountingArray, Ledger
from yori.heads.flops import step_flops
from yori.heads.training import descend
from yori.prove.predictions import CellResult
from yori.store import content_key

MOST_COUNTED = 4_000_000
"""Largest product of dimensions² and classes at which a step is counted; above, a narrower head of the same kind is."""


def counter_agrees(*, batch_size: int, dimensions: int, classes: int, link: str) -> bool:
    """Whether counting one training step operation by operation gives what the closed formula says."""
    while dimensions > 8 and dimensions * dimensions * classes > MOST_COUNTED:
        dimensions //= 2
    ledger = Ledger()
    rng = np.random.default_rng(0)

    def counted(*shape: int) -> CountingArray:
        return CountingArray.wrap(rng.normal(size=shape).astype(np.float32), ledger)

    descend(
        counted(classes, dimensions + 1), counted(classes, dimensions + 1), counted(batch_size, dimensions),
        counted(batch_size, classes), counted(batch_size, 1), counted(dimensions + 1, dimensions + 1),
        step_size=0.1, l2=0.01, link=link,
    )  # fmt: skip
    return ledger.flops == step_flops(batch_size=batch_size, dimensions=dimensions, classes=classes, link=link)


def flops_of(results: Sequence[CellResult], *, embedding: int) -> dict[str, Any]:
    """The ``flops`` part of a certificate: what each arm of each protocol costs, and fit, curation, embedding apart."""
    per_arm: dict[str, int] = {}
    for result in results:
        kind = result.cell.protocol.partition(":")[0]
        per_arm[kind] = per_arm.get(kind, 0) + result.baseline.facts["flops_per_arm"]
    facts = results[0].baseline.facts
    return {
        "train_per_arm": per_arm,
        "tuning": sum(result.baseline.facts["flops_tuning"] for result in results),
        "curation": sum(result.arms.facts["flops_curation"] for result in results),
        "embedding": embedding,
        "inference_per_example": facts["flops_per_prediction"],
        "counter_agrees": counter_agrees(
            batch_size=facts["batch_size"], dimensions=facts["dimensions"], classes=facts["classes"], link=facts["link"]
        ),
    }


def parity_of(results: Sequence[CellResult]) -> dict[str, Any]:
    """The ``parity`` part: within every cell all arms are one model. Numbers are those of the first cell; cells with fewer
    training clips than dimensions have a backbone, and so a head, of their own width.
    """
    equal = all(len({weight.shape for weight in result.weights().values()}) == 1 for result in results)
    classes, width = results[0].weights()["before"].shape
    facts = results[0].baseline.facts
    link = facts["link"]
    graph = {
        "input": ["float32", ["n", width - 1]],
        "nodes": [["matmul", [width - 1, classes]], ["add", [classes]], [link, [classes]]],
    }
    return {
        "parameters": classes * width,
        "flops_per_prediction": facts["flops_per_prediction"],
        "dtype": "float32",
        "graph_sha256": content_key(graph=graph),
        "equal": equal and link in LINKS,
    }
