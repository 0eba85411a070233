"""What is known of a table: its source, its columns and their roles, its target, its warnings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import polars as pl

Role = Literal[
    "number", "category", "boolean", "datetime", "text", "identifier", "constant", "ignored"
]
Task = Literal["binary", "multiclass", "regression"]

ROLES: tuple[str, ...] = get_args(Role)
TASKS: tuple[str, ...] = get_args(Task)

# A cell that equals one of these (after its blanks are trimmed) has no value, whatever the column.
MISSING_MARKS = (
    "", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "Null", "null", "?",
)  # fmt: skip
# Among numbers, dates or booleans these words say "no value" too; elsewhere they may be a level.
TYPED_MISSING_MARKS = (
    *MISSING_MARKS,
    "na", "None", "none", "NONE", "-", "--", ".", "missing", "Missing", "unknown", "Unknown",
    "#VALUE!", "#DIV/0!", "#REF!", "NaT",
)  # fmt: skip

_TRUE = ("true", "yes", "y", "t", "on")
_FALSE = ("false", "no", "n", "f", "off")
TRUE_WORDS = (*(case(w) for w in _TRUE for case in (str.lower, str.title, str.upper)), "1")
FALSE_WORDS = (*(case(w) for w in _FALSE for case in (str.lower, str.title, str.upper)), "0")

# What is trimmed from both ends of every text cell before it is looked at.
BLANKS = " \t\r\n\x0b\x0c\u00a0"


@dataclass(frozen=True)
class ReadOptions:
    """How to read a source; None means: find out."""

    format: Literal["csv", "json_lines", "parquet"] | None = None
    delimiter: str | None = None
    encoding: str | None = None
    header: bool = True


@dataclass(frozen=True)
class DataWarning:
    """Something a person should know about the data; ``code`` is stable, the words are not.

    Codes: encoding, header, column_names, leakage, leakage_name, identifier, duplicates,
    rare_class, few_rows, wide, constant, all_missing, mostly_missing, stray_values,
    infinite_values, datetime, target_missing, task.
    """

    code: str
    column: str | None
    message: str
    advice: str

    def to_dict(self) -> dict[str, str | None]:
        """The four fields, for JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class SourceInfo:
    """Where a table came from and how it was read."""

    name: str
    format: Literal["csv", "json_lines", "parquet", "frame"]
    compression: Literal["gzip"] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    n_bytes: int | None = None
    sha256: str | None = None
    warnings: tuple[DataWarning, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table in memory: text cells are trimmed, cells without content are null, NaN is null."""

    frame: pl.DataFrame
    source: SourceInfo


@dataclass(frozen=True)
class Column:
    """A column and its role.

    Attributes
    ----------
    name : str
    role : Role
    reason : str
        Why it has that role, in words.
    missing : tuple of str
        Texts that stand for "no value" here.
    decimal, thousands : str
        Decimal point ("." or ","); separator of thousands ("" for none, else ``, . '`` or a blank).
    affixes : tuple of str
        Signs before or after numbers that are cut off (currency, percent); nothing is rescaled.
    formats : tuple of str
        Formats of dates, tried in order, made of ``%Y %y %m %d %b %B %H %I %p %M %S %.f %z``.
    true, false : tuple of str
        Words of a boolean column.
    n_missing, n_invalid, n_unique : int
        Rows without a value (invalid ones not counted); rows whose text does not fit the role (they
        count as missing for the model); distinct values among the rest.
    low, high : float or None
        Range of numbers; of dates, in seconds since 1970 UTC.
    examples : tuple of str
        Up to five values, the most frequent first.
    invalid_examples : tuple of str
        Up to five texts that do not fit the role.
    """

    name: str
    role: Role
    reason: str
    missing: tuple[str, ...] = MISSING_MARKS
    decimal: str = "."
    thousands: str = ""
    affixes: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    n_missing: int = 0
    n_invalid: int = 0
    n_unique: int = 0
    low: float | None = None
    high: float | None = None
    examples: tuple[str, ...] = ()
    invalid_examples: tuple[str, ...] = ()

    @property
    def is_feature(self) -> bool:
        """Whether a model can learn from it."""
        return self.role not in ("identifier", "constant", "ignored")


@dataclass(frozen=True)
class Schema:
    """The columns of a table without the target, the target, and the task that follows from it.

    ``classes`` are the labels in the order of the codes; of two, the second is the positive one.
    ``class_spellings`` maps every spelling that occurs to its class (``Yes`` and ``yes`` are one).
    """

    columns: tuple[Column, ...]
    target: str
    task: Task
    task_reason: str
    classes: tuple[str, ...]
    n_rows: int
    target_column: Column
    class_counts: tuple[int, ...] = ()
    class_spellings: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Column:
        for column in (*self.columns, self.target_column):
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns a model can learn from."""
        return tuple(column for column in self.columns if column.is_feature)


def plain_number(value: Any) -> str:
    """Write a number as people do: ``22``, not ``22.0``."""
    number = float(value)
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    return repr(number)
