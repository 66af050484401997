"""Everything yori refuses, and how it says so.

An error says what was expected, what arrived, where, and what to do next.

    YoriError                      exit code 1, base of all
    ├── InputError                 2   something handed over is not usable
    │   ├── ShapeError                 arrays of the wrong shape or length
    │   ├── ValuesError                NaN, infinity, out of range, unknown class
    │   ├── AlignmentError             ids that do not match, or are not unique
    │   ├── TaskError                  task.yaml; carries file and line
    │   └── SourceError                a file or folder to import cannot be read as what it should be
    ├── SplitError                 3   no split satisfies the wishes
    ├── LeakError                  4   test data reached a place where they must not be
    ├── StoreError                 5   the project folder
    │   ├── PathEscapeError            a path that leaves the folder it must stay in
    │   ├── NewerVersionError          written by a newer yori
    │   ├── ConflictError              somebody else committed first
    │   └── CorruptError               bytes do not match their recorded hash
    ├── ConvergenceError           6   an iteration did not reach its tolerance
    ├── VerificationError          7   a certificate does not hold
    └── MissingExtraError          8   an optional backend is not installed; prints its install line
"""

from __future__ import annotations


class YoriError(Exception):
    """Base of all errors.

    Parameters
    ----------
    expected
        What was expected, as a noun phrase.
    arrived
        What arrived instead. Empty when ``expected`` is already the whole sentence.
    where
        File, line, argument or stage.
    fix
        What to do next, as an imperative sentence.

    Examples
    --------
    >>> print(ShapeError("labels of shape (n,)", "shape (3, 2)", where="aurc", fix="Pass class indices."))
    aurc: expected labels of shape (n,), got shape (3, 2). Pass class indices.
    """

    exit_code = 1

    def __init__(self, expected: str, arrived: str = "", *, where: str = "", fix: str = "") -> None:
        self.expected, self.arrived, self.where, self.fix = expected, arrived, where, fix
        sentence = f"expected {expected}, got {arrived}." if arrived else f"{expected.rstrip('.')}."
        super().__init__((f"{where}: " if where else "") + sentence + (f" {fix}" if fix else ""))


class InputError(YoriError, ValueError):
    """Something handed over is not usable."""

    exit_code = 2


class ShapeError(InputError):
    """Arrays of the wrong shape or length."""


class ValuesError(InputError):
    """NaN, infinity, a value out of range, a class nobody declared."""


class AlignmentError(InputError):
    """Ids that do not match between two tables, or are not unique."""


class TaskError(InputError):
    """task.yaml is wrong; the place is ``file:line``."""


class SourceError(InputError):
    """A file or folder to import cannot be read as what it should be."""


class SplitError(YoriError):
    """No split satisfies what the task asks for."""

    exit_code = 3


class LeakError(YoriError):
    """Test data reached a place where they must not be."""

    exit_code = 4


class StoreError(YoriError):
    """The project folder cannot be read or written as asked."""

    exit_code = 5


class PathEscapeError(StoreError):
    """A path leaves the folder it must stay in."""


class NewerVersionError(StoreError):
    """The project was written by a newer yori."""


class ConflictError(StoreError):
    """Somebody else committed first and the change cannot be put on top."""


class CorruptError(StoreError):
    """Bytes on disk do not match their recorded hash."""


class ConvergenceError(YoriError):
    """An iteration did not reach its tolerance."""

    exit_code = 6


class VerificationError(YoriError):
    """A certificate does not hold."""

    exit_code = 7


class MissingExtraError(YoriError):
    """An optional backend is not installed."""

    exit_code = 8

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional package", fix=f'Install it: pip install "yori[{extra}]"')
