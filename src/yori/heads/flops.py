"""What training and prediction cost, in floating-point operations, by closed formula.

One multiplication, addition, comparison, division or exponential counts as one operation; a product of ``(a, b)`` and
``(b, c)`` matrices as ``2abc``. flop_counter.py counts the same step as it runs and must agree.
"""

from __future__ import annotations


def step_flops(*, batch_size: int, dimensions: int, classes: int, link: str = "softmax") -> int:
    """One minibatch step of training.py: forward, residual, backward, penalty, preconditioner, momentum.

    Examples
    --------
    >>> step_flops(batch_size=256, dimensions=512, classes=10)
    10560080
    """
    b, d, c = batch_size, dimensions, classes
    width = d + 1
    forward = 2 * b * d * c + b * c
    # softmax: row maximum, difference, exponential, row sum, quotient. sigmoid: negation, exponential, sum, quotient.
    probabilities = (5 if link == "softmax" else 4) * b * c
    residual = 2 * b * c  # minus the target, times the row weight
    backward = 2 * c * b * d + b * c
    penalty = 2 * c * width
    precondition = 2 * c * width * width
    momentum = 3 * c * width + c * width
    return forward + probabilities + residual + backward + penalty + precondition + momentum


def training_flops(*, steps: int, batch_size: int, dimensions: int, classes: int, link: str = "softmax") -> int:
    """A whole training run: the same for every arm that has the same recipe."""
    return steps * step_flops(batch_size=batch_size, dimensions=dimensions, classes=classes, link=link)


def prediction_flops(*, dimensions: int, classes: int, link: str = "softmax") -> int:
    """One example through the head.

    Examples
    --------
    >>> prediction_flops(dimensions=512, classes=10)
    10300
    """
    return 2 * dimensions * classes + classes + (5 if link == "softmax" else 4) * classes


def product_flops(*, rows: int, dimensions: int, classes: int) -> int:
    """One Hessian-vector product of curvature.py over ``rows`` examples (two matrix products and the curvature)."""
    return 4 * rows * dimensions * classes + 7 * rows * classes
