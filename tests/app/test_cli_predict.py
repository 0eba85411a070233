"""``smelt predict``: text unchanged, names, formats, streams, constant memory, bad input."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from smelt.app.prediction import batch_rows, free_names

FULL = Path("/dev/full")


def rows_of(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def test_columns_are_kept_as_text_and_prediction_is_added(smelt, model, people_csv):
    done = smelt("predict", model, people_csv)
    assert done.code == 0
    before, after = rows_of(people_csv.read_text()), rows_of(done.out)
    assert [{k: row[k] for k in before[0]} for row in after] == before
    assert {row["prediction"] for row in after} == {"no", "yes"}
    assert list(after[0]) == [*before[0], "prediction"]
    assert "240 rows predicted" in done.err


def test_odd_texts_stay_as_they_are(smelt, model, tmp_path):
    path = tmp_path / "odd.csv"
    lines = ["id,age,job,note", '007,1e2,baker,"a, ""b"""', " x ,3.50,clerk,Zürich", ',55,smith,""']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    after = rows_of(smelt("predict", model, path).out)
    assert [row["id"] for row in after] == ["007", " x ", ""]
    assert [row["age"] for row in after] == ["1e2", "3.50", "55"]
    assert [row["note"] for row in after] == ['a, "b"', "Zürich", ""]


def test_probabilities_sum_to_one_and_agree_with_python(smelt, model, people_csv):
    import smelt as library

    after = rows_of(smelt("predict", model, people_csv, "--proba").out)
    yes = [float(row["probability_yes"]) for row in after]
    no = [float(row["probability_no"]) for row in after]
    assert all(abs(a + b - 1) < 1e-12 for a, b in zip(yes, no, strict=True))
    frame = pl.read_csv(people_csv, infer_schema=False)
    assert library.load(model).predict_proba(frame)[:, 1].tolist() == yes


def test_a_threshold_decides(smelt, model, people_csv):
    always = rows_of(smelt("predict", model, people_csv, "--threshold", 0).out)
    never = rows_of(smelt("predict", model, people_csv, "--threshold", 1).out)
    assert {row["prediction"] for row in always} == {"yes"}
    assert {row["prediction"] for row in never} == {"no"}


@pytest.mark.parametrize("threshold", [-0.1, 1.5, "nan"])
def test_a_threshold_outside_0_to_1_is_refused(smelt, model, people_csv, threshold):
    said = smelt("predict", model, people_csv, f"--threshold={threshold}")
    assert said.code == 2 and "between 0 and 1" in said.err and said.out == ""


def test_a_clash_of_names_is_told_and_suffixed(smelt, model, people_csv, tmp_path):
    path = tmp_path / "clash.csv"
    frame = pl.read_csv(people_csv, infer_schema=False)
    frame.with_columns(prediction=pl.lit("mine")).write_csv(path)
    done = smelt("predict", model, path)
    after = rows_of(done.out)
    assert {row["prediction"] for row in after} == {"mine"}
    assert {row["prediction_2"] for row in after} == {"no", "yes"}
    assert "'prediction_2'" in done.err


def test_free_names_do_not_clash_with_each_other():
    taken = ["prediction", "prediction_2", "probability_a"]
    names = free_names(["prediction", "probability_a", "probability_a_2"], taken)
    assert len({*names.values(), *taken}) == 6


def test_a_batch_holds_about_as_many_cells_whatever_the_width():
    assert batch_rows(10) == 50_000 and batch_rows(1_000) == 2_000 and batch_rows(10**6) == 1_000


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".tsv", ".csv"])
def test_formats_by_suffix_hold_the_same(smelt, model, people_csv, tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    assert smelt("predict", model, people_csv, "--proba", "-o", path).code == 0
    read = {
        ".parquet": pl.read_parquet,
        ".jsonl": pl.read_ndjson,
        ".tsv": lambda p: pl.read_csv(p, separator="\t"),
        ".csv": pl.read_csv,
    }[suffix]
    expected = rows_of(smelt("predict", model, people_csv, "--proba").out)
    found = read(path)
    assert found["prediction"].to_list() == [row["prediction"] for row in expected]
    assert found["probability_yes"].to_list() == [float(r["probability_yes"]) for r in expected]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_parquet_and_json_lines_are_read(smelt, model, people_csv, tmp_path):
    frame = pl.read_csv(people_csv)
    frame.write_parquet(tmp_path / "in.parquet")
    frame.write_ndjson(tmp_path / "in.jsonl")
    expected = [row["prediction"] for row in rows_of(smelt("predict", model, people_csv).out)]
    from_parquet = rows_of(smelt("predict", model, tmp_path / "in.parquet").out)
    assert [row["prediction"] for row in from_parquet] == expected
    from_lines = smelt("predict", model, tmp_path / "in.jsonl").out.splitlines()
    assert [json.loads(line)["prediction"] for line in from_lines] == expected


def test_a_semicolon_stays_a_semicolon(smelt, model, people_csv, tmp_path):
    path = tmp_path / "semi.csv"
    pl.read_csv(people_csv, infer_schema=False).write_csv(path, separator=";")
    done = smelt("predict", model, path)
    assert len(rows_of(done.out, ";")) == 240 and ";prediction" in done.out.splitlines()[0]


def test_standard_input_and_output(model, people_csv):
    command = [sys.executable, "-m", "smelt", "predict", str(model), "-"]
    done = subprocess.run(command, input=people_csv.read_bytes(), capture_output=True, check=True)
    assert len(rows_of(done.stdout.decode())) == 240


def test_a_reader_that_goes_away_is_no_traceback(model, tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("age,job,note\n" + "33,baker,x\n" * 200_000)
    command = f"'{sys.executable}' -m smelt predict '{model}' '{path}' | head -2"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True)
    assert done.returncode == 141 and b"Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_odd_values_are_counted(smelt, model, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("age,job,note\n33,baker,x\n999,pilot,x\nabc,baker,x\n40,sailor,x\n")
    done = smelt("predict", model, path)
    assert done.code == 0
    assert "column 'job': 2 rows (50.0 %) with a value that training did not see" in done.err
    assert "column 'age': 1 row (25.0 %) outside the range" in done.err
    assert "column 'age': 1 row (25.0 %) with a value that cannot be read" in done.err
    document = json.loads(smelt("predict", model, path, "-o", tmp_path / "o.csv", "--json").out)
    assert document["issues"]["unseen"] == {"job": 2, "note": 4} and document["rows"] == 4


def test_a_missing_column_is_named_with_a_guess(smelt, model, tmp_path):
    path = tmp_path / "renamed.csv"
    path.write_text("Age,job,note\n33,baker,x\n")
    said = smelt("predict", model, path, "-o", tmp_path / "o.csv")
    assert said.code == 3 and "'age'" in said.err and "Age" in said.err
    assert not (tmp_path / "o.csv").exists()


def test_columns_may_come_in_another_order_and_more_of_them(smelt, model, people_csv, tmp_path):
    path = tmp_path / "shuffled.csv"
    frame = pl.read_csv(people_csv, infer_schema=False)
    frame.select("note", "bought", "job", pl.lit("new").alias("extra"), "age").write_csv(path)
    expected = [row["prediction"] for row in rows_of(smelt("predict", model, people_csv).out)]
    assert [r["prediction"] for r in rows_of(smelt("predict", model, path).out)] == expected


@pytest.mark.parametrize(
    ("content", "word"),
    [(None, "no"), (b"", "empty"), (b"age,job,note\n", "row"),
     (b"age,job,note\n1,a,x\n1,a,b,c\n", "line 3"), (bytes(range(256)) * 40, "text")],
)  # fmt: skip
def test_bad_input_is_exit_code_3_and_leaves_nothing(smelt, model, tmp_path, content, word):
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    if content is not None:
        path.write_bytes(content)
    said = smelt("predict", model, path, "-o", out)
    assert said.code == 3, said
    assert word in said.err and "in.csv" in said.err and "Traceback" not in said.err
    assert [p.name for p in tmp_path.iterdir()] == ([] if content is None else ["in.csv"])


def test_bad_input_halfway_leaves_the_old_output(smelt, model, tmp_path):
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_text("age,job,note\n" + "33,baker,x\n" * 120_000 + "1,2\n")
    out.write_text("old")
    said = smelt("predict", model, path, "-o", out)
    assert said.code == 3 and "120002" in said.err.replace(",", "")
    assert out.read_text() == "old" and len(list(tmp_path.iterdir())) == 2


def test_unwritable_output(smelt, model, people_csv, tmp_path):
    for out in (tmp_path, tmp_path / "no" / "folder.csv", people_csv, model):
        said = smelt("predict", model, people_csv, "-o", out)
        assert said.code == 2 and str(out) in said.err, said
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_disk_full(smelt, model, people_csv):
    said = smelt("predict", model, people_csv, "-o", FULL)
    assert said.code == 2 and "no space left" in said.err and "Traceback" not in said.err
    with FULL.open("wb") as full:
        command = [sys.executable, "-m", "smelt", "predict", str(model), str(people_csv)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "no space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_grows_too_large_leaves_nothing(model, tmp_path):
    """The limit on the size of a file stands in for a disk that fills up on the way."""
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    path.write_text("age,job,note\n" + "33,baker,x\n" * 20_000)

    def limited() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    command = [sys.executable, "-m", "smelt", "predict", str(model), str(path), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited)
    assert done.returncode == 2 and "cannot write" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_memory_does_not_grow_with_the_file(model, tmp_path, suffix):
    peaks = []
    for n in (100_000, 2_000_000):
        path = tmp_path / f"{n}.csv"
        path.write_text("age,job,note\n" + "33,baker,some words here\n" * n)
        out = tmp_path / f"out{suffix}"
        command = [sys.executable, "-m", "smelt", "predict", str(model), str(path), "-o", str(out)]
        child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        assert status == 0
        peaks.append(usage.ru_maxrss / 1024)
    assert peaks[1] < peaks[0] + 150, peaks
