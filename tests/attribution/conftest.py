"""Problems that the tests of several methods share."""

from types import SimpleNamespace

import numpy as np
import pytest

from yori.attribution.objectives import query
from yori.heads import Spectrum, fit_softmax
from yori.synthetic import flip_labels, gaussian_mixture_embeddings


@pytest.fixture(scope="session")
def crowded() -> SimpleNamespace:
    """More dimensions than examples per class, 8 % of the labels wrong, fitted to 100 %: where leverages are near 1.

    With the change of the objective on exact refits: ``dropped`` without each of ``rows``, ``relabelled`` with ``new``.
    """
    n, m, d, c, l2 = 260, 200, 72, 5, 3e-3
    rng = np.random.default_rng(3)
    data = gaussian_mixture_embeddings(n + m, d, c, separation=5.0, decay=0.5, label_noise=0.0, rng=rng)
    x = data.embeddings.astype(np.float64)
    truth = data.true_labels
    y, wrong = flip_labels(truth[:n], 0.08, classes=c, rng=rng)
    xq, yq = x[n:], truth[n:]
    x = x[:n]
    spectrum = Spectrum.of(x)
    head = fit_softmax(x, y, l2=l2, tolerance=1e-9, spectrum=spectrum)
    before = query("nll", xq, yq, head.weight).value
    rows = np.unique(np.concatenate([np.flatnonzero(wrong), rng.choice(n, 20, replace=False)]))
    new = np.where(wrong[rows], truth[rows], (y[rows] + 1) % c)

    def change(labels: np.ndarray, sample_weight: np.ndarray) -> float:
        other = fit_softmax(
            x,
            labels,
            l2=l2,
            classes=c,
            sample_weight=sample_weight,
            init=head.weight,
            spectrum=spectrum,
            tolerance=1e-7,
        )
        return query("nll", xq, yq, other.weight).value - before

    every = np.arange(n)
    dropped = np.array([change(y, (every != row).astype(float)) for row in rows])
    relabelled = np.array(
        [change(np.where(every == row, label, y), np.ones(n)) for row, label in zip(rows, new, strict=True)]
    )
    return SimpleNamespace(
        x=x, y=y, xq=xq, yq=yq, weight=head.weight, l2=l2, wrong=wrong, spectrum=spectrum, change=change,
        rows=rows, new=new, dropped=dropped, relabelled=relabelled, classes=c,
    )  # fmt: skip
