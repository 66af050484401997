"""What the arms of a proof are called."""

from __future__ import annotations

AFTER = "after"
RANDOM = "control:random"
CONFIDENT_LEARNING = "control:confident_learning"
HIGHEST_LOSS = "control:highest_loss"
TRAIN_AND_VALIDATION = "control:train_plus_validation"
ORACLE = "oracle"
ARMS = ("before", AFTER, RANDOM, CONFIDENT_LEARNING, HIGHEST_LOSS, TRAIN_AND_VALIDATION, ORACLE)
"""All arms a proof may hold, in the order of its tables; ``oracle`` only where truth is known."""


def reference_arm(cross_fitted: bool) -> str:
    """What *after* is compared with for the verdict: it was trained on the same examples, unedited."""
    return TRAIN_AND_VALIDATION if cross_fitted else "before"
