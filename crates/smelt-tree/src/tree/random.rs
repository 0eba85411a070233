//! The small generator of scikit-learn's trees, so that one seed draws the same features here and
//! there: Marsaglia's 32-bit xorshift (Journal of Statistical Software 8(14), 2003), of which 31 bits
//! are used.

/// Largest number drawn.
const LARGEST: u32 = (1 << 31) - 1;

/// State of the generator.
#[derive(Debug, Clone)]
pub(crate) struct Xorshift(u32);

impl Xorshift {
    pub(crate) fn new(seed: u32) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u32 {
        // Zero is the one state that would never change.
        let mut x = if self.0 == 0 { 1 } else { self.0 };
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.0 = x;
        x & LARGEST
    }

    /// An integer of `low..high`.
    pub(crate) fn integer(&mut self, low: usize, high: usize) -> usize {
        low + (self.next() % (high - low) as u32) as usize
    }

    /// A number between `low` and `high`.
    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        (high - low) * f64::from(self.next()) / f64::from(LARGEST) + low
    }
}

#[cfg(test)]
mod tests {
    use super::Xorshift;

    #[test]
    fn known_numbers_follow_a_seed() {
        let mut random = Xorshift::new(1);
        let drawn: Vec<u32> = (0..3).map(|_| random.next()).collect();
        assert_eq!(drawn, [270_369, 67_634_689, 499_951_813]);
        assert_eq!(Xorshift::new(0).next(), 270_369);
        let mut random = Xorshift::new(7);
        assert!((0..1000).all(|_| (3..9).contains(&random.integer(3, 9))));
        assert!((0..1000).all(|_| (-1.0..=2.0).contains(&random.uniform(-1.0, 2.0))));
    }
}
