"""Damaged files: whatever they hold, they are read or refused with a typed error, and soon."""

import gzip
import time

import numpy as np
import pytest

from smelt.app.table import (
    check_data,
    column_profile,
    infer_schema,
    iter_table,
    read_table,
    target_vector,
    to_columns,
)
from smelt.errors import DataError, UsageError

SEEDS = [
    b'id,age,job,when,y\n1,39,"clerk, senior",2020-01-05,no\n2,50,"say ""hi""",2020-01-06,yes\n'
    * 1,
    b"a;b;y\r\n1,5;x;ja\r\n2,5;y;nein\r\n3,5;x;ja\r\n" + b"4,25;z;nein\r\n5;x;ja\r\n" * 8,
    b"a\tb\ty\n" + b"1\tword one two three\t0\n2\tother words are here\t1\n" * 12,
    "naïve,größe,y\nä,1\u00a0234,0\nß,2\u00a0345,1\n".encode() + b"x,1,0\ny,2,1\n" * 10,
    b'{"a": 1, "y": "no"}\n{"a": 2.5, "y": "yes"}\n{"a": null, "y": "no"}\n' * 8,
    b"$ price,%,y\n" + b'"$1,234.50",12%,1.5\n"$2,000.00",13%,2.5\n$3.00,-4%,NA\n' * 10,
    "a,y\n1,é\n2,e\n".encode("utf-16"),
]
PIECES = [
    b'"', b",", b"\n", b"\r", b"\0", b";", b"\xff", b"\xef\xbb\xbf", b"\t", b'""', b"inf", b"nan",
    b"-", b"1e999", b"9" * 400, b"{", b"[", b"}", b"\x80", b"|", b"\xc3", b" ", b"sep=;\n", b"PAR1",
    b"\x1f\x8b", b"2020-13-45", b"0x1F", b"\xe2\x80\xa8", b"NA", b"\\", b"'", b"%", b"$",
]  # fmt: skip


def mutate(content, rng):
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 8))):
        at = int(rng.integers(0, len(data) + 1))
        match rng.integers(0, 6):
            case 0:
                data[at:at] = PIECES[rng.integers(len(PIECES))]
            case 1:
                del data[at : at + int(rng.integers(1, 12))]
            case 2 if at < len(data):
                data[at] = rng.integers(256)
            case 3:
                end = at + int(rng.integers(1, 60))
                data[at:at] = data[at:end] * int(rng.integers(1, 5))
            case 4:
                del data[at:]
            case _:
                other = int(rng.integers(0, len(data) + 1))
                piece = data[other : other + int(rng.integers(1, 30))]
                data[at : at + len(piece)] = piece
    return bytes(data)


def use(path):
    """Do all that training and prediction do with a table; return whether it could be read."""
    try:
        n_rows = sum(batch.height for batch in iter_table(path, batch_rows=7) if to_columns(batch))
        frame = read_table(path).frame
        assert frame.height == n_rows
        target = frame.columns[-1]
        schema = infer_schema(frame, target)
        assert len(target_vector(frame, schema)) == frame.height
        for warning in check_data(frame, schema):
            assert warning.message
        column_profile(frame, schema)
    except (DataError, UsageError) as error:
        assert len(str(error)) > 20, error
        return False
    return True


def fuzz(path, n_files, seed):
    rng = np.random.default_rng(seed)
    n_read, slowest = 0, 0.0
    for k in range(n_files):
        content = mutate(SEEDS[k % len(SEEDS)] * (1 + 9 * (k % 3 == 0)), rng)
        if k % 10 == 9:
            content = gzip.compress(content)
            if k % 20 == 19:
                content = mutate(content, rng)
        path.write_bytes(content)
        start = time.perf_counter()
        try:
            n_read += use(path)
        except Exception as error:
            raise AssertionError(f"file {k}: {error!r} on {content[:500]!r}") from error
        slowest = max(slowest, time.perf_counter() - start)
    return n_read, slowest


def test_three_hundred_damaged_files(tmp_path):
    n_read, slowest = fuzz(tmp_path / "data", 300, seed=1)
    assert 20 < n_read < 280  # it neither refuses nor takes everything
    assert slowest < 20


@pytest.mark.slow
def test_five_thousand_damaged_files(tmp_path):
    n_read, slowest = fuzz(tmp_path / "data", 5000, seed=2)
    assert 300 < n_read < 4700
    assert slowest < 20
