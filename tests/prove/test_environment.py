import importlib
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

import yori
from yori.prove.environment import code_sha256, environment


def test_versions():
    found = environment()
    assert found["yori"] == yori.__version__
    assert found["numpy"] == version("numpy")
    assert found["python"] == platform.python_version()
    assert "missing" not in found.values()
    assert platform.node() not in found.values() or not platform.node()  # kind of machine, not which one


def test_the_hash_changes_with_any_file_of_the_code_and_with_nothing_else(tmp_path, monkeypatch):
    module = importlib.import_module("yori.prove.environment")
    copy = tmp_path / "yori"
    shutil.copytree(Path(yori.__file__).parent / "prove", copy / "prove", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "__init__.py").write_text("")
    fake = type("module", (), {"__file__": str(copy / "__init__.py")})
    monkeypatch.setattr(module, "yori", fake)

    def now():
        return code_sha256.__wrapped__()

    first = now()
    (copy / "notes.txt").write_text("no code")
    assert now() == first
    with (copy / "prove" / "proof.py").open("a") as file:
        file.write("# one more line\n")
    second = now()
    assert second != first
    (copy / "prove" / "proof.py").rename(copy / "prove" / "another.py")
    assert now() not in (first, second)
