//! What a pipeline needs to fit `category_map` and `tf_idf`: the distinct values of a column and the
//! terms of its texts, cut exactly as the operations cut them.

use std::collections::HashMap;

use smelt_core::{Control, Error, Result, parallel};

use crate::ops::Markers;
use crate::ops::tokens::{TokenOptions, Tokenizer};
use crate::table::{Cell, Column, ColumnRows, number_as_text};

/// Rows of a chunk.
const CHUNK: usize = 4096;

/// Distinct texts with the number of rows that hold them, in the order of the texts.
pub type Counts = Vec<(String, u64)>;

fn merge(parts: Vec<Result<HashMap<String, u64>>>) -> Result<Counts> {
    let mut all: HashMap<String, u64> = HashMap::new();
    for part in parts {
        for (text, count) in part? {
            *all.entry(text).or_insert(0) += count;
        }
    }
    let mut counts: Counts = all.into_iter().collect();
    counts.sort_unstable();
    Ok(counts)
}

fn add(counts: &mut HashMap<String, u64>, text: &str) {
    match counts.get_mut(text) {
        Some(count) => *count += 1,
        None => {
            counts.insert(text.to_string(), 1);
        }
    }
}

/// Distinct values of a column, trimmed, without the missing ones.
pub fn count_values(column: &Column<'_>, missing: &[String], control: &Control) -> Result<Counts> {
    let missing = Markers::new(missing);
    merge(parallel::map_chunks(column.n_rows(), CHUNK, 50.0, |_, rows| {
        control.check()?;
        let cells = ColumnRows::new(column, &rows);
        let mut written = String::new();
        let mut counts = HashMap::new();
        for i in 0..rows.len() {
            match cells.get(i) {
                Cell::Missing => {}
                Cell::Text(text) => {
                    let text = text.trim();
                    if !missing.hold(text) {
                        add(&mut counts, text);
                    }
                }
                Cell::Number(number) => {
                    number_as_text(number, &mut written);
                    add(&mut counts, &written);
                }
            }
        }
        Ok(counts)
    }))
}

/// Distinct terms of the texts of a column, each with the number of texts that hold it.
pub fn count_terms(
    column: &Column<'_>,
    options: &TokenOptions,
    control: &Control,
) -> Result<Counts> {
    options.check().map_err(Error::Data)?;
    merge(parallel::map_chunks(column.n_rows(), CHUNK / 4, 1000.0, |_, rows| {
        control.check()?;
        let cells = ColumnRows::new(column, &rows);
        let mut tokenizer = Tokenizer::new(options);
        let mut written = String::new();
        // For each term the number of texts, and the last text that held it.
        let mut seen: HashMap<String, (u64, usize)> = HashMap::new();
        for i in 0..rows.len() {
            let text = match cells.get(i) {
                Cell::Missing => continue,
                Cell::Text(text) => text,
                Cell::Number(number) => {
                    number_as_text(number, &mut written);
                    &written
                }
            };
            tokenizer.for_each(text, |term| match seen.get_mut(term) {
                Some((_, last)) if *last == i => {}
                Some((count, last)) => {
                    *count += 1;
                    *last = i;
                }
                None => {
                    seen.insert(term.to_string(), (1, i));
                }
            });
        }
        Ok(seen.into_iter().map(|(term, (count, _))| (term, count)).collect())
    }))
}

#[cfg(test)]
mod tests {
    use smelt_core::Control;

    use super::{count_terms, count_values};
    use crate::ops::tokens::{Analyzer, TokenOptions};
    use crate::table::{Column, TextColumn};

    #[test]
    fn values_and_terms_are_counted_by_row() {
        let text = TextColumn::new(b"to be or to be to NA", &[5, 12, 3, -1]).unwrap();
        let column = Column::Text(text);
        let control = Control::new();
        let values = count_values(&column, &["NA".into()], &control).unwrap();
        assert_eq!(values, [("or to be to".into(), 1), ("to be".into(), 1)]);
        let options =
            TokenOptions { lowercase: true, analyzer: Analyzer::Word, ngram_range: (1, 1) };
        let terms = count_terms(&column, &options, &control).unwrap();
        let expected = [("be", 2), ("na", 1), ("or", 1), ("to", 2)];
        assert_eq!(terms, expected.map(|(term, count)| (term.to_string(), count)));
    }
}
