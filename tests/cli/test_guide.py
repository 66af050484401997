import json

import pytest
from tests.prove.mixture import make_project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("guide") / "p", n=150)


def answers(path, right):
    rows = [
        f"q{k},{name},{'a' if k % 2 == 0 or (name == 'ben' and k % right == 1) else 'b'}\n"
        for k in range(60)
        for name in ("ann", "ben")
    ]
    path.write_text("example_id,annotator,label\n" + "".join(rows))
    return path


def test_the_guide_and_the_consistency_of_two_rounds(yori, project, tmp_path):
    before, after = answers(tmp_path / "before.csv", 3), answers(tmp_path / "after.csv", 59)
    fields = json.loads(yori("guide", project.path, "--before", before, "--after", after, "--json").stdout)
    assert fields["written"] == ["a", "b", "c", "d"]
    assert {each["class"]: each["verdict"] for each in fields["consistency"]} == {"a": "better", "b": "better"}
    assert (project.path / "guide.md").is_file()
    said = yori("guide", project.path, "--after", after, "--lang", "ko").stdout
    assert "4 blocks written" in said
    assert "agreement" in said


def test_bad_input(yori, project, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("example_id,annotator,label\nq,ann,a\n")
    said = yori("guide", project.path, "--before", path)
    assert said.exit_code == 2
    assert "two people" in said.stderr
