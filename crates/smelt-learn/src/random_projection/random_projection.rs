//! Rows times random directions, whichever of the two is sparse.
//!
//! Cost with n rows, d columns, k directions: dense 2·n·k·d flops by blocked products; sparse rows
//! 2·entries·k, each entry adding a row of the turned directions; sparse directions 2·n·entries, each
//! entry adding a column of sixteen rows at a time; both sparse 2·n·(entries of a row)·(directions that
//! an entry's column has part in).  Sums are in the order of the entries, on any number of threads.
//!
//! Twin: `python/smelt/plain/random_projection/random_projection.py`.

use smelt_core::parallel::{chunk_size, for_chunks_mut, map_chunks};
use smelt_core::simd::{axpy, vectorize};
use smelt_core::{Control, CsrRef, Error, Mat, MatRef, Real, Result};
use smelt_math::linalg::{Scalar, gemm};

/// Rows that are turned together.
const ROWS: usize = 16;

fn check_columns(x: usize, components: usize) -> Result<()> {
    if x == components {
        return Ok(());
    }
    Err(Error::data(format!("X has {x} columns, but the directions have {components}")))
}

/// X·Cᵀ, both dense; `components` is k × d.
pub fn random_projection_transform<T: Scalar>(
    x: MatRef<'_, T>,
    components: MatRef<'_, T>,
    control: &Control,
) -> Result<Mat<T>> {
    check_columns(x.n_cols(), components.n_cols())?;
    gemm(x, components.transpose(), control)
}

/// X·Cᵀ of sparse rows.
pub fn random_projection_transform_sparse_rows<T: Real>(
    x: CsrRef<'_, T>,
    components: MatRef<'_, T>,
    control: &Control,
) -> Result<Mat<T>> {
    check_columns(x.n_cols(), components.n_cols())?;
    let (n, k) = (x.n_rows(), components.n_rows());
    control.check()?;
    let turned = &components.transpose().to_mat();
    let mut out = Mat::zeros(n, k);
    let cost = (x.n_entries() * k) as f64 * 0.2 / n.max(1) as f64;
    for_chunks_mut(out.as_mut_slice(), k, chunk_size(n, 16), cost, |_, range, out| {
        for (i, out) in range.zip(out.chunks_exact_mut(k.max(1))) {
            if control.check().is_err() {
                return;
            }
            let (columns, values) = x.row(i);
            vectorize(
                #[inline(always)]
                || {
                    for (&j, &value) in columns.iter().zip(values) {
                        axpy(value, turned.row(j as usize), out);
                    }
                },
            );
        }
    });
    control.check()?;
    Ok(out)
}

/// X·Cᵀ with sparse directions; `components` is k × d.
pub fn random_projection_transform_sparse_components<T: Real>(
    x: MatRef<'_, T>,
    components: CsrRef<'_, T>,
    control: &Control,
) -> Result<Mat<T>> {
    check_columns(x.n_cols(), components.n_cols())?;
    let (n, d, k) = (x.n_rows(), x.n_cols(), components.n_rows());
    let mut out = Mat::zeros(n, k);
    let cost = components.n_entries() as f64 * 0.3 + d as f64;
    let chunk = chunk_size(n, ROWS).next_multiple_of(ROWS);
    for_chunks_mut(out.as_mut_slice(), k, chunk, cost, |_, range, out| {
        let mut turned = vec![[T::ZERO; ROWS]; d];
        for first in range.clone().step_by(ROWS) {
            let stop = (first + ROWS).min(range.end);
            for (l, i) in (first..stop).enumerate() {
                if x.has_contiguous_rows() {
                    let cells = turned.iter_mut().zip(x.row(i));
                    cells.for_each(|(column, &value)| column[l] = value);
                } else {
                    let cells = turned.iter_mut().enumerate();
                    cells.for_each(|(j, column)| column[l] = x.get(i, j));
                }
            }
            for c in 0..k {
                if c % 64 == 0 && control.check().is_err() {
                    return;
                }
                let (columns, values) = components.row(c);
                let mut sums = [T::ZERO; ROWS];
                vectorize(
                    #[inline(always)]
                    || {
                        for (&j, &value) in columns.iter().zip(values) {
                            let column = &turned[j as usize];
                            for l in 0..ROWS {
                                sums[l] = value.mul_add(column[l], sums[l]);
                            }
                        }
                    },
                );
                for (l, i) in (first..stop).enumerate() {
                    out[(i - range.start) * k + c] = sums[l];
                }
            }
        }
    });
    control.check()?;
    Ok(out)
}

/// A product as compressed rows.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseProduct<T> {
    /// Where rows begin.
    pub indptr: Vec<i64>,
    /// Directions, ascending in a row.
    pub indices: Vec<i32>,
    /// Entries.
    pub data: Vec<T>,
}

/// X·Cᵀ, both sparse; `turned` is Cᵀ, d × k.
pub fn random_projection_transform_sparse<T: Real>(
    x: CsrRef<'_, T>,
    turned: CsrRef<'_, T>,
    control: &Control,
) -> Result<SparseProduct<T>> {
    check_columns(x.n_cols(), turned.n_rows())?;
    let (n, d, k) = (x.n_rows(), x.n_cols(), turned.n_cols());
    let per_entry = turned.n_entries() as f64 / d.max(1) as f64;
    let cost = x.n_entries() as f64 / n.max(1) as f64 * (5.0 + per_entry);
    let parts = map_chunks(n, chunk_size(n, 16), cost, |_, range| {
        let mut part = SparseProduct { indptr: Vec::new(), indices: Vec::new(), data: Vec::new() };
        let mut sums = vec![T::ZERO; k];
        let mut is_met = vec![false; k];
        let mut met: Vec<i32> = Vec::new();
        for i in range {
            if control.check().is_err() {
                return part;
            }
            let (columns, values) = x.row(i);
            for (&j, &value) in columns.iter().zip(values) {
                let (directions, factors) = turned.row(j as usize);
                for (&c, &factor) in directions.iter().zip(factors) {
                    if !std::mem::replace(&mut is_met[c as usize], true) {
                        met.push(c);
                    }
                    sums[c as usize] += value * factor;
                }
            }
            met.sort_unstable();
            for c in met.drain(..) {
                part.indices.push(c);
                part.data.push(std::mem::take(&mut sums[c as usize]));
                is_met[c as usize] = false;
            }
            part.indptr.push(part.data.len() as i64);
        }
        part
    });
    control.check()?;
    let mut out = SparseProduct { indptr: vec![0], indices: Vec::new(), data: Vec::new() };
    for part in parts {
        let before = out.data.len() as i64;
        out.indptr.extend(part.indptr.iter().map(|end| end + before));
        out.indices.extend(part.indices);
        out.data.extend(part.data);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{
        random_projection_transform, random_projection_transform_sparse,
        random_projection_transform_sparse_components, random_projection_transform_sparse_rows,
    };
    use smelt_core::{Control, CsrRef, Mat};

    /// Every third value, dense and as compressed rows.
    fn matrix(n: usize, d: usize) -> (Mat<f64>, Vec<i64>, Vec<i32>, Vec<f64>) {
        let mut dense = Mat::zeros(n, d);
        let (mut indptr, mut indices, mut data) = (vec![0], Vec::new(), Vec::new());
        for i in 0..n {
            for j in (i % 3..d).step_by(3) {
                dense[(i, j)] = ((i * d + j) as f64).sin();
                indices.push(j as i32);
                data.push(dense[(i, j)]);
            }
            indptr.push(data.len() as i64);
        }
        (dense, indptr, indices, data)
    }

    #[test]
    fn sparse_products_are_dense_ones() {
        let control = Control::new();
        let (x, x_indptr, x_indices, x_data) = matrix(37, 23);
        let (c, c_indptr, c_indices, c_data) = matrix(9, 23);
        let rows = CsrRef::new(&x_indptr, &x_indices, &x_data, 23).unwrap();
        let directions = CsrRef::new(&c_indptr, &c_indices, &c_data, 23).unwrap();
        let expected = random_projection_transform(x.view(), c.view(), &control).unwrap();
        let close = |found: &Mat<f64>| {
            for (a, b) in found.as_slice().iter().zip(expected.as_slice()) {
                assert!((a - b).abs() < 1e-13);
            }
        };
        close(&random_projection_transform_sparse_rows(rows, c.view(), &control).unwrap());
        let product = random_projection_transform_sparse_components::<f64>;
        close(&product(x.view(), directions, &control).unwrap());
        let turned = x.view().transpose().to_mat();
        close(&product(turned.view().transpose(), directions, &control).unwrap());
        // Cᵀ by hand.
        let (mut indptr, mut indices, mut data) = (vec![0], Vec::new(), Vec::new());
        for j in 0..23 {
            for i in (0..9).filter(|&i| c[(i, j)] != 0.0) {
                indices.push(i as i32);
                data.push(c[(i, j)]);
            }
            indptr.push(data.len() as i64);
        }
        let turned = CsrRef::new(&indptr, &indices, &data, 9).unwrap();
        let found = random_projection_transform_sparse(rows, turned, &control).unwrap();
        let mut dense = Mat::zeros(37, 9);
        for i in 0..37 {
            for place in found.indptr[i] as usize..found.indptr[i + 1] as usize {
                dense[(i, found.indices[place] as usize)] = found.data[place];
            }
        }
        close(&dense);
    }
}
