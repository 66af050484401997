"""Bring data in: one file for each layout, one intake for all.

recording.py      what a layout returns: recordings, and what it left out with the reason
audio_files.py    find sound files below a folder without leaving it
read_table.py     CSV and Parquet as they are
column_roles.py   which column plays which role

folder.py         one folder for each class
pattern.py        ``{label}_{domain}_{index}.wav``
table.py          CSV or Parquet with a column of paths
arrays.py         bring-your-own embeddings: ``.npy`` and a table
vtuad.py          VTUAD: vessels by distance scenario
deepship.py       DeepShip: vessels by class, with metafiles
esc50.py          ESC-50, UrbanSound8K: audio, a CSV file, folds
huggingface.py    a folder that ``datasets`` wrote with ``save_to_disk``

intake.py         from a listing to rows and a report; the policy stands there
inspection.py     one recording: read, cut, hash, measure (in worker processes)
candidates.py     all recordings: what would become examples
copies.py         exact and near copies
duplicates.py     what is done about them
known.py          what the project has already
import_tables.py  rows, report and quality as Arrow tables
"""

from __future__ import annotations

from collections.abc import Callable

from yori.importers.arrays import ArraysListing, GivenEmbeddings, list_arrays
from yori.importers.deepship import list_deepship
from yori.importers.esc50 import list_esc50
from yori.importers.folder import list_folder
from yori.importers.huggingface import list_huggingface
from yori.importers.intake import Intake, take_in
from yori.importers.known import Known, KnownExample
from yori.importers.pattern import list_pattern
from yori.importers.recording import REASONS, LeftOut, Listing, Recording
from yori.importers.table import list_table
from yori.importers.vtuad import list_vtuad

LAYOUTS: dict[str, Callable[..., Listing]] = {
    "folder": list_folder,
    "pattern": list_pattern,
    "table": list_table,
    "csv": list_table,
    "parquet": list_table,
    "arrays": list_arrays,
    "vtuad": list_vtuad,
    "deepship": list_deepship,
    "esc50": list_esc50,
    "huggingface": list_huggingface,
}
"""Name of a layout → the function that lists it: first argument the path, everything else by keyword."""

__all__ = [
    "LAYOUTS",
    "REASONS",
    "ArraysListing",
    "GivenEmbeddings",
    "Intake",
    "Known",
    "KnownExample",
    "LeftOut",
    "Listing",
    "Recording",
    "list_arrays",
    "list_deepship",
    "list_esc50",
    "list_folder",
    "list_huggingface",
    "list_pattern",
    "list_table",
    "list_vtuad",
    "take_in",
]
