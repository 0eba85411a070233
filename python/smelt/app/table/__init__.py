"""Tables: reading any common form, the role of every column, checks, profiles.

``read`` reads, ``roles`` finds out what the columns are, ``check`` looks for what would spoil a
model, ``profile`` sums columns up for the model file, ``columns`` hands columns to the kernels.
"""

from smelt.app.table.check import check_data
from smelt.app.table.columns import to_columns
from smelt.app.table.profile import column_profile, target_profile
from smelt.app.table.read import Batches, iter_table, read_table
from smelt.app.table.roles import infer_schema
from smelt.app.table.schema import (
    Column,
    DataWarning,
    ReadOptions,
    Role,
    Schema,
    SourceInfo,
    Table,
    Task,
)
from smelt.app.table.target import target_vector

__all__ = [
    "Batches",
    "Column",
    "DataWarning",
    "ReadOptions",
    "Role",
    "Schema",
    "SourceInfo",
    "Table",
    "Task",
    "check_data",
    "column_profile",
    "infer_schema",
    "iter_table",
    "read_table",
    "target_profile",
    "target_vector",
    "to_columns",
]
