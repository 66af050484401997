from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import ValuesError
from yori.store import content_key
from yori.store.content_key import canonical_json

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(VALUES, VALUES)
def test_keys_are_equal_exactly_when_values_are(a: object, b: object) -> None:
    assert (content_key(x=a) == content_key(x=b)) == (repr(_ordered(a)) == repr(_ordered(b)))


def test_every_difference_counts() -> None:
    values = [1, 1.0, "1", True, None, [1], [[1]], {"a": 1}, np.array([1]), np.array([1.0]), np.array([[1]])]
    values += [np.array([1], np.int32), np.array(["1"]), 0.1 + 0.2, 0.3, -0.0, 0.0, float("inf"), float("nan"), ""]
    keys = [content_key(x=value) for value in values]
    assert len(set(keys)) == len(values)
    assert content_key(a=1, b=2) != content_key(a=2, b=1)


def test_arrays_count_by_value_not_by_memory_layout() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    key = content_key(x=array)
    assert content_key(x=np.asfortranarray(array)) == key
    assert content_key(x=array.astype(">f4")) == key
    assert content_key(x=np.repeat(array, 2, axis=0)[::2]) == key
    assert content_key(x=array.reshape(3, 2)) != key
    assert content_key(x=array.astype(np.float64)) != key


def test_numpy_scalars_are_the_numbers_they_hold() -> None:
    assert content_key(x=np.float64(0.5), n=np.int32(3), b=np.True_) == content_key(x=0.5, n=3, b=True)
    assert content_key(x=(1, 2)) == content_key(x=[1, 2])


def test_a_key_is_the_same_in_another_process() -> None:
    program = "from yori.store import content_key; print(content_key(backbone='ast', seed=3, l2=1e-3, s={'b':1,'a':2}))"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert content_key(s={"a": 2, "b": 1}, l2=1e-3, seed=3, backbone="ast") == other


@pytest.mark.parametrize(
    "value", [{1}, object(), b"x", 1j, {1: 2}, {"\0ndarray": 1}, np.array([object()]), len, [[{"a": {2}}]]]
)
def test_what_has_no_canonical_bytes_is_refused(value: object) -> None:
    with pytest.raises(ValuesError, match="content_key: parts"):
        content_key(x=value)


def test_canonical_json_is_one_text() -> None:
    assert canonical_json({"b": [1, 2.5], "a": "é"}) == '{"a":"\\u00e9","b":[1,2.5]}'


def _ordered(value: object) -> object:
    if isinstance(value, dict):
        return "mapping", sorted((key, _ordered(item)) for key, item in value.items())
    return [_ordered(item) for item in value] if isinstance(value, list) else value
