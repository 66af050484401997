"""Layout ``deepship``: DeepShip as its authors hand it out, one folder for each class with recordings and a metafile.

``<Class>/<number>.wav`` and ``<Class>/<class>-metafile``, lines without a header: number, AIS ship type, ship, date
(YYYYMMDD), time (HHMMSS), seconds, ``start-end`` distance in metres. What real metafiles hold is read, too: CRLF, a trailing
comma or none, stray blanks and tabs, blank lines, a missing end of line.

A blank line matters. The metafile of the tankers is those of three years one after the other, each counting from 1 again, so
a number alone names up to three recordings, and only the length of the file can tell them apart. The published files
may be cut short, so a row fits if it is at least as long as the file; the row of the same length is taken, otherwise the
first that fits, and the report lists such a choice.

``group`` is the ship, because three in four recordings are of a ship that was recorded more than once: a split by
recording would know the ship already. Names are cleaned of blanks and case; some are cut off in the source (``QUEEN OF``
stands for several ferries), which makes groups too large rather than too small. ``domain`` is the band in which the
smaller of the two distances lies. It is the nearest *known* distance: a ship may have passed nearer in between.

References
----------
Irfan et al., Expert Systems with Applications 183, 2021, doi 10.1016/j.eswa.2021.115270.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from yori.errors import SourceError, YoriError
from yori.importers.audio_files import find_files, is_audio
from yori.importers.recording import LeftOut, Listing, Recording, listing
from yori.store.audio import audio_info
from yori.store.paths import safe_join

BAND_METRES = 500
"""Width of a distance band: 0–499 m, 500–999 m, …"""

WINDOW_SECONDS = 3.0

LENGTH_TOLERANCE_SECONDS = 1.0
"""Metafiles give whole seconds."""


@dataclass(frozen=True)
class ShipRow:
    """One line of a metafile."""

    line: int
    number: int
    ais_type: int
    ship: str
    day: str
    clock: str
    seconds: int
    start_metres: int
    end_metres: int

    @property
    def band(self) -> str:
        """The distance band of the smaller distance."""
        low = min(self.start_metres, self.end_metres) // BAND_METRES * BAND_METRES
        return f"{low}-{low + BAND_METRES} m"

    @property
    def time(self) -> str:
        """Date and time, ISO 8601."""
        day, clock = self.day, self.clock
        return f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}"


def list_deepship(root: str | Path) -> Listing:
    """List the recordings of DeepShip that a metafile describes; windows of `WINDOW_SECONDS` are suggested.

    Rows without audio, audio without a row and lines that cannot be read are in ``left_out``.

    Parameters
    ----------
    root
        The folder above the class folders.

    Raises
    ------
    SourceError
        If there is no metafile or no recording.
    PathEscapeError
        If a link leads out of the folder.
    """
    root = Path(root)
    files, left_out = find_files(root)
    metafiles = [uri for uri in files if uri.count("/") == 1 and "metafile" in uri.rsplit("/", 1)[1].lower()]
    if not metafiles:
        fix = "Give the folder above Cargo, Passengership, Tanker and Tug."
        raise SourceError("class folders with a metafile each", "none", where=str(root), fix=fix)
    audio: dict[tuple[str, int], str] = {}
    described = {uri.split("/")[0] for uri in metafiles}
    for uri in files:
        stem = Path(uri).stem
        if is_audio(uri) and uri.split("/")[0] in described and stem.isdecimal():
            audio.setdefault((uri.split("/")[0], int(stem)), uri)
    recordings = []
    for metafile in metafiles:
        label = metafile.split("/")[0]
        rows, bad = read_metafile(safe_join(root, metafile))
        left_out += [LeftOut(metafile, "unreadable", detail) for detail in bad]
        by_number: defaultdict[int, list[ShipRow]] = defaultdict(list)
        for row in rows:
            by_number[row.number].append(row)
        for number, candidates in by_number.items():
            file = audio.get((label, number))
            chosen = None if file is None else _choose(root, file, candidates, left_out)
            if file is not None and chosen is not None:
                recordings.append(_recording(file, label, chosen))
            left_out += [
                LeftOut(
                    f"{label}/{number}.wav", "missing", f"line {other.line} of {metafile}: {other.ship}, {other.time}"
                )
                for other in candidates
                if other is not chosen
            ]
    known = {one.uri for one in recordings} | set(metafiles)
    left_out += [
        LeftOut(uri, "no row" if is_audio(uri) else "not audio", "no line of a metafile describes it")
        for uri in files
        if uri not in known
    ]
    return listing(
        root, sorted(recordings, key=lambda one: one.uri), left_out, layout="deepship", window=WINDOW_SECONDS
    )


def read_metafile(path: Path) -> tuple[list[ShipRow], list[str]]:
    """Rows of a metafile in order, and for each line that cannot be read what it holds.

    Raises
    ------
    SourceError
        If the file cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise SourceError("a file that can be read", error.strerror or str(error), where=str(path)) from error
    rows, bad = [], []
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if not line.strip(" \t,"):
            continue
        row = _parse(number, line)
        if row is None:
            bad.append(f"line {number}: {line.strip()!r}")
        else:
            rows.append(row)
    return rows, bad


def ship_name(text: str) -> str:
    """A ship's name without stray blanks, in capitals, without a maritime number behind it.

    Examples
    --------
    >>> ship_name(" SONGA  Ruby "), ship_name("TAVROPOS 636016731")
    ('SONGA RUBY', 'TAVROPOS')
    """
    name = " ".join(text.upper().split())
    return re.sub(r" [0-9]{9}$", "", name)


def _parse(line: int, text: str) -> ShipRow | None:
    cells = [cell.strip() for cell in text.split(",")]
    if len(cells) < 7:
        return None
    number, ais_type, ship, day, clock, seconds, distance = cells[:7]
    metres = re.fullmatch(r"(\d+)\s*-\s*(\d+)", distance)
    whole = all(cell.isdecimal() for cell in (number, ais_type, seconds))
    if not (whole and ship and metres and re.fullmatch(r"\d{8}", day) and re.fullmatch(r"\d{6}", clock)):
        return None
    return ShipRow(
        line, int(number), int(ais_type), ship_name(ship), day, clock, int(seconds), int(metres[1]), int(metres[2])
    )


def _choose(root: Path, uri: str, candidates: list[ShipRow], left_out: list[LeftOut]) -> ShipRow | None:
    """The row that describes a file."""
    if len(candidates) == 1:
        return candidates[0]
    try:
        seconds = audio_info(safe_join(root, uri)).seconds
    except YoriError:
        return candidates[0]  # the intake says what is wrong with it
    fitting = [row for row in candidates if row.seconds >= seconds - LENGTH_TOLERANCE_SECONDS]
    exact = [row for row in fitting if abs(row.seconds - seconds) <= LENGTH_TOLERANCE_SECONDS]
    if not fitting:
        return None
    chosen = (exact or fitting)[0]
    if len(exact or fitting) > 1 or not exact:
        lines = ", ".join(f"{row.line} ({row.ship}, {row.seconds} s)" for row in fitting)
        detail = f"{seconds:.0f} s fit lines {lines}; line {chosen.line} was taken"
        left_out.append(LeftOut(uri, "ambiguous row", detail, "kept"))
    return chosen


def _recording(uri: str, label: str, row: ShipRow) -> Recording:
    extra = {
        "ais_type": row.ais_type,
        "recorded_seconds": row.seconds,
        "start_metres": row.start_metres,
        "end_metres": row.end_metres,
        "metafile_line": row.line,
    }
    return Recording(uri, label=label, domain=row.band, group=row.ship, time=row.time, extra=extra)
