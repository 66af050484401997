"""A head that is fitted to a mixture with some wrong labels: what several tests ask."""

from types import SimpleNamespace

import numpy as np

from yori.heads import fit_sigmoid, fit_softmax


def make(n=150, m=30, d=6, c=3, *, l2=0.01, link="softmax", seed=0, dtype=np.float64, checkpoints=2):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(c, d))
    y = rng.integers(0, c, n + m)
    x = (centres[y] + rng.normal(size=(n + m, d))).astype(dtype)
    wrong = rng.random(n + m) < 0.1
    wrong[n:] = False
    y = np.where(wrong, (y + 1) % c, y)
    targets = y if link == "softmax" else np.eye(c, dtype=np.int64)[y]
    fit = fit_softmax if link == "softmax" else fit_sigmoid
    head = fit(x[:n], targets[:n], l2=l2, tolerance=1e-5 if dtype == np.float32 else 1e-10)
    weights = np.stack([head.weight * (k + 1) / checkpoints for k in range(checkpoints)])
    return SimpleNamespace(
        x=x[:n], y=targets[:n], xq=x[n:], yq=targets[n:], weight=head.weight, weights=weights, wrong=wrong[:n],
        sides=(x[:n], targets[:n], head.weight, x[n:], targets[n:]),
        checkpoints=(x[:n], targets[:n], weights, x[n:], targets[n:]), l2=l2, link=link,
    )  # fmt: skip
