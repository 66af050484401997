"""Data preparation that adapts to what arrives: checked, proposed, fitted on training examples only, recorded, undoable.

column_checks     what each column holds, and what in it does not belong
fill_missing, standardise, class_weights    steps that learn from training examples
audio_steps       resample, remove the offset, one level
prepared_clips    prepared copies of clips, in processes
record            what was done, and what to undo
prepare_project   the job
"""

from __future__ import annotations

from yori.preparation.audio_steps import NormaliseLevel, RemoveOffset, Resample
from yori.preparation.class_weights import ClassWeights
from yori.preparation.column_checks import ColumnCheck, check_columns
from yori.preparation.fill_missing import FillMissing
from yori.preparation.prepare_project import Prepared, Wishes, prepare, undo
from yori.preparation.record import Record, read_record, standing
from yori.preparation.standardise import Standardise

__all__ = [
    "ClassWeights",
    "ColumnCheck",
    "FillMissing",
    "NormaliseLevel",
    "Prepared",
    "Record",
    "RemoveOffset",
    "Resample",
    "Standardise",
    "Wishes",
    "check_columns",
    "prepare",
    "read_record",
    "standing",
    "undo",
]
