//! Draws of features and rows, as NumPy's generator makes them.

use smelt_core::Pcg64;

/// Random numbers as NumPy's `Generator(PCG64)` hands them out.
#[derive(Debug, Clone)]
pub struct Shuffler {
    /// The generator.
    pub random: Pcg64,
    /// Half of a 64-bit draw that waits to be used.
    pub half: Option<u32>,
}

impl Shuffler {
    fn next_u32(&mut self) -> u32 {
        if let Some(half) = self.half.take() {
            return half;
        }
        let both = self.random.next_u64();
        self.half = Some((both >> 32) as u32);
        both as u32
    }

    /// Uniform on 0..=highest: draws of as many bits, until one is not above.
    fn bounded(&mut self, highest: u32) -> u32 {
        let mask = u32::MAX >> highest.leading_zeros().min(31);
        loop {
            let drawn = self.next_u32() & mask;
            if drawn <= highest {
                return drawn;
            }
        }
    }

    /// `Generator.shuffle` of a vector.
    pub(crate) fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            let j = self.bounded(i as u32) as usize;
            values.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Pcg64, Shuffler};

    #[test]
    fn the_order_is_that_of_numpy() {
        // numpy.random.default_rng(5).shuffle(numpy.arange(8))
        let state = 304397142111423816445458517940380168174;
        let increment = 233193750087604940414945475171846202189;
        let mut shuffler = Shuffler { random: Pcg64::from_state(state, increment), half: None };
        let mut values = [0, 1, 2, 3, 4, 5, 6, 7];
        shuffler.shuffle(&mut values);
        assert_eq!(values, [1, 4, 2, 3, 7, 5, 6, 0]);
    }
}
