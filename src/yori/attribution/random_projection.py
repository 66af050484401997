"""Random projections of gradients that depend on a seed alone: made again whenever they are needed, never stored.

``dense``: every coordinate is multiplied by random signs (Johnson & Lindenstrauss; Achlioptas). ``kronecker``: a matrix-shaped
gradient ``M (o, i)`` becomes ``Aᵀ M B`` with two small sign matrices, which is what LoGra does: the projection of a layer of a
million weights then takes kilobytes. Both keep inner products in expectation.

References
----------
Achlioptas, J. Comput. Syst. Sci. 66, 2003. Choe et al., "What is your data worth to GPT?", arXiv 2405.13954 (LoGra).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from yori.errors import ValuesError

CHUNK = 16_384
"""Rows of a dense projection that are made together."""


@dataclass(frozen=True)
class Projection:
    """From gradients of parameters of these ``shapes`` to ``dimensions`` numbers; the same for the same seed.

    ``kind``: ``dense`` or ``kronecker`` (for parameters with two axes or more; axes from the second on are joined; others are
    dense). With ``kronecker`` each parameter has its own part of the result.
    """

    shapes: tuple[tuple[int, ...], ...]
    dimensions: int
    seed: int
    kind: str = "dense"

    @classmethod
    def of(cls, shapes: Sequence[tuple[int, ...]], *, dimensions: int, seed: int, kind: str = "dense") -> Projection:
        """Check and make.

        Raises
        ------
        ValuesError
            On an unknown kind, no parameters, or fewer dimensions than parameters with ``kronecker``.

        Examples
        --------
        >>> projection = Projection.of([(4, 3), (4,)], dimensions=12, seed=0, kind="kronecker")
        >>> projection.parts()
        [(6, 2), (6, 0)]
        """
        if kind not in ("dense", "kronecker"):
            raise ValuesError("a projection dense or kronecker", repr(kind), where="projection")
        least = len(shapes) if kind == "kronecker" else 1
        if not shapes or dimensions < max(1, least):
            raise ValuesError(
                f"at least one parameter and {least} dimensions", f"{len(shapes)} and {dimensions}", where="projection"
            )
        return cls(tuple(tuple(shape) for shape in shapes), dimensions, seed, kind)

    def parts(self) -> list[tuple[int, int]]:
        """``(length, inner)`` of each parameter's part of the result; ``inner`` > 0: so many columns of ``B``."""
        if self.kind == "dense":
            return [(self.dimensions, 0)]
        share, rest = divmod(self.dimensions, len(self.shapes))
        found = []
        for number, shape in enumerate(self.shapes):
            length = share + (number < rest)
            inner = 0
            if len(shape) >= 2:
                # The squarest factors of the length, the larger on the wider side.
                inner = next(each for each in range(int(np.sqrt(length)), 0, -1) if length % each == 0)
                if int(np.prod(shape[1:])) >= shape[0]:
                    inner = length // inner
            found.append((length, inner))
        return found

    def factors(self, number: int) -> tuple[Float[np.ndarray, "o a"], Float[np.ndarray, "i b"]]:
        """``A`` and ``B`` of a parameter, for ``kronecker``."""
        shape = self.shapes[number]
        length, inner = self.parts()[number]
        rows, columns = shape[0], int(np.prod(shape[1:]))
        outer = length // inner
        left = self._signs(number, 0, rows, outer) / np.float32(np.sqrt(outer))
        return left, self._signs(number, 1, columns, inner) / np.float32(np.sqrt(inner))

    def chunks(self, number: int) -> Iterator[tuple[slice, Float[np.ndarray, "chunk k"]]]:
        """The dense projection of a parameter, some of its coordinates at a time."""
        size = int(np.prod(self.shapes[number]))
        length = self.dimensions if self.kind == "dense" else self.parts()[number][0]
        for index, start in enumerate(range(0, size, CHUNK)):
            rows = slice(start, min(start + CHUNK, size))
            yield rows, self._signs(number, 2 + index, rows.stop - start, length) / np.float32(np.sqrt(length))

    def _signs(self, number: int, which: int, rows: int, columns: int) -> Float[np.ndarray, "rows columns"]:
        rng = np.random.default_rng([self.seed, number, which])
        signs: Float[np.ndarray, "rows columns"] = rng.integers(0, 2, (rows, columns), dtype=np.int8).astype(np.float32)
        signs *= 2
        signs -= 1
        return signs
