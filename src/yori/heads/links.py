"""From logits to probabilities: what a head must know about its own loss.

The rest of the package (fitting, influence, curation) is written once against these five functions. With logits ``A (n, c)``
and probabilities ``P (n, c)``, the gradient of one example's loss with respect to its logits is ``P_i − T_i`` for both
links, ``T`` the one-hot or multi-hot target; they differ in the loss and in its curvature.
"""

from __future__ import annotations

from types import ModuleType
from typing import Protocol

import numpy as np
from jaxtyping import Float, Num

from yori.heads import sigmoid, softmax


class Link(Protocol):
    """What softmax.py and sigmoid.py both offer."""

    def probs(self, logits: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        """Probabilities of logits."""

    def losses(self, logits: Float[np.ndarray, "n c"], targets: Num[np.ndarray, "n ..."]) -> Float[np.ndarray, " n"]:
        """Negative log-likelihood of every example."""

    def one_hot(self, targets: Num[np.ndarray, "n ..."], classes: int) -> Float[np.ndarray, "n c"]:
        """Targets as a matrix."""

    def curvature_product(
        self, probs: Float[np.ndarray, "n c"], change: Float[np.ndarray, "n c"]
    ) -> Float[np.ndarray, "n c"]:
        """Every example's logit Hessian times a change of its logits."""

    def curvature_blocks(self, probs: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c c"]:
        """Every example's logit Hessian."""


LINKS: dict[str, ModuleType] = {"softmax": softmax, "sigmoid": sigmoid}
"""``softmax``: one label per example. ``sigmoid``: several."""
