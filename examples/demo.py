"""The tour of `make demo`: train on the heart-disease table, predict on rows it has not seen.

    python examples/demo.py [FOLDER]

The table is the Cleveland heart-disease data of the UCI Machine Learning Repository (CC BY 4.0).
"""

import csv
import random
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Split the table, run the command line on the parts, and say where the results lie."""
    here = Path(__file__).resolve().parent
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else here / "out"
    out.mkdir(parents=True, exist_ok=True)
    smelt = Path(sys.executable).parent / "smelt"

    with open(here / "heart_disease.csv", newline="") as source:
        header, *rows = list(csv.reader(source))
    random.Random(0).shuffle(rows)
    parts = {"train.csv": rows[:-30], "new.csv": rows[-30:]}
    for name, part in parts.items():
        with open(out / name, "w", newline="") as target:
            csv.writer(target).writerows([header, *part])

    model, report, predicted = out / "heart.smelt", out / "heart.html", out / "predicted.csv"
    for command in (
        ["train", out / "train.csv", "--target", "diagnosis", "-o", model, "--report", report],
        ["predict", model, out / "new.csv", "-o", predicted, "--proba"],
        ["verify", model],
    ):
        print("\n$ smelt", *command, flush=True)
        done = subprocess.run([smelt, *map(str, command)])
        if done.returncode != 0:
            return done.returncode

    with open(predicted, newline="") as source:
        table = list(csv.DictReader(source))
    right = sum(row["prediction"] == row["diagnosis"] for row in table)
    print(f"\n{right} of {len(table)} held-out rows are predicted right. The first five:")
    for row in table[:5]:
        chance = float(row["probability_Positive"])
        print(f"  age {row['age']:>3}  {row['chest_pain']:18} chance of disease {chance:4.0%}"
              f"  predicted {row['prediction']:8}  true {row['diagnosis']}")  # fmt: skip
    print(f"\nmodel   {model}\nreport  {report}  (open it in a browser; it needs no network)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
