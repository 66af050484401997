from __future__ import annotations

from tests.flywheel.mined import answer_all
from tests.flywheel.mixture_world import copied


def test_a_turn_waits_for_people_and_then_goes_to_the_gate(yori, served_project, tmp_path):
    folder, database, truth = served_project
    first = yori("turn", folder, "--budget", "30", "--workers", "1", "--no-progress")
    assert first.exit_code == 3
    assert "wait for answers: yori review" in first.stdout
    answer_all(database, truth)
    page = tmp_path / "turns.html"
    second = yori("turn", folder, "--workers", "1", "--no-progress", "--page", page)
    assert second.exit_code in (0, 1), second.stderr
    assert "Gate, look 1 at" in second.stdout
    said = "serves now" if second.exit_code == 0 else "The old release serves on"
    assert said in second.stdout
    assert "What the gate asked" in page.read_text()
    assert "verdict:" in second.stdout


def test_a_turn_without_a_release_is_a_sentence(yori, tmp_path):
    project, _ = copied(tmp_path)
    result = yori("turn", project.path, "--no-progress")
    assert result.exit_code == 5
    assert "expected a release that serves" in result.stderr
    assert "Traceback" not in result.stderr


def test_no_project(yori, tmp_path):
    result = yori("turn", tmp_path / "nowhere")
    assert result.exit_code == 5
    assert "expected a project folder" in result.stderr
