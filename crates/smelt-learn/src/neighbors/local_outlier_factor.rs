//! How much thinner the neighbourhood of a row is than those of its neighbours: the local outlier
//! factor, from distances and rows of the k nearest.
//!
//! 1. The reach of a neighbour: its distance, or that to its own k-th neighbour where it is larger.
//! 2. The density of a row: one over the mean reach of its neighbours.
//! 3. The factor of a row: the mean density of its neighbours over its own.
//!
//! Cost: two look-ups a neighbour.  Twin: `smelt.plain.neighbors.local_outlier_factor`.

use smelt_core::parallel::for_chunks_mut;
use smelt_core::{Control, Error, MatRef, Result};

/// Added to the mean reach, so that many equal rows have a density.
const LEAST_REACH: f64 = 1e-10;
/// Rows of a chunk.
const CHUNK: usize = 1024;

fn check(ids: MatRef<'_, i64>, n_rows: usize, n_queries: usize) -> Result<()> {
    let is_row = |id: i64| id >= 0 && (id as usize) < n_rows;
    let rows = (0..ids.n_rows()).all(|i| (0..ids.n_cols()).all(|j| is_row(ids.get(i, j))));
    if rows && ids.n_rows() == n_queries && ids.n_cols() > 0 {
        Ok(())
    } else {
        Err(Error::data("the neighbours do not fit the rows they were found among"))
    }
}

/// Density at each query: from distances and rows of its neighbours, and the distance of each row to
/// its own k-th neighbour.
pub fn local_outlier_factor_fit(
    distances: MatRef<'_, f64>,
    ids: MatRef<'_, i64>,
    kth_distance: &[f64],
    control: &Control,
) -> Result<Vec<f64>> {
    check(ids, kth_distance.len(), distances.n_rows())?;
    let k = distances.n_cols();
    if ids.n_cols() != k {
        return Err(Error::data("distances and neighbours do not fit each other"));
    }
    let mut density = vec![0.0; distances.n_rows()];
    for_chunks_mut(&mut density, 1, CHUNK, 4.0 * k as f64, |_, range, density| {
        if control.check().is_ok() {
            for (i, density) in range.zip(density) {
                let reach = |j| distances.get(i, j).max(kth_distance[ids.get(i, j) as usize]);
                let sum: f64 = (0..k).map(reach).sum();
                *density = 1.0 / (sum / k as f64 + LEAST_REACH);
            }
        }
    });
    control.check()?;
    Ok(density)
}

/// Factor of each query: from its density, its neighbours and their densities.
pub fn local_outlier_factor_score(
    density: &[f64],
    ids: MatRef<'_, i64>,
    density_of_rows: &[f64],
    control: &Control,
) -> Result<Vec<f64>> {
    check(ids, density_of_rows.len(), density.len())?;
    let k = ids.n_cols();
    let mut factor = vec![0.0; density.len()];
    for_chunks_mut(&mut factor, 1, CHUNK, 4.0 * k as f64, |_, range, factor| {
        if control.check().is_ok() {
            for (i, factor) in range.zip(factor) {
                let ratio = |j| density_of_rows[ids.get(i, j) as usize] / density[i];
                *factor = (0..k).map(ratio).sum::<f64>() / k as f64;
            }
        }
    });
    control.check()?;
    Ok(factor)
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, MatRef};

    use super::{local_outlier_factor_fit, local_outlier_factor_score};

    #[test]
    fn a_row_far_away_has_a_large_factor() {
        // Rows 0, 1, 2 and 10 on a line, one neighbour each.
        let distances = [1.0, 1.0, 1.0, 8.0];
        let ids = [1, 0, 1, 2];
        let control = Control::new();
        let near = MatRef::column_vector(&ids);
        let density =
            local_outlier_factor_fit(MatRef::column_vector(&distances), near, &distances, &control)
                .unwrap();
        let factor = local_outlier_factor_score(&density, near, &density, &control).unwrap();
        assert!((factor[3] - 8.0).abs() < 1e-6 && (factor[0] - 1.0).abs() < 1e-6);
        assert!(
            local_outlier_factor_fit(MatRef::column_vector(&distances), near, &[1.0], &control)
                .is_err()
        );
        assert!(local_outlier_factor_score(&density[..2], near, &density, &control).is_err());
    }
}
