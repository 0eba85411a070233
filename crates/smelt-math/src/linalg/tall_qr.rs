//! QR of a tall matrix by a tree: strips of rows are factored in parallel, their triangles are
//! stacked and factored in turn.  Borders depend on the shape alone.
//!
//! Cost: 2·m·n² flops, the matrix is read once; applying Q to n × k costs another 4·m·n·k.

use smelt_core::{Control, Mat, MatRef, Result, parallel};

use super::blas::{as_faer_mut, tiles, to_faer};
use super::reflections::Reflections;
use super::{NS_PER_FLOP, Scalar};

/// Elements of a strip: a few hundred kilobytes, so that it stays in the second-level cache.
const STRIP_ELEMENTS: usize = 1 << 16;
/// Columns up to which strips pay: those of more are too large for the cache, and long work that
/// could not be interrupted.
const WIDEST: usize = 512;
/// Columns of the right-hand side between two looks at the control.
const COLUMNS: usize = 64;

/// Q as reflections, and R, of an m × n matrix with m ≥ n.
pub(super) struct TallQr<T> {
    n_rows: usize,
    height: usize,
    strips: Vec<Reflections<T>>,
    above: Option<Box<TallQr<T>>>,
    triangle: Mat<T>,
}

impl<T: Scalar> TallQr<T> {
    /// Factors `scale`·A.
    pub(super) fn new(a: MatRef<'_, T>, scale: T, control: &Control) -> Result<Self> {
        let (m, n) = (a.n_rows(), a.n_cols());
        let height = (4 * n).max(STRIP_ELEMENTS / n.max(1)).max(1);
        // 1. One strip: a plain factorization.
        if m < 2 * height || n > WIDEST {
            let whole = Reflections::in_panels(to_faer(a, scale, control)?, control)?;
            let triangle = whole.upper();
            return Ok(Self { n_rows: m, height: m, strips: vec![whole], above: None, triangle });
        }
        // 2. Every strip of rows.
        let cost_ns = 2.0 * (n * n) as f64 * NS_PER_FLOP;
        let strips = parallel::map_chunks(m, height, cost_ns, |_, range| {
            control.check()?;
            let rows = a.rows(range.start, range.end);
            Ok(Reflections::new(to_faer(rows, scale, control)?))
        });
        let strips: Vec<Reflections<T>> = strips.into_iter().collect::<Result<_>>()?;
        // 3. The triangles on top of each other.
        let mut stacked = Vec::new();
        for strip in &strips {
            stacked.extend_from_slice(strip.upper().as_slice());
        }
        let n_stacked = stacked.len() / n.max(1);
        let above = Self::new(Mat::from_vec(stacked, n_stacked, n)?.view(), T::ONE, control)?;
        let triangle = above.triangle.clone();
        Ok(Self { n_rows: m, height, strips, above: Some(Box::new(above)), triangle })
    }

    /// R, n × n, zeros below the diagonal; the signs of its rows are as they fell.
    pub(super) fn triangle(&self) -> &Mat<T> {
        &self.triangle
    }

    /// Q·C for an n × k matrix C.
    pub(super) fn apply(&self, c: MatRef<'_, T>, control: &Control) -> Result<Mat<T>> {
        let (n, k) = (self.triangle.n_cols(), c.n_cols());
        let mut out = Mat::zeros(self.n_rows, k);
        let inner;
        let top = match &self.above {
            Some(above) => {
                inner = above.apply(c, control)?;
                inner.view()
            }
            None => c,
        };
        // Every strip but the last has n rows in the stack; one strip alone takes all of C.
        let rows_of = |index: usize, height: usize| match self.above {
            Some(_) => top.rows(index * n, index * n + height.min(n)),
            None => top,
        };
        let cost_ns =
            4.0 * (self.height.min(self.n_rows) * n * COLUMNS.min(k)) as f64 * NS_PER_FLOP;
        let n_groups = k.div_ceil(COLUMNS).max(1);
        let whole = as_faer_mut(out.as_mut_slice(), self.n_rows, k);
        let parts = tiles(whole, self.height.max(1), COLUMNS);
        parallel::for_chunks(parts.len(), 1, cost_ns, |index, _| {
            let tile = &parts[index];
            let Ok(mut part) = tile.part.lock() else { return };
            if control.check().is_err() {
                return;
            }
            let strip = index / n_groups;
            let top = rows_of(strip, tile.rows.len());
            part.copy_from(self.strips[strip].apply(top, tile.cols.start, tile.cols.len()));
        });
        drop(parts);
        control.check()?;
        Ok(out)
    }
}
