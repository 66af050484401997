import importlib
import json

import pytest
from tests.prove.mixture import make_small

from yori.main_job import run


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """What the command asks `demo` for; a small project stands in for the ships."""
    done = run(make_small(tmp_path / "project").path, workers=1)
    found = []

    def stand_in(folder, **options):
        found.append((folder, options))
        return done

    monkeypatch.setattr(importlib.import_module("yori.main_job.demo"), "demo", stand_in)
    return found


def test_text(yori, asked, tmp_path):
    result = yori("demo", tmp_path / "ships", "--passages", 3, "--workers", 1)
    assert result.exit_code == 0
    ((folder, options),) = asked
    assert folder == tmp_path / "ships"
    assert (options["passages"], options["workers"]) == (3, 1)
    assert result.stdout.startswith("120 clips of ships and sea, 12 with a wrong label.\n")
    assert "Verdict: " in result.stdout
    assert "Check it: yori verify " in result.stdout


def test_json_and_the_default(yori, asked, tmp_path):
    from yori.main_job.demo import PASSAGES

    result = yori("demo", tmp_path / "ships", "--json")
    assert "verdict" in json.loads(result.stdout)
    assert asked[0][1]["passages"] == PASSAGES


@pytest.mark.parametrize("passages", [0, 2])
def test_too_few_passages_for_one_edit_are_refused_before_anything_is_simulated(passages, yori, tmp_path):
    result = yori("demo", tmp_path / "ships", "--passages", passages)
    assert result.exit_code == 2
    assert "--passages" in result.stderr
    assert not (tmp_path / "ships").exists()
