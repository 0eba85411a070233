//! Symmetric product A·Aᵀ, both triangles filled.
//!
//! Cost: m²·k flops, half of a general product.  Pass `a.transpose()` for Aᵀ·A.  Tiles of the
//! lower triangle run in parallel; a long inner dimension with a small result is cut along the
//! inner dimension and the partial products are added in order.
//!
//! Twin: `python/smelt/plain/linalg/gram.py`.

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Par};
use smelt_core::{Control, Mat, MatRef, Result, parallel};

use super::blas::{as_faer, as_faer_mut, multiply, tiles};
use super::{NS_PER_FLOP, Scalar};

/// Flops of a piece, at least.
const PIECE_FLOPS: f64 = 2e6;
/// Flops between two looks at the control: about 5 ms.
const STEP_FLOPS: f64 = 1.5e8;
/// Side of a tile; a smaller result is cut along the inner dimension.
const TILE: usize = 256;

/// A·Aᵀ.
pub fn syrk<T: Scalar>(a: MatRef<'_, T>, control: &Control) -> Result<Mat<T>> {
    control.check()?;
    let (m, k) = (a.n_rows(), a.n_cols());
    if m == 0 || k == 0 {
        return Ok(Mat::zeros(m, m));
    }
    let mut c = if m <= TILE { along_inner(a, control)? } else { by_tiles(a, control)? };
    for i in 0..m {
        for j in i + 1..m {
            c[(i, j)] = c[(j, i)];
        }
    }
    Ok(c)
}

/// Lower triangle; pieces of the inner dimension, partial products added in order.
fn along_inner<T: Scalar>(a: MatRef<'_, T>, control: &Control) -> Result<Mat<T>> {
    let (m, k) = (a.n_rows(), a.n_cols());
    let flops_per_item = (m * m) as f64;
    // Adding a partial product up costs as much as one item.
    let chunk = parallel::chunk_size(k, ((PIECE_FLOPS / flops_per_item) as usize).max(4 * m));
    let step = ((STEP_FLOPS / flops_per_item) as usize).max(64);
    let parts = parallel::map_chunks(k, chunk, flops_per_item * NS_PER_FLOP, |_, range| {
        let mut part = Mat::zeros(m, m);
        for start in range.clone().step_by(step) {
            control.check()?;
            let piece = as_faer(a).subcols(start, step.min(range.end - start));
            lower_product(as_faer_mut(part.as_mut_slice(), m, m), piece);
        }
        Ok(part)
    });
    let mut total = Mat::zeros(m, m);
    for part in parts {
        for (sum, &value) in total.as_mut_slice().iter_mut().zip(part?.as_slice()) {
            *sum += value;
        }
    }
    Ok(total)
}

/// Lower triangle; tiles on and below the diagonal.
fn by_tiles<T: Scalar>(a: MatRef<'_, T>, control: &Control) -> Result<Mat<T>> {
    let (m, k) = (a.n_rows(), a.n_cols());
    let mut c = Mat::zeros(m, m);
    let mut tiles = tiles(as_faer_mut(c.as_mut_slice(), m, m), TILE, TILE);
    tiles.retain(|tile| tile.cols.start <= tile.rows.start);
    let step = ((STEP_FLOPS / (2 * TILE * TILE) as f64) as usize).max(256);
    let cost_ns = (m * m * k) as f64 * NS_PER_FLOP / tiles.len() as f64;
    let done = parallel::map_chunks(tiles.len(), 1, cost_ns, |index, _| {
        let tile = &tiles[index];
        let Ok(mut part) = tile.part.lock() else { return Ok(()) };
        for start in (0..k).step_by(step) {
            control.check()?;
            let piece = as_faer(a).subcols(start, step.min(k - start));
            let left = piece.subrows(tile.rows.start, tile.rows.len());
            let right = piece.subrows(tile.cols.start, tile.cols.len()).transpose();
            if tile.rows == tile.cols {
                lower_product(part.as_mut(), left);
            } else {
                multiply(part.as_mut(), true, T::ONE, left, right);
            }
        }
        Ok(())
    });
    done.into_iter().collect::<Result<()>>()?;
    drop(tiles);
    Ok(c)
}

/// Lower triangle of C ← C + A·Aᵀ.
fn lower_product<T: Scalar>(c: faer::MatMut<'_, T>, a: faer::MatRef<'_, T>) {
    triangular::matmul(
        c,
        BlockStructure::TriangularLower,
        Accum::Add,
        a,
        BlockStructure::Rectangular,
        a.transpose(),
        BlockStructure::Rectangular,
        T::ONE,
        Par::Seq,
    );
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, Mat, parallel};

    use super::super::gemm;
    use super::super::test_data::{close, filled};
    use super::syrk;

    const SHAPES: [(usize, usize); 7] =
        [(0, 3), (3, 0), (1, 1), (7, 20_000), (200, 900), (300, 20), (500, 700)];

    #[test]
    fn agrees_with_the_general_product_and_is_symmetric() {
        let control = Control::new();
        for (m, k) in SHAPES {
            let a = filled(m, k, 1);
            let expected = gemm(a.view(), a.view().transpose(), &control).unwrap();
            let c = syrk(a.view(), &control).unwrap();
            close(&c, &expected, 1e-10);
            assert_eq!(c, c.view().transpose().to_mat());
            let by_columns: Mat<f64> = a.view().transpose().to_mat();
            close(&syrk(by_columns.view().transpose(), &control).unwrap(), &expected, 1e-10);
        }
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let control = Control::new();
        for (m, k) in SHAPES {
            let a = filled(m, k, 1);
            let run = |t| parallel::with_threads(t, || syrk(a.view(), &control).unwrap());
            let expected = run(1);
            assert!(expected == run(2) && expected == run(7));
        }
    }
}
