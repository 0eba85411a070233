//! Square systems A·X = B by Gaussian elimination with row pivoting.
//!
//! Cost: 2n³/3 flops, and 2n² a right-hand side.  P·A = L·U in panels of fixed width:
//!
//! 1. factor the panel, which gives the order of the rows below,
//! 2. put the rows of the whole matrix into that order,
//! 3. solve for the rows of U beside the panel,
//! 4. subtract L₂₁·U₁₂ from the rest, strips of rows in parallel.
//!
//! Then X = U⁻¹·L⁻¹·P·B.
//!
//! Twin: `python/smelt/plain/linalg/solve.py`.

use faer::Par;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::lu::partial_pivoting::factor::{lu_in_place, lu_in_place_scratch};
use faer::linalg::triangular_solve::solve_unit_lower_triangular_in_place;
use smelt_core::{Control, Error, Mat, MatRef, Result, parallel};

use super::blas::{as_faer, as_faer_mut, multiply};
use super::magnitude::largest;
use super::{Diagonal, NS_PER_FLOP, Scalar, Triangle, trsm};

/// Width of a panel.
const PANEL: usize = 64;
/// Rows of a strip.
const STRIP: usize = 64;

/// X with A·X = B; fails with [`Error::Numeric`] when A is singular.
pub fn solve<T: Scalar>(a: MatRef<'_, T>, b: MatRef<'_, T>, control: &Control) -> Result<Mat<T>> {
    let n = a.n_rows();
    if a.n_cols() != n || b.n_rows() != n {
        return Err(Error::data(format!(
            "a {n} x {} system does not go with a right-hand side of {} rows",
            a.n_cols(),
            b.n_rows()
        )));
    }
    largest(a)?;
    largest(b)?;
    let (factors, order) = eliminate(a, control)?;
    let mut x = Mat::zeros(n, b.n_cols());
    for (i, &row) in order.iter().enumerate() {
        for (j, value) in x.row_mut(i).iter_mut().enumerate() {
            *value = b.get(row, j);
        }
    }
    trsm(Triangle::Lower, Diagonal::Unit, factors.view(), &mut x, control)?;
    trsm(Triangle::Upper, Diagonal::Stored, factors.view(), &mut x, control)?;
    Ok(x)
}

/// L (below the diagonal, its own is 1) and U in one matrix, and the order P of the rows of A.
fn eliminate<T: Scalar>(a: MatRef<'_, T>, control: &Control) -> Result<(Mat<T>, Vec<usize>)> {
    let n = a.n_rows();
    let mut factors = a.to_mat();
    let mut order: Vec<usize> = (0..n).collect();
    for start in (0..n).step_by(PANEL) {
        control.check()?;
        let width = PANEL.min(n - start);
        let end = start + width;
        // 1. The panel.
        let mut panel =
            faer::Mat::from_fn(n - start, width, |i, j| factors[(start + i, start + j)]);
        let from = factor_panel(&mut panel);
        if let Some(j) = (0..width).find(|&j| panel[(j, j)] == T::ZERO) {
            return Err(Error::Numeric(format!(
                "the matrix is singular: elimination finds no pivot for column {}",
                start + j
            )));
        }
        // 2. The rows that moved, at most two for each column of the panel.
        let moved: Vec<usize> = (0..n - start).filter(|&i| from[i] != i).collect();
        let rows: Vec<(usize, Vec<T>)> = moved
            .iter()
            .map(|&i| (order[start + from[i]], factors.row(start + from[i]).to_vec()))
            .collect();
        for (&i, (origin, row)) in moved.iter().zip(rows) {
            order[start + i] = origin;
            factors.row_mut(start + i).copy_from_slice(&row);
        }
        for i in 0..n - start {
            for (j, value) in factors.row_mut(start + i)[start..end].iter_mut().enumerate() {
                *value = panel[(i, j)];
            }
        }
        if end == n {
            break;
        }
        // 3. U₁₂.
        let (above, below) = factors.as_mut_slice().split_at_mut(end * n);
        let mut right = faer::Mat::from_fn(width, n - end, |i, j| above[(start + i) * n + end + j]);
        let corner = panel.as_ref().subrows(0, width);
        solve_unit_lower_triangular_in_place(corner, right.as_mut(), Par::Seq);
        as_faer_mut(&mut above[start * n..], width, n).subcols_mut(end, n - end).copy_from(&right);
        // 4. A₂₂ ← A₂₂ − L₂₁·U₁₂.
        let beside = as_faer(MatRef::from_row_major(&above[start * n..], width, n)?);
        let beside = beside.subcols(end, n - end);
        let cost_ns = 2.0 * (width * (n - end)) as f64 * NS_PER_FLOP;
        parallel::for_chunks_mut(below, n, STRIP, cost_ns, |_, range, rows| {
            if control.check().is_err() {
                return;
            }
            let (left, rest) = as_faer_mut(rows, range.len(), n).split_at_col_mut(end);
            let left = left.as_ref().subcols(start, width);
            multiply(rest, true, -T::ONE, left, beside);
        });
    }
    control.check()?;
    Ok((factors, order))
}

/// Factors a panel in place; row i of the result was row `from[i]`.
fn factor_panel<T: Scalar>(panel: &mut faer::Mat<T>) -> Vec<usize> {
    let (m, n) = panel.shape();
    let (mut from, mut to) = (vec![0_usize; m], vec![0_usize; m]);
    let scratch = lu_in_place_scratch::<usize, T>(m, n, Par::Seq, Default::default());
    lu_in_place(
        panel.as_mut(),
        &mut from,
        &mut to,
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    );
    from
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, Error, Mat, parallel};

    use super::super::gemm;
    use super::super::test_data::{close, filled};
    use super::solve;

    #[test]
    fn multiplying_back_gives_the_right_hand_side() {
        let control = Control::new();
        for n in [0, 1, 2, 40, 200] {
            let (a, x) = (filled(n, n, 1), filled(n, 3, 2));
            let b = gemm(a.view(), x.view(), &control).unwrap();
            let found = solve(a.view(), b.view(), &control).unwrap();
            close(&gemm(a.view(), found.view(), &control).unwrap(), &b, 1e-9);
        }
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let control = Control::new();
        let (a, b) = (filled(400, 400, 1), filled(400, 40, 2));
        let run = |t| parallel::with_threads(t, || solve(a.view(), b.view(), &control).unwrap());
        let expected = run(1);
        assert!(expected == run(2) && expected == run(7));
    }

    #[test]
    fn singular_systems_are_refused() {
        let control = Control::new();
        let a = Mat::from_vec(vec![1.0, 2.0, 2.0, 4.0], 2, 2).unwrap();
        let b = filled(2, 1, 1);
        assert!(matches!(solve(a.view(), b.view(), &control), Err(Error::Numeric(_))));
        assert!(solve(filled(2, 3, 1).view(), b.view(), &control).is_err());
        let spoiled = Mat::from_vec(vec![1.0, f64::NAN, 2.0, 4.0], 2, 2).unwrap();
        assert!(matches!(solve(spoiled.view(), b.view(), &control), Err(Error::Data(_))));
    }
}
