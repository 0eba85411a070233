"""From a table to a trained, checked and written model: what `smelt train` does."""
