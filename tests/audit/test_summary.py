import pytest

from yori.audit.findings import Finding
from yori.audit.summary import count_by_severity, verdict_of


def one(kind, severity, example_id=None):
    return Finding(kind, "x", severity, 1.0, example_id)


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [([], "low"), ([one("outlier", "low", "a")], "low"), ([one("outlier", "medium", "a")], "medium"),
     ([one("label_error", "high", "a")], "medium"), ([one("label_error", "high", str(k)) for k in range(11)], "high"),
     ([one("duplicate", "high", "a")], "high"), ([one("shortcut", "high")], "high")],
)  # fmt: skip
def test_how_bad_it_is_as_a_whole(findings, verdict):
    assert verdict_of(findings, 1000) == verdict


def test_counts():
    assert count_by_severity([one("outlier", "low"), one("drift", "low")]) == {"high": 0, "medium": 0, "low": 2}
