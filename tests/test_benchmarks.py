"""``python -m benchmarks`` finds what there is and hides no failure."""

from pathlib import Path

import pytest
from benchmarks import __main__ as runner


def test_every_module_with_a_main_is_found_and_says_what_it_measures():
    found = runner.benchmarks()
    files = {file.stem for file in Path(runner.__file__).parent.glob("[a-z]*.py")}
    assert {"coverage_simulation", "metrics", "selection_head", "statistics_speed"} <= found.keys() <= files
    assert all(runner.summary(source) for source in found.values())


def test_quick_is_passed_to_those_that_know_it():
    known = 'def main():\n    parser.add_argument("--quick")\n'
    assert runner.command("one", known, full=False)[-2:] == ["benchmarks.one", "--quick"]
    assert runner.command("one", known, full=True)[-1] == "benchmarks.one"
    assert runner.command("two", "def main(): pass", full=False)[-1] == "benchmarks.two"


def test_a_failing_benchmark_fails_the_run_and_stops_no_other(tmp_path, monkeypatch, capfd):
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "broken.py").write_text('"""Breaks."""\ndef main(): pass\nraise SystemExit(3)\n')
    (folder / "fine.py").write_text('"""Works."""\ndef main(): pass\nprint("it ran")\n')
    monkeypatch.setattr(runner, "FOLDER", folder)
    monkeypatch.setattr("sys.argv", ["benchmarks"])
    assert runner.main() == 1
    printed = capfd.readouterr().out
    assert "it ran" in printed
    assert "FAILED (3)" in printed
    monkeypatch.setattr("sys.argv", ["benchmarks", "fine"])
    assert runner.main() == 0
    monkeypatch.setattr("sys.argv", ["benchmarks", "nothing"])
    with pytest.raises(SystemExit):
        runner.main()
