"""Tables: reading any common form, the role of every column, checks, profiles."""
