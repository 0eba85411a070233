"""Twins of the linear models."""
