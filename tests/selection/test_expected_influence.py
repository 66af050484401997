import numpy as np
import pytest

from yori.attribution.objectives import query
from yori.heads import LINKS, fit_softmax
from yori.heads.curvature import logits_of
from yori.selection import make_pool
from yori.selection.expected_influence import (
    curvature_of,
    directions,
    expected_change,
    influence_entropy,
    influence_scores,
    pseudo_label_influence,
)


def make(query_rows=0, n=30, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n + 20 + query_rows) % 3
    x = 2.5 * np.eye(3, 4)[labels] + rng.normal(size=(len(labels), 4))
    asks = {"query": x[n + 20 :], "query_labels": labels[n + 20 :]} if query_rows else {}
    pool = make_pool(x[:n], classes=3, known=x[n : n + 20], known_labels=labels[n : n + 20], l2=0.05, **asks)
    return pool, labels


def test_the_score_is_the_variance_of_the_change_over_labels():
    """Brute force over the labels a candidate can have: gradient of each, inner product, variance."""
    pool, _ = make(query_rows=15)
    solved = [curvature_of(pool).solve(one) for one in directions(pool, np.random.default_rng(0))]
    found = expected_change(pool.embeddings, pool.probs, solved)
    for row in range(5):
        h, p = np.append(pool.embeddings[row], 1), pool.probs[row]
        changes = np.array([((p - np.eye(3)[label])[:, None] * h * solved[0]).sum() for label in range(3)])
        assert p @ changes == pytest.approx(0, abs=1e-9)
        assert found[row] == pytest.approx(p @ changes**2)


def test_the_score_tells_how_much_the_query_loss_moves():
    """Refit with each label of each candidate: the expected squared change of the query loss has the order of the scores."""
    pool, _ = make(query_rows=40)
    scores = influence_scores(pool, np.random.default_rng(0))
    base = query("nll", pool.query, pool.query_labels, fit_softmax(
        pool.known, pool.known_labels, classes=3, l2=pool.l2, tolerance=1e-9).weight).value  # fmt: skip
    moved = []
    for row in range(len(pool)):
        change = 0.0
        for label in range(3):
            head = fit_softmax(
                np.r_[pool.known, pool.embeddings[row : row + 1]], np.r_[pool.known_labels, label], classes=3, l2=pool.l2,
                tolerance=1e-9,
            )  # fmt: skip
            value = query("nll", pool.query, pool.query_labels, head.weight).value
            change += pool.probs[row, label] * (value - base) ** 2
        moved.append(change)
    assert np.corrcoef(np.argsort(np.argsort(scores)), np.argsort(np.argsort(moved)))[0, 1] > 0.8


def test_probes_have_the_fisher_information_of_the_pool_as_covariance():
    pool, _ = make(n=6)
    probes = np.array([one.ravel() for one in directions(pool, np.random.default_rng(0), probes=20_000)])
    h = np.c_[pool.embeddings, np.ones(6)]
    fisher = (
        sum(np.kron(np.diag(p) - np.outer(p, p), np.outer(row, row)) for p, row in zip(pool.probs, h, strict=True)) / 6
    )
    np.testing.assert_allclose(probes.T @ probes / len(probes), fisher, atol=0.05 * np.abs(fisher).max())


def test_an_example_whose_likeliest_label_hurts_comes_first():
    pool, _ = make(query_rows=30)
    influence = pseudo_label_influence(pool)
    found = influence_entropy(pool, 30, np.random.default_rng(0))
    assert (influence < 0).any()
    assert (influence[found.rows[: (influence < 0).sum()]] < 0).all()
    assert (np.diff(found.scores) <= 1e-12).all()


def test_pseudo_label_influence_is_the_first_order_change_of_the_query_loss():
    pool, _ = make(query_rows=30)
    found = pseudo_label_influence(pool)
    label = pool.probs.argmax(axis=1)
    base = fit_softmax(pool.known, pool.known_labels, classes=3, l2=pool.l2, tolerance=1e-10)
    loss = LINKS["softmax"].losses(logits_of(pool.query, base.weight), pool.query_labels).mean()
    moved = []
    for row in range(len(pool)):
        head = fit_softmax(
            np.r_[pool.known, pool.embeddings[row : row + 1]], np.r_[pool.known_labels, label[row]], classes=3, l2=pool.l2,
            sample_weight=np.r_[np.ones(20), 1e-3], tolerance=1e-12,
        )  # fmt: skip
        after = LINKS["softmax"].losses(logits_of(pool.query, head.weight), pool.query_labels).mean()
        moved.append((loss - after) / 1e-3)
    moved = np.array(moved) - np.mean(moved) + found.mean()  # the known examples lose the weight that the new one gets
    np.testing.assert_allclose(found, moved, atol=0.1 * np.abs(found).max())


def test_known_examples_ask_out_of_fold():
    pool, _ = make()
    assert np.isfinite(pseudo_label_influence(pool)).all()
    assert pseudo_label_influence(pool).std() > 0
