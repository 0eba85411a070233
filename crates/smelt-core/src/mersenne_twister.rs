//! NumPy's old generator: bit-identical with `numpy.random.RandomState(seed)`.
//!
//! scikit-learn draws the rows of a forest's trees from it; the same seed draws the same rows here.
//! Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998.

const LENGTH: usize = 624;
const MIDDLE: usize = 397;

/// `numpy.random.RandomState(seed)` for integer seeds.
#[derive(Clone, Debug)]
pub struct MersenneTwister {
    state: [u32; LENGTH],
    next: usize,
}

impl MersenneTwister {
    /// The state that an integer seed gives.
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; LENGTH];
        for i in 1..LENGTH {
            let last = state[i - 1];
            state[i] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        Self { state, next: LENGTH }
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.next == LENGTH {
            self.renew();
        }
        let mut x = self.state[self.next];
        self.next += 1;
        x ^= x >> 11;
        x ^= (x << 7) & 0x9d2c_5680;
        x ^= (x << 15) & 0xefc6_0000;
        x ^ (x >> 18)
    }

    fn renew(&mut self) {
        for i in 0..LENGTH {
            let both =
                (self.state[i] & (1 << 31)) | (self.state[(i + 1) % LENGTH] & (u32::MAX >> 1));
            let odd = if both & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + MIDDLE) % LENGTH] ^ (both >> 1) ^ odd;
        }
        self.next = 0;
    }

    /// A number of [0, 1) with 53 random bits, as `RandomState.random_sample()`.
    pub fn uniform(&mut self) -> f64 {
        let (high, low) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (f64::from(high) * f64::from(1 << 26) + f64::from(low)) / (1_u64 << 53) as f64
    }

    /// An integer of `0..n`, as `RandomState.randint(n)`: masked bits, drawn again while too large.
    pub fn below(&mut self, n: u32) -> u32 {
        let largest = n.saturating_sub(1);
        if largest == 0 {
            return 0;
        }
        let mask = u32::MAX >> largest.leading_zeros();
        loop {
            let drawn = self.next_u32() & mask;
            if drawn <= largest {
                return drawn;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MersenneTwister;

    #[test]
    fn draws_are_those_of_numpy() {
        // numpy.random.RandomState(42).randint(0, 1000, 5), and RandomState(0).randint(0, 2**31 - 1)
        let mut random = MersenneTwister::new(42);
        let drawn: Vec<u32> = (0..5).map(|_| random.below(1000)).collect();
        assert_eq!(drawn, [102, 435, 860, 270, 106]);
        assert_eq!(MersenneTwister::new(0).below(i32::MAX as u32), 209_652_396);
        assert_eq!(MersenneTwister::new(5489).next_u32(), 3_499_211_612);
        assert_eq!(MersenneTwister::new(1).below(1), 0);
        assert_eq!(MersenneTwister::new(3).uniform(), 0.550_797_902_574_575_5);
    }
}
