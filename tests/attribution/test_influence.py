import numpy as np
import pytest

from yori.attribution import OBJECTIVES, influence, tracin
from yori.attribution.influence import UnconvergedWarning
from yori.attribution.objectives import query
from yori.errors import ConvergenceError, ShapeError, ValuesError
from yori.heads import LINKS, fit_sigmoid, fit_softmax
from yori.heads.curvature import Curvature, logits_of


def make(n=300, m=80, d=6, c=3, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(c, d))
    y = rng.integers(0, c, n + m)
    x = centres[y] + rng.normal(size=(n + m, d))
    labels = y.copy()
    wrong = rng.random(n + m) < noise
    labels[wrong] = (labels[wrong] + 1) % c
    return x[:n], labels[:n], x[n:], y[n:], wrong[:n]


def refit_value(x, y, keep, l2, xq, yq, objective, c=3):
    head = fit_softmax(x[keep], y[keep], l2=l2, classes=c, tolerance=1e-11)
    return query(objective, xq, yq, head.weight).value


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("link", ["softmax", "sigmoid"])
def test_objective_gradient_is_its_finite_difference(objective, link):
    _, _, xq, yq, _ = make()
    answers = yq if link == "softmax" else np.eye(3, dtype=int)[yq]
    rng = np.random.default_rng(1)
    weight, direction = rng.normal(size=(3, 7)) * 0.3, rng.normal(size=(3, 7))
    asked = query(objective, xq, answers, weight, link=link, temperature=0.7)
    # Ranks are held fixed in the derivative, so hold them fixed here too: a step too small to change them.
    step = 1e-7
    up = query(objective, xq, answers, weight + step * direction, link=link, temperature=0.7).value
    down = query(objective, xq, answers, weight - step * direction, link=link, temperature=0.7).value
    assert (asked.gradient() * direction).sum() == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-8)


def test_equals_the_dense_hessian_solve():
    x, y, xq, yq, _ = make(n=200, d=8, c=4)
    head = fit_softmax(x, y, l2=1e-3, classes=4, tolerance=1e-12)
    probs = head.probs(x)
    h, hq = np.c_[x, np.ones(200)], np.c_[xq, np.ones(len(xq))]
    blocks = LINKS["softmax"].curvature_blocks(probs)
    hessian = np.einsum("icd,ij,ik->cjdk", blocks, h, h).reshape(36, 36) / 200 + 1e-3 * np.eye(36)
    asked = head.probs(xq) - np.eye(4)[yq]
    solution = np.linalg.solve(hessian, (asked.T @ hq / len(xq)).ravel()).reshape(4, 9)
    expected = ((probs - np.eye(4)[y]) * (h @ solution.T)).sum(axis=1) / 200
    result = influence(x, y, head.weight, xq, yq, l2=1e-3, tolerance=1e-10)
    np.testing.assert_allclose(result.scores, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("objective", ["nll", "robust_nll", "brier", "focal", "aurc", "augrc_soft", "risk80_soft"])
def test_predicts_leaving_one_out(objective):
    """Dropping each example and refitting exactly: the sign, the size and the order are as predicted."""
    x, y, xq, yq, _ = make(n=120)
    head = fit_softmax(x, y, l2=1e-2, tolerance=1e-12)
    base = query(objective, xq, yq, head.weight).value
    every = np.arange(120)
    if objective in ("nll", "robust_nll", "brier", "focal"):
        actual = np.array([refit_value(x, y, every != i, 1e-2, xq, yq, objective) - base for i in every])
    else:
        actual = np.array([_fixed_rank_change(x, y, every != i, xq, yq, head, objective) for i in every])
    plain = influence(x, y, head.weight, xq, yq, l2=1e-2, objective=objective)
    better = influence(x, y, head.weight, xq, yq, l2=1e-2, objective=objective, leverage=True)
    assert np.corrcoef(plain.scores, actual)[0, 1] > (0.97 if objective == "focal" else 0.98)
    assert np.corrcoef(better.scores, actual)[0, 1] > (0.975 if objective == "focal" else 0.99)
    errors = [np.abs(result.drop_effect() - actual).sum() for result in (better, plain)]
    assert errors[0] < errors[1] < 0.5 * np.abs(actual).sum()


def _fixed_rank_change(x, y, keep, xq, yq, head, objective):
    from yori.attribution.objectives import RANK_WEIGHTS, confidence_rank

    rank = confidence_rank(head.probs(xq))
    weights = RANK_WEIGHTS[objective.removesuffix("_soft")](rank)
    new = fit_softmax(x[keep], y[keep], l2=1e-2, classes=3, tolerance=1e-11)

    def value(which):
        losses = LINKS["softmax"].losses(which.logits(xq), yq)
        return (weights * (1 - np.exp(-losses) if objective.endswith("soft") else losses)).sum()

    return value(new) - value(head)


def test_predicts_relabelling_and_reweighting():
    x, y, xq, yq, _ = make(n=400)
    head = fit_softmax(x, y, l2=1e-2, tolerance=1e-12)
    base = query("nll", xq, yq, head.weight).value
    result = influence(x, y, head.weight, xq, yq, l2=1e-2)
    predicted, actual = [], []
    for i in range(0, 400, 10):
        for label in range(3):
            changed = y.copy()
            changed[i] = label
            predicted.append(result.relabel_effect()[i, label])
            actual.append(refit_value(x, changed, slice(None), 1e-2, xq, yq, "nll") - base)
    assert np.corrcoef(predicted, actual)[0, 1] > 0.99
    weights = np.ones(400)
    weights[7] = 1.5
    heavier = fit_softmax(x, y, l2=1e-2, sample_weight=weights, tolerance=1e-12)
    change = query("nll", xq, yq, heavier.weight).value - base
    assert result.reweight_effect(0.5)[7] == pytest.approx(change, rel=0.05)


def test_the_mislabelled_hurt():
    x, y, xq, yq, wrong = make(n=500)
    head = fit_softmax(x, y, l2=1e-2)
    for objective in set(OBJECTIVES) - {"calibration"}:
        scores = influence(x, y, head.weight, xq, yq, l2=1e-2, objective=objective, leverage=True).scores
        assert wrong[np.argsort(scores)[:20]].mean() > 4 * wrong.mean(), objective


def test_several_labels_per_example():
    x, _, xq, _, _ = make(n=120)
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(6, 3))
    y, yq = (x @ truth > 0.5).astype(int), (xq @ truth > 0.5).astype(int)
    y[3] = 1 - y[3]
    head = fit_sigmoid(x, y, l2=1e-2, tolerance=1e-12)
    base = query("nll", xq, yq, head.weight, link="sigmoid").value
    result = influence(x, y, head.weight, xq, yq, l2=1e-2, link="sigmoid", leverage=True)
    every = np.arange(120)
    actual = []
    for i in every:
        other = fit_sigmoid(x[every != i], y[every != i], l2=1e-2, tolerance=1e-11)
        actual.append(query("nll", xq, yq, other.weight, link="sigmoid").value - base)
    assert np.corrcoef(result.scores, actual)[0, 1] > 0.99
    flipped = y.copy()
    flipped[3, 1] = 1 - flipped[3, 1]
    change = query("nll", xq, yq, fit_sigmoid(x, flipped, l2=1e-2, tolerance=1e-11).weight, link="sigmoid").value - base
    assert result.relabel_effect()[3, 1] == pytest.approx(change, rel=0.2)


def test_the_null_direction_of_softmax_changes_nothing():
    """One vector added to every class leaves predictions, and so influence on them, as they are."""
    x, y, xq, yq, _ = make()
    head = fit_softmax(x, y, l2=1e-3, tolerance=1e-12)
    shifted = head.weight + np.random.default_rng(0).normal(size=(1, 7))
    one = influence(x, y, head.weight, xq, yq, l2=1e-3, tolerance=1e-9).scores
    two = influence(x, y, shifted, xq, yq, l2=1e-3, tolerance=1e-9).scores
    np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-12)


def test_float32_and_blocks_give_the_same_order():
    x, y, xq, yq, _ = make(n=5000)
    head = fit_softmax(x, y, l2=1e-2, tolerance=1e-10)
    double = influence(x, y, head.weight, xq, yq, l2=1e-2, leverage=True).scores
    single = influence(
        x.astype(np.float32), y, head.weight, xq.astype(np.float32), yq, l2=1e-2, tolerance=1e-5, leverage=True
    ).scores
    np.testing.assert_allclose(single, double, atol=2e-4 * np.abs(double).max())


@pytest.mark.usefixtures("unchecked")
class TestRefusals:
    def test_arrays(self):
        x, y, xq, yq, _ = make(n=20)
        head = fit_softmax(x, y, l2=1.0)
        good = {
            "embeddings": x,
            "labels": y,
            "weight": head.weight,
            "query_embeddings": xq,
            "query_labels": yq,
            "l2": 1.0,
        }
        cases = [
            ({"labels": y[:-1]}, ShapeError, "20 rows in labels"),
            ({"labels": y - 1}, ValuesError, "never -1"),
            ({"weight": head.weight[:, :-1]}, ShapeError, "weight of shape"),
            ({"query_embeddings": xq[:, :2]}, ShapeError, "query_embeddings"),
            ({"query_labels": yq + 5}, ValuesError, "query_labels in 0 … 2"),
            ({"embeddings": np.full_like(x, np.inf)}, ValuesError, "finite"),
            ({"embeddings": x[:0]}, ShapeError, "shape"),
            ({"l2": 0.0}, ValuesError, "singular"),
            ({"objective": "accuracy"}, ValuesError, "an objective out of nll"),
            ({"labels": np.eye(3)[y], "link": "sigmoid", "query_labels": yq}, ShapeError, "query_labels of shape"),
        ]
        for change, error, message in cases:
            with pytest.raises(error, match=message):
                influence(**{**good, **change})

    def test_a_stall_is_said(self):
        rng = np.random.default_rng(0)
        x = (rng.normal(size=(30, 40)) * np.logspace(-4, 4, 40)).astype(np.float32)
        y = np.arange(30) % 3
        with pytest.raises(ConvergenceError):
            influence(x, y, np.zeros((3, 41)), x, y, l2=1e-9, tolerance=1e-13)


def test_scores_are_linear_in_the_query():
    x, y, xq, yq, _ = make()
    head = fit_softmax(x, y, l2=1e-2)
    probs = LINKS["softmax"].probs(logits_of(x, head.weight))
    curvature = Curvature(x, probs, np.full(len(x), 1 / len(x)), l2=1e-2)
    asked = query("nll", xq, yq, head.weight)
    half = (np.arange(80) < 40).astype(float)
    whole = curvature.solve(asked.gradient(), tolerance=1e-10)
    parts = curvature.solve(asked.gradient(half), tolerance=1e-10) + curvature.solve(
        asked.gradient(1 - half), tolerance=1e-10
    )
    np.testing.assert_allclose(whole, parts, atol=1e-8)


def test_refined_scores_are_refits(crowded):
    arguments = (crowded.x, crowded.y, crowded.weight, crowded.xq, crowded.yq)
    rough = influence(*arguments, l2=crowded.l2, leverage=True)
    fine = influence(*arguments, l2=crowded.l2, refine=25)
    refined = np.flatnonzero(fine.scores != rough.scores)
    assert set(refined) == set(np.argsort(-np.abs(rough.scores))[:25])
    known = np.isin(crowded.rows, refined)
    assert known.sum() > 5
    np.testing.assert_allclose(
        fine.drop_effect()[crowded.rows[known]],
        crowded.dropped[known],
        rtol=0.05,
        atol=0.01 * np.abs(crowded.dropped).max(),
    )


def test_an_only_example_has_a_finite_effect():
    x, y = np.ones((1, 2)), np.array([0])
    head = fit_softmax(x, y, l2=0.1)
    result = influence(x, y, head.weight, x, y, l2=0.1, leverage=True, refine=5)
    assert result.scores[0] > 0
    assert result.drop_effect()[0] == result.scores[0]


def test_calibration_is_the_squared_gap_of_every_class():
    x, y, xq, yq, _ = make()
    head = fit_softmax(x, y, l2=0.1)
    asked = query("calibration", xq, yq, head.weight)
    gap = head.probs(xq).mean(axis=0) - np.bincount(yq, minlength=3) / len(yq)
    assert asked.value == pytest.approx((gap**2).sum())
    # More examples of the class that is predicted too seldom close the gap: leaving them out opens it.
    result = influence(x, y, head.weight, xq, yq, l2=0.1, objective="calibration")
    seldom, often = gap.argmin(), gap.argmax()
    assert result.scores[y == seldom].mean() > 0 > result.scores[y == often].mean()


def test_risk_at_coverage_and_focal_by_hand():
    from yori.attribution.objectives import coverage_weights

    rank = np.array([3.0, 1.0, 5.0, 2.0, 4.0])
    np.testing.assert_allclose(coverage_weights(rank, 0.5), np.array([0.5, 1, 0, 1, 0]) / 2.5)
    x, y, xq, yq, _ = make()
    head = fit_softmax(x, y, l2=0.1)
    right = head.probs(xq)[np.arange(len(yq)), yq]
    assert query("focal", xq, yq, head.weight).value == pytest.approx(np.mean(-((1 - right) ** 2) * np.log(right)))


def test_robust_likelihood_by_hand():
    from yori.attribution.objectives import LABEL_NOISE

    x, y, xq, yq, _ = make()
    head = fit_softmax(x, y, l2=0.1)
    right = head.probs(xq)[np.arange(len(yq)), yq]
    mixed = (1 - LABEL_NOISE) * right + LABEL_NOISE / 3
    assert query("robust_nll", xq, yq, head.weight).value == pytest.approx(-np.log(mixed).mean())
    several = np.eye(3)[yq]
    head = fit_sigmoid(x, np.eye(3)[y], l2=0.1)
    right = np.where(several == 1, head.probs(xq), 1 - head.probs(xq))
    expected = -np.log((1 - LABEL_NOISE) * right + LABEL_NOISE / 2).sum(axis=1).mean()
    assert query("robust_nll", xq, several, head.weight, link="sigmoid").value == pytest.approx(expected)


def test_what_no_head_can_explain_moves_the_robust_likelihood_least():
    """A wrong label among those who ask pulls with the whole of its residual at the plain likelihood, hardly at this one."""
    head = np.array([[0.0, 0.0], [6.0, 0.0]])
    sure = np.array([[1.5]])
    pull = {name: np.abs(query(name, sure, np.array([0]), head).rows).max() for name in ("nll", "robust_nll")}
    assert pull["robust_nll"] < 0.01 * pull["nll"]


def test_a_head_that_is_not_at_its_optimum_is_said():
    x, y, xq, yq, _ = make()
    head = fit_softmax(x, y, l2=0.01, tolerance=1e-8)
    found = influence(x, y, head.weight, xq, yq, l2=0.01)
    assert found.gradient_norm == pytest.approx(head.gradient_norm, rel=0.01, abs=1e-12)
    half = head.weight / 2
    logits = logits_of(x, half)
    gradient = (LINKS["softmax"].probs(logits) - np.eye(3)[y]).T @ np.c_[x, np.ones(300)] / 300 + 0.01 * half
    start = (np.full((300, 3), 1 / 3) - np.eye(3)[y]).T @ np.c_[x, np.ones(300)] / 300
    with pytest.warns(
        UnconvergedWarning, match=r"a head at its optimum, got one whose gradient is 0\.\d+ of its start"
    ):
        found = influence(x, y, half, xq, yq, l2=0.01)
    assert found.gradient_norm == pytest.approx(np.linalg.norm(gradient) / np.linalg.norm(start))
    with pytest.warns(UnconvergedWarning):  # at the optimum of another penalty
        influence(x, y, head.weight, xq, yq, l2=1.0)


@pytest.mark.parametrize("dtype", [np.float16, np.int8])
def test_half_precision_and_integers(dtype):
    x, y, xq, yq, _ = make()
    x, xq = (np.round(side * 4).clip(-100, 100).astype(dtype) for side in (x, xq))
    plain, asked = x.astype(np.float32), xq.astype(np.float32)
    head = fit_softmax(plain, y, l2=0.1, tolerance=1e-5)
    found = influence(x, y, head.weight, xq, yq, l2=0.1, leverage=True, tolerance=1e-5).scores
    expected = influence(plain, y, head.weight, asked, yq, l2=0.1, leverage=True, tolerance=1e-5).scores
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(tracin(x, y, head.weight, xq, yq), tracin(plain, y, head.weight, asked, yq))


def test_examples_of_no_weight():
    """They take no part, move nothing, and are there to be scored."""
    x, y, xq, yq, _ = make(n=100)
    weights = np.ones(100)
    weights[:20] = 0
    head = fit_softmax(x, y, l2=0.01, sample_weight=weights, tolerance=1e-10)
    for leverage, near in ((False, 1e-6), (True, 0.03)):  # the second moment behind leverages is that of all rows
        options = {"l2": 0.01, "leverage": leverage, "tolerance": 1e-9}
        found = influence(x, y, head.weight, xq, yq, sample_weight=weights, **options).scores
        np.testing.assert_array_equal(found[:20], 0)
        alone = influence(x[20:], y[20:], head.weight, xq, yq, **options).scores
        np.testing.assert_allclose(found[20:], alone, atol=near * np.abs(alone).max())


def test_a_class_that_is_nowhere():
    """Absent from training, and absent from the query."""
    x, y, xq, yq, _ = make()
    for train, asked in (((y < 2), slice(None)), (slice(None), (yq < 2))):
        head = fit_softmax(x[train], y[train], l2=0.01, classes=3, tolerance=1e-9)
        for objective in OBJECTIVES:
            found = influence(x[train], y[train], head.weight, xq[asked], yq[asked], l2=0.01, objective=objective)
            assert np.isfinite(found.scores).all(), objective


def test_fewer_examples_than_dimensions():
    """Without a penalty singular: refused. With one solved, and equal to the dense Hessian."""
    x, y, xq, yq, _ = make(n=20, d=30)
    with pytest.raises(ValuesError, match="l2 > 0"):
        influence(x, y, np.zeros((3, 31)), xq, yq, l2=0.0)
    head = fit_softmax(x, y, l2=1e-3, tolerance=1e-10)
    probs = head.probs(x)
    h = np.c_[x, np.ones(20)]
    blocks = LINKS["softmax"].curvature_blocks(probs)
    hessian = np.einsum("icd,ij,ik->cjdk", blocks, h, h).reshape(93, 93) / 20 + 1e-3 * np.eye(93)
    gradient = query("nll", xq, yq, head.weight).gradient()
    solution = np.linalg.solve(hessian, gradient.ravel()).reshape(3, 31)
    expected = ((probs - np.eye(3)[y]) * (h @ solution.T)).sum(axis=1) / 20
    found = influence(x, y, head.weight, xq, yq, l2=1e-3, tolerance=1e-9).scores
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)
