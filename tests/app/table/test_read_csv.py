"""Delimited text of every common form is read right."""

import csv
import gzip
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smelt.app.table import ReadOptions, iter_table, read_table
from smelt.app.table.schema import BLANKS
from smelt.errors import UsageError


@pytest.fixture
def read(tmp_path):
    def read(content, **options):
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, ReadOptions(**options))

    return read


def rows(table):
    return table.frame.rows()


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n3,4\n", ","),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ("a\tb\nx y\tz\n", "\t"),
        ("a|b\n1,2|3\n", "|"),
        ('"a;x",b\n"1;2",3\n', ","),
        ("a,b;c\n1,2;3\n", ","),
        ("sep=;\na;b\n1;2\n", ";"),
        ('"sep=|"\r\na|b\r\n1|2\r\n', "|"),
        ("name\tnote\nx\thello, you\ny\tone, two, three\n", "\t"),
    ],
)
def test_the_delimiter_is_found(read, text, delimiter):
    table = read(text)
    assert table.source.delimiter == delimiter
    assert table.frame.width == 2


def test_one_column_has_no_delimiter(read):
    assert read("text\nhello\nyou\n").frame.to_dict(as_series=False) == {"text": ["hello", "you"]}


def test_asked_for_delimiter(read):
    assert rows(read("a:b\n1:2\n", delimiter=":")) == [("1", "2")]
    assert rows(read("a\tb\n1\t2\n", delimiter="\\t")) == [("1", "2")]
    with pytest.raises(UsageError, match="one ASCII character"):
        read("a,b\n1,2\n", delimiter="::")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(read, end):
    assert rows(read(end.join(["a,b", "1,2", "", "3,4", ""]))) == [("1", "2"), ("3", "4")]


def test_mixed_line_ends_blank_lines_and_no_last_line_end(read):
    table = read("\n\r\n  \na,b\r\n1,2\n\r\n3,4\r   \n5,6")
    assert rows(table) == [("1", "2"), ("3", "4"), ("5", "6")]


def test_quotes(read):
    table = read('a,b\n"x, y","say ""hi"""\n"two\nlines", "spaced" \n5" disk,""\n')
    assert rows(table) == [("x, y", 'say "hi"'), ("two\nlines", "spaced"), ('5" disk', None)]


def test_trailing_delimiters(read):
    assert rows(read("a,b,\n1,2,\n3,4,\n")) == [("1", "2"), ("3", "4")]
    assert rows(read("a,b\n1,2,\n3,4,,\n")) == [("1", "2"), ("3", "4")]
    assert rows(read("a,b,,\n1,2\n")) == [("1", "2")]


def test_blanks_around_cells_and_names_are_cut(read):
    table = read(" a , b \n 1 ,\tx\u00a0\n  ,y\n")
    assert table.frame.columns == ["a", "b"]
    assert rows(table) == [("1", "x"), (None, "y")]


def test_a_name_that_is_missing_is_made(read):
    table = read('"","a"\n"1","x"\n"2","y"\n')
    assert table.frame.columns == ["column_1", "a"]
    assert [warning.code for warning in table.source.warnings] == ["column_names"]


def test_a_header_that_looks_like_data(read):
    body = "".join(f"{k},{k * 2},word{k}\n" for k in range(2, 51))
    assert [w.code for w in read(body).source.warnings] == ["header"]
    assert read("x,y,z\n" + body).source.warnings == ()
    assert read("2001,2002,name\n" + body).source.warnings == ()  # years over numbers
    table = read(body, header=False)
    assert table.frame.columns == ["column_1", "column_2", "column_3"]
    assert table.frame.height == 49


TEXT = "name,city\nJürgen,Köln\nZoë,Besançon\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"],
)
def test_encodings(read, encoding):
    table = read(TEXT.encode(encoding))
    assert rows(table) == [("Jürgen", "Köln"), ("Zoë", "Besançon")]
    told = [warning.code for warning in table.source.warnings]
    assert told == (["encoding"] if encoding in ("cp1252", "latin-1") else [])


def test_asked_for_encoding(read):
    table = read("имя,город\nИван,Омск\n".encode("cp1251"), encoding="cp1251")
    assert rows(table) == [("Иван", "Омск")]
    with pytest.raises(UsageError, match="unknown encoding 'utf-9'"):
        read("a,b\n1,2\n", encoding="utf-9")


def test_windows_letters_beyond_the_first_piece(tmp_path):
    path = tmp_path / "late.csv"
    path.write_bytes(b"a,b\n" + b"x,y\n" * 3_000_000 + "é,ß\n".encode("cp1252"))
    table = read_table(path)
    assert table.frame.row(-1) == ("é", "ß")
    assert [warning.code for warning in table.source.warnings] == ["encoding"]


def test_gzip_by_content(tmp_path):
    path = tmp_path / "data.csv"  # not named .gz
    path.write_bytes(gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n"))
    table = read_table(path)
    assert rows(table) == [("1", "2"), ("3", "4")]
    assert table.source.compression == "gzip"
    assert table.source.n_bytes == path.stat().st_size


def test_standard_input(monkeypatch):
    class Input:
        buffer = io.BytesIO(gzip.compress(b"a;b\n1;2\n"))

    monkeypatch.setattr("sys.stdin", Input)
    table = read_table("-")
    assert rows(table) == [("1", "2")]
    assert table.source.name == "standard input"


def test_very_long_fields(read):
    long = "x" * 20_000_000
    assert read(f'a,b\n"{long}",1\n2,3\n').frame["a"][0] == long


@pytest.mark.parametrize("width", [5_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_many_columns(read, width):
    names = [f"c{k}" for k in range(width)]
    table = read(",".join(names) + "\n" + ",".join(["1"] * width) + "\n")
    assert table.frame.shape == (1, width)


def test_the_digest_is_of_the_bytes(read):
    one, other = read("a,b\n1,2\n"), read("a,b\n1,3\n")
    assert one.source.sha256 == read("a,b\n1,2\n").source.sha256 != other.source.sha256


cells = st.text(
    st.one_of(
        st.sampled_from(list("ab1 ,;\t\"'\n\r|é€\u00a0…\\.")),
        st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(
    data=st.integers(1, 4).flatmap(
        lambda k: st.lists(st.lists(cells, min_size=k, max_size=k), min_size=1, max_size=8)
    ),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_what_was_written_is_read(tmp_path_factory, data, delimiter, end, quoting):
    names = [f"c{k}" for k in range(len(data[0]))]
    if len(names) == 1:
        quoting = csv.QUOTE_ALL  # a blank line is no row
    if quoting == csv.QUOTE_MINIMAL:
        end = "\r\n"  # else Python does not quote a lone \r
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
        writer.writerows([names, *data])
    options = ReadOptions(delimiter=delimiter, encoding="utf-8")
    expected = [tuple(cell.strip(BLANKS) or None for cell in row) for row in data]
    assert read_table(path, options).frame.rows() == expected
    assert pl.concat(iter_table(path, options, batch_rows=3)).height == len(expected)
