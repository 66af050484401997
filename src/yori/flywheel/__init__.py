"""The second row: log, notice, queue, review, merge, turn, gate, release; one database beside the project's files."""

from importlib.util import find_spec

from yori.errors import MissingExtraError

if find_spec("sqlalchemy") is None:
    raise MissingExtraError("The flywheel", "serve")
