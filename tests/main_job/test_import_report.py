import csv

import pyarrow as pa
import pytest

from yori.errors import StoreError
from yori.main_job.import_report import count_reasons, summary, write_report
from yori.store import atomic


def lines(*uris):
    n = len(uris)
    return pa.table(
        {
            "uri": list(uris),
            "start": pa.array([None] * n, pa.float64()),
            "reason": ["empty"] * n,
            "detail": ['a "file", of 0 bytes\nin all'] * n,
            "action": ["left out"] * n,
        }
    )


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_source_has_its_latest_lines(tmp_path):
    write_report(tmp_path, "one", lines("a", "b"))
    write_report(tmp_path, "two", lines("c"))
    path = write_report(tmp_path, "one", lines("d"))
    found = read(path)
    assert [(one["source"], one["uri"]) for one in found] == [("two", "c"), ("one", "d")]
    assert found[0] == {
        "source": "two",
        "uri": "c",
        "start": "",
        "reason": "empty",
        "detail": 'a "file", of 0 bytes\nin all',
        "action": "left out",
    }


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\n1,2\n", b"\x00" * 10])
def test_a_report_that_somebody_spoiled_is_written_anew(tmp_path, content):
    (tmp_path / "import_report.csv").write_bytes(content)
    assert [one["uri"] for one in read(write_report(tmp_path, "one", lines("a")))] == ["a"]


def test_a_full_disk_leaves_the_old_report(tmp_path, monkeypatch):
    path = write_report(tmp_path, "one", lines("a"))
    before = path.read_bytes()

    def full(descriptor, block):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "_write", full)
    with pytest.raises(StoreError, match="Free some space"):
        write_report(tmp_path, "one", lines("b"))
    assert path.read_bytes() == before


def test_counts():
    table = pa.concat_tables([lines("a", "b"), lines("c").set_column(4, "action", pa.array(["kept"]))])
    assert count_reasons(table) == {"empty": (2, 1)}
    assert count_reasons(lines()) == {}
    rows = pa.table({"domain": ["x", None, "x"], "group": ["g", "h", "g"]})
    assert summary(rows) == ({"x": 2}, 2)
