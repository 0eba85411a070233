//! PCG64 (XSL-RR 128/64), bit-identical with NumPy's `PCG64`.
//!
//! Python passes `rng.bit_generator.state`, so the NumPy twin and the kernel draw the same rows.

/// The generator; its state is what NumPy's `PCG64().state["state"]` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcg64 {
    state: u128,
    increment: u128,
}

const MULTIPLIER: u128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645;

impl Pcg64 {
    /// From NumPy's `state["state"]["state"]` and `state["state"]["inc"]`.
    pub fn from_state(state: u128, increment: u128) -> Self {
        Self { state, increment }
    }

    /// The state, to hand back to NumPy.
    pub fn state(&self) -> (u128, u128) {
        (self.state, self.increment)
    }

    /// The next 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    /// Uniform on [0, 1): `Generator.random()`.
    #[inline]
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }
}
