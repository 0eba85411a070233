//! The inner loop of cross products: six columns by eight, all sums in vector registers.
//!
//! Twelve registers of four sums, two of the right side and one of the left fill the sixteen of
//! AVX2; with fewer the multiply-adds would wait for each other.  Written with explicit vectors
//! because the compiler finds them in plain loops only by luck.

/// Columns on the left of a tile.
pub const HEIGHT: usize = 6;
/// Numbers in a lane.
pub const WIDTH: usize = 4;
/// Lanes on the right of a tile.
pub const LANES: usize = 2;

/// Four neighbouring numbers.
pub type Lane = [f64; WIDTH];
/// Sums of products: `tile[r][q][l]` belongs to column r on the left and 4q + l on the right.
pub type Tile = [[Lane; LANES]; HEIGHT];

/// A tile of zeros.
pub const ZERO: Tile = [[[0.0; WIDTH]; LANES]; HEIGHT];

/// tile ← tile + Σ_k a[k] b[k]ᵀ.
///
/// The six columns of the left start at column `FIRST` (0 or 2) of two panels of four; the eight of
/// the right are two panels.  All panels have as many rows as the first one.
#[inline(always)]
pub fn add_products<const FIRST: usize>(a: [&[Lane]; 2], b: [&[Lane]; LANES], tile: &mut Tile) {
    let n = a[0].len();
    let (a, b) = (a.map(|panel| &panel[..n]), b.map(|panel| &panel[..n]));
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        simd.vectorize(
            #[inline(always)]
            || fused::<FIRST>(simd, a, b, tile),
        );
        return;
    }
    let mut sums = ZERO;
    for k in 0..n {
        for r in 0..HEIGHT {
            let factor = left::<FIRST>(a, k, r);
            for q in 0..LANES {
                for l in 0..WIDTH {
                    sums[r][q][l] += factor * b[q][k][l];
                }
            }
        }
    }
    for (out, sums) in tile.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
        for l in 0..WIDTH {
            out[l] += sums[l];
        }
    }
}

/// Column `r` of the left in row `k`.
#[inline(always)]
fn left<const FIRST: usize>(a: [&[Lane]; 2], k: usize, r: usize) -> f64 {
    if FIRST + r < WIDTH { a[0][k][FIRST + r] } else { a[1][k][FIRST + r - WIDTH] }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn fused<const FIRST: usize>(
    simd: pulp::x86::V3,
    a: [&[Lane]; 2],
    b: [&[Lane]; LANES],
    tile: &mut Tile,
) {
    let vector = |lane: &Lane| pulp::f64x4(lane[0], lane[1], lane[2], lane[3]);
    let mut sums = [[simd.splat_f64x4(0.0); LANES]; HEIGHT];
    for k in 0..a[0].len() {
        let right = [vector(&b[0][k]), vector(&b[1][k])];
        for r in 0..HEIGHT {
            let factor = simd.splat_f64x4(left::<FIRST>(a, k, r));
            for q in 0..LANES {
                sums[r][q] = simd.mul_add_f64x4(factor, right[q], sums[r][q]);
            }
        }
    }
    for r in 0..HEIGHT {
        for q in 0..LANES {
            let sum = simd.add_f64x4(vector(&tile[r][q]), sums[r][q]);
            tile[r][q] = [sum.0, sum.1, sum.2, sum.3];
        }
    }
}
