//! Raw columns as they come from a file or a frame: text, or numbers that are already typed.

use std::collections::HashMap;
use std::ops::Range;

use smelt_core::{Error, Result};

/// One raw column.
#[derive(Debug, Clone)]
pub enum Column<'a> {
    /// Text, one value a row, possibly missing.
    Text(TextColumn<'a>),
    /// Numbers; NaN is missing.  Dates and times are seconds since 1970-01-01 UTC.
    Number(&'a [f64]),
}

/// Text values laid end to end.
#[derive(Debug, Clone)]
pub struct TextColumn<'a> {
    blob: &'a str,
    /// Byte length of each value; -1 is a missing value.
    lengths: &'a [i64],
    /// Where each value starts in the blob.
    starts: Vec<usize>,
}

impl<'a> TextColumn<'a> {
    /// Checks that the lengths cut the blob into valid pieces.
    pub fn new(blob: &'a [u8], lengths: &'a [i64]) -> Result<Self> {
        let blob = std::str::from_utf8(blob).map_err(|error| {
            Error::data(format!("a text column is not valid UTF-8 at byte {}", error.valid_up_to()))
        })?;
        let mut starts = Vec::with_capacity(lengths.len());
        let mut end = 0_usize;
        for &length in lengths {
            starts.push(end);
            end = usize::try_from(length.max(0))
                .ok()
                .and_then(|length| end.checked_add(length))
                .filter(|&end| blob.is_char_boundary(end))
                .ok_or_else(|| Error::data("the lengths of a text column do not fit its bytes"))?;
        }
        if end != blob.len() {
            return Err(Error::data("the lengths of a text column do not fill its bytes"));
        }
        Ok(Self { blob, lengths, starts })
    }

    /// Value of row `i`; nothing where it is missing.
    #[inline]
    pub fn get(&self, i: usize) -> Option<&'a str> {
        let length = usize::try_from(*self.lengths.get(i)?).ok()?;
        let start = *self.starts.get(i)?;
        self.blob.get(start..start + length)
    }
}

impl Column<'_> {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::Text(text) => text.lengths.len(),
            Self::Number(numbers) => numbers.len(),
        }
    }
}

/// Named columns of one length.
#[derive(Debug, Clone)]
pub struct Table<'a> {
    columns: HashMap<&'a str, Column<'a>>,
    n_rows: usize,
}

impl<'a> Table<'a> {
    /// Checks that names are distinct and lengths agree.
    pub fn new(columns: impl IntoIterator<Item = (&'a str, Column<'a>)>) -> Result<Self> {
        let mut table = Self { columns: HashMap::new(), n_rows: 0 };
        for (name, column) in columns {
            if table.columns.is_empty() {
                table.n_rows = column.n_rows();
            }
            table.insert(name, column)?;
        }
        Ok(table)
    }

    /// Adds a column of the same length.
    pub fn insert(&mut self, name: &'a str, column: Column<'a>) -> Result<()> {
        let n_rows = column.n_rows();
        if n_rows != self.n_rows {
            return Err(Error::data(format!(
                "column {name:?} has {n_rows} rows, the columns before it have {}",
                self.n_rows
            )));
        }
        match self.columns.insert(name, column) {
            None => Ok(()),
            Some(_) => Err(Error::data(format!("there are two columns named {name:?}"))),
        }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Column by name.
    pub fn get(&self, name: &str) -> Option<&Column<'a>> {
        self.columns.get(name)
    }

    /// Names of all columns, in no particular order.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.columns.keys().copied()
    }
}

/// Some rows of a column, as an operation sees them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColumnRows<'a> {
    column: &'a Column<'a>,
    first: usize,
    n_rows: usize,
}

/// One raw value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Missing,
    Text(&'a str),
    Number(f64),
}

impl<'a> ColumnRows<'a> {
    pub(crate) fn new(column: &'a Column<'a>, rows: &Range<usize>) -> Self {
        Self { column, first: rows.start, n_rows: rows.len() }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Value of the `i`-th of these rows.
    #[inline]
    pub(crate) fn get(&self, i: usize) -> Cell<'a> {
        match self.column {
            Column::Text(text) => text.get(self.first + i).map_or(Cell::Missing, Cell::Text),
            Column::Number(numbers) => match numbers.get(self.first + i) {
                Some(number) if !number.is_nan() => Cell::Number(*number),
                _ => Cell::Missing,
            },
        }
    }
}

/// A number as the text that a category or a document sees: `3` for 3.0, else the shortest text that
/// reads back as the same number.
pub(crate) fn number_as_text(number: f64, text: &mut String) {
    use std::fmt::Write as _;
    text.clear();
    let number = if number == 0.0 { 0.0 } else { number };
    // Writing to a String cannot fail.
    let _ = write!(text, "{number}");
}

#[cfg(test)]
mod tests {
    use super::{Column, Table, TextColumn, number_as_text};

    #[test]
    fn text_is_cut_at_the_lengths() {
        let column = TextColumn::new("Zürich3".as_bytes(), &[7, -1, 0, 1]).unwrap();
        let values: Vec<_> = (0..5).map(|i| column.get(i)).collect();
        assert_eq!(values, [Some("Zürich"), None, Some(""), Some("3"), None]);
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for lengths in [&[2_i64, 6][..], &[3], &[9], &[i64::MAX, i64::MAX], &[]] {
            assert!(TextColumn::new("Zürich3".as_bytes(), lengths).is_err(), "{lengths:?}");
        }
        assert!(TextColumn::new(&[0xff], &[1]).is_err());
    }

    #[test]
    fn tables_refuse_columns_that_do_not_agree() {
        let (short, long) = ([1.0], [1.0, 2.0]);
        let number = |values| Column::Number(values);
        assert!(Table::new([("a", number(&short)), ("b", number(&long))]).is_err());
        assert!(Table::new([("a", number(&short)), ("a", number(&short))]).is_err());
        assert_eq!(Table::new([("a", number(&long))]).unwrap().n_rows(), 2);
    }

    #[test]
    fn numbers_are_written_as_a_csv_would() {
        let mut text = String::new();
        for (number, expected) in
            [(3.0, "3"), (-0.0, "0"), (1.5, "1.5"), (1e21, "1000000000000000000000")]
        {
            number_as_text(number, &mut text);
            assert_eq!(text, expected);
        }
    }
}
