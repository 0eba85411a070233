"""The model families and the portfolio of their settings."""
