//! Where bins lie: feature behind feature, or up to four features side by side in four bytes a row.
//!
//! Histograms want groups: one gather of four bytes feeds four features.  Rows that only go down
//! trees may come as columns.  Either way a bin is one byte.

use std::ops::Range;

use smelt_core::{Error, Result};

/// Features in a group, at most.
pub const WIDTH: usize = 4;
/// Fewest groups that the features are spread over, so that threads have equal shares.
const GROUPS: usize = 8;

/// Number of groups of `n_features` features.
pub fn n_groups(n_features: usize) -> usize {
    n_features.div_ceil(WIDTH).max(GROUPS.min(n_features))
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
}

impl<'a> Bins<'a> {
    /// Feature behind feature.
    pub fn columns(bytes: &'a [u8], n_rows: usize, n_features: usize) -> Result<Self> {
        let starts = (0..n_features).map(|feature| feature * n_rows).collect();
        Self { bytes, n_rows, starts, stride: 1 }.checked(n_features)
    }

    /// Group behind group, four bytes a row.
    pub fn groups(bytes: &'a [u8], n_rows: usize, n_features: usize) -> Result<Self> {
        let start = |(group, lane)| group * n_rows * WIDTH + lane;
        let starts = lanes(n_features).into_iter().map(start).collect();
        Self { bytes, n_rows, starts, stride: WIDTH }.checked(n_groups(n_features) * WIDTH)
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

    /// Four bytes a row of a group; none where the bins lie in columns.
    pub(crate) fn words(&self, group: usize) -> Option<&'a [[u8; WIDTH]]> {
        let of_group = group * self.n_rows..(group + 1) * self.n_rows;
        (self.stride == WIDTH).then(|| &self.bytes.as_chunks::<WIDTH>().0[of_group])
    }

    /// The largest bin of each feature.
    pub(crate) fn largest(&self) -> Vec<u8> {
        let n_features = self.n_features();
        if self.stride == 1 {
            let largest = |column: &[u8]| column.iter().fold(0, |a, &b| b.max(a));
            return self.bytes.chunks_exact(self.n_rows.max(1)).map(largest).collect();
        }
        lanes(n_features)
            .into_iter()
            .filter(|&(_, lane)| lane == 0)
            .flat_map(|(group, _)| {
                let words = self.words(group).unwrap_or_default();
                // Sixteen rows at a time, as vectors compare them.
                let mut largest = [[0_u8; WIDTH]; 16];
                for rows in words.chunks(16) {
                    for (a, b) in largest.as_flattened_mut().iter_mut().zip(rows.as_flattened()) {
                        *a = (*a).max(*b);
                    }
                }
                let of_group = largest
                    .into_iter()
                    .fold([0_u8; WIDTH], |a, b| std::array::from_fn(|lane| a[lane].max(b[lane])));
                of_group.into_iter().take(features_of(group, n_features).len())
            })
            .collect()
    }
}

/// Columns as groups.
#[cfg(test)]
pub(crate) fn grouped(columns: &[u8], n_rows: usize, n_features: usize) -> Vec<u8> {
    let mut bytes = vec![0; n_groups(n_features) * n_rows * WIDTH];
    for (feature, (group, lane)) in lanes(n_features).into_iter().enumerate() {
        for row in 0..n_rows {
            bytes[(group * n_rows + row) * WIDTH + lane] = columns[feature * n_rows + row];
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Bins, features_of, grouped, n_groups};

    #[test]
    fn groups_hold_the_bins_of_columns() {
        for n_features in [1, 3, 8, 9, 28, 50] {
            let n_rows = 5;
            let columns: Vec<u8> = (0..n_features * n_rows).map(|i| (i * 7 % 251) as u8).collect();
            let bytes = grouped(&columns, n_rows, n_features);
            let a = Bins::columns(&columns, n_rows, n_features).unwrap();
            let b = Bins::groups(&bytes, n_rows, n_features).unwrap();
            assert_eq!(a.largest(), b.largest());
            for feature in 0..n_features {
                assert!((0..n_rows).all(|row| a.get(feature, row) == b.get(feature, row)));
            }
            let ends: Vec<usize> =
                (0..n_groups(n_features)).map(|group| features_of(group, n_features).end).collect();
            assert_eq!(ends.last(), Some(&n_features));
        }
        assert!(Bins::columns(&[0; 5], 2, 3).is_err());
        assert!(Bins::groups(&[0; 6], 2, 3).is_err());
    }
}
