import json

import pytest
from tests.choose.conftest import columns_with_gaps


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    from tests.prove.mixture import make_small

    return make_small(tmp_path_factory.mktemp("reduce") / "p", n=180, **columns_with_gaps(180)).path


def test_words(yori, project):
    shown = yori("reduce", project, "--keep", 0.3, "--seeds", 1, "--features").stdout
    assert shown.startswith("Kept ")
    assert "examples with glister." in shown
    assert "Choosing " in shown
    assert "Features: " in shown
    assert shown.splitlines()[-1].endswith("kept.parquet")


def test_json(yori, project):
    options = ("--keep", 0.3, "--method", "craig", "--compare", "k_center", "--seeds", 1, "--json")
    fields = json.loads(yori("reduce", project, *options).stdout)
    assert fields["method"] == "craig"
    assert [one["method"] for one in fields["methods"]] == ["craig", "k_center", "random", "stratified"]
    assert fields["feature_steps"] == []


def test_bad_input_is_a_sentence(yori, project):
    result = yori("reduce", project, "--keep", 2)
    assert result.exit_code == 2
    assert "--keep: expected a share to keep between 0 and 1, got 2." in result.stderr
    assert "Examples:" in yori("reduce", "--help").stdout
