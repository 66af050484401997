import pytest
from hypothesis import given
from hypothesis import strategies as st

from yori.errors import SourceError, ValuesError
from yori.importers.pattern import compile_pattern, list_pattern

WORD = st.text("abcXYZ019.- ", min_size=1, max_size=6)


@given(WORD, WORD, st.integers(0, 999))
def test_what_is_put_in_comes_out(label, domain, index):
    match = compile_pattern("{label}_{domain}_{index}.wav").fullmatch(f"{label}_{domain}_{index}.wav")
    assert match.groupdict() == {"label": label, "domain": domain, "index": str(index)}


def test_text_between_fields_is_text():
    expression = compile_pattern("x(+{label}].*{n}.wav")
    assert expression.fullmatch("x(+dog].*3.wav").groupdict() == {"label": "dog", "n": "3"}
    assert expression.fullmatch("xx+dog].*3.wav") is None


@pytest.mark.parametrize(
    "wrong", ["a.wav", "{label", "{}_{label}", "{label}{index}", "{label}_{label}", "{a-b}", "{x!r}", "{x:d}"]
)
def test_patterns_that_cannot_be_read(wrong):
    with pytest.raises(ValuesError, match="pattern"):
        compile_pattern(wrong)


def test_no_pattern_runs_away():
    """An expression that backtracks would not come back from this."""
    expression = compile_pattern("_".join(f"{{f{k}}}" for k in range(30)))
    assert expression.fullmatch("_" * 20_000) is None
    assert expression.fullmatch("a" * 200_000) is None


def make(data, *uris):
    for uri in uris:
        (data / uri).parent.mkdir(parents=True, exist_ok=True)
        (data / uri).write_bytes(b"x")


def test_a_name_wherever_it_lies(data):
    make(data, "deep/7_jackson_32.wav", "7_theo_1.wav", "7_theo.wav", "notes.txt")
    found = list_pattern(data, pattern="{label}_{domain}_{index}.wav")
    assert [(one.uri, one.label, one.domain, one.extra) for one in found.recordings] == [
        ("7_theo_1.wav", "7", "theo", {"index": "1"}),
        ("deep/7_jackson_32.wav", "7", "jackson", {"index": "32"}),
    ]
    assert {(one.uri, one.reason) for one in found.left_out} == {("7_theo.wav", "no match"), ("notes.txt", "not audio")}


def test_a_whole_path_and_every_role(data):
    make(
        data,
        "training/fan/section_00_source_normal_0001_ann.wav",
        "training/fan/x/section_00_source_normal_0001_ann.wav",
    )
    pattern = "{split}/{machine}/section_{group}_{domain}_{label}_{id}_{annotator}.wav"
    (one,) = list_pattern(data, pattern=pattern).recordings
    assert (one.split, one.group, one.domain, one.label) == ("train", "00", "source", "normal")
    assert (one.example_id, one.annotator, one.extra) == ("0001", "ann", {"machine": "fan"})


def test_real_names(real_data):
    found = list_pattern(real_data / "fsdd" / "recordings")
    assert len(found.recordings) == 3000
    assert found.classes == tuple("0123456789")
    assert {one.domain for one in found.recordings} == {"george", "jackson", "lucas", "nicolas", "theo", "yweweler"}
    assert found.left_out == ()


def test_nothing_matches(data):
    make(data, "a.wav")
    with pytest.raises(SourceError, match="1 × no match"):
        list_pattern(data)
