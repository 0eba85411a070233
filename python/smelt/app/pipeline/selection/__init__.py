"""Which models, with which weights, within which time."""
