//! Dense values that trees grow on which draw their thresholds.

use smelt_core::{Control, MatRef, Result, parallel};

use super::subtree::stride;

/// Columns of values.
#[derive(Debug)]
pub(crate) struct Dense<'a> {
    /// The columns, which lie behind each other.
    pub(crate) columns: MatRef<'a, f32>,
    pub(crate) has_missing: bool,
    /// The same row by row, if asked for.
    pub(crate) by_row: Vec<f32>,
    /// Length of a row of these.
    pub(crate) stride: usize,
}

impl<'a> Dense<'a> {
    /// Takes up columns; many trees want them by row too.
    pub(crate) fn new(
        columns: MatRef<'a, f32>,
        wants_rows: bool,
        control: &Control,
    ) -> Result<Self> {
        let misses =
            |feature| columns.col(feature).iter().fold(false, |any, value| any | value.is_nan());
        let has_missing = (0..columns.n_cols()).any(misses);
        control.check()?;
        let stride = stride(columns.n_cols());
        let mut by_row = Vec::new();
        if wants_rows && !has_missing {
            by_row.resize(columns.n_rows() * stride, 0.0);
            parallel::for_chunks_mut(&mut by_row, stride, 256, 50.0, |_, range, part| {
                for feature in 0..columns.n_cols() {
                    let places = part[feature..].iter_mut().step_by(stride);
                    let values = &columns.col(feature)[range.clone()];
                    places.zip(values).for_each(|(place, &value)| *place = value);
                }
            });
        }
        control.check()?;
        Ok(Self { columns, has_missing, by_row, stride })
    }
}
