"""Layout ``esc50``: ESC-50 and sets laid out like it (UrbanSound8K): audio in one folder, a CSV file with folds.

``meta/esc50.csv`` has ``filename, fold, target, category, esc10, src_file, take``, the audio lies in ``audio/``.
UrbanSound8K has ``metadata/UrbanSound8K.csv`` with ``slice_file_name, fsID, start, end, salience, fold, classID, class`` and
audio in ``audio/fold1/`` to ``audio/fold10/``. Both cut several clips out of one recording of freesound.org; the folds keep
them together, and so does ``group`` here. The fold itself is kept as a column and does not become a split: ten folds are
ten splits, and which of them is the test set is for task.yaml to say.

References
----------
Piczak, ACM MM 2015, doi 10.1145/2733373.2806390. Salamon, Jacoby, Bello, ACM MM 2014, doi 10.1145/2647868.2655045.
"""

from __future__ import annotations

from pathlib import Path

from yori.errors import SourceError
from yori.importers.audio_files import find_audio
from yori.importers.column_roles import texts
from yori.importers.read_table import is_parquet, plain_numbers, read_table
from yori.importers.recording import LeftOut, Listing, Recording, listing
from yori.store.paths import safe_join

FILE_COLUMNS = ("filename", "slice_file_name")
LABEL_COLUMNS = ("category", "class")
GROUP_COLUMNS = ("src_file", "fsID")


def list_esc50(
    root: str | Path, *, table: str | None = None, audio: str = "audio", domain: str | None = None
) -> Listing:
    """List the clips of a CSV file with folds.

    Parameters
    ----------
    root
        The folder of the set.
    table
        Path of the CSV file below ``root``; by default the only one in ``meta`` or ``metadata``.
    audio
        The folder of the audio below ``root``.
    domain
        A column to take as domain, for example ``fold``; none by default.

    Raises
    ------
    SourceError
        If the table is missing or lacks a column, or no clip is there.
    PathEscapeError
        If a link leads out of the folder.
    """
    root = Path(root)
    found, left_out = find_audio(root)
    path = safe_join(root, table) if table is not None else _only_table(root)
    rows = read_table(path)
    where = str(path)
    file_column = _column(rows.column_names, FILE_COLUMNS, where)
    label_column = _column(rows.column_names, LABEL_COLUMNS, where)
    group_column = next((name for name in GROUP_COLUMNS if name in rows.column_names), None)
    names = texts(rows[file_column], name=file_column, where=where)
    said = texts(rows[label_column], name=label_column, where=where)
    groups = texts(rows[group_column], name=group_column, where=where) if group_column else [None] * len(names)
    folds = texts(rows["fold"], name="fold", where=where) if "fold" in rows.column_names else [None] * len(names)
    if domain is not None:
        _column(rows.column_names, (domain,), where)
    domains = texts(rows[domain], name=domain, where=where) if domain is not None else [None] * len(names)
    used = {file_column, label_column, group_column, domain} - {None}
    numbers = not is_parquet(path)
    extra = {
        name: (plain_numbers(rows[name]) if numbers else rows[name]).to_pylist()
        for name in rows.column_names
        if name not in used
    }
    there, taken, recordings = set(found), set(), []
    for row, name in enumerate(names):
        places = [f"{audio}/{name}", f"{audio}/fold{folds[row]}/{name}"]
        uri = next((place for place in places if place in there), None)
        if name is None or uri is None:
            left_out.append(LeftOut(name or "", "missing" if name else "no path", f"row {row + 1} of {path.name}"))
        elif uri in taken:
            left_out.append(LeftOut(uri, "exact duplicate", f"row {row + 1} of {path.name} names it again"))
        else:
            taken.add(uri)
            own = {column: cells[row] for column, cells in extra.items()}
            recordings.append(Recording(uri, label=said[row], domain=domains[row], group=groups[row], extra=own))
    left_out += [LeftOut(uri, "no row", f"{path.name} does not name it") for uri in found if uri not in taken]
    left_out = [one for one in left_out if root / one.uri != path and safe_join(root, one.uri) != path]
    return listing(root, recordings, left_out, layout="esc50", window=None)


def _only_table(root: Path) -> Path:
    found = sorted(path for folder in ("meta", "metadata") for path in (root / folder).glob("*.csv"))
    if len(found) != 1:
        arrived = ", ".join(path.name for path in found) or "none"
        fix = "Name it, for example table='meta/esc50.csv'."
        raise SourceError("one CSV file in meta/ or metadata/", arrived, where=str(root), fix=fix)
    return found[0]


def _column(names: list[str], wanted: tuple[str, ...], where: str) -> str:
    for name in wanted:
        if name in names:
            return name
    raise SourceError(f"a column {' or '.join(wanted)}", f"the columns {', '.join(names)}", where=where)
