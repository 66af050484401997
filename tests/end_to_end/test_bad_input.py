"""Every kind of bad input that `yori init` and `yori import` can meet: one sentence, an exit code, nothing half-written."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import click.testing
import numpy as np
import pytest
import soundfile

from yori.cli.main import main

RATE = 8000


def write_clip(path: Path, seed: int, **how: object) -> Path:
    """Half a second of noise, different for every seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, RATE // 2), RATE, **how)
    return path


def write_arrays(here: Path, array: object, text: str | None = None) -> list[object]:
    """``X.npy`` and ``rows.csv`` with ids 0, 1, … and two classes; the options that name them."""
    np.save(here / "X.npy", array, allow_pickle=True)
    rows = "".join(f"{row},{'ab'[row % 2]}\n" for row in range(len(array)))
    (here / "rows.csv").write_text(text or "id,label\n" + rows)
    return ["--layout", "arrays", "--embeddings", here / "X.npy", "--table", here / "rows.csv"]


def everything(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder, and the bytes of every file."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if not path.is_fifo()
    }


def run(*arguments: object) -> click.testing.Result:
    result = click.testing.CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


def is_refused(result: click.testing.Result, *words: str) -> None:
    """An exit code, nothing on stdout, and one line that says expected, arrived and where."""
    assert result.exit_code not in (0, 130)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("yori: ")
    assert ": expected " in line
    assert ", got " in line
    assert "Traceback" not in line
    for word in words:
        assert word in line


def empty_folder(here: Path) -> list[object]:
    (here / "data").mkdir()
    return ["--layout", "folder", "--from", here / "data"]


def no_folder(here: Path) -> list[object]:
    return ["--layout", "folder", "--from", here / "data"]


def one_class_only(here: Path) -> list[object]:
    for number in range(3):
        write_clip(here / "data" / "dog" / f"{number}.wav", number)
    return ["--layout", "folder", "--from", here / "data"]


def one_class_after_copies_are_gone(here: Path) -> list[object]:
    one_class_only(here)
    (here / "data" / "cat").mkdir()
    (here / "data" / "cat" / "text.wav").write_text("meow\n" * 200)
    return ["--layout", "folder", "--from", here / "data"]


def duplicate_ids(here: Path) -> list[object]:
    return write_arrays(here, np.eye(4), "id,label\na,x\nb,y\na,x\nc,y\n")


def duplicate_ids_of_clips(here: Path) -> list[object]:
    for number in range(3):
        write_clip(here / "data" / f"{number}.wav", number)
    (here / "data" / "rows.csv").write_text("id,path,label\na,0.wav,x\nb,1.wav,y\na,2.wav,x\n")
    return ["--layout", "table", "--from", here / "data" / "rows.csv"]


def ids_that_do_not_match(here: Path) -> list[object]:
    arguments = write_arrays(here, np.eye(3), "id,label\na,x\nb,y\nc,x\n")
    np.save(here / "ids.npy", np.array(["a", "b", "d"]))
    return [*arguments, "--ids", here / "ids.npy"]


def another_number_of_rows(here: Path) -> list[object]:
    return write_arrays(here, np.eye(4), "id,label\na,x\nb,y\n")


def not_a_number(here: Path) -> list[object]:
    return write_arrays(here, np.where(np.arange(12).reshape(6, 2) == 9, np.nan, 1.0))


def infinity(here: Path) -> list[object]:
    return write_arrays(here, np.where(np.arange(12).reshape(6, 2) == 9, np.inf, 1.0))


def pickled_objects(here: Path) -> list[object]:
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(here / "ran"),))

    return write_arrays(here, np.array([Evil(), Evil()], dtype=object))


def a_bare_pickle(here: Path) -> list[object]:
    arguments = write_arrays(here, np.eye(2))
    (here / "X.npy").write_bytes(pickle.dumps([1, 2]))
    return arguments


def only_text_files(here: Path) -> list[object]:
    for label in ("cat", "dog"):
        (here / "data" / label).mkdir(parents=True)
        (here / "data" / label / "a.wav").write_text("this is no sound\n" * 100)
    return ["--layout", "folder", "--from", here / "data"]


def only_truncated_files(here: Path) -> list[object]:
    for number, label in enumerate(("cat", "dog")):
        path = write_clip(here / "data" / label / "a.wav", number)
        path.write_bytes(path.read_bytes()[:1000])
    return ["--layout", "folder", "--from", here / "data"]


def a_path_that_goes_up(here: Path) -> list[object]:
    write_clip(here / "secret.wav", 0)
    write_clip(here / "data" / "a.wav", 1)
    (here / "data" / "rows.csv").write_text("path,label\na.wav,x\n../secret.wav,y\n")
    return ["--layout", "table", "--from", here / "data" / "rows.csv"]


def an_absolute_path(here: Path) -> list[object]:
    a_path_that_goes_up(here)
    (here / "data" / "rows.csv").write_text(f"path,label\na.wav,x\n{here / 'secret.wav'},y\n")
    return ["--layout", "table", "--from", here / "data" / "rows.csv"]


def a_link_that_leads_out(here: Path) -> list[object]:
    write_clip(here / "secret.wav", 0)
    write_clip(here / "data" / "dog" / "a.wav", 1)
    (here / "data" / "cat").mkdir()
    (here / "data" / "cat" / "b.wav").symlink_to(here / "secret.wav")
    return ["--layout", "folder", "--from", here / "data"]


def a_folder_link_that_leads_out(here: Path) -> list[object]:
    write_clip(here / "outside" / "b.wav", 0)
    write_clip(here / "data" / "dog" / "a.wav", 1)
    (here / "data" / "cat").symlink_to(here / "outside")
    return ["--layout", "folder", "--from", here / "data"]


def a_table_that_is_none(here: Path) -> list[object]:
    np.save(here / "X.npy", np.eye(2))
    (here / "rows.parquet").write_bytes(b"PAR1 no")
    return ["--layout", "arrays", "--embeddings", here / "X.npy", "--table", here / "rows.parquet"]


def a_class_with_a_line_break(here: Path) -> list[object]:
    return write_arrays(here, np.eye(4), 'id,label\na,"x\ny"\nb,y\nc,"x\ny"\nd,y\n')


CASES: list[tuple[Callable[[Path], list[object]], tuple[str, ...]]] = [
    (empty_folder, ("data", "an empty folder")),
    (no_folder, ("data", "a folder", "nothing")),
    (one_class_only, ("at least two classes", "'dog'")),
    (one_class_after_copies_are_gone, ("at least two classes", "'dog'")),
    (duplicate_ids, ("rows.csv", "'a' in rows 1 and 3")),
    (duplicate_ids_of_clips, ("rows.csv", "'a' in rows 1 and 3")),
    (ids_that_do_not_match, ("ids.npy", "'c'", "'d'")),
    (another_number_of_rows, ("rows.csv", "4 rows", "got 2")),
    (not_a_number, ("X.npy", "nan in row 4")),
    (infinity, ("X.npy", "inf in row 4")),
    (pickled_objects, ("X.npy", "Python objects")),
    (a_bare_pickle, ("X.npy", "a .npy file")),
    (only_text_files, ("data", "2 × unreadable", "'cat/a.wav'")),
    (only_truncated_files, ("data", "2 × unreadable", "truncated")),
    (a_path_that_goes_up, ("row 2", "'../secret.wav'")),
    (an_absolute_path, ("row 2", "secret.wav")),
    (a_link_that_leads_out, ("cat/b.wav", "secret.wav")),
    (a_folder_link_that_leads_out, ("cat", "outside")),
    (a_table_that_is_none, ("rows.parquet",)),
    (a_class_with_a_line_break, ("task.yaml",)),
]


@pytest.mark.parametrize(("make", "words"), CASES, ids=[make.__name__ for make, _ in CASES])
def test_init_refuses_in_a_sentence_and_leaves_nothing(make, words, tmp_path):
    arguments = make(tmp_path)
    before = everything(tmp_path)
    is_refused(run("init", tmp_path / "a" / "project", *arguments), *words)
    assert everything(tmp_path) == before
    (tmp_path / "empty").mkdir()
    is_refused(run("init", tmp_path / "empty", *arguments), *words)
    assert everything(tmp_path) == {**before, "empty": None}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of three cats and three dogs, whose source is ``clips``."""
    for seed in range(6):
        write_clip(tmp_path / "clips" / ("cat", "dog")[seed % 2] / f"{seed}.wav", seed)
    assert run("init", tmp_path / "project", "--layout", "folder", "--from", tmp_path / "clips").exit_code == 0
    return tmp_path / "project"


@pytest.mark.parametrize("make", [case[0] for case in CASES if case[0] is not one_class_only], ids=lambda m: m.__name__)
def test_import_refuses_in_a_sentence_and_leaves_the_project_as_it_was(make, project, tmp_path):
    (tmp_path / "more").mkdir()
    arguments = make(tmp_path / "more")
    if make is one_class_after_copies_are_gone:
        (tmp_path / "more" / "data" / "dog").rename(tmp_path / "more" / "data" / "horse")
    before = everything(project)
    is_refused(run("import", project, *arguments))
    assert everything(project) == before


def test_labels_that_the_task_does_not_know(project, tmp_path):
    write_clip(tmp_path / "clips" / "horse" / "9.wav", 9)
    before = everything(project)
    result = run("import", project, "--layout", "folder", "--from", tmp_path / "clips")
    is_refused(result, "'cat', 'dog'", "'horse'", "horse/9.wav", "task.yaml")
    assert everything(project) == before


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("text", "unreadable"),
        ("truncated", "unreadable"),
        ("empty", "empty"),
        ("not a number", "unreadable"),
    ],
)
def test_one_bad_file_among_good_ones_is_listed_with_its_reason(how, words, tmp_path):
    for seed in range(4):
        write_clip(tmp_path / "data" / ("cat", "dog")[seed % 2] / f"{seed}.wav", seed)
    bad = tmp_path / "data" / "cat" / "bad.wav"
    write_clip(bad, 9, subtype="FLOAT")
    if how == "text":
        bad.write_text("this is no sound\n" * 100)
    elif how == "truncated":
        bad.write_bytes(bad.read_bytes()[:-100])
    elif how == "empty":
        bad.write_bytes(b"")
    else:
        soundfile.write(bad, np.full(RATE // 2, np.nan), RATE, subtype="FLOAT")
    result = run("init", tmp_path / "project", "--layout", "folder", "--from", tmp_path / "data", "--json")
    assert result.exit_code == 0
    fields = json.loads(result.stdout)
    assert fields["added"] == 4
    assert fields["reasons"] == {words: {"left out": 1, "kept": 0}}
    assert f",cat/bad.wav,,{words}," in (tmp_path / "project" / "import_report.csv").read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("!!python/object/apply:os.mkdir [ran]", ("task.yaml:1",)),
        ("name: !!python/object/apply:os.mkdir [ran]\nclasses: [cat, dog]", ("task.yaml:1",)),
        ("name: x\nclasses: &a [cat, dog]\nseeds: *a", ("task.yaml:2", "anchors")),
        ("name: x\nclasses: [cat, dog]\ncolour: red", ("task.yaml:3", "'colour'")),
        ("name: [", ("task.yaml",)),
        ("", ("task.yaml:1",)),
    ],
)
def test_a_task_that_is_malicious_or_wrong(text, words, project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (project / "task.yaml").write_text(text)
    before = everything(tmp_path)
    is_refused(run("import", project, "--layout", "folder", "--from", tmp_path / "clips"), *words)
    assert everything(tmp_path) == before
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("verb", ["import", "log", "diff", "gc"])
def test_a_project_made_by_a_newer_version(verb, project, tmp_path):
    marker = json.loads((project / "yori.json").read_text())
    (project / "yori.json").write_text(json.dumps({**marker, "format": 99}))
    before = everything(project)
    rest = {"import": ["--layout", "folder", "--from", tmp_path / "clips"], "diff": [0, 1]}.get(verb, [])
    is_refused(run(verb, project, *rest), "yori.json", "format 99", "Update yori")
    assert everything(project) == before


def test_a_folder_that_is_taken(project, tmp_path):
    again = ["--layout", "folder", "--from", tmp_path / "clips"]
    before = everything(tmp_path)
    is_refused(run("init", project, *again), "a project", "yori import")
    is_refused(run("init", tmp_path / "clips", *again), "cat, dog")
    is_refused(run("init", tmp_path / "clips" / "cat" / "0.wav", *again), "Not a directory")
    assert everything(tmp_path) == before


def test_a_damaged_version(project, tmp_path):
    manifest = project / "data" / "versions" / "1.json"
    manifest.write_text(manifest.read_text().replace('"cat": 3', '"cat": 4'))
    is_refused(run("log", project), "1.json", "hash")
    is_refused(run("import", project, "--layout", "folder", "--from", tmp_path / "clips"), "1.json")


def apart(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_folder_that_cannot_be_written(tmp_path):
    """In a process of its own, which gives up being root if it is, because root may write everywhere."""
    for seed in range(4):
        write_clip(tmp_path / "data" / ("cat", "dog")[seed % 2] / f"{seed}.wav", seed)
    program = """
        import os, sys
        from pathlib import Path
        from yori.cli.main import main
        here = Path(sys.argv[1])
        import yori.main_job, pyarrow.compute, pyarrow.parquet, soundfile
        (here / "closed").mkdir()
        for path in [here, *here.parents]:  # the way there must be open for somebody who is not root
            if path.stat().st_uid == os.geteuid() and path != Path("/"):
                path.chmod(path.stat().st_mode | 0o055)
        (here / "closed").chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)
        main(["init", str(here / "closed" / "project"), "--layout", "folder", "--from", str(here / "data"), "--who", "a"])
    """
    done = apart(program, tmp_path)
    (tmp_path / "closed").chmod(0o755)
    assert done.returncode == 5, done.stderr
    assert "expected a folder that can be written, got Permission denied" in done.stderr
    assert "Choose a folder you may write to" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "closed").iterdir()) == []


def test_a_full_disk(tmp_path):
    """A real file system of 300 kB, into which 1 MB of embeddings does not go."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], capture_output=True).returncode:
        pytest.skip("needs permission to mount a tmpfs in a namespace of its own")
    write_arrays(tmp_path, np.random.default_rng(0).normal(size=(1000, 256)).astype(np.float32))
    program = """
        import contextlib, io, os, subprocess, sys
        from yori.cli.main import main
        here = sys.argv[1]
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", "/mnt"], check=True)
        said = io.StringIO()
        given = ["--layout", "arrays", "--embeddings", f"{here}/X.npy", "--table", f"{here}/rows.csv"]
        with contextlib.redirect_stderr(said):
            try:
                main(["init", "/mnt/project", *given])
            except SystemExit as end:
                code = end.code
        assert os.listdir("/mnt") == [], os.listdir("/mnt")
        sys.stderr.write(said.getvalue())
        sys.exit(code)
    """
    command = [unshare, "-rm", sys.executable, "-c", textwrap.dedent(program), tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 5, done.stderr
    (line,) = done.stderr.splitlines()
    assert "/mnt/project" in line
    assert "expected room to write, got No space left on device. Free some space" in line


def test_ctrl_c_leaves_nothing(tmp_path, monkeypatch):
    import yori.main_job.initialise as initialise

    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    for seed in range(4):
        write_clip(tmp_path / "data" / ("cat", "dog")[seed % 2] / f"{seed}.wav", seed)
    before = everything(tmp_path)
    monkeypatch.setattr(initialise, "write_report", interrupted)
    result = run("init", tmp_path / "project", "--layout", "folder", "--from", tmp_path / "data")
    assert result.exit_code == 130
    assert everything(tmp_path) == before
