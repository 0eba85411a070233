"""What cannot be read gets an error that says what, where and why."""

import gzip
import os

import pytest

from smelt.app.table import ReadOptions, read_table
from smelt.errors import DataError, UsageError


def refuse(tmp_path, content, **options):
    path = tmp_path / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as caught:
        read_table(path, ReadOptions(**options))
    message = str(caught.value)
    assert "data.csv" in message
    return message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["is empty"]),
        (b"\n \n\n", ["nothing but blank lines"]),
        (b"a,b\n", ["header but no row"]),
        (b"a,b\n1,2\n3\n", ["line 3", "1 field where the header has 2", "cut short"]),
        (b"a,b\n1,2\n3,4,5\n", ["line 3", "3 fields", "comma", "double quotes", "'3,4,5'"]),
        (b"a,b\n1,5,6\n2,7,8\n", ["line 2", "lack a name for the first column"]),
        (b"a,b\n\n\n'x,y',1\n", ["line 4"]),
        (b"My table\na,b,c\n1,2,3\n", ["line 2", "title above the header"]),
        (b'a,b\n1,2\n"3,4\n5,6\n', ["line 3", "opened and not closed"]),
        (b'a,b\n"x"y,2\n', ["line 2", "text follows a closing quote", "written twice"]),
        (b'a,b\n"x \\"y\\" z",2\n', ["line 2", "backslashes"]),
        (b"a,b\n" + b"x,y\n" * 40 + b"1,\0\n", ["line 42", "NUL"]),
        (b"a,b,a\n1,2,3\n", ["columns 1, 3", "same name 'a'"]),
        (b"a, a\n1,2\n", ["same name 'a'"]),
        (bytes(range(256)) * 20, ["no text"]),
        (b"PK\x03\x04" + bytes(100), ["Excel or zip", "CSV"]),
        (b"%PDF-1.7\n\x00", ["a PDF"]),
        (b"<!DOCTYPE html><html></html>", ["web page"]),
        (b"BZh91AY\x00\xff", ["bzip2"]),
        (b"PAR1" + b"\0" * 50, ["not a Parquet file"]),
        (gzip.compress(b"", mtime=0), ["empty once decompressed"]),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 9999, mtime=0)[:-9], ["damaged", "gzip"]),
        (b"\x1f\x8b" + bytes(30), ["damaged", "gzip"]),
        (b'{"a": 1}\n{"a": }\n', ["line 2", "no valid JSON"]),
        (b'{"a": {"b": 1}}\n', ["line 1", "'a' holds an object", "Flatten"]),
        (b'{"a": 1}\n[2]\n', ["line 2", "an object"]),
        ("é,b\n1,2\n".encode() + b"\xff,3\n", ["line 3", "not utf-8"]),
    ],
)
def test_messages(tmp_path, content, words):
    message = refuse(tmp_path, content)
    for word in words:
        assert word in message, message


def test_a_file_that_is_not_there(tmp_path):
    (tmp_path / "churn.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"no file .*chrun.csv.*Did you mean .*churn.csv"):
        read_table(tmp_path / "chrun.csv")
    with pytest.raises(DataError, match=r"is a folder.*churn\.csv"):
        read_table(tmp_path)
    with pytest.raises(DataError, match="no folder"):
        read_table(tmp_path / "no" / "data.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\n")
    path.chmod(0)
    with pytest.raises(DataError, match="permission"):
        read_table(path)


def test_an_unknown_format_is_a_usage_error(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="format must be"):
        read_table(path, ReadOptions(format="excel"))


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"a": [1, 2], "b": [1]}, "different lengths"),
        ({"a": [[1], [2]], "b": [1, 2]}, "'a' holds"),
        ({}, "no column"),
        (3.5, "cannot read a builtins.float"),
        ({"a": "text"}, "sequence of values"),
        ({"a": [], "b": []}, "no row"),
    ],
)
def test_frames_that_are_none(frame, words):
    with pytest.raises(DataError, match=words):
        read_table(frame)
