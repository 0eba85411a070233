//! General matrix product C = α·A·B + β·C.
//!
//! Cost: 2·m·k·n flops.  A product with a long inner dimension and a small result is cut along the
//! inner dimension and the partial products are added in order; every other product is cut into
//! tiles of the result.
//!
//! Twin: `python/smelt/plain/linalg/matmul.py`.

use smelt_core::{Control, Error, Mat, MatMut, MatRef, Result, parallel};

use super::blas::{as_faer, as_faer_mut, multiply, tiles};
use super::{NS_PER_FLOP, Scalar};

/// Products below this many flops run in one piece.
const ONE_PIECE_FLOPS: f64 = 2e6;
/// Flops between two looks at the control: about 5 ms.
const STEP_FLOPS: f64 = 1.5e8;
/// Largest result, in elements, of a product that is cut along its inner dimension.
const SMALL_RESULT: usize = 1 << 16;
/// Tile of a large result: at 1024 × 1024 strips of 64 rows are a quarter slower.
const TILE: (usize, usize) = (256, 512);

/// A·B.  Pass `a.transpose()` for Aᵀ·B: no copy is made.
pub fn gemm<T: Scalar>(a: MatRef<'_, T>, b: MatRef<'_, T>, control: &Control) -> Result<Mat<T>> {
    let mut c = Mat::zeros(a.n_rows(), b.n_cols());
    gemm_into(T::ONE, a, b, T::ZERO, c.view_mut(), control)?;
    Ok(c)
}

/// C ← α·A·B + β·C.  With β = 0 the old C is not read.
pub fn gemm_into<T: Scalar>(
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    beta: T,
    mut c: MatMut<'_, T>,
    control: &Control,
) -> Result<()> {
    let (m, k, n) = (a.n_rows(), a.n_cols(), b.n_cols());
    if b.n_rows() != k || c.n_rows() != m || c.n_cols() != n {
        return Err(Error::data(format!(
            "a {m} x {k} matrix times a {} x {n} matrix does not give a {} x {} matrix",
            b.n_rows(),
            c.n_rows(),
            c.n_cols()
        )));
    }
    control.check()?;
    // 1. C ← β·C.
    if beta == T::ZERO {
        c.as_mut_slice().fill(T::ZERO);
    } else if beta != T::ONE {
        c.as_mut_slice().iter_mut().for_each(|value| *value *= beta);
    }
    if m == 0 || n == 0 || k == 0 {
        return Ok(());
    }
    // 2. C ← C + α·A·B, in pieces.
    let flops = 2.0 * m as f64 * k as f64 * n as f64;
    if flops <= ONE_PIECE_FLOPS {
        multiply(as_faer_mut(c.as_mut_slice(), m, n), true, alpha, as_faer(a), as_faer(b));
        Ok(())
    } else if m * n <= SMALL_RESULT && k >= 4 * m.max(n) {
        along_inner(alpha, a, b, c, control)
    } else {
        by_tiles(alpha, a, b, c, control)
    }
}

/// Pieces of the inner dimension, partial products added in order.
fn along_inner<T: Scalar>(
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    mut c: MatMut<'_, T>,
    control: &Control,
) -> Result<()> {
    let (m, k, n) = (a.n_rows(), a.n_cols(), b.n_cols());
    let flops_per_item = 2.0 * (m * n) as f64;
    // Adding a partial product up costs as much as one item.
    let least = ((ONE_PIECE_FLOPS / flops_per_item) as usize).max(4 * m.max(n));
    let chunk = parallel::chunk_size(k, least);
    let step = ((STEP_FLOPS / flops_per_item) as usize).max(64);
    let parts = parallel::map_chunks(k, chunk, flops_per_item * NS_PER_FLOP, |_, range| {
        let mut part = Mat::zeros(m, n);
        for start in range.clone().step_by(step) {
            control.check()?;
            let end = (start + step).min(range.end);
            let (a, b) = (as_faer(a).subcols(start, end - start), as_faer(b.rows(start, end)));
            multiply(as_faer_mut(part.as_mut_slice(), m, n), true, alpha, a, b);
        }
        Ok(part)
    });
    for part in parts {
        for (sum, &value) in c.as_mut_slice().iter_mut().zip(part?.as_slice()) {
            *sum += value;
        }
    }
    Ok(())
}

/// Tiles of the result.
fn by_tiles<T: Scalar>(
    alpha: T,
    a: MatRef<'_, T>,
    b: MatRef<'_, T>,
    mut c: MatMut<'_, T>,
    control: &Control,
) -> Result<()> {
    let (m, k, n) = (a.n_rows(), a.n_cols(), b.n_cols());
    let (a, b) = (as_faer(a), as_faer(b));
    let (height, width) = tile_shape(m, k, n);
    let step = ((STEP_FLOPS / (2.0 * (height * width) as f64)) as usize).max(256);
    let tiles = tiles(as_faer_mut(c.as_mut_slice(), m, n), height, width);
    let cost_ns = 2.0 * (m * k * n) as f64 * NS_PER_FLOP / tiles.len() as f64;
    let done = parallel::map_chunks(tiles.len(), 1, cost_ns, |index, _| {
        let tile = &tiles[index];
        let Ok(mut part) = tile.part.lock() else { return Ok(()) };
        for start in (0..k).step_by(step) {
            control.check()?;
            let depth = step.min(k - start);
            let left = a.submatrix(tile.rows.start, start, tile.rows.len(), depth);
            let right = b.submatrix(start, tile.cols.start, depth, tile.cols.len());
            multiply(part.as_mut(), true, alpha, left, right);
        }
        Ok(())
    });
    done.into_iter().collect()
}

/// Height and width of a tile of an m × n result with inner dimension k.
fn tile_shape(m: usize, k: usize, n: usize) -> (usize, usize) {
    // faer copies its part of A and B for every tile: 1/height + 1/width copies a flop.
    if m * n >= 8 * TILE.0 * TILE.1 && m.min(n) >= TILE.0 {
        return TILE;
    }
    // Strips along the longer side, each of the full length of the shorter.
    let (long, short) = (m.max(n), m.min(n));
    let least = ((ONE_PIECE_FLOPS / (2.0 * (k * short) as f64)) as usize).max(64);
    let chunk = parallel::chunk_size(long, least).next_multiple_of(16);
    if m >= n { (chunk, n) } else { (m, chunk) }
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, Mat, MatRef, parallel};

    use super::super::test_data::{close, filled};
    use super::{gemm, gemm_into};

    fn plain(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
        let mut c = Mat::zeros(a.n_rows(), b.n_cols());
        for i in 0..a.n_rows() {
            for j in 0..b.n_cols() {
                c[(i, j)] = (0..a.n_cols()).map(|l| a.get(i, l) * b.get(l, j)).sum();
            }
        }
        c
    }

    const SHAPES: [(usize, usize, usize); 10] = [
        (0, 3, 2),
        (3, 0, 2),
        (1, 1, 1),
        (5, 7, 3),
        (300, 40, 200),
        (40, 300, 700),
        (9, 30_000, 11),
        (2000, 60, 30),
        (1030, 70, 1100),
        (1, 5000, 400),
    ];

    #[test]
    fn agrees_with_three_loops_in_every_layout() {
        let control = Control::new();
        for (m, k, n) in SHAPES {
            let (a, b) = (filled(m, k, 1), filled(k, n, 2));
            let (at, bt) = (filled(k, m, 1), filled(n, k, 2));
            for a in [a.view(), at.view().transpose()] {
                for b in [b.view(), bt.view().transpose()] {
                    let c = gemm(a, b, &control).unwrap();
                    close(&c, &plain(a, b), 1e-10);
                }
            }
        }
    }

    #[test]
    fn same_bits_on_any_number_of_threads_and_at_any_address() {
        let control = Control::new();
        for (m, k, n) in SHAPES {
            let (a, b) = (filled(m, k, 3), filled(k, n, 4));
            let run = |a: MatRef<'_, f64>, threads| {
                parallel::with_threads(threads, || gemm(a, b.view(), &control).unwrap())
            };
            let expected = run(a.view(), 1);
            for threads in [2, 7] {
                assert_eq!(run(a.view(), threads), expected);
            }
            for shift in 1..8 {
                let mut moved = vec![0.0; shift];
                moved.extend_from_slice(a.as_slice());
                let moved = MatRef::from_row_major(&moved[shift..], m, k).unwrap();
                assert_eq!(run(moved, 2), expected);
            }
        }
    }

    #[test]
    fn alpha_and_beta() {
        let control = Control::new();
        let (a, b) = (filled(4, 3, 1), filled(3, 5, 2));
        let mut c = Mat::from_vec(vec![f64::NAN; 20], 4, 5).unwrap();
        gemm_into(2.0, a.view(), b.view(), 0.0, c.view_mut(), &control).unwrap();
        let once = plain(a.view(), b.view());
        gemm_into(1.0, a.view(), b.view(), 0.5, c.view_mut(), &control).unwrap();
        let expected =
            Mat::from_vec(once.as_slice().iter().map(|v| 2.0 * v).collect(), 4, 5).unwrap();
        close(&c, &expected, 1e-12);
        assert!(gemm_into(1.0, a.view(), a.view(), 0.0, c.view_mut(), &control).is_err());
    }

    #[test]
    fn a_cancelled_product_stops() {
        let control = Control::new();
        control.cancel();
        let a = filled(300, 300, 1);
        assert!(gemm(a.view(), a.view(), &control).is_err());
    }
}
