//! A table as trees learn from it: float32 columns that lie behind each other.
//!
//! Cost: every value is read once and written once.  Rows are turned in tiles of 16 x 16 values: a
//! tile's rows and its columns are one or two cache lines each, so that no line is fetched twice.
//! Twin: `python/smelt/plain/tree/table.py`.

use smelt_core::{Control, MatRef, Real, Result, parallel};

/// Columns that one piece of work turns, and rows of a tile.
const SIDE: usize = 16;
/// Values between two looks at an interruption.
const PART: usize = 1 << 18;

/// The columns of `X`, behind each other; values beyond float32 become infinite.
#[allow(non_snake_case)]
pub fn tree_columns<T: Real>(X: MatRef<'_, T>, control: &Control) -> Result<Vec<f32>> {
    let (n_rows, n_cols) = (X.n_rows(), X.n_cols());
    let mut out = vec![0.0_f32; n_rows * n_cols];
    parallel::for_chunks_mut(&mut out, n_rows, SIDE, n_rows as f64, |_, columns, part| {
        for start in (0..n_rows).step_by(PART / SIDE) {
            if control.check().is_err() {
                return;
            }
            let rows = start..(start + PART / SIDE).min(n_rows);
            if X.has_contiguous_cols() {
                for (column, out) in columns.clone().zip(part.chunks_exact_mut(n_rows)) {
                    let values = &X.col(column)[rows.clone()];
                    out[rows.clone()].iter_mut().zip(values).for_each(|(out, &value)| {
                        *out = value.to_f64() as f32;
                    });
                }
            } else {
                turn(X, rows, columns.clone(), part);
            }
        }
    });
    control.check()?;
    Ok(out)
}

/// Writes `rows` of some `columns` to `part`, which holds these columns behind each other.
#[allow(non_snake_case)]
fn turn<T: Real>(
    X: MatRef<'_, T>,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
    part: &mut [f32],
) {
    let (n_rows, width) = (X.n_rows(), columns.len());
    let mut tile = [[0.0_f32; SIDE]; SIDE];
    for first in rows.clone().step_by(SIDE) {
        let height = SIDE.min(rows.end - first);
        for row in 0..height {
            if X.has_contiguous_rows() {
                let values = &X.row(first + row)[columns.clone()];
                for (out, &value) in tile.iter_mut().zip(values) {
                    out[row] = value.to_f64() as f32;
                }
            } else {
                for (out, column) in tile.iter_mut().zip(columns.clone()) {
                    out[row] = X.get(first + row, column).to_f64() as f32;
                }
            }
        }
        for column in 0..width {
            let to = column * n_rows + first;
            part[to..to + height].copy_from_slice(&tile[column][..height]);
        }
    }
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, MatRef};

    use super::tree_columns;

    #[test]
    fn every_layout_gives_the_same_columns() {
        for (n_rows, n_cols) in [(0, 3), (1, 1), (5, 40), (40, 5), (70, 33), (16, 16)] {
            let value = |row: usize, column: usize| (row * n_cols + column) as f64;
            let by_row: Vec<f64> =
                (0..n_rows * n_cols).map(|i| value(i / n_cols, i % n_cols)).collect();
            let by_column: Vec<f64> =
                (0..n_rows * n_cols).map(|i| value(i % n_rows, i / n_rows)).collect();
            let expected: Vec<f32> = by_column.iter().map(|&value| value as f32).collect();
            let control = Control::new();
            let rows = MatRef::from_row_major(&by_row, n_rows, n_cols).unwrap();
            let columns = MatRef::from_col_major(&by_column, n_rows, n_cols).unwrap();
            assert_eq!(tree_columns(rows, &control).unwrap(), expected);
            assert_eq!(tree_columns(columns, &control).unwrap(), expected);
        }
    }

    #[test]
    fn what_float32_cannot_hold_is_infinite() {
        let values = [1e300, -1e300, f64::NAN, 1.0 + 1e-12];
        let columns = MatRef::from_row_major(&values, 4, 1).unwrap();
        let out = tree_columns(columns, &Control::new()).unwrap();
        assert_eq!((out[0], out[1], out[3]), (f32::INFINITY, f32::NEG_INFINITY, 1.0));
        assert!(out[2].is_nan());
    }
}
