"""Write the small files of LightGBM and XGBoost that tests read where these are not installed.

Run by hand, ``python tests/export/make_boosters.py [NAME…]``, with both libraries at hand.
"""

import json
import sys
from pathlib import Path

import booster_rows as rows
import lightgbm
import numpy as np
import xgboost

FOLDER = Path(__file__).parent / "golden" / "boosters"
EVERY = 12  # rows of the test rows that the files keep

LIGHTGBM = {
    "binary": ({"objective": "binary"}, rows.labels),
    "multiclass": ({"objective": "multiclass", "num_class": 4}, rows.grades),
    "poisson_dart": ({"objective": "poisson", "boosting": "dart"}, rows.positive),
    "ranking": ({"objective": "lambdarank"}, rows.grades),
    "zeros": ({"objective": "regression", "zero_as_missing": True}, rows.positive),
    "no_missing": ({"objective": "binary", "use_missing": False}, rows.labels),
    "linear": ({"objective": "regression", "linear_tree": True}, rows.positive),
    "forest": (
        {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        rows.labels,
    ),
}


XGBOOST = {
    "binary": ({"objective": "binary:logistic"}, rows.labels, "json"),
    "multiclass": (
        {"objective": "multi:softprob", "num_class": 4, "max_depth": 2}, rows.grades, "json",
    ),
    "poisson": ({"objective": "count:poisson"}, rows.positive, "ubj"),
    "ranking": ({"objective": "rank:ndcg"}, rows.grades, "json"),
    "dart": ({"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.5}, rows.positive,
             "json"),
    "quantiles": (
        {"objective": "reg:quantileerror", "quantile_alpha": [0.2, 0.8]}, rows.positive, "json",
    ),
    "parallel": (
        {"objective": "reg:gamma", "num_parallel_tree": 2, "subsample": 0.5}, rows.positive, "ubj",
    ),
}  # fmt: skip


def lightgbm_file(parameters, target, n_rounds=4):
    """Return text and prediction of a small model."""
    X, y = rows.train_rows()
    group = [15] * (len(X) // 15) if parameters["objective"] == "lambdarank" else None
    data = lightgbm.Dataset(X, target(y), categorical_feature=rows.CATEGORICAL, group=group)
    n_rounds = 2 if "num_class" in parameters else n_rounds
    small = {"num_leaves": 6, "verbose": -1, "num_threads": 1, "seed": 1}
    booster = lightgbm.train({**small, "cat_smooth": 1, **parameters}, data, n_rounds)
    text = booster.model_to_string()
    return text, lightgbm.Booster(model_str=text).predict(ROWS)


def xgboost_file(parameters, target, ending, n_rounds=4):
    """Return bytes and prediction of a small model."""
    X, y = rows.train_rows()
    types = ["c" if k in rows.CATEGORICAL else "q" for k in range(X.shape[1])]
    data = xgboost.DMatrix(X, target(y), feature_types=types, enable_categorical=True)
    if parameters["objective"].startswith("rank"):
        data.set_group([15] * (len(X) // 15))
    small = {"max_depth": 3, "nthread": 1, "seed": 1, **parameters}
    booster = xgboost.train(small, data, 2 if "num_class" in parameters else n_rounds)
    told = xgboost.DMatrix(ROWS, feature_types=types, enable_categorical=True)
    return bytes(booster.save_raw(ending)), booster.predict(told)


def main(names):
    """Write the files named, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (parameters, target) in LIGHTGBM.items():
        if not names or f"lightgbm_{name}" in names:
            text, prediction = lightgbm_file(parameters, target)
            save(f"lightgbm_{name}", "txt", text.encode(), prediction)
    for name, (parameters, target, ending) in XGBOOST.items():
        if not names or f"xgboost_{name}" in names:
            save(f"xgboost_{name}", ending, *xgboost_file(parameters, target, ending))


def save(name, ending, data, prediction):
    """Write a model and what its own library predicts."""
    (FOLDER / f"{name}.{ending}").write_bytes(data)
    told = {"rows": [[None if np.isnan(x) else x for x in row] for row in ROWS.tolist()]}
    told["prediction"] = np.asarray(prediction, dtype=float).tolist()
    (FOLDER / f"{name}.expected.json").write_text(json.dumps(told) + "\n")


ROWS = rows.test_rows()[::EVERY]

if __name__ == "__main__":
    main(sys.argv[1:])
