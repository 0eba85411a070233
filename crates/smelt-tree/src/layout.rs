//! Where bins lie: feature behind feature, or on shelves.
//!
//! Histograms want groups of up to four features in four bytes a row: one load feeds four features.
//! A shelf holds up to four groups side by side.  The rows of a deep node are far from each other, so
//! every row costs a cache line a shelf, which then serves all its groups; shelves of 16 bytes are
//! wide enough for that, and leave threads something to share.  Where a group by itself fits in the
//! second-level cache, one on each shelf is faster: whoever bins the rows chooses.  Rows that only go
//! down trees may come as columns.  Either way a bin is one byte.

use std::ops::Range;

use smelt_core::simd::prefetch_far;
use smelt_core::{Error, Result};

/// Features in a group, at most.
pub const WIDTH: usize = 4;
/// Groups side by side on a shelf, at most.
pub const SPAN: usize = 4;
/// Fewest groups that the features are spread over, so that threads have equal shares.
const GROUPS: usize = 8;

/// Number of groups of `n_features` features.
pub fn n_groups(n_features: usize) -> usize {
    n_features.div_ceil(WIDTH).max(GROUPS.min(n_features))
}

/// Number of shelves of `n_features` features, and how many groups stand on each but the last, where
/// there is room for `span` (1 to 4); as many have room for these.
pub fn shelves(n_features: usize, span: usize) -> (usize, usize) {
    let n_groups = n_groups(n_features);
    let n_shelves = n_groups.div_ceil(span.clamp(1, SPAN));
    (n_shelves, n_groups.div_ceil(n_shelves.max(1)))
}

/// Shelf of each feature, and its byte there.
pub(crate) fn places(n_features: usize, span: usize) -> Vec<(usize, usize)> {
    let (_, span) = shelves(n_features, span);
    let place = |(group, lane)| (group / span, group % span * WIDTH + lane);
    lanes(n_features).into_iter().map(place).collect()
}

/// Features of a group.
pub(crate) fn features_of(group: usize, n_features: usize) -> Range<usize> {
    let n_groups = n_groups(n_features);
    group * n_features / n_groups..(group + 1) * n_features / n_groups
}

/// Group of each feature, and its place there.
pub(crate) fn lanes(n_features: usize) -> Vec<(usize, usize)> {
    (0..n_groups(n_features))
        .flat_map(|group| (0..features_of(group, n_features).len()).map(move |lane| (group, lane)))
        .collect()
}

/// Bins of a table.
#[derive(Debug, Clone)]
pub struct Bins<'a> {
    bytes: &'a [u8],
    n_rows: usize,
    /// Where each feature starts, and how far its rows are apart.
    starts: Vec<usize>,
    stride: usize,
    /// Groups side by side; 0 where the bins lie in columns.
    span: usize,
}

impl<'a> Bins<'a> {
    /// Feature behind feature.
    pub fn columns(bytes: &'a [u8], n_rows: usize, n_features: usize) -> Result<Self> {
        let starts = (0..n_features).map(|feature| feature * n_rows).collect();
        Self { bytes, n_rows, starts, stride: 1, span: 0 }.checked(n_features)
    }

    /// Shelf behind shelf, row by row, with room for `span` groups (1 to 4) on each.
    pub fn groups(bytes: &'a [u8], n_rows: usize, n_features: usize, span: usize) -> Result<Self> {
        let (n_shelves, span) = shelves(n_features, span);
        let stride = span * WIDTH;
        let start = |(shelf, at)| shelf * n_rows * stride + at;
        let starts = places(n_features, span).into_iter().map(start).collect();
        Self { bytes, n_rows, starts, stride, span }.checked(n_shelves * stride)
    }

    fn checked(self, bytes_of_row: usize) -> Result<Self> {
        if self.bytes.len() == self.n_rows * bytes_of_row {
            Ok(self)
        } else {
            Err(Error::data("the bins do not match the rows and features"))
        }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.starts.len()
    }

    /// Bin of a feature of a row.
    #[inline(always)]
    pub(crate) fn get(&self, feature: usize, row: usize) -> u8 {
        self.bytes[self.starts[feature] + row * self.stride]
    }

    /// Bins of a group; none where the bins lie in columns.
    pub(crate) fn group(&self, group: usize) -> Option<GroupBins<'a>> {
        if self.span == 0 {
            return None;
        }
        let span = self.span;
        let of_shelf = self.n_rows * self.stride;
        let bytes = &self.bytes[group / span * of_shelf..][..of_shelf];
        Some(GroupBins { words: bytes.as_chunks().0, span, place: group % span })
    }

    /// The largest bin of each feature.
    pub(crate) fn largest(&self) -> Vec<u8> {
        if self.span == 0 {
            let largest = |column: &[u8]| column.iter().fold(0, |a, &b| b.max(a));
            return self.bytes.chunks_exact(self.n_rows.max(1)).map(largest).collect();
        }
        let shelves = self.bytes.chunks_exact((self.n_rows * self.stride).max(1));
        let of_shelves: Vec<Vec<u8>> = shelves
            .map(|shelf| {
                // Sixteen rows at a time, as vectors compare them.
                let mut largest = vec![0_u8; 16 * self.stride];
                for rows in shelf.chunks(largest.len()) {
                    for (a, b) in largest.iter_mut().zip(rows) {
                        *a = (*a).max(*b);
                    }
                }
                largest
            })
            .collect();
        let largest = |(shelf, at): (usize, usize)| {
            of_shelves[shelf][at..].iter().step_by(self.stride).fold(0, |a: u8, &b| a.max(b))
        };
        if of_shelves.is_empty() {
            return vec![0; self.n_features()];
        }
        places(self.n_features(), self.span).into_iter().map(largest).collect()
    }
}

/// Bins of a group of features: four bytes a row, beside those of other groups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupBins<'a> {
    words: &'a [[u8; WIDTH]],
    /// Groups side by side.
    span: usize,
    /// Which of them this one is.
    place: usize,
}

impl GroupBins<'_> {
    /// Four bins of each of some rows, as one integer a row.
    #[inline(always)]
    pub(crate) fn fetch(&self, rows: &[u32], out: &mut [u32]) {
        match self.span {
            1 => self.fetch_from::<1>(rows, out),
            2 => self.fetch_from::<2>(rows, out),
            3 => self.fetch_from::<3>(rows, out),
            _ => self.fetch_from::<SPAN>(rows, out),
        }
    }

    #[inline(always)]
    fn fetch_from<const N: usize>(&self, rows: &[u32], out: &mut [u32]) {
        let (shelf, place) = (self.words.as_chunks::<N>().0, self.place.min(N - 1));
        for (out, &row) in out.iter_mut().zip(rows) {
            *out = u32::from_le_bytes(shelf[row as usize][place]);
        }
    }

    /// Has the bins of rows that are wanted soon come nearer.
    #[inline(always)]
    pub(crate) fn prefetch(&self, rows: &[u32]) {
        for &row in rows {
            if let Some(word) = self.words.get(row as usize * self.span) {
                prefetch_far(word);
            }
        }
    }

    /// The same for the rows from `start` on.
    #[inline(always)]
    pub(crate) fn fetch_range(&self, start: usize, out: &mut [u32]) {
        let words = self.words[start * self.span..][..out.len() * self.span].chunks(self.span);
        for (out, of_row) in out.iter_mut().zip(words) {
            *out = u32::from_le_bytes(of_row[self.place]);
        }
    }

    /// Whether the group is the first of its shelf.
    #[inline(always)]
    pub(crate) fn is_first(&self) -> bool {
        self.place == 0
    }

    /// Bin of a feature of a row.
    #[inline(always)]
    pub(crate) fn get(&self, row: u32, lane: usize) -> u8 {
        self.words[row as usize * self.span + self.place][lane]
    }

    /// Bins of a feature of some rows.
    #[inline(always)]
    pub(crate) fn fetch_lane(&self, lane: usize, rows: &[u32], out: &mut [u8]) {
        match self.span {
            1 => self.fetch_lane_from::<1>(lane, rows, out),
            2 => self.fetch_lane_from::<2>(lane, rows, out),
            3 => self.fetch_lane_from::<3>(lane, rows, out),
            _ => self.fetch_lane_from::<SPAN>(lane, rows, out),
        }
    }

    #[inline(always)]
    fn fetch_lane_from<const N: usize>(&self, lane: usize, rows: &[u32], out: &mut [u8]) {
        let (shelf, place) = (self.words.as_chunks::<N>().0, self.place.min(N - 1));
        let lane = lane % WIDTH;
        for (out, &row) in out.iter_mut().zip(rows) {
            *out = shelf[row as usize][place][lane];
        }
    }
}

/// Columns as groups.
#[cfg(test)]
pub(crate) fn grouped(columns: &[u8], n_rows: usize, n_features: usize, span: usize) -> Vec<u8> {
    let (n_shelves, span) = shelves(n_features, span);
    let stride = span * WIDTH;
    let mut bytes = vec![0; n_shelves * n_rows * stride];
    for (feature, (shelf, at)) in places(n_features, span).into_iter().enumerate() {
        for row in 0..n_rows {
            bytes[(shelf * n_rows + row) * stride + at] = columns[feature * n_rows + row];
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Bins, features_of, grouped, lanes, n_groups};

    #[test]
    fn groups_hold_the_bins_of_columns() {
        for (n_features, span) in
            [(1, 4), (3, 4), (5, 4), (8, 4), (9, 3), (9, 1), (28, 4), (28, 2), (37, 4), (50, 1)]
        {
            let n_rows = 5;
            let columns: Vec<u8> = (0..n_features * n_rows).map(|i| (i * 7 % 251) as u8).collect();
            let bytes = grouped(&columns, n_rows, n_features, span);
            let a = Bins::columns(&columns, n_rows, n_features).unwrap();
            let b = Bins::groups(&bytes, n_rows, n_features, span).unwrap();
            assert_eq!(a.largest(), b.largest());
            for feature in 0..n_features {
                assert!((0..n_rows).all(|row| a.get(feature, row) == b.get(feature, row)));
            }
            for (feature, (group, lane)) in lanes(n_features).into_iter().enumerate() {
                let (of, rows) = (b.group(group).unwrap(), [4, 0, 3]);
                let (mut words, mut bins) = ([0; 3], [0; 3]);
                of.fetch(&rows, &mut words);
                of.fetch_lane(lane, &rows, &mut bins);
                assert!(rows.iter().zip(words).zip(bins).all(|((&row, word), bin)| {
                    let wanted = a.get(feature, row as usize);
                    of.get(row, lane) == wanted
                        && word.to_le_bytes()[lane] == wanted
                        && bin == wanted
                }));
                of.fetch_range(2, &mut words);
                assert!((0..3).all(|i| words[i].to_le_bytes()[lane] == a.get(feature, 2 + i)));
            }
            let ends: Vec<usize> =
                (0..n_groups(n_features)).map(|group| features_of(group, n_features).end).collect();
            assert_eq!(ends.last(), Some(&n_features));
        }
        assert!(Bins::columns(&[0; 5], 2, 3).is_err());
        assert!(Bins::groups(&[0; 6], 2, 3, 4).is_err());
    }
}
