"""The project folder: the one object through which everything above reads and writes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

import yori
from yori.errors import CorruptError, StoreError
from yori.store import atomic
from yori.store.add_labels import prepare_labels
from yori.store.add_rows import prepare_rows, stored_root
from yori.store.commit import Change, Commit, commit, latest_version, now
from yori.store.diff import Diff, diff_examples
from yori.store.embedding_writer import SHARD_BYTES, write_embeddings
from yori.store.embeddings import EmbeddingShards, open_embeddings
from yori.store.examples import read_examples, read_parquet
from yori.store.garbage import Orphan, collect_garbage
from yori.store.hashes import sha256_file
from yori.store.media import MEDIA_FOLDER, MEDIA_NAME, MEDIA_SOURCE, add_media
from yori.store.paths import safe_join
from yori.store.stages import stage_folder, stage_path
from yori.store.versions import FORMAT, Version, read_json, read_version, version_numbers
from yori.store.work import workspace

_DIFF_COLUMNS = ("example_id", "label", "weight")


@dataclass(frozen=True)
class Project:
    """A project folder that is known to be one. It holds no state: several processes may use the same folder at once.

    Parameters
    ----------
    path
        The folder, absolute.

    Examples
    --------
    >>> import tempfile, pyarrow as pa
    >>> folder = tempfile.TemporaryDirectory()
    >>> project = Project.create(Path(folder.name) / "bells", "classes: [bell, horn]")
    >>> rows = pa.table({"example_id": ["b", "a"], "label": ["bell", "horn"]})
    >>> project.add_rows(rows, sources={}, message="two sounds", who="ann").version.number
    1
    >>> patch = pa.table({"example_id": ["a"], "action": ["relabel"], "old": ["horn"], "new": ["bell"], "who": ["ben"]})
    >>> project.add_labels(patch, message="it rings").version.number
    2
    >>> project.examples(columns=["example_id", "label"]).to_pylist()
    [{'example_id': 'a', 'label': 'bell'}, {'example_id': 'b', 'label': 'bell'}]
    >>> project.diff(1, 2).relabelled.to_pylist()
    [{'example_id': 'a', 'old': 'horn', 'new': 'bell'}]
    >>> folder.cleanup()
    """

    path: Path

    @classmethod
    def create(cls, path: str | Path, task_text: str) -> Project:
        """Make a folder a project.

        A folder that is a project of the same task already is opened. A creation that was interrupted is finished.

        Raises
        ------
        StoreError
            If the folder holds something else, is a project with another task, or cannot be written.
        """
        root = Path(path).absolute()
        if (root / "yori.json").exists():
            project = cls.open(root)
            if project.task_text() != task_text:
                raise StoreError(
                    "a new folder, or a project of the same task",
                    "a project of another task",
                    where=str(root),
                    fix="Choose another folder, or edit task.yaml by hand.",
                )
            return project
        with atomic.disk_errors(root):
            _check_free(root, task_text)
            atomic.make_folder(root)
            with workspace(root) as aside:
                if not (root / "task.yaml").exists():
                    atomic.write_new(aside / "task.yaml", [task_text.encode()])
                    atomic.create_if_absent(aside / "task.yaml", root / "task.yaml")
                # What makes it a project comes last.
                marker = json.dumps({"format": FORMAT, "created_by": f"yori {yori.__version__}"})
                atomic.write_new(aside / "yori.json", [marker.encode()])
                atomic.create_if_absent(aside / "yori.json", root / "yori.json")
        return cls.create(root, task_text)  # somebody else may have been first, with another task

    @classmethod
    def open(cls, path: str | Path) -> Project:
        """Open a project folder; nothing is written.

        Raises
        ------
        StoreError
            If there is no such folder, it is no project, or its ``task.yaml`` is missing.
        NewerVersionError
            If a newer yori wrote it.
        CorruptError
            If ``yori.json`` is not what was written.
        """
        root = Path(path).absolute()
        marker = root / "yori.json"
        fix = "Check the path, or make a project with `yori init`."
        if not root.is_dir():
            raise StoreError("a project folder", "no folder", where=str(root), fix=fix)
        if not marker.is_file():
            raise StoreError("a project folder", "a folder without yori.json", where=str(root), fix=fix)
        try:
            text = marker.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CorruptError("a readable yori.json", str(error), where=str(marker)) from error
        read_json(text, marker)
        if not (root / "task.yaml").is_file():
            raise StoreError("task.yaml in the project", "none", where=str(root), fix="Restore it from a backup.")
        return cls(root)

    def task_text(self) -> str:
        """The text of ``task.yaml``."""
        path = self.path / "task.yaml"
        try:
            return path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError("task.yaml as UTF-8 text", str(error), where=str(path)) from error

    # -- versions ---------------------------------------------------------------------------------------------------

    def version(self, number: int | None = None) -> Version:
        """A data version, the latest by default; 0 is the empty one before the first commit.

        Raises
        ------
        StoreError
            If there is no such version; `CorruptError` if its manifest is damaged.
        """
        return latest_version(self.path) if number is None else read_version(self.path, number)

    def log(self) -> list[Version]:
        """All versions, oldest first."""
        return [read_version(self.path, number) for number in version_numbers(self.path)]

    def examples(self, version: int | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """The examples of a version, sorted by the bytes of ``example_id``, label patches applied.

        Every column of `yori.store.tables.ROW_COLUMNS` is there, null where unknown, then ``label_original`` (the
        label as imported) and any other imported column. ``label`` and ``weight`` are current; a weight nobody set
        is 1. Dropped examples are left out.

        Parameters
        ----------
        version
            Number of the version, the latest by default.
        columns
            The columns wanted, in this order; only they are read.
        """
        return read_examples(self.path, self.version(version), columns)

    def diff(self, before: int, after: int) -> Diff:
        """What changed from one version to another."""
        return diff_examples(self.examples(before, _DIFF_COLUMNS), self.examples(after, _DIFF_COLUMNS))

    def add_rows(self, table: pa.Table, *, sources: Mapping[str, str | Path], message: str, who: str) -> Commit:
        """Commit new examples.

        Parameters
        ----------
        table
            ``example_id`` and any of the columns of `yori.store.tables.ROW_COLUMNS`; other columns are kept as they
            are.
        sources
            Name of each source that rows refer to and its folder; those of earlier commits need not be repeated.
        message, who
            What was done and by whom.

        Returns
        -------
        The version, and how many rows were added or skipped because they are there already.

        Raises
        ------
        AlignmentError, ValuesError, PathEscapeError
            If the table is not usable.
        ConflictError
            If an id is there with another content, or a source's name with another folder.
        """
        stored = {name: stored_root(self.path, name, place) for name, place in sources.items()}
        return commit(self.path, lambda head: prepare_rows(self.path, head, table, stored), message=message, who=who)

    def add_labels(self, patch: pa.Table, *, message: str) -> Commit:
        """Commit label patches: relabel, drop, reweight, restore.

        Parameters
        ----------
        patch
            ``example_id``, ``action``, ``who``, and ``old``, ``new``, ``weight``, ``when``, ``why`` as needed; see
            `yori.store.patch_table.patch_table`.
        message
            What was done.

        Returns
        -------
        The version, and how many rows were added or skipped because their wish is fulfilled already.

        Raises
        ------
        ConflictError
            If a label is not the ``old`` one any more, naming the ids.
        AlignmentError, ValuesError
            If the patch is not usable.
        """
        when = now()
        signed = sorted({str(one) for one in patch["who"].unique().to_pylist()}) if "who" in patch.column_names else []
        who = ", ".join(signed[:5]) + (f" and {len(signed) - 5} more" if len(signed) > 5 else "")
        return commit(self.path, lambda head: prepare_labels(self.path, head, patch, when), message=message, who=who)

    def move_source(self, name: str, place: str | Path, *, message: str, who: str) -> Commit:
        """Commit that the files of a source lie elsewhere now; the content hash stays: the data are the same."""
        stored = stored_root(self.path, name, place)

        def prepare(head: Version) -> Change | int:
            if name not in head.sources:
                raise StoreError(
                    f"one of the sources {', '.join(head.sources) or '(none)'}", repr(name), where="move_source"
                )
            if head.sources[name] == stored:
                return 0
            return Change(None, "rows", {**head.sources, name: stored}, head.label_kind, head.counts)

        return commit(self.path, prepare, message=message, who=who)

    # -- files of examples ------------------------------------------------------------------------------------------

    def roots(self, version: int | None = None) -> dict[str, Path]:
        """The folder of each source; join a uri to it with `yori.store.paths.safe_join` only."""
        sources = self.version(version).sources
        return {
            name: Path(place) if Path(place).is_absolute() else safe_join(self.path, place)
            for name, place in sources.items()
        }

    def locate(self, source: str, uri: str, version: int | None = None) -> Path:
        """The file of one example. For many, call `roots` once and `safe_join` for each.

        Raises
        ------
        StoreError
            If the source is unknown; `PathEscapeError` if the uri leaves it.
        """
        roots = self.roots(version)
        if source not in roots:
            raise StoreError(f"one of the sources {', '.join(roots) or '(none)'}", repr(source), where=str(self.path))
        return safe_join(roots[source], uri)

    def add_media(self, content: bytes, extension: str) -> str:
        """Keep a clip inside the project; returns its uri in the source ``media``."""
        return add_media(self.path, content, extension)

    # -- upkeep -----------------------------------------------------------------------------------------------------

    def check(self, version: int | None = None) -> int:
        """Read every file of a version again and compare it to its hash; returns how many files were compared.

        Row files, label patches and media of the project are compared. Files of other sources are not ours to watch.

        Raises
        ------
        CorruptError
            Naming the first file that is missing or differs.
        """
        found = self.version(version)
        expected = {file.path: file.sha256 for file in found.files}
        for file in found.files:
            _compare(safe_join(self.path, file.path), file.sha256)
            if file.is_rows:
                rows = read_parquet(self.path, file, {"uri", "source"})
                for uri, source in zip(rows["uri"].to_pylist(), rows["source"].to_pylist(), strict=True):
                    if source == MEDIA_SOURCE and uri is not None and MEDIA_NAME.fullmatch(uri):
                        expected[f"{MEDIA_FOLDER}/{uri}"] = uri[:64]
        for path, sha256 in expected.items():
            if path.startswith(MEDIA_FOLDER):
                _compare(safe_join(self.path, path), sha256)
        return len(expected)

    def gc(self, *, dry_run: bool = False, grace: float = 3600.0) -> list[Orphan]:
        """Remove what no version names and no running job needs, see `yori.store.garbage.collect_garbage`."""
        return collect_garbage(self.path, dry_run=dry_run, grace=grace)

    # -- outputs of stages ------------------------------------------------------------------------------------------

    def stage_path(self, kind: str, key: str) -> Path:
        """Where the output of a stage stands or will stand."""
        return stage_path(self.path, kind, key)

    def has_stage(self, kind: str, key: str) -> bool:
        """Whether the output of a stage is there."""
        return stage_path(self.path, kind, key).is_dir()

    def stage_folder(self, kind: str, key: str) -> AbstractContextManager[Path]:
        """A temporary folder that becomes ``<kind>/<key>`` in one step when the block ends well."""
        return stage_folder(self.path, kind, key)

    def write_embeddings(
        self,
        key: str,
        blocks: Callable[[int], Iterable[Any]] | Iterable[Any],
        ids: Sequence[str] | pa.Array | pa.ChunkedArray,
        meta: Mapping[str, Any] | None = None,
        *,
        shard_bytes: int = SHARD_BYTES,
    ) -> EmbeddingShards:
        """Write embeddings block by block, resumably, see `yori.store.embedding_writer.write_embeddings`."""
        return write_embeddings(self.path, key, blocks, ids, meta, shard_bytes=shard_bytes)

    def open_embeddings(self, key: str) -> EmbeddingShards:
        """Open the embeddings stored under a key."""
        return open_embeddings(self.path, key)


def _check_free(root: Path, task_text: str) -> None:
    """Raise unless a folder is absent, empty, or what an interrupted creation of the same project left."""
    if not root.exists():
        return
    if not root.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(root))
    task = root / "task.yaml"
    found = {path.name for path in root.iterdir()} - {".yori"}
    if found == {"task.yaml"} and task.is_file() and task.read_bytes() == task_text.encode():
        return
    if found:
        raise StoreError(
            "a new or empty folder, or a project",
            f"a folder that holds {', '.join(sorted(found)[:5])}",
            where=str(root),
            fix="Choose another folder.",
        )


def _compare(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise CorruptError("a file", "none", where=str(path), fix="Restore it from a backup.")
    if sha256_file(path) != sha256:
        raise CorruptError(
            "the bytes that were written", "other bytes", where=str(path), fix="Restore it from a backup."
        )
