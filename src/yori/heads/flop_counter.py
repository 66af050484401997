"""Count the floating-point operations of NumPy code while it runs; refuse what it does not know.

A check on flops.py. Common counters give 0 for an operation they have never heard of (FFT, LSTM, fused attention) and say
nothing; here an unknown operation is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from yori.errors import ValuesError

_ELEMENTWISE = frozenset(
    ["add", "subtract", "multiply", "divide", "exp", "negative", "maximum", "minimum", "log", "sqrt", "square"]
)
_MOVES = frozenset(["positive", "copyto"])


class Ledger:
    """Where the operations are added up."""

    def __init__(self) -> None:
        self.flops = 0


class CountingArray(np.ndarray):
    """An array that adds every operation done with it to its `Ledger`."""

    ledger: Ledger

    @classmethod
    def wrap(cls, array: Any, ledger: Ledger) -> CountingArray:
        """View ``array`` as one that counts into ``ledger``."""
        view: CountingArray = np.asarray(array).view(cls)
        view.ledger = ledger
        return view

    def __array_finalize__(self, parent: Any) -> None:
        if parent is not None and hasattr(parent, "ledger"):
            self.ledger = parent.ledger

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        plain = [np.asarray(each) if isinstance(each, CountingArray) else each for each in inputs]
        targets: Sequence[Any] = out if isinstance(out, tuple) else (() if out is None else (out,))
        if targets:
            kwargs["out"] = tuple(np.asarray(each) if isinstance(each, CountingArray) else each for each in targets)
        result = getattr(ufunc, method)(*plain, **kwargs)
        name = ufunc.__name__
        if name == "matmul" and method == "__call__":
            self.ledger.flops += 2 * int(np.size(result)) * int(np.shape(plain[0])[-1])
        elif name in _ELEMENTWISE and method == "__call__":
            self.ledger.flops += int(np.size(result))
        elif name in _ELEMENTWISE and method == "reduce":
            self.ledger.flops += int(np.size(plain[0]))
        elif name not in _MOVES:
            raise ValuesError("an operation with a known cost", f"{name}.{method}", where="FLOP counter")
        if targets:
            return targets[0]
        return CountingArray.wrap(result, self.ledger) if isinstance(result, np.ndarray) else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        raise ValuesError("an operation with a known cost", f"numpy.{function.__name__}", where="FLOP counter")
