"""Model files: one safe file that holds a model, its schema, its report and its self-test.

:func:`smelt.save` and :func:`smelt.load` are all that most people need.  The format is described in
the guide "The model file"; reading it never runs code from the file.  Boosted trees also come from
and go to the files of LightGBM and XGBoost.
"""

from smelt.export.boosters.lightgbm_reader import from_lightgbm
from smelt.export.boosters.lightgbm_writer import to_lightgbm
from smelt.export.boosters.xgboost_reader import from_xgboost
from smelt.export.boosters.xgboost_writer import to_xgboost

__all__ = ["from_lightgbm", "from_xgboost", "to_lightgbm", "to_xgboost"]
