from hypothesis import given
from hypothesis import strategies as st

from yori.audit.marked_blocks import pieces, update_blocks

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@given(st.dictionaries(TEXT.filter(str.strip), TEXT, min_size=1, max_size=4))
def test_what_is_written_is_read_and_writing_it_again_changes_nothing(blocks):
    first = update_blocks("", blocks, start="Start\n", end="End\n")
    assert first.written == tuple(blocks)
    second = update_blocks(first.text, blocks)
    assert second.text == first.text
    assert [each.name for each in pieces(first.text) if each.name] == list(blocks)


@given(TEXT, TEXT)
def test_text_of_people_is_never_touched(before, after):
    first = update_blocks("", {"a": "one"}, start="S\n", end="E\n").text
    head, rest = first.split("\n", 1)
    person = f"{head}\n{before}\n{rest}\n{after}\n"
    updated = update_blocks(person, {"a": "two", "b": "three"}).text
    assert before in updated
    assert updated.endswith(f"{after}\n")
    assert "two" in updated
    assert "one\n<!--" not in updated


def test_a_removed_block_stays_removed_and_a_changed_one_stays_changed():
    first = update_blocks("", {"a": "one\n", "b": "two\n"}).text
    a, b = first.index("<!-- yori:begin a"), first.index("<!-- yori:begin b")
    without = first[:a] + first[b:].replace("two", "mine")
    again = update_blocks(without, {"a": "one\n", "b": "other\n", "c": "new\n"})
    assert (again.written, again.kept, again.removed) == (("c",), ("b",), ("a",))
    assert "mine" in again.text
    assert [each.name for each in pieces(again.text)] == ["b", "c"]


def test_a_class_that_is_gone_takes_its_block_along_unless_a_person_wrote_in_it():
    first = update_blocks("", {"a": "one\n", "b": "two\n"}).text
    assert [each.name for each in pieces(update_blocks(first, {"a": "one\n"}).text)] == ["a"]
    mine = first.replace("two", "mine")
    assert [each.name for each in pieces(update_blocks(mine, {"a": "one\n"}).text)] == ["a", "b"]


def test_a_class_cannot_close_the_block_it_stands_in():
    first = update_blocks("", {"a": "x <!-- yori:end -->\ny\n"})
    assert update_blocks(first.text, {"a": "z\n"}).kept == ()
