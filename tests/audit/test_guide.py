import pytest
from tests.audit.planted import TASK, make_project

from yori.audit.guide import guide_page, write_guide
from yori.audit.marked_blocks import pieces


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    task = TASK.replace("{name: chirp, means: the highest tone}", "{name: chirp, means: the highest tone, rare: true}")
    return make_project(tmp_path_factory.mktemp("guide"), faults=False, n=60, task=task)


def test_every_class_has_its_sentence_examples_and_players(planted):
    done = write_guide(planted.project.path, workers=1)
    text = done.markdown.read_text()
    assert done.update.written == ("chirp", "horn", "bell")  # rare classes first
    for sentence in ("a low tone", "a higher tone", "the highest tone"):
        assert sentence in text
    page = done.page.read_text()
    assert page.count("<audio") >= 9
    assert "A rare class" in text


def test_what_people_wrote_stays(planted):
    done = write_guide(planted.project.path, workers=1)
    text = done.markdown.read_text().replace("a low tone", "a low tone, like a ship leaving")
    done.markdown.write_text(text.replace("Write here.", "Ask Ann about harbours."))
    again = write_guide(planted.project.path, lang="ko", workers=1)
    text = again.markdown.read_text()
    assert again.update.kept == ("horn",)
    assert "like a ship leaving" in text
    assert "Ask Ann about harbours." in text
    assert "like a ship leaving" in again.page.read_text()
    assert "전형적인 예" in text
    assert [each.own for each in pieces(text) if each.name == "horn"] == [False]


def test_the_page_escapes_what_people_write(planted):
    from yori.report.clips import Clips
    from yori.task import parse_task

    task = parse_task(TASK)
    page = guide_page(task, "# T\n\n<img src=x onerror=alert(1)>\n- a\n- b\n\ntext\n", [], Clips({}, {}))
    assert "<img src=x" not in page
    assert page.count("<li>a</li>") == 1
