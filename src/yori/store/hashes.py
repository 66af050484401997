"""Hashes of content: the bytes of a file, and the values of a table whichever way they are stored."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from yori.errors import SourceError


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes as 64 hexadecimal digits, in constant memory.

    Raises
    ------
    SourceError
        If the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError("a file that can be read", error.strerror or str(error), where=str(path)) from error


def sha256_bytes(content: bytes) -> str:
    """SHA-256 of bytes as 64 hexadecimal digits.

    Examples
    --------
    >>> sha256_bytes(b"yori")[:8]
    '662f2791'
    """
    return hashlib.sha256(content).hexdigest()


def table_hash(table: pa.Table) -> str:
    """SHA-256 over the values of a table: names, types, nulls and rows in order, but neither file format nor chunks.

    Columns count in the order of their names. Two releases of a Parquet writer give different bytes for the same
    rows; they give the same table hash.

    Examples
    --------
    >>> import pyarrow as pa
    >>> a = pa.table({"example_id": ["x", "y"], "label": ["dog", None]})
    >>> b = pa.concat_tables([a.slice(0, 1), a.slice(1)]).select(["label", "example_id"])
    >>> table_hash(a) == table_hash(b)
    True
    """
    digest = hashlib.sha256(f"rows {table.num_rows}".encode())
    for name in sorted(table.column_names):
        column = table[name].combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # no rows, or more text than one chunk can hold
            column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
        digest.update(f"\0column {name}\0".encode())
        _update(digest, column)
    return digest.hexdigest()


def _update(digest: Any, column: pa.Array) -> None:
    import pyarrow.compute as pc

    kind = column.type
    nested = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    digest.update(b"list\0" if nested else f"{kind}\0".encode())  # the name inside a list type depends on who wrote it
    digest.update(np.packbits(np.asarray(column.is_null(), dtype=bool)).tobytes())
    if nested:
        digest.update(_numbers(pc.list_value_length(column), "<i8"))
        _update(digest, pc.list_flatten(column))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        digest.update(_numbers(pc.binary_length(column), "<i8"))
        digest.update("".join(column.fill_null("").to_pylist()).encode())
    elif pa.types.is_boolean(kind):
        digest.update(_numbers(column.cast(pa.int8()), "<i1"))
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        digest.update(_numbers(column, f"<{'f' if pa.types.is_floating(kind) else 'i'}8"))
    else:  # dates, decimals, structures: rare, so slow and plain
        digest.update("\0".join(repr(value) for value in column.to_pylist()).encode())


def _numbers(column: pa.Array, dtype: str) -> bytes:
    return np.asarray(column.fill_null(0)).astype(dtype).tobytes()
