import json
from pathlib import Path

import numpy as np
import pytest
from tests.prove.mixture import CLASSES, make_project, mixture


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("audit") / "p", n=150)


def test_text_json_and_exit_codes(yori, project):
    said = yori("audit", project.path, "--workers", 1)
    assert said.exit_code == 0
    assert "Labels that are probably wrong" in said.stdout
    fields = json.loads(yori("audit", project.path, "--json").stdout)
    assert fields["reused"] is True
    assert fields["total"]["high"] > 0
    assert Path(fields["findings"]).is_file()
    assert Path(fields["page"]).is_file()
    assert "figures" not in fields
    assert yori("audit", project.path, "--fail-on", "high").exit_code == 9


def test_a_gate_lets_clean_data_pass(yori, tmp_path):
    true = mixture(150).true_labels
    rng = np.random.default_rng(0)
    clear = (6 * np.eye(16)[true] + rng.normal(size=(150, 16))).astype(np.float32)
    project = make_project(tmp_path / "p", n=150, label=[CLASSES[each] for each in true], embeddings=clear)
    assert yori("audit", project.path, "--fail-on", "high", "--workers", 1).exit_code == 0


def test_answers(yori, project, tmp_path):
    rows = [f"e{k:04},{name},{'a' if name != 'eve' else 'b'}\n" for k in range(40) for name in ("ann", "ben", "eve")]
    path = tmp_path / "answers.csv"
    path.write_text("example_id,annotator,label\n" + "".join(rows))
    said = yori("audit", project.path, "--answers", path, "--workers", 1)
    assert "Annotators who disagree" in said.stdout


def test_bad_input(yori, project, tmp_path):
    missing = yori("audit", tmp_path / "nothing")
    assert missing.exit_code == 5
    assert "Traceback" not in missing.stderr
    said = yori("audit", project.path, "--answers", tmp_path / "none.csv")
    assert said.exit_code == 2
    assert "expected a table" in said.stderr
