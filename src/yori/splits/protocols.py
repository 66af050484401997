"""The cells of a proof: one train / validation / test assignment for every protocol and seed.

``id``: the data are dealt once into folds of groups; seed *s* tests fold *s*, validates on the next and trains on the rest,
so seeds test different examples and every test row is an independent witness. After all folds have served once, further
seeds deal anew. ``lodo:<domain>``: the domain is the test set; the other domains are dealt into folds, of which seed *s*
validates on one. ``table``: the imported split column, the same for every seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped

from yori.errors import SplitError
from yori.splits.folds import group_folds


@dataclass(frozen=True)
class Cell:
    """One assignment: index arrays into the examples (sorted by id) and where it came from."""

    protocol: str
    seed: int
    train: Int[np.ndarray, " a"]
    validation: Int[np.ndarray, " b"]
    test: Int[np.ndarray, " t"]

    @property
    def name(self) -> str:
        """Such as ``id seed 0`` or ``lodo:theo seed 2``."""
        return f"{self.protocol} seed {self.seed}"

    def sha256(self, ids: Shaped[np.ndarray, " n"]) -> str:
        """Hash of the assignment by example id: what a certificate keeps."""
        digest = hashlib.sha256(f"{self.protocol}\x00{self.seed}".encode())
        for part, index in (("train", self.train), ("validation", self.validation), ("test", self.test)):
            digest.update(f"\x01{part}".encode())
            for each in sorted(str(example) for example in ids[index]):
                digest.update(b"\x00" + each.encode())
        return digest.hexdigest()


def _generator(seed: int, *words: str | int) -> np.random.Generator:
    """A stream of its own for every purpose, the same on every machine."""
    digest = hashlib.sha256("\x00".join(str(word) for word in words).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest[:16], dtype=np.uint32).tolist()])


def _check_counts(labels: Shaped[np.ndarray, " n"], folds: int) -> None:
    names, counts = np.unique(labels, return_counts=True)
    if (counts < folds).any():
        rare = int(counts.argmin())
        raise SplitError(
            f"at least {folds} examples of every class",
            f"{counts[rare]} of class {names[rare]}",
            where="split",
            fix="Collect more of it, take it out of the task, or give the split yourself (splits.by: table).",
        )


def id_cells(
    labels: Shaped[np.ndarray, " n"],
    groups: Shaped[np.ndarray, " n"],
    *,
    test: float,
    validation: float,
    seeds: int,
    seed: int,
) -> Iterator[Cell]:
    """Random groups: one cell per seed, test folds in rotation.

    Parameters
    ----------
    labels, groups
        ``(n,)`` of the examples sorted by id.
    test, validation
        Shares; the number of folds is ``round(1 / test)``.
    seeds
        How many cells.
    seed
        Of the split itself.
    """
    folds = max(2, round(1 / test))
    _check_counts(labels, folds)
    share = max(1, round(validation * folds))
    if share + 1 >= folds:
        # Too coarse: with three folds or fewer the validation part is cut out of the rest instead.
        yield from _two_stage(labels, groups, folds, validation, seeds, seed)
        return
    for number in range(seeds):
        deal, turn = divmod(number, folds)
        fold = group_folds(labels, groups, folds, rng=_generator(seed, "id", deal))
        test_index = np.flatnonzero(fold == turn)
        asks = np.isin(fold, [(turn + 1 + k) % folds for k in range(share)])
        yield Cell("id", number, np.flatnonzero(~asks & (fold != turn)), np.flatnonzero(asks), test_index)


def _two_stage(
    labels: Shaped[np.ndarray, " n"],
    groups: Shaped[np.ndarray, " n"],
    folds: int,
    validation: float,
    seeds: int,
    seed: int,
) -> Iterator[Cell]:
    for number in range(seeds):
        deal, turn = divmod(number, folds)
        fold = group_folds(labels, groups, folds, rng=_generator(seed, "id", deal))
        rest = np.flatnonzero(fold != turn)
        inner_folds = max(2, round((1 - 1 / folds) / validation))
        inner = group_folds(labels[rest], groups[rest], inner_folds, rng=_generator(seed, "inner", number))
        yield Cell("id", number, rest[inner != 0], rest[inner == 0], np.flatnonzero(fold == turn))


def lodo_cells(
    labels: Shaped[np.ndarray, " n"],
    groups: Shaped[np.ndarray, " n"],
    domains: Shaped[np.ndarray, " n"],
    *,
    validation: float,
    seeds: int,
    seed: int,
    only: Sequence[str] | None = None,
) -> Iterator[Cell]:
    """Leave one domain out: for every domain, one cell per seed.

    A group that has examples in the held-out domain and elsewhere gives its other examples to nobody: they are left out of
    training rather than cut.

    Raises
    ------
    SplitError
        If there is only one domain, or leaving one out removes a class from training.
    """
    names = np.unique(domains.astype(str))
    if len(names) < 2:
        raise SplitError(
            "at least two domains to leave one out", f"{len(names)}", where="lodo", fix="Use the id protocol."
        )
    domain = domains.astype(str)
    for name in names.tolist() if only is None else only:
        held_out = domain == name
        crossing = np.isin(groups, np.unique(groups[held_out])) & ~held_out
        rest = np.flatnonzero(~held_out & ~crossing)
        missing = np.setdiff1d(labels[held_out], labels[rest])
        if len(rest) == 0 or len(missing):
            raise SplitError(
                f"every class of domain {name!r} in some other domain",
                f"{len(missing)} classes that occur only there" if len(rest) else "no example outside it",
                where="lodo",
                fix="Leave lodo out of splits.protocols, or choose another domain column.",
            )
        folds = max(2, round(1 / validation))
        _check_counts(labels[rest], folds)
        for number in range(seeds):
            deal, turn = divmod(number, folds)
            fold = group_folds(labels[rest], groups[rest], folds, rng=_generator(seed, "lodo", name, deal))
            yield Cell(f"lodo:{name}", number, rest[fold != turn], rest[fold == turn], np.flatnonzero(held_out))


def table_cells(splits: Shaped[np.ndarray, " n"], *, seeds: int) -> Iterator[Cell]:
    """The imported split column (``train``, ``validation``, ``test``), the same examples for every seed.

    Raises
    ------
    SplitError
        If a part is missing or a word is none of the three.
    """
    words = splits.astype(str)
    unknown = sorted(set(words.tolist()) - {"train", "validation", "test"})
    if unknown:
        row = int(np.flatnonzero(words == unknown[0])[0])
        raise SplitError("train, validation or test in the split column", f"{unknown[0]!r} in row {row}", where="split")
    parts = {word: np.flatnonzero(words == word) for word in ("train", "validation", "test")}
    for word, index in parts.items():
        if len(index) == 0:
            raise SplitError(f"at least one {word} example in the split column", "none", where="split")
    for number in range(seeds):
        yield Cell("id", number, parts["train"], parts["validation"], parts["test"])
