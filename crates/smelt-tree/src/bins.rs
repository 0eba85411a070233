//! Bins: every feature becomes one byte.
//!
//! Twin: `smelt/plain/ensemble/hist_gradient_boosting_bins.py`.  Cost: a sort of at most 200,000
//! values a feature for the borders, eight comparisons and one byte written a value for the bins.
//!
//! 1. Borders of a feature: midpoints between its distinct values where these are at most
//!    `max_bins`, else the `max_bins - 1` inner quantiles (weighted if there are weights).
//! 2. Bin of a value: the number of borders below it; of a category: its place among the known
//!    categories.  Missing values, and categories that are not known, get the bin behind the last.

use smelt_core::{Control, Error, MatRef, Real, Result, parallel};

use crate::layout::{WIDTH, places, shelves};
use crate::quantile::WeightedOrder;

/// Borders stay below this, so that infinity means "only missing values go right".
const ALMOST_INFINITY: f64 = 1e300;
/// Rows whose bins one task computes.
const CHUNK: usize = 2048;

/// Borders of all features behind each other: feature `j` owns `offsets[j]..offsets[j + 1]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Borders {
    /// The borders, ascending within a feature.
    pub thresholds: Vec<f64>,
    /// Where the borders of each feature start (n_features + 1).
    pub offsets: Vec<i64>,
}

/// Borders as the bins, the grower and NumPy see them; for categories, the categories' values.
#[derive(Debug, Clone, Copy)]
pub struct BordersRef<'a> {
    thresholds: &'a [f64],
    offsets: &'a [i64],
    is_categorical: &'a [bool],
}

impl<'a> BordersRef<'a> {
    /// Checks the offsets.
    pub fn new(
        thresholds: &'a [f64],
        offsets: &'a [i64],
        is_categorical: &'a [bool],
    ) -> Result<Self> {
        let sound = offsets.first() == Some(&0)
            && offsets.last().copied() == i64::try_from(thresholds.len()).ok()
            && is_categorical.len() + 1 == offsets.len()
            && offsets.windows(2).zip(is_categorical).all(|(pair, &is_categorical)| {
                (0..=if is_categorical { 255 } else { 254 }).contains(&(pair[1] - pair[0]))
            });
        if !sound {
            return Err(Error::data("the borders of the bins are damaged".to_string()));
        }
        Ok(Self { thresholds, offsets, is_categorical })
    }

    /// Number of features.
    pub fn n_features(&self) -> usize {
        self.is_categorical.len()
    }

    /// Borders, or category values, of a feature.
    pub fn of(&self, feature: usize) -> &'a [f64] {
        &self.thresholds[self.offsets[feature] as usize..self.offsets[feature + 1] as usize]
    }

    /// Whether the feature holds categories.
    pub fn is_categorical(&self, feature: usize) -> bool {
        self.is_categorical[feature]
    }

    /// Number of bins without the one for missing values.
    pub fn n_bins(&self, feature: usize) -> usize {
        self.of(feature).len() + usize::from(!self.is_categorical[feature])
    }
}

/// Borders of every column of `X`, from the rows named in `rows` (all rows if `None`).
#[allow(non_snake_case)]
pub fn hist_gradient_boosting_borders<T: Real>(
    X: MatRef<'_, T>,
    sample_weight: Option<&[f64]>,
    rows: Option<&[i64]>,
    max_bins: usize,
    control: &Control,
) -> Result<Borders> {
    if !(2..=255).contains(&max_bins) {
        return Err(Error::parameter("max_bins", format!("must be 2 to 255, got {max_bins}")));
    }
    let n_rows = X.n_rows();
    let out_of_range =
        rows.is_some_and(|rows| rows.iter().any(|&row| row < 0 || row as usize >= n_rows));
    if out_of_range || sample_weight.is_some_and(|weight| weight.len() != n_rows) {
        return Err(Error::data("rows or weights do not match X".to_string()));
    }
    let n = rows.map_or(n_rows, <[i64]>::len);
    let parts = parallel::map_chunks(X.n_cols(), 1, n as f64 * 50.0, |feature, _| {
        if control.check().is_err() {
            return Vec::new();
        }
        let row = |i: usize| rows.map_or(i, |rows| rows[i] as usize);
        let value = |i: usize| X.get(row(i), feature).to_f64();
        match sample_weight {
            None => borders((0..n).map(value).filter(|x| !x.is_nan()).collect(), max_bins),
            Some(weight) => weighted_borders(
                (0..n)
                    .map(|i| (value(i), weight[row(i)]))
                    .filter(|pair| !pair.0.is_nan() && pair.1 != 0.0)
                    .collect(),
                max_bins,
            ),
        }
    });
    control.check()?;
    let mut out = Borders { thresholds: Vec::new(), offsets: vec![0] };
    for part in parts {
        out.thresholds.extend(part);
        out.offsets.push(out.thresholds.len() as i64);
    }
    Ok(out)
}

fn borders(mut values: Vec<f64>, max_bins: usize) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    if let Some(midpoints) = midpoints(values.iter().copied(), max_bins) {
        return midpoints;
    }
    let (n, step) = (values.len(), 100.0 / max_bins as f64);
    let quantile = |i: usize| {
        let position = n as f64 * (i as f64 * step / 100.0) - 1.0;
        let below = position.floor().max(0.0);
        let at = (below as usize).min(n - 1);
        let next = (at + 1).min(n - 1);
        if position == below {
            values[next] - (values[next] - values[at]) * 0.5
        } else {
            values[next]
        }
    };
    tidy((1..max_bins).map(quantile).collect())
}

fn weighted_borders(pairs: Vec<(f64, f64)>, max_bins: usize) -> Vec<f64> {
    if pairs.is_empty() {
        return Vec::new();
    }
    let order = WeightedOrder::new(pairs);
    if let Some(midpoints) = midpoints(order.values().iter().copied(), max_bins) {
        return midpoints;
    }
    let step = 100.0 / max_bins as f64;
    tidy((1..max_bins).map(|i| order.averaged_quantile(i as f64 * step / 100.0)).collect())
}

/// Midpoints between neighbours among the distinct values, if these are at most `max_bins`.
fn midpoints(sorted: impl Iterator<Item = f64>, max_bins: usize) -> Option<Vec<f64>> {
    let mut distinct: Vec<f64> = Vec::with_capacity(max_bins + 1);
    for value in sorted {
        if distinct.last() != Some(&value) {
            if distinct.len() == max_bins {
                return None;
            }
            distinct.push(value);
        }
    }
    Some(tidy(distinct.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect()))
}

fn tidy(mut borders: Vec<f64>) -> Vec<f64> {
    borders.retain(|border| !border.is_nan());
    borders.dedup();
    for border in &mut borders {
        *border = border.min(ALMOST_INFINITY);
    }
    borders
}

/// Bins of the columns `columns` of `X`, one byte a value: one column after the other, or, for
/// training, on shelves with room for `side_by_side` groups (see [`crate::layout`]) if that is not 0.
///
/// `borders` and the result follow the order of `columns`.
#[allow(non_snake_case)]
pub fn hist_gradient_boosting_bins<T: Real>(
    X: MatRef<'_, T>,
    columns: &[i64],
    borders: BordersRef<'_>,
    side_by_side: usize,
    control: &Control,
) -> Result<Vec<u8>> {
    let (n, n_features) = (X.n_rows(), columns.len());
    if borders.n_features() != n_features
        || columns.iter().any(|&column| column < 0 || column as usize >= X.n_cols())
    {
        return Err(Error::data("the columns to bin do not match X".to_string()));
    }
    let (n_blocks, width) = match (side_by_side, shelves(n_features, side_by_side)) {
        (0, _) => (n_features, 1),
        (_, (n_shelves, span)) => (n_shelves, span * WIDTH),
    };
    let places = match side_by_side {
        0 => (0..n_features).map(|at| (at, 0)).collect(),
        _ => places(n_features, side_by_side),
    };
    // Chunks of rows, so that a row-major X is read once; each chunk fills a part of every block.
    let mut out = vec![0_u8; n * n_blocks * width];
    let n_chunks = n.div_ceil(CHUNK);
    let mut parts: Vec<Vec<&mut [u8]>> = (0..n_chunks).map(|_| Vec::new()).collect();
    for block in out.chunks_mut((n * width).max(1)) {
        for (chunk, part) in block.chunks_mut(CHUNK * width).enumerate() {
            parts[chunk].push(part);
        }
    }
    let cost_ns = n_features as f64 * CHUNK as f64 * 8.0;
    parallel::for_chunks_mut(&mut parts, 1, 1, cost_ns, |chunk, _, part| {
        if control.check().is_err() {
            return;
        }
        for (feature, &(block, lane)) in places.iter().enumerate() {
            let bins = part[0][block][lane..].iter_mut().step_by(width);
            let column = columns[feature] as usize;
            let of = borders.of(feature);
            let missing = borders.n_bins(feature) as u8;
            for (row, bin) in (chunk * CHUNK..).zip(bins) {
                let x = X.get(row, column).to_f64();
                let below = of.partition_point(|&border| border < x);
                *bin = if x.is_nan() {
                    missing
                } else if borders.is_categorical(feature) {
                    if of.get(below) == Some(&x) { below as u8 } else { missing }
                } else {
                    below as u8
                };
            }
        }
    });
    control.check()?;
    drop(parts);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{BordersRef, hist_gradient_boosting_bins, hist_gradient_boosting_borders};
    use smelt_core::{Control, MatRef};

    #[test]
    fn few_distinct_values_get_a_bin_each_and_missing_ones_the_last() {
        let values = [3.0, 1.0, f64::NAN, 2.0, 1.0];
        let view = MatRef::column_vector(&values);
        let control = Control::new();
        let borders = hist_gradient_boosting_borders(view, None, None, 255, &control).unwrap();
        assert_eq!(borders.thresholds, [1.5, 2.5]);
        let of = BordersRef::new(&borders.thresholds, &borders.offsets, &[false]).unwrap();
        let bins = hist_gradient_boosting_bins(view, &[0], of, 0, &control).unwrap();
        assert_eq!(bins, [2, 0, 3, 1, 0]);
        let categories = BordersRef::new(&[1.0, 3.0], &[0, 2], &[true]).unwrap();
        let bins = hist_gradient_boosting_bins(view, &[0], categories, 0, &control).unwrap();
        assert_eq!(bins, [1, 0, 2, 2, 0]);
    }

    #[test]
    fn many_values_are_cut_at_quantiles() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let view = MatRef::column_vector(&values);
        let borders = hist_gradient_boosting_borders(view, None, None, 4, &Control::new()).unwrap();
        assert_eq!(borders.thresholds, [249.5, 499.5, 749.5]);
    }
}
