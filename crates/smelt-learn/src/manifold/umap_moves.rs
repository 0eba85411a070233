//! The moves of UMAP: pulls along edges and pushes of rows drawn by chance, sixteen rows at a time.
//!
//! Coordinates lie column by column, a lane for each row.  Two vectors of eight lanes: while a power
//! of the one is on its way, those of the other are begun.

/// Rows that move together.
pub(super) const LANES: usize = 16;
/// One number of each of them.
pub(super) type Floats = [f32; LANES];
/// Longest move of a coordinate, before it is multiplied by the learning rate.
const LONGEST: f32 = 4.0;
/// Keeps pushes of near rows finite.
const NEAR: f32 = 0.001;

/// What pulls and pushes: -2ab and 2b times the strength, about the curve of a and b.
pub(super) struct Force {
    pub(super) a: f32,
    pub(super) b: f32,
    pub(super) pull: f32,
    pub(super) push: f32,
}

/// Puts row `i` of `rows` into a lane.
#[inline(always)]
pub(super) fn place(to: &mut [Floats], lane: usize, rows: &[f32], i: usize) {
    let width = to.len();
    for (to, &y) in to.iter_mut().zip(&rows[i * width..][..width]) {
        to[lane] = y;
    }
}

impl Force {
    /// Moves rows towards the others, where their squared distance is beyond the limit.
    #[inline(always)]
    pub(super) fn attract(&self, own: &mut [Floats], other: &[Floats], limit: &Floats, rate: f32) {
        let mut factor = squares(own, other);
        for (factor, &limit) in factor.iter_mut().zip(limit) {
            let square = *factor;
            let power = power(square, self.b);
            let all = self.pull * power / (square * (self.a * power + 1.0));
            *factor = if square > limit { all } else { 0.0 };
        }
        go(own, other, &factor, rate);
    }

    /// Moves rows away from the others, where their squared distance is beyond the limit.
    #[inline(always)]
    pub(super) fn repel(&self, own: &mut [Floats], other: &[Floats], limit: &Floats, rate: f32) {
        let mut factor = squares(own, other);
        for (factor, &limit) in factor.iter_mut().zip(limit) {
            let square = *factor;
            let all = self.push / ((NEAR + square) * (self.a * power(square, self.b) + 1.0));
            *factor = if square > limit { all } else { 0.0 };
        }
        go(own, other, &factor, rate);
    }
}

#[inline(always)]
fn squares(own: &[Floats], other: &[Floats]) -> Floats {
    let mut sums = [0.0; LANES];
    for (y, z) in own.iter().zip(other) {
        for ((sum, &y), &z) in sums.iter_mut().zip(y).zip(z) {
            *sum += (y - z) * (y - z);
        }
    }
    sums
}

#[inline(always)]
#[allow(clippy::manual_clamp)] // which keeps NaN, and with it the compiler from two instructions
fn go(own: &mut [Floats], other: &[Floats], factor: &Floats, rate: f32) {
    for (y, z) in own.iter_mut().zip(other) {
        for ((y, &z), &factor) in y.iter_mut().zip(z).zip(factor) {
            *y += rate * (factor * (*y - z)).max(-LONGEST).min(LONGEST);
        }
    }
}

/// x^b for x > 0, to six digits.
#[inline(always)]
fn power(x: f32, b: f32) -> f32 {
    // log2 of the mantissa, about √2/2 to √2, by its odd series in (m − 1) / (m + 1).
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((exponent << 23) as u32));
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    let odd = ((0.412_198_6_f32.mul_add(s2, 0.577_078_04)).mul_add(s2, 0.961_796_7))
        .mul_add(s2, 2.885_39);
    let log = s.mul_add(odd, exponent as f32);
    // 2^y = 2^whole · 2^part, |part| ≤ 1/2, by its series.
    let y = (b * log).clamp(-126.0, 126.0);
    // Added to 1.5·2^23, y is rounded to a whole number, which stands in the lowest bits.
    let shifted = y + 12_582_912.0;
    let part = y - (shifted - 12_582_912.0);
    let series = 0.000_154_035_3_f32
        .mul_add(part, 0.001_333_355_8)
        .mul_add(part, 0.009_618_129)
        .mul_add(part, 0.055_504_11)
        .mul_add(part, 0.240_226_5)
        .mul_add(part, std::f32::consts::LN_2)
        .mul_add(part, 1.0);
    series * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

#[cfg(test)]
mod tests {
    #[test]
    fn powers_are_near() {
        for i in 0..4000 {
            let x = 10_f32.powf(i as f32 / 200.0 - 10.0);
            for b in [0.5, 0.895, 1.0, 1.5] {
                let exact = f64::from(x).powf(f64::from(b));
                let ours = f64::from(super::power(x, b));
                assert!((ours / exact - 1.0).abs() < 2e-5, "{x} ^ {b}: {ours}, {exact}");
            }
        }
    }
}
