"""A key that names the result of a computation by everything it depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from yori.errors import ValuesError

_ARRAY = "\0ndarray"


def content_key(**parts: Any) -> str:
    """SHA-256 over the canonical JSON of ``parts``: equal parts give equal keys, in every process, on every machine.

    Allowed are None, booleans, whole numbers, floats (by their shortest exact decimal form, so ``1`` and ``1.0``
    differ), text, lists and tuples (which are the same), mappings with text as keys (whose order does not matter),
    NumPy scalars (as the Python number they hold) and NumPy arrays (by type, shape and bytes; byte order and memory
    layout do not matter).

    Returns
    -------
    64 hexadecimal digits.

    Raises
    ------
    ValuesError
        If a part is something else: an object has no canonical bytes, so its key would mean nothing.

    Examples
    --------
    >>> content_key(l2=0.01, seed=3)[:12]
    '17fd9893f31f'
    >>> content_key(seed=3, l2=0.01) == content_key(l2=0.01, seed=3)
    True
    """
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """The one text for a value: sorted keys, no spaces, arrays by the hash of their bytes."""
    return json.dumps(_plain(value, "parts"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or key == _ARRAY:
                raise ValuesError("text as key of a mapping", repr(key), where=f"content_key: {where}")
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcSU":
        little = np.ascontiguousarray(value.astype(value.dtype.newbyteorder("<"), copy=False))
        return {_ARRAY: [little.dtype.str, list(value.shape), hashlib.sha256(little.tobytes()).hexdigest()]}
    kind = f"{type(value).__name__}" + (f" of dtype {value.dtype}" if isinstance(value, np.ndarray) else "")
    raise ValuesError(
        "numbers, text, lists, mappings or numeric arrays",
        kind,
        where=f"content_key: {where}",
        fix="Pass what defines the object (its name, settings, hash) instead of the object.",
    )
