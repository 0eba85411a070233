"""The models with nothing set but their own way to take categories, a seed, and fewer words.

Each is a function of (task, number of classes) that returns an estimator; ``as_codes`` says that
the model knows no categories and gets their codes as numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

N_THREADS = 1


@dataclass(frozen=True)
class Model:
    """How a model is made, and what it is given."""

    make: Callable[[str], Any]
    prepare: Callable[[pd.DataFrame], pd.DataFrame] = lambda X: X
    note: str = ""


def codes(X: pd.DataFrame) -> pd.DataFrame:
    """Return categories as numbers, missing ones as NaN."""
    return X.assign(**{name: _codes(X[name]) for name in _categories(X)})


def few_categories(X: pd.DataFrame) -> pd.DataFrame:
    """Return categories as numbers where a column has more than 255 of them."""
    many = [name for name in _categories(X) if len(X[name].cat.categories) > 255]
    return X.assign(**{name: _codes(X[name]) for name in many})


def words(X: pd.DataFrame) -> pd.DataFrame:
    """Return categories as words, missing ones as a word."""
    return X.assign(
        **{name: X[name].astype(object).where(X[name].notna(), "") for name in _categories(X)}
    )


def _categories(X: pd.DataFrame) -> list[str]:
    return [name for name in X.columns if isinstance(X[name].dtype, pd.CategoricalDtype)]


def _codes(column: pd.Series) -> np.ndarray:
    found = column.cat.codes.to_numpy().astype(float)
    return np.where(found < 0, np.nan, found)


def smelt_boosting(task: str, **settings: Any) -> Any:
    from smelt import ensemble

    kind = "Regressor" if task == "number" else "Classifier"
    return getattr(ensemble, f"HistGradientBoosting{kind}")(random_state=0, **settings)


def smelt_accurate(task: str) -> Any:
    from smelt import ensemble

    kind = "Regressor" if task == "number" else "Classifier"
    return getattr(ensemble, f"HistGradientBoosting{kind}").accurate(random_state=0)


def smelt_forest(task: str, family: str = "RandomForest") -> Any:
    from smelt import ensemble

    kind = "Regressor" if task == "number" else "Classifier"
    return getattr(ensemble, family + kind)(random_state=0, n_jobs=N_THREADS)


def scikit_learn(task: str) -> Any:
    from sklearn import ensemble

    kind = "Regressor" if task == "number" else "Classifier"
    return getattr(ensemble, f"HistGradientBoosting{kind}")(random_state=0)


def lightgbm(task: str) -> Any:
    import lightgbm

    kind = lightgbm.LGBMRegressor if task == "number" else lightgbm.LGBMClassifier
    return kind(verbose=-1, random_state=0, n_jobs=N_THREADS)


def xgboost(task: str) -> Any:
    import xgboost

    kind = xgboost.XGBRegressor if task == "number" else xgboost.XGBClassifier
    return kind(tree_method="hist", enable_categorical=True, random_state=0, n_jobs=N_THREADS)


class CatBoost:
    """CatBoost is told which columns are categories when it is fitted."""

    def __init__(self, task: str) -> None:
        import catboost

        kind = catboost.CatBoostRegressor if task == "number" else catboost.CatBoostClassifier
        self.model = kind(
            verbose=False, allow_writing_files=False, random_seed=0, thread_count=N_THREADS
        )

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> CatBoost:
        """Fit with the columns of words as categories."""
        self.model.fit(X, y, cat_features=[n for n in X.columns if X[n].dtype == object])
        self.predict, self.predict_proba = (
            self.model.predict,
            getattr(self.model, "predict_proba", None),
        )
        return self


MODELS = {
    "smelt": Model(smelt_boosting),
    "smelt accurate": Model(smelt_accurate, note="HistGradientBoosting….accurate()"),
    "lightgbm": Model(lightgbm),
    "catboost": Model(CatBoost, words),
    "xgboost": Model(xgboost),
    "scikit-learn": Model(
        scikit_learn, few_categories, "columns of over 255 categories as codes: it refuses them"
    ),
    "smelt forest": Model(smelt_forest, codes, "random forest, codes of categories as numbers"),
    "smelt extra trees": Model(
        lambda task: smelt_forest(task, "ExtraTrees"), codes, "the same for extra trees"
    ),
}
