"""From a table to rows that can be learned from, and how these are divided."""
