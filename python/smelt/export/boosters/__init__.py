"""Boosted trees to and from the files of LightGBM and XGBoost."""
