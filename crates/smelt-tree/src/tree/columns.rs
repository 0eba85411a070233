//! Columns: what all trees of a forest share.  Every value becomes a code, prepared once.
//!
//! The codes of a column ascend with its values.  In exact mode each distinct value has its own; with
//! `max_bins`, a column of more distinct values gets that many codes, cut at quantiles, and its codes
//! are bytes.  Each code knows its smallest and largest value, so that a cut between two codes has the
//! threshold that scikit-learn would choose: the middle of the two values next to it.
//!
//! Cost: one sort by digits a column (3 passes over 8 bytes a value); 1, 2 or 4 bytes a value kept.

use smelt_core::{Control, Error, Result, parallel};

use super::sort::{from_ordered_bits, ordered_bits, pack, sort};
use super::sparse::ByColumn;
use super::subtree::stride;

/// Values closer than this are the same to a splitter.
pub(crate) const CLOSE: f32 = 1e-7;

/// Codes of a column, as narrow as they fit; missing values have the code behind the last.
#[derive(Debug)]
pub(crate) enum Codes {
    Narrow(Vec<u8>),
    Middle(Vec<u16>),
    Wide(Vec<u32>),
}

/// Codes of a column: `codes[row * stride + offset]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strided<'a, T> {
    codes: &'a [T],
    stride: usize,
    offset: usize,
}

impl<'a, T: Copy> Strided<'a, T> {
    /// A column by itself.
    pub(crate) fn column(codes: &'a [T]) -> Self {
        Self { codes, stride: 1, offset: 0 }
    }

    /// A column of a table whose rows are `stride` long.
    pub(crate) fn of_rows(codes: &'a [T], stride: usize, offset: usize) -> Self {
        Self { codes, stride, offset }
    }

    #[inline(always)]
    pub(crate) fn get(self, row: u32) -> T {
        self.codes[row as usize * self.stride + self.offset]
    }
}

/// A column of the training data.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) codes: Codes,
    /// Smallest and largest value of every code.
    lowest: Vec<f32>,
    highest: Vec<f32>,
    /// Rows in ascending order of their codes, missing ones last; only if asked for.
    pub(crate) order: Vec<u32>,
    pub(crate) has_missing: bool,
    /// Whether a code stands for several values.
    pub(crate) is_binned: bool,
    /// Whether values of two codes may be as good as the same.
    pub(crate) has_close: bool,
    /// Whether the values are numbers of categories.
    pub(crate) is_categorical: bool,
}

/// All columns.
#[derive(Debug)]
pub struct Columns {
    pub(crate) columns: Vec<Column>,
    pub(crate) n_rows: usize,
    /// Codes row by row, if all columns are columns of bytes.
    pub(crate) by_row: Vec<u8>,
    /// Length of a row of these.
    pub(crate) stride: usize,
}

impl Columns {
    /// Codes of `X`; at most `max_bins` (2 to 255) a column, or one a distinct value if `None`.
    ///
    /// `with_order` keeps the sorted rows of every column that is no column of bytes; those of a
    /// sparse table are not kept, nor are its bytes row by row: they would take more than the codes.
    #[allow(non_snake_case)]
    pub fn new<'a>(
        X: impl Into<ByColumn<'a>>,
        max_bins: Option<usize>,
        with_order: bool,
        control: &Control,
    ) -> Result<Self> {
        Self::with_categories(X, max_bins, &[], with_order, control)
    }

    /// The same, with columns of categories where `categorical` says so: these are not binned.
    #[allow(non_snake_case)]
    pub fn with_categories<'a>(
        X: impl Into<ByColumn<'a>>,
        max_bins: Option<usize>,
        categorical: &[bool],
        with_order: bool,
        control: &Control,
    ) -> Result<Self> {
        let X: ByColumn<'a> = X.into();
        if let Some(max_bins) = max_bins
            && !(2..=255).contains(&max_bins)
        {
            return Err(Error::parameter("max_bins", format!("must be 2 to 255, got {max_bins}")));
        }
        let n_rows = X.n_rows();
        if n_rows >= u32::MAX as usize {
            return Err(Error::data(format!(
                "a tree takes fewer than 2^32 - 1 rows, got {n_rows}"
            )));
        }
        let columns = parallel::map_chunks(X.n_cols(), 1, n_rows as f64 * 20.0, |feature, _| {
            control.check()?;
            let is_categorical = categorical.get(feature) == Some(&true);
            let max_bins = if is_categorical { None } else { max_bins };
            let column = match X {
                ByColumn::Dense(X) => {
                    let values = (0..).zip((0..n_rows).map(|row| X.get(row, feature)));
                    Column::new(values, n_rows, max_bins, with_order)
                }
                ByColumn::Sparse(X) => {
                    let (rows, values) = X.col(feature);
                    let rows = rows.iter().map(|&row| row as u32);
                    let entries = rows.zip(values.iter().copied()).filter(|&(_, x)| x != 0.0);
                    Column::new(entries, n_rows, max_bins, false)
                }
            };
            if is_categorical && !matches!(column.codes, Codes::Narrow(_)) {
                let message = format!("column {feature} has more than 255 categories");
                return Err(Error::data(message));
            }
            Ok(Column { is_categorical, ..column })
        });
        let columns = columns.into_iter().collect::<Result<Vec<_>>>()?;
        let stride = stride(columns.len());
        let by_row = match X {
            ByColumn::Dense(_) => by_row(&columns, n_rows, stride),
            ByColumn::Sparse(_) => Vec::new(),
        };
        control.check()?;
        Ok(Self { columns, n_rows, by_row, stride })
    }
}

impl Columns {
    /// Codes of a column of bytes, as a node of `n_rows` rows fetches them fastest: a small node row
    /// by row, so that one fetch from far memory serves all columns it looks at.
    #[inline(always)]
    pub(crate) fn bytes<'a>(
        &'a self,
        codes: &'a [u8],
        feature: usize,
        n_rows: usize,
    ) -> Strided<'a, u8> {
        if self.by_row.is_empty() || n_rows > self.n_rows / 8 {
            return Strided::column(codes);
        }
        Strided { codes: &self.by_row, stride: self.stride, offset: feature }
    }
}

/// The values of a column in ascending order: words of value and row, and in their midst zeros whose
/// rows are not listed.
struct Ascending {
    words: Vec<u64>,
    /// Words below zero.
    n_below: usize,
    n_zeros: usize,
}

impl Ascending {
    fn new(mut words: Vec<u64>, n_zeros: usize) -> Self {
        sort(&mut words, &mut Vec::new(), u32::MAX);
        let zero = pack(ordered_bits(0.0), 0);
        Self { n_below: words.partition_point(|&word| word < zero), words, n_zeros }
    }

    fn len(&self) -> usize {
        self.words.len() + self.n_zeros
    }

    /// How many words lie before a place.
    fn n_words(&self, place: usize) -> usize {
        place.min(self.n_below).max(place.saturating_sub(self.n_zeros))
    }

    fn value(&self, place: usize) -> f32 {
        if (self.n_below..self.n_below + self.n_zeros).contains(&place) {
            return 0.0;
        }
        from_ordered_bits((self.words[self.n_words(place)] >> 32) as u32)
    }

    /// First place of every distinct value.
    fn firsts(&self) -> Vec<usize> {
        let mut firsts = Vec::new();
        let (below, above) = self.words.split_at(self.n_below);
        let mut add = |words: &[u64], start: usize| {
            for (place, word) in words.iter().enumerate() {
                if place == 0 || words[place - 1] >> 32 != word >> 32 {
                    firsts.push(start + place);
                }
            }
        };
        add(below, 0);
        if self.n_zeros > 0 {
            add(&[0], self.n_below);
        }
        add(above, self.n_below + self.n_zeros);
        firsts
    }

    /// Code of every row, from the first place of every code; `missing` rows have the next one.
    fn codes<T: Copy>(
        &self,
        n_rows: usize,
        firsts: &[usize],
        missing: &[u32],
        convert: impl Fn(usize) -> T,
    ) -> Vec<T> {
        let zero = firsts.partition_point(|&first| first <= self.n_below).saturating_sub(1);
        let mut codes = vec![convert(zero); n_rows];
        missing.iter().for_each(|&row| codes[row as usize] = convert(firsts.len()));
        for (code, &first) in firsts.iter().enumerate() {
            let end = firsts.get(code + 1).copied().unwrap_or(self.len());
            for &word in &self.words[self.n_words(first)..self.n_words(end)] {
                codes[word as u32 as usize] = convert(code);
            }
        }
        codes
    }
}

impl Column {
    /// The rows that are not in `entries` have a zero.
    fn new(
        entries: impl Iterator<Item = (u32, f32)>,
        n_rows: usize,
        max_bins: Option<usize>,
        with_order: bool,
    ) -> Self {
        let (mut words, mut missing) = (Vec::new(), Vec::new());
        for (row, value) in entries {
            if value.is_nan() {
                missing.push(row);
            } else {
                words.push(pack(ordered_bits(value), row));
            }
        }
        let n_zeros = n_rows - words.len() - missing.len();
        let ascending = Ascending::new(words, n_zeros);
        let mut firsts = ascending.firsts();
        let is_binned = max_bins.is_some_and(|max_bins| firsts.len() > max_bins);
        if let Some(max_bins) = max_bins
            && is_binned
        {
            firsts = at_quantiles(&firsts, ascending.len(), max_bins);
        }
        let ends = firsts.iter().skip(1).copied().chain([ascending.len()]);
        let lowest: Vec<f32> = firsts.iter().map(|&first| ascending.value(first)).collect();
        let highest: Vec<f32> =
            ends.take(firsts.len()).map(|end| ascending.value(end - 1)).collect();
        let codes = if firsts.len() <= usize::from(u8::MAX) {
            Codes::Narrow(ascending.codes(n_rows, &firsts, &missing, |code| code as u8))
        } else if firsts.len() <= usize::from(u16::MAX) {
            Codes::Middle(ascending.codes(n_rows, &firsts, &missing, |code| code as u16))
        } else {
            Codes::Wide(ascending.codes(n_rows, &firsts, &missing, |code| code as u32))
        };
        let has_missing = !missing.is_empty();
        let order = if with_order && !matches!(codes, Codes::Narrow(_)) {
            ascending.words.iter().map(|&word| word as u32).chain(missing).collect()
        } else {
            Vec::new()
        };
        let mut neighbours = lowest.iter().skip(1).zip(&highest);
        let has_close = neighbours.any(|(&next, &last)| next <= last + CLOSE);
        Self {
            codes,
            lowest,
            highest,
            order,
            has_missing,
            is_binned,
            has_close,
            is_categorical: false,
        }
    }

    /// Value of every code, the smallest where it stands for several, and NaN for missing values.
    pub(crate) fn values(&self) -> Vec<f32> {
        self.lowest.iter().copied().chain([f32::NAN]).collect()
    }

    /// Number of codes without the one for missing values, which is the next.
    #[inline(always)]
    pub(crate) fn n_codes(&self) -> usize {
        self.lowest.len()
    }

    /// Whether a cut between two codes would part values that are as good as the same.
    #[inline(always)]
    pub(crate) fn are_close(&self, left: u32, right: u32) -> bool {
        self.lowest[right as usize] <= self.highest[left as usize] + CLOSE
    }

    /// Threshold of a cut between the codes `left` and `right`, with no row between them.
    pub(crate) fn threshold(&self, left: u32, right: u32) -> f64 {
        let (left, right) = (self.highest[left as usize], self.lowest[right as usize]);
        f64::from(left) / 2.0 + f64::from(right) / 2.0
    }

    /// The last code whose smallest value is at most `threshold`, which one's is, and the threshold
    /// behind its values; `threshold` itself, where every code stands for one value.
    pub(crate) fn behind(&self, threshold: f64) -> (u32, f64) {
        let n_up_to = self.lowest.partition_point(|&low| f64::from(low) <= threshold);
        let last = n_up_to.saturating_sub(1) as u32;
        if !self.is_binned {
            return (last, threshold);
        }
        let is_last = n_up_to >= self.lowest.len();
        let highest = self.highest.last().map_or(threshold, |&highest| highest.into());
        (last, if is_last { highest } else { self.threshold(last, last + 1) })
    }

    /// Smallest value of a code that is not that of missing values.
    #[inline(always)]
    pub(crate) fn lowest(&self, code: u32) -> f32 {
        self.lowest[code as usize]
    }

    /// Code of a row.
    #[inline(always)]
    pub(crate) fn code(&self, row: usize) -> u32 {
        match &self.codes {
            Codes::Narrow(codes) => codes[row].into(),
            Codes::Middle(codes) => codes[row].into(),
            Codes::Wide(codes) => codes[row],
        }
    }
}

/// Codes of columns of bytes row by row; empty if a column is none.
fn by_row(columns: &[Column], n_rows: usize, stride: usize) -> Vec<u8> {
    let narrow = columns.iter().map_while(|column| match &column.codes {
        Codes::Narrow(codes) => Some(&codes[..]),
        _ => None,
    });
    let narrow: Vec<&[u8]> = narrow.collect();
    if narrow.len() < columns.len() {
        return Vec::new();
    }
    let mut out = vec![0; n_rows * stride];
    parallel::for_chunks_mut(&mut out, stride, 4096, 1.0, |_, range, part| {
        for (feature, codes) in narrow.iter().enumerate() {
            let places = part.iter_mut().skip(feature).step_by(stride);
            places.zip(&codes[range.clone()]).for_each(|(place, &code)| *place = code);
        }
    });
    out
}

/// First places of `max_bins` groups of about equal size; equal values stay together.
fn at_quantiles(firsts: &[usize], n: usize, max_bins: usize) -> Vec<usize> {
    let mut kept = vec![0];
    for bin in 1..max_bins {
        // The distinct value that starts nearest to this quantile.
        let wanted = bin * n / max_bins;
        let behind = firsts.partition_point(|&first| first < wanted);
        let before = behind.saturating_sub(1);
        let near = match firsts.get(behind) {
            Some(&first) if first - wanted <= wanted - firsts[before] => first,
            _ => firsts[before],
        };
        if kept.last() != Some(&near) {
            kept.push(near);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::Columns;
    use smelt_core::{Control, MatRef};

    #[test]
    fn codes_ascend_with_values_and_missing_ones_come_last() {
        let values = [2.5_f32, f32::NAN, -1.0, 2.5, 0.0, -0.0];
        let view = MatRef::column_vector(&values);
        let columns = Columns::new(view, None, true, &Control::new()).unwrap();
        let column = &columns.columns[0];
        let codes: Vec<u32> = (0..6).map(|row| column.code(row)).collect();
        assert_eq!(codes, [2, 3, 0, 2, 1, 1]);
        assert_eq!((column.n_codes(), column.threshold(0, 2)), (3, 0.75));
        assert!(!column.are_close(0, 1) && column.order.is_empty());
    }

    #[test]
    fn many_values_are_cut_at_quantiles_and_keep_their_ends() {
        let values: Vec<f32> = (0..1000).map(|i| (i * 7 % 1000) as f32).collect();
        let view = MatRef::column_vector(&values);
        let columns = Columns::new(view, Some(4), false, &Control::new()).unwrap();
        let column = &columns.columns[0];
        assert_eq!(column.threshold(0, 1), 249.5);
        assert_eq!(column.code(1), 0);
        let exact = Columns::new(view, None, true, &Control::new()).unwrap();
        assert_eq!(exact.columns[0].order[..3], [0, 143, 286]);
        assert!(Columns::new(view, Some(256), false, &Control::new()).is_err());
    }
}
