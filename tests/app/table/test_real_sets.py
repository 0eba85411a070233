"""The roles, tasks and warnings of real tables, as a person would give them."""

import polars as pl
import pytest

from smelt.app.table import check_data, infer_schema, read_table

# file, target, task, roles that are not number or category, codes of warnings
SETS = [
    ("adult/train.csv.gz", "income", "binary", {}, set()),
    (
        "heart_disease/heart_disease.csv", "diagnosis", "binary",
        {"fasting_blood_sugar_greater_than_120": "boolean", "exercise_induced_angina": "boolean"},
        set(),
    ),
    ("titanic/titanic.csv", "survived", "binary", {"name": "text"}, set()),
    (
        "titanic/titanic3.csv", "survived", "binary", {"name": "text", "home.dest": "text"},
        {("leakage", "boat"), ("mostly_missing", "body")},
    ),
    (
        "ames_housing/ames_housing.csv.gz", "SalePrice", "regression",
        {"Id": "identifier", "PID": "identifier", "Central Air": "boolean"},
        {("identifier", "Id"), ("identifier", "PID"), ("mostly_missing", "Alley"),
         ("mostly_missing", "Pool QC"), ("mostly_missing", "Misc Feature")},
    ),
    ("california_housing/california_housing.csv.gz", "median_house_value", "regression", {}, set()),
    (
        "telco_churn/telco_churn.csv.gz", "Churn", "binary",
        {"customerID": "identifier", "Partner": "boolean", "Dependents": "boolean",
         "PhoneService": "boolean", "PaperlessBilling": "boolean"},
        {("identifier", "customerID")},
    ),
    (
        "bank_marketing/bank_marketing.csv.gz", "y", "binary",
        {"default": "boolean", "housing": "boolean", "loan": "boolean"}, set(),
    ),
    ("diamonds/diamonds.csv.gz", "price", "regression", {}, set()),
    ("wine_quality/red.csv", "quality", "regression", {}, {("duplicates", None)}),
    ("wine_quality/white.csv", "quality", "regression", {}, {("duplicates", None)}),
    (
        "flights/flights.parquet", "arr_delay", "regression",
        {"year": "constant", "time_hour": "datetime"},
        {("constant", "year"), ("datetime", "time_hour"), ("target_missing", "arr_delay")},
    ),
    ("credit_data/credit_data.csv", "Status", "binary", {"Records": "boolean"}, set()),
    ("penguins/penguins.csv", "species", "multiclass", {}, set()),
    ("sms_spam/sms_spam.csv.gz", "type", "binary", {"text": "text"}, {("duplicates", None)}),
    ("iris/iris.csv", "species", "multiclass", {}, set()),
    ("breast_cancer/breast_cancer.csv", "diagnosis", "binary", {"id": "identifier"},
     {("identifier", "id")}),
    ("mpg/mpg.csv", "mpg", "regression", {}, set()),
    ("concrete/concrete.csv", "strength", "regression", {}, {("duplicates", None)}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "target", "task", "roles", "warnings"), SETS, ids=[entry[0] for entry in SETS]
)
def test_real_tables(data_folder, file, target, task, roles, warnings):
    table = read_table(data_folder / file)
    assert table.source.warnings == ()
    schema = infer_schema(table.frame, target)
    assert schema.task == task
    unusual = {c.name: c.role for c in schema.columns if c.role not in ("number", "category")}
    assert unusual == roles
    found = check_data(table.frame, schema)
    assert {(warning.code, warning.column) for warning in found} == warnings


def test_blanks_in_a_column_of_numbers(data_folder):
    table = read_table(data_folder / "telco_churn/telco_churn.csv.gz")
    charges = infer_schema(table.frame, "Churn")["TotalCharges"]
    assert (charges.role, charges.n_missing, charges.n_invalid) == ("number", 11, 0)


def test_the_target_in_other_words(data_folder):
    """Seaborn's Titanic has the target twice."""
    frame = read_table(data_folder / "titanic/titanic.csv").frame
    alive = pl.when(pl.col("survived") == "1").then(pl.lit("yes")).otherwise(pl.lit("no"))
    frame = frame.with_columns(alive=alive)
    warnings = check_data(frame, infer_schema(frame, "survived"))
    assert [(w.code, w.column) for w in warnings] == [("leakage", "alive")]


def test_the_raw_files_of_adult(data_folder):
    """The originals: no header, blanks after commas; the test part has a title line."""
    from smelt.app.table import ReadOptions
    from smelt.errors import DataError

    raw = data_folder / "adult/raw/adult.data.gz"
    assert [w.code for w in read_table(raw).source.warnings] == ["header"]
    frame = read_table(raw, ReadOptions(header=False)).frame
    assert frame.shape == (32_561, 15)
    clean = read_table(data_folder / "adult/train.csv.gz").frame
    assert frame.rows()[:100] == clean.rows()[:100]
    with pytest.raises(DataError, match="title above the header"):
        read_table(data_folder / "adult/raw/adult.test.gz")
