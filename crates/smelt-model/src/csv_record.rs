//! Cuts text into records and fields as RFC 4180 has it, and tells what is wrong where it is not.
//!
//! Why not the `csv` crate: it takes a quote that is never closed, and text behind a closing quote,
//! without a word.  Here both are faults with a line number.
//!
//! Taken beyond the RFC: line ends LF, CR LF and CR in any mixture; blanks around a quoted field;
//! blank lines (skipped); a quote inside a field that does not begin with one (an ordinary letter).

/// What is wrong with the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CsvFault {
    /// A record has another number of fields than the first.
    FieldCount {
        /// Line on which the record starts.
        line: u64,
        /// Fields a record should have.
        expected: usize,
        /// Fields it has.
        found: usize,
        /// The first of its text.
        text: String,
    },
    /// A quote is opened and never closed.
    OpenQuote {
        /// Line of the quote.
        line: u64,
    },
    /// Something follows a closing quote that is neither delimiter nor line end.
    AfterQuote {
        /// Line of the closing quote.
        line: u64,
        /// The field as far as it was read.
        text: String,
    },
    /// A byte with the value zero, which no text contains.
    Nul {
        /// Line on which the record starts.
        line: u64,
    },
}

/// What [`Records::advance`] met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A record; its fields are in [`Records::field`].
    Record,
    /// The bytes end within a record, and more bytes are to come.
    Incomplete,
    /// Nothing is left.
    End,
    /// The text is wrong.
    Fault(CsvFault),
}

/// Reads one record after the other.
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    /// Whether `bytes` ends where the file ends.
    last: bool,
    /// Where the next record starts, and on which line.
    pub(crate) position: usize,
    pub(crate) line: u64,
    /// The line on which the record just read starts.
    pub(crate) record_line: u64,
    /// Unquoted text of the record just read, field after field, and where each field ends.
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> Records<'a> {
    pub(crate) fn new(bytes: &'a [u8], delimiter: u8, first_line: u64, last: bool) -> Self {
        Self {
            bytes,
            delimiter,
            last,
            position: 0,
            line: first_line,
            record_line: first_line,
            text: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Number of fields of the record just read.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Field `k` of the record just read.
    pub(crate) fn field(&self, k: usize) -> &[u8] {
        let start = if k == 0 { 0 } else { self.ends[k - 1] };
        &self.text[start..self.ends[k]]
    }

    /// The first characters of the record just read, for messages.
    pub(crate) fn excerpt(&self) -> String {
        excerpt(&self.bytes[self.position..])
    }

    /// Reads the next record; [`Records::position`] then still points at its start until
    /// [`Records::accept`] is called with what this returned.
    pub(crate) fn advance(&mut self) -> (Step, usize, u64) {
        // 1. Skip lines that hold nothing but blanks.
        let (start, mut line) = match self.skip_blank_lines() {
            Ok(found) => found,
            Err(step) => return (step, self.position, self.line),
        };
        self.position = start;
        self.line = line;
        self.record_line = line;
        self.text.clear();
        self.ends.clear();
        let mut at = start;
        loop {
            // 2. One field: quoted or not; then a delimiter, a line end, or the end.
            let field = self.skip_blanks(at);
            let outcome = if self.bytes.get(field) == Some(&b'"') {
                self.quoted(field, &mut line)
            } else {
                Ok(self.bare(at))
            };
            at = match outcome {
                Ok(next) => next,
                Err(step) => return (step, start, self.record_line),
            };
            self.ends.push(self.text.len());
            match self.bytes.get(at) {
                Some(&byte) if byte == self.delimiter => at += 1,
                Some(_) => match self.line_end(at) {
                    Some(width) => return self.finish(at + width, line + 1),
                    None => return (Step::Incomplete, start, self.record_line),
                },
                None if self.last => return self.finish(at, line),
                None => return (Step::Incomplete, start, self.record_line),
            }
        }
    }

    /// Moves on behind the record that [`Records::advance`] read.
    pub(crate) fn accept(&mut self, position: usize, line: u64) {
        self.position = position;
        self.line = line;
    }

    fn finish(&self, position: usize, line: u64) -> (Step, usize, u64) {
        if self.text.contains(&0) {
            return (Step::Fault(CsvFault::Nul { line: self.record_line }), position, line);
        }
        (Step::Record, position, line)
    }

    /// Width of the line end at `at`; None while it may be the first half of CR LF.
    fn line_end(&self, at: usize) -> Option<usize> {
        if self.bytes[at] == b'\n' {
            return Some(1);
        }
        match self.bytes.get(at + 1) {
            Some(b'\n') => Some(2),
            Some(_) => Some(1),
            None if self.last => Some(1),
            None => None,
        }
    }

    fn skip_blanks(&self, mut at: usize) -> usize {
        while let Some(&byte) = self.bytes.get(at) {
            if (byte == b' ' || byte == b'\t') && byte != self.delimiter {
                at += 1;
            } else {
                break;
            }
        }
        at
    }

    fn skip_blank_lines(&self) -> Result<(usize, u64), Step> {
        let (mut start, mut line) = (self.position, self.line);
        loop {
            let at = self.skip_blanks(start);
            match self.bytes.get(at) {
                None if self.last => return Err(Step::End),
                None => return Err(Step::Incomplete),
                Some(b'\n' | b'\r') => match self.line_end(at) {
                    Some(width) => (start, line) = (at + width, line + 1),
                    None => return Err(Step::Incomplete),
                },
                Some(_) => return Ok((start, line)),
            }
        }
    }

    /// Copies a field without quotes; returns where it ends.
    fn bare(&mut self, start: usize) -> usize {
        let delimiter = self.delimiter;
        let rest = &self.bytes[start..];
        let length = rest
            .iter()
            .position(|&byte| byte == delimiter || byte == b'\n' || byte == b'\r')
            .unwrap_or(rest.len());
        self.text.extend_from_slice(&rest[..length]);
        start + length
    }

    /// Copies a quoted field (doubled quotes become one); returns where its closing quote and the
    /// blanks behind it end.
    fn quoted(&mut self, open: usize, line: &mut u64) -> Result<usize, Step> {
        let (open_line, from) = (*line, self.text.len());
        let mut at = open + 1;
        loop {
            let rest = &self.bytes[at..];
            let Some(length) = rest.iter().position(|&byte| byte == b'"') else {
                return Err(if self.last {
                    Step::Fault(CsvFault::OpenQuote { line: open_line })
                } else {
                    Step::Incomplete
                });
            };
            self.text.extend_from_slice(&rest[..length]);
            at += length + 1;
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.text.push(b'"');
                    at += 1;
                }
                None if !self.last => return Err(Step::Incomplete),
                _ => break,
            }
        }
        *line += count_lines(&self.text[from..]);
        let end = self.skip_blanks(at);
        match self.bytes.get(end) {
            None if !self.last => Err(Step::Incomplete),
            None | Some(b'\n' | b'\r') => Ok(end),
            Some(&byte) if byte == self.delimiter => Ok(end),
            Some(_) => Err(Step::Fault(CsvFault::AfterQuote {
                line: *line,
                text: excerpt(&self.bytes[open..]),
            })),
        }
    }
}

/// Line ends (LF, CR LF or CR) within a text.
fn count_lines(text: &[u8]) -> u64 {
    let ends = text
        .iter()
        .enumerate()
        .filter(|&(i, &byte)| byte == b'\n' || (byte == b'\r' && text.get(i + 1) != Some(&b'\n')));
    ends.count() as u64
}

/// The first line of `bytes`, at most 60 characters of it.
fn excerpt(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(240)];
    let text = String::from_utf8_lossy(head);
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    let mut short: String = line.chars().take(60).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}
