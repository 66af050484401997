"""Layout ``vtuad``: VTUAD, one folder for each distance scenario.

``inclusion_<metres>_exclusion_<metres>/`` (nested once in itself when the archive is unpacked) holds either
``{train,validation,test}/audio/<class>/<file_index>.wav``, clips of 1 s, with ``<split>/<split>.csv`` or
``<split>/metadata.csv``; or whole passages in ``vessel/`` and ``background/`` with one ``metadata.csv``. Columns are
``label, duration_sec, path, sample_rate, class_code, date, MMSI``, the water (``t1, c1, p1, sal, sv`` and ``*_norm``), and for
clips ``sub_init`` (second in the passage) and ``file_index``.

``domain`` is the scenario. ``group`` is vessel and day: the smallest unit that the columns name the same in all scenarios,
since passages are numbered anew in each. ``split`` stays empty: the official split was drawn clip by clip, so seconds of one
passage lie on both sides of it. It is kept as ``official_split``.

A passage within 2 km is also within 4 km, so scenarios can overlap. Of the same second in two scenarios the nearer one is
kept, and the report lists the other. ``sub_init`` counts from the beginning of an interval that differs between scenarios, so
equal columns do not mean equal sound (nor the other way round): files of one vessel and day are compared by their bytes. Only
if the table has a column ``time`` do equal vessel, date, time and ``sub_init`` count as the same second.

References
----------
Domingos et al., IEEE Access 10, 2022, doi 10.1109/ACCESS.2022.3220265.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from yori.errors import SourceError, ValuesError
from yori.importers.audio_files import find_audio
from yori.importers.column_roles import texts
from yori.importers.read_table import plain_numbers, read_table
from yori.importers.recording import LeftOut, Listing, Recording, listing
from yori.importers.table import plain_uri
from yori.store.hashes import sha256_file
from yori.store.paths import safe_join

SPLITS = ("train", "validation", "test")

_SCENARIO = re.compile(r"inclusion_([0-9]+)_exclusion_([0-9]+)")


@dataclass(frozen=True)
class _Row:
    """A recording with what tells whether two are the same second."""

    recording: Recording
    inclusion: int
    time: str | None
    sub_init: str | None


def list_vtuad(root: str | Path, *, overlap: Literal["content", "columns", "keep"] = "content") -> Listing:
    """List the clips of VTUAD that a table describes.

    Parameters
    ----------
    root
        The folder above the scenario folders, or one of them.
    overlap
        How the same second in two scenarios is found: ``content`` as described above; ``columns`` takes equal MMSI, date
        and ``sub_init`` of a vessel for it without a look at the sound; ``keep`` keeps everything.

    Raises
    ------
    SourceError
        If there is no scenario, no table, or no clip.
    PathEscapeError
        If a link or a path leads out of the folder.
    ValuesError
        If ``overlap`` is something else.
    """
    if overlap not in ("content", "columns", "keep"):
        raise ValuesError("overlap 'content', 'columns' or 'keep'", repr(overlap), where="list_vtuad")
    root = Path(root)
    found, left_out = find_audio(root)
    tables = {one.uri for one in left_out if one.uri.endswith(".csv")}
    there = {uri.lower(): uri for uri in found}
    rows: list[_Row] = []
    used: set[str] = set()
    for folder, name, inclusion in _scenarios(root, found):
        for table, split in _tables(folder, tables):
            used.add(table)
            rows += _read(root, table, split, folder, name, inclusion, there, left_out)
    if not rows and not used:
        fix = "Give the folder above inclusion_2000_exclusion_4000 and its siblings."
        raise SourceError("scenario folders with tables", "none", where=str(root), fix=fix)
    described = {row.recording.uri for row in rows}
    if overlap != "keep":
        rows = _without_overlap(root, rows, left_out, by_columns=overlap == "columns")
    left_out = [one for one in left_out if one.uri not in used]
    left_out += [LeftOut(uri, "no row", "no table describes it") for uri in found if uri not in described]
    recordings = sorted((row.recording for row in rows), key=lambda one: one.uri)
    return listing(root, recordings, left_out, layout="vtuad")


def _scenarios(root: Path, found: list[str]) -> list[tuple[str, str, int]]:
    """Folder, name and inclusion radius of each scenario, the nearest first."""
    scenarios = set()
    for uri in found:
        folders = uri.split("/")[:-1]
        depth = max((place for place, name in enumerate(folders) if _SCENARIO.fullmatch(name)), default=None)
        name = root.resolve().name if depth is None else folders[depth]
        match = _SCENARIO.fullmatch(name)
        if match:
            scenarios.add(("/".join(folders[: depth + 1]) if depth is not None else "", name, int(match[1])))
    return sorted(scenarios, key=lambda one: (one[2], one[0]))


def _tables(folder: str, tables: set[str]) -> Iterator[tuple[str, str | None]]:
    """Tables of a scenario and the official split each describes."""
    inside = f"{folder}/" if folder else ""
    split_tables = [
        (f"{inside}{split}/{name}.csv", split)
        for split in SPLITS
        for name in (split, "metadata")
        if f"{inside}{split}/{name}.csv" in tables
    ]
    yield from split_tables
    if not split_tables and f"{inside}metadata.csv" in tables:
        yield f"{inside}metadata.csv", None


def _read(
    root: Path,
    table: str,
    split: str | None,
    folder: str,
    scenario: str,
    inclusion: int,
    there: dict[str, str],
    left_out: list[LeftOut],
) -> Iterator[_Row]:
    where = str(root / table)
    rows = read_table(safe_join(root, table))
    needed = ("label", "date", "MMSI", "file_index" if split else "path")
    missing = [name for name in needed if name not in rows.column_names]
    if missing:
        raise SourceError(f"the columns {', '.join(needed)}", f"no column {missing[0]!r}", where=where)
    cells = {name: texts(rows[name], name=name, where=where) for name in rows.column_names}
    extra = {
        name: plain_numbers(rows[name]).to_pylist()
        for name in rows.column_names
        if name not in ("label", "time") and not name.startswith("column_")
    }
    nothing: list[str | None] = [None] * rows.num_rows
    for row in range(rows.num_rows):
        label = (cells["label"][row] or "").lower()
        last = f"{split}/audio/{label}/{cells['file_index'][row]}.wav" if split else plain_uri(cells["path"][row] or "")
        wanted = f"{folder}/{last}" if folder else last
        safe_join(root, wanted)
        uri = there.get(wanted.lower())
        if uri is None or not label:
            left_out.append(LeftOut(wanted, "missing" if label else "no label", f"row {row + 1} of {table}"))
            continue
        own: dict[str, Any] = {name: values[row] for name, values in extra.items()}
        own["official_split"] = split
        day, vessel = cells["date"][row], cells["MMSI"][row]
        group = f"{'background' if vessel in (None, '0') else vessel}/{day}"
        recording = Recording(
            uri, label=label, domain=scenario, group=group, time=_iso(day, cells.get("time", nothing)[row]), extra=own
        )
        yield _Row(recording, inclusion, cells.get("time", nothing)[row], cells.get("sub_init", nothing)[row])


def _iso(day: str | None, clock: str | None) -> str | None:
    if day is None or not re.fullmatch(r"[0-9]{8}", day):
        return day
    date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    return date if clock is None else f"{date}T{clock}"


def _without_overlap(root: Path, rows: list[_Row], left_out: list[LeftOut], *, by_columns: bool) -> list[_Row]:
    """Keep of every second the row of the nearest scenario; rows come nearest first."""
    scenarios: defaultdict[str | None, set[int]] = defaultdict(set)
    for row in rows:
        scenarios[row.recording.group].add(row.inclusion)
    first: dict[tuple[Any, ...], _Row] = {}
    kept = []
    for row in rows:
        group = row.recording.group or ""
        if len(scenarios[group]) == 1:
            kept.append(row)
            continue
        background = group.startswith("background/")
        key: tuple[Any, ...]
        if row.sub_init is not None and (row.time is not None or (by_columns and not background)):
            key = (group, row.time, row.sub_init)
        else:
            key = (group, sha256_file(safe_join(root, row.recording.uri)))
        nearer = first.setdefault(key, row)
        if nearer.inclusion < row.inclusion:
            left_out.append(
                LeftOut(row.recording.uri, "overlapping scenario", f"{nearer.recording.uri} is the same second")
            )
        else:
            kept.append(row)
    return kept
