//! Reads delimited text into columns, a piece at a time.
//!
//! The caller feeds pieces of any size; what is left over at the end of a piece (`consumed` tells) is
//! to be put before the next one.  So a file of any size is read in constant memory.
//!
//! Cost: one pass over the bytes, each copied twice.

use smelt_core::{Control, Result};

pub use crate::csv_record::CsvFault;
use crate::csv_record::{Records, Step};

/// Settings of [`csv_parse`].
#[derive(Debug, Clone)]
pub struct CsvParams {
    /// The byte between two fields.
    pub delimiter: u8,
    /// Fields a record must have; None takes the first record's number.
    pub n_fields: Option<usize>,
    /// Number of the line on which the piece starts.
    pub first_line: u64,
    /// Whether the file ends with this piece.
    pub last: bool,
    /// Stop after this many records.
    pub max_records: usize,
}

/// What [`csv_parse`] read.
#[derive(Debug, Default)]
pub struct CsvBatch {
    /// The fields of each column, with a zero byte between two fields (no field contains one).
    pub columns: Vec<Vec<u8>>,
    /// Number of records.
    pub n_records: usize,
    /// Bytes that were read; the rest belongs to a record that is not complete.
    pub consumed: usize,
    /// Number of the line on which the rest starts.
    pub next_line: u64,
    /// What is wrong with the record behind the last good one.
    pub fault: Option<CsvFault>,
}

/// Records between two looks at the clock.
const CHECK_EVERY: usize = 1024;

/// Reads the complete records of a piece of text into columns.
///
/// A record may have more fields than it should when the surplus ones are empty (delimiters at the
/// end of a line).
pub fn csv_parse(bytes: &[u8], params: &CsvParams, control: &Control) -> Result<CsvBatch> {
    let mut records = Records::new(bytes, params.delimiter, params.first_line, params.last);
    let mut batch = CsvBatch::default();
    let mut n_fields = params.n_fields;
    let mut since_check = 0;
    while batch.n_records < params.max_records {
        // 1. The next record.
        let (step, position, line) = records.advance();
        match step {
            Step::Record => {}
            Step::Incomplete => break,
            Step::End => {
                records.accept(bytes.len(), line);
                break;
            }
            Step::Fault(fault) => {
                batch.fault = Some(fault);
                break;
            }
        }
        // 2. It must have as many fields as the others.
        let expected = *n_fields.get_or_insert(records.len());
        let surplus_is_empty = (expected..records.len()).all(|k| records.field(k).is_empty());
        if records.len() < expected || !surplus_is_empty {
            batch.fault = Some(CsvFault::FieldCount {
                line: records.record_line,
                expected,
                found: records.len(),
                text: records.excerpt(),
            });
            break;
        }
        // 3. Each field goes to its column.
        if batch.n_records == 0 {
            batch.columns = vec![Vec::new(); expected];
        }
        for (k, column) in batch.columns.iter_mut().enumerate() {
            if batch.n_records > 0 {
                column.push(0);
            }
            column.extend_from_slice(records.field(k));
        }
        batch.n_records += 1;
        records.accept(position, line);
        since_check += 1 + records.len() / 16;
        if since_check >= CHECK_EVERY {
            control.check()?;
            since_check = 0;
        }
    }
    batch.consumed = records.position;
    batch.next_line = records.line;
    Ok(batch)
}

/// Number of fields of each complete record, up to the first fault and at most `max_records`.
pub fn csv_field_counts(bytes: &[u8], delimiter: u8, last: bool, max_records: usize) -> Vec<usize> {
    let mut records = Records::new(bytes, delimiter, 1, last);
    let mut counts = Vec::new();
    while counts.len() < max_records {
        let (step, position, line) = records.advance();
        if step != Step::Record {
            break;
        }
        counts.push(records.len());
        records.accept(position, line);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str, last: bool) -> CsvBatch {
        let params = CsvParams {
            delimiter: b',',
            n_fields: None,
            first_line: 1,
            last,
            max_records: usize::MAX,
        };
        csv_parse(text.as_bytes(), &params, &Control::new()).unwrap()
    }

    fn cells(batch: &CsvBatch) -> Vec<Vec<String>> {
        let text = |column: &Vec<u8>| {
            column.split(|&b| b == 0).map(|c| String::from_utf8(c.to_vec()).unwrap()).collect()
        };
        batch.columns.iter().map(text).collect()
    }

    #[test]
    fn quotes_line_ends_and_blank_lines() {
        let batch = parse("a,b\r\n\"x\"\"y\",1\r \n\n \"p,\nq\" ,2\nz\"z,3", true);
        assert_eq!(batch.fault, None);
        assert_eq!(cells(&batch), [["a", "x\"y", "p,\nq", "z\"z"], ["b", "1", "2", "3"]]);
        assert_eq!(batch.next_line, 7);
    }

    #[test]
    fn faults_carry_their_line() {
        let fault = parse("a,b\n1,2\n\"x\ny\",2,3\n", true).fault;
        let text = "\"x".to_string();
        assert_eq!(fault, Some(CsvFault::FieldCount { line: 3, expected: 2, found: 3, text }));
        assert_eq!(parse("a\n\n\"x\n", true).fault, Some(CsvFault::OpenQuote { line: 3 }));
        let fault = parse("a\n\"x\n\"y\n", true).fault;
        assert_eq!(fault, Some(CsvFault::AfterQuote { line: 3, text: "\"x".to_string() }));
        assert_eq!(parse("a\nx\0\n", true).fault, Some(CsvFault::Nul { line: 2 }));
    }

    #[test]
    fn empty_fields_at_the_end_are_dropped() {
        let batch = parse("a,b\n1,2,\n3,4,,\n", true);
        assert_eq!(cells(&batch), [["a", "1", "3"], ["b", "2", "4"]]);
        assert!(parse("a,b\n1\n", true).fault.is_some());
    }

    #[test]
    fn counts_for_guessing_the_delimiter() {
        assert_eq!(csv_field_counts(b"a;b\n1,5;2\n", b';', true, 9), [2, 2]);
        assert_eq!(csv_field_counts(b"a;b\n1,5;2\n", b',', true, 9), [1, 2]);
    }

    proptest! {
        /// However a text is cut into pieces, the same records come out.
        #[test]
        fn pieces_make_no_difference(text in "[a\"\r\n, é]{0,40}", cut in 0usize..40) {
            let whole = parse(&text, true);
            let cut = (0..=cut.min(text.len())).rev().find(|&c| text.is_char_boundary(c)).unwrap();
            let first = parse(&text[..cut], false);
            let mut params = CsvParams {
                delimiter: b',',
                n_fields: (first.n_records > 0).then_some(first.columns.len()),
                first_line: first.next_line,
                last: true,
                max_records: usize::MAX,
            };
            if let Some(fault) = &first.fault {
                let kind = whole.fault.as_ref().map(std::mem::discriminant);
                prop_assert_eq!(Some(std::mem::discriminant(fault)), kind);
                return Ok(());
            }
            if first.n_records == 0 { params.n_fields = None; }
            let rest = &text.as_bytes()[first.consumed..];
            let second = csv_parse(rest, &params, &Control::new()).unwrap();
            prop_assert_eq!(first.n_records + second.n_records, whole.n_records);
            prop_assert_eq!(second.next_line, whole.next_line);
            let mut joined = cells(&first);
            for (k, column) in cells(&second).into_iter().enumerate() {
                if joined.len() <= k { joined.push(Vec::new()); }
                joined[k].extend(column);
            }
            prop_assert_eq!(joined, cells(&whole));
        }
    }
}
