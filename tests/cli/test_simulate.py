import json

import pytest
from tests.choose.conftest import columns_with_gaps

FAST = ("--strategies", "margin", "--seeds", 1, "--budgets", "8,24", "--protocol", "id", "--workers", 1)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    from tests.prove.mixture import make_small

    return make_small(tmp_path_factory.mktemp("simulate") / "p", n=180, **columns_with_gaps(180)).path


def test_words(yori, project):
    shown = yori("simulate", project, *FAST).stdout
    assert shown.startswith("Trust: ")
    assert "at 24 labels" in shown
    assert "\n  random " in shown
    assert "\n  margin " in shown
    assert shown.splitlines()[-1].endswith("simulation.html")


def test_json(yori, project):
    fields = json.loads(yori("simulate", project, *FAST, "--json").stdout)
    assert fields["budgets"] == [8, 24]
    assert [one["name"] for one in fields["curves"]] == ["random", "margin"]


def test_bad_input_is_a_sentence(yori, project):
    result = yori("simulate", project, "--budgets", "8,many")
    assert result.exit_code == 2
    assert "expected whole numbers, comma-separated, got '8,many'" in result.stderr
    assert yori("simulate", project, "--strategies", "best").exit_code == 2
    assert "Examples:" in yori("simulate", "--help").stdout
