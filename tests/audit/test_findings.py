import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from yori.audit.findings import KINDS, SCHEMA, Finding, findings_table, in_order, read_findings
from yori.errors import CorruptError
from yori.report.audit_words import AuditWords, audit_catalogue


def test_a_table_and_back(tmp_path):
    found = [Finding("label_error", "label_error", "high", 0.9, "a", ("b",),
                     {"label": "x", "likely": "y", "error": 0.9, "likelihood": 0.8, "had": 3, "gets": 4}),
             Finding("class_balance", "class_empty", "high", 1.5, None, (), {"label": "고래"})]  # fmt: skip
    pq.write_table(findings_table(found), tmp_path / "findings.parquet")
    assert read_findings(tmp_path / "findings.parquet") == found
    assert findings_table([]).schema == SCHEMA


def test_the_gravest_first_then_kind_then_score():
    found = [
        Finding("drift", "drift_sound", "low", 9.0),
        Finding("outlier", "outlier", "high", 0.1, "b"),
        Finding("outlier", "outlier", "high", 0.2, "c"),
        Finding("label_error", "label_error", "high", 0.0, "a"),
    ]
    assert [each.example_id for each in in_order(found)] == ["a", "c", "b", None]
    assert in_order(reversed(found)) == in_order(found)


def test_what_is_no_table_of_findings(tmp_path):
    path = tmp_path / "findings.parquet"
    with pytest.raises(CorruptError):
        read_findings(path)
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(CorruptError, match="table of findings"):
        read_findings(path)


def test_every_sentence_exists_in_both_languages_with_the_same_places():
    import re

    catalogue = audit_catalogue()
    for name, texts in catalogue.items():
        assert set(texts) == {"en", "ko"}, name
        places = [set(re.findall(r"{(\w+)}", text)) for text in texts.values()]
        assert places[1] <= places[0], name
    for kind in KINDS:
        assert f"kind.{kind}" in catalogue
    assert AuditWords("en").finding("effect", "audio_fault", "clipped", {}) != ""
