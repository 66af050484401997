import pytest
from tests.prove.mixture import make_small

from yori.main_job import run


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return run(make_small(tmp_path_factory.mktemp("report") / "project").path, workers=1)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_report_is_written_again(lang, yori, ran, tmp_path):
    out = tmp_path / "again.html"
    result = yori("report", ran.proof, "--project", ran.project, "--lang", lang, "--out", out)
    assert result.exit_code == 0
    assert result.stdout.strip() == str(out)
    assert f'lang="{lang}"' in out.read_text(encoding="utf-8")


def test_without_the_project(yori, ran, tmp_path):
    assert yori("report", ran.proof, "--out", tmp_path / "r.html").exit_code == 0


def test_no_proof(yori, tmp_path):
    result = yori("report", tmp_path, "--out", tmp_path / "r.html")
    assert result.exit_code == 5
    (line,) = result.stderr.splitlines()
    assert line.startswith("yori: ")
    assert not (tmp_path / "r.html").exists()
