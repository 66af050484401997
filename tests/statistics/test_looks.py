import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import ValuesError
from yori.statistics.looks import look_error


@given(st.integers(1, 5000), st.floats(0.001, 0.5))
def test_any_number_of_looks_spends_less_than_all(looks, error):
    spent = sum(look_error(look, error=error) for look in range(1, looks + 1))
    assert spent == pytest.approx(error * looks / (looks + 1))  # telescopes
    assert spent < error


@pytest.mark.parametrize(("look", "error"), [(0, 0.05), (-1, 0.05), (1, 0.0), (1, 1.0), (1, float("nan"))])
def test_nonsense_is_refused(look, error):
    with pytest.raises(ValuesError):
        look_error(look, error=error)


def test_useless_releases_rarely_pass_over_many_turns():
    # Every turn tests a change that is none on the same growing normal sample; a gate at a constant 5 % would pass often.
    rng = np.random.default_rng(0)
    spending, constant = 0, 0
    from scipy import stats

    for _ in range(400):
        z = rng.standard_normal(12)  # one-sided statistics of twelve useless candidates
        spending += any(z[k] > stats.norm.isf(look_error(k + 1) / 2) for k in range(12))
        constant += bool((z > stats.norm.isf(0.025)).any())
    assert spending / 400 <= 0.05
    assert constant / 400 > 0.15
