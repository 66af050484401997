import numpy as np
import pytest

from yori.attribution.random_projection import Projection
from yori.errors import ValuesError


def dense_matrix(projection, number):
    return np.concatenate([matrix for _, matrix in projection.chunks(number)])


def test_depends_on_the_seed_alone(monkeypatch):
    one, two, other = (Projection.of([(30, 4)], dimensions=8, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(dense_matrix(one, 0), dense_matrix(two, 0))
    assert not np.array_equal(dense_matrix(one, 0), dense_matrix(other, 0))


def test_parameters_and_chunks_are_apart(monkeypatch):
    monkeypatch.setattr("yori.attribution.random_projection.CHUNK", 7)
    projection = Projection.of([(20,), (20,)], dimensions=6, seed=0)
    first, second = dense_matrix(projection, 0), dense_matrix(projection, 1)
    assert first.shape == (20, 6)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[:7], first[7:14])


def test_dense_keeps_inner_products():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3000))
    found = [
        (a @ matrix) @ (b @ matrix)
        for matrix in (dense_matrix(Projection.of([(3000,)], dimensions=400, seed=seed), 0) for seed in range(8))
    ]
    size = np.linalg.norm(a) * np.linalg.norm(b)
    assert abs(np.mean(found) - a @ b) < 0.06 * size
    assert np.std(found) < 0.08 * size


@pytest.mark.parametrize("shape", [(30, 50), (50, 6, 5)])
def test_kronecker_keeps_inner_products(shape):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(shape[0], int(np.prod(shape[1:]))))
    b = a + rng.normal(size=a.shape)
    found = []
    for seed in range(40):
        left, right = Projection.of([shape], dimensions=400, seed=seed, kind="kronecker").factors(0)
        assert left.shape[1] * right.shape[1] == 400
        found.append(((left.T @ a @ right) * (left.T @ b @ right)).sum())
    assert np.mean(found) == pytest.approx((a * b).sum(), rel=0.1)


def test_parts_fill_the_dimensions():
    projection = Projection.of([(8, 3), (8,), (2, 8)], dimensions=50, seed=0, kind="kronecker")
    assert sum(length for length, _ in projection.parts()) == 50
    assert [inner > 0 for _, inner in projection.parts()] == [True, False, True]
    for number in (0, 2):
        left, right = projection.factors(number)
        assert left.shape[1] * right.shape[1] == projection.parts()[number][0]


@pytest.mark.parametrize(
    ("shapes", "options"),
    [([(3,)], {"kind": "sparse"}), ([], {}), ([(3,)], {"dimensions": 0}), ([(3,)] * 9, {"kind": "kronecker"})],
)
def test_refusals(shapes, options):
    with pytest.raises(ValuesError, match="projection"):
        Projection.of(shapes, **{"dimensions": 8, "seed": 0, **options})
