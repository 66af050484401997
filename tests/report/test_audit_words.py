import pytest

from yori.report.audit_words import AuditWords


def test_sentences_of_a_finding_fall_back_to_its_kind():
    words = AuditWords("en")
    assert words.finding("action", "duplicate", "duplicate_near", {}) == words("action.duplicate")
    assert words.finding("action", "duplicate", "duplicate_across", {}) == words("action.duplicate_across")
    assert words.finding("action", "nothing", "nothing", {}) == ""


def test_numbers_and_names_inside_sentences():
    words = AuditWords("en")
    said = words.finding("evidence", "audio_fault", "fault_everywhere", {"fault": "hum", "share": "60 %", "n": 1200})
    assert "hum of the mains" in said
    assert "1\u202f200" in said
    assert "전원 험" in AuditWords("ko").finding("evidence", "audio_fault", "fault_everywhere",
                                              {"fault": "hum", "share": "60 %", "n": 1200})  # fmt: skip
    listed = words.finding("evidence", "class_balance", "class_without_sentence", {"label": ["a", "b"]})
    assert "a, b" in listed


def test_words_of_the_report_are_there_too():
    assert AuditWords("ko")("page.language") == "한국어"
    with pytest.raises(KeyError):
        AuditWords("en")("no.such.string")
