import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from yori.errors import SourceError
from yori.importers.read_table import plain_numbers, read_table


def written(tmp_path, content):
    path = tmp_path / "rows.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_usual_csv(tmp_path, separator, end, mark):
    lines = [["path", "label"], ["a.wav", "개"], ["", ""], ["b.wav", ""]]
    path = written(tmp_path, mark + end.join(separator.join(line) for line in lines))
    assert read_table(path).to_pydict() == {"path": ["a.wav", "b.wav"], "label": ["개", None]}


def test_quotes_hold_separators_and_line_ends(tmp_path):
    path = written(tmp_path, 'path,note\na.wav,"one, two\nthree ""x"""\n')
    assert read_table(path).to_pydict() == {"path": ["a.wav"], "note": ['one, two\nthree "x"']}


def test_the_index_column_of_pandas(tmp_path):
    assert read_table(written(tmp_path, ",path\n0,a.wav\n")).column_names == ["column_1", "path"]


def test_a_line_separator_of_unicode_is_no_line_end(tmp_path):
    assert read_table(written(tmp_path, "path\na\u2028b.wav\n")).num_rows == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"path,label\na.wav\n", r"rows\.csv:2: expected 2 cells in every row, got 1"),
        (b"path,path\na,b\n", "'path' twice"),
        (b"path\n\xff\xfe.wav\n", "UTF-8"),
        (b'path\n"a.wav\n', "CSV"),
    ],
)
def test_broken_csv(tmp_path, content, message):
    with pytest.raises(SourceError, match=message):
        read_table(written(tmp_path, content))


def test_parquet_as_it_is(tmp_path):
    table = pa.table({"path": ["a"], "label": [["x", "y"]], "n": pa.array([1.5], pa.float32())})
    pq.write_table(table, tmp_path / "rows.parquet")
    assert read_table(tmp_path / "rows.parquet").equals(table)


def test_files_that_are_no_table(tmp_path):
    with pytest.raises(SourceError, match="no file"):
        read_table(tmp_path / "nothing.csv")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 but not really PAR1")
    with pytest.raises(SourceError, match="Parquet"):
        read_table(tmp_path / "rows.parquet")


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["1", "-20", None], [1, -20, None]),
        (["1", "2.5", "1e-3"], [1.0, 2.5, 0.001]),
        (["007", "12"], ["007", "12"]),
        (["1", "x"], ["1", "x"]),
        (["nan", "1"], ["nan", "1"]),
        (["+1"], ["+1"]),
        (["99999999999999999999"], [1e20]),
        ([None, None], [None, None]),
    ],
)
def test_plain_numbers(cells, wanted):
    assert plain_numbers(pa.chunked_array([pa.array(cells, pa.string())])).to_pylist() == wanted
