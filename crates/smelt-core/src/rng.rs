//! PCG64 (XSL-RR 128/64), bit-identical with NumPy's `Generator(PCG64)`.
//!
//! Python passes `rng.bit_generator.state`, so the NumPy twin and the kernel draw the same rows:
//! every method here gives what the `Generator` method named in its comment gives, and leaves the
//! generator in the same state.  Gaussian numbers are drawn in NumPy and passed in.

use std::collections::HashSet;

/// The generator; its state is what NumPy's `PCG64().state` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcg64 {
    state: u128,
    increment: u128,
    /// Upper half of the last 64 bits, when [`Pcg64::next_u32`] has given out the lower half.
    half: Option<u32>,
}

const MULTIPLIER: u128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645;

/// Populations up to this size are always sampled by Floyd's method.
const FLOYD_BELOW: usize = 10_000;

impl Pcg64 {
    /// From NumPy's `state["state"]["state"]` and `state["state"]["inc"]`.
    pub fn from_state(state: u128, increment: u128) -> Self {
        Self { state, increment, half: None }
    }

    /// The same generator with NumPy's `uinteger` waiting, where `has_uint32` is 1.
    pub fn with_half(self, half: Option<u32>) -> Self {
        Self { half, ..self }
    }

    /// The state, to hand back to NumPy.
    pub fn state(&self) -> (u128, u128) {
        (self.state, self.increment)
    }

    /// The half of 64 bits that is waiting, to hand back to NumPy.
    pub fn half(&self) -> Option<u32> {
        self.half
    }

    /// The next 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    /// The next 32 bits: the lower half of 64 new ones, then the upper half of the same.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if let Some(half) = self.half.take() {
            return half;
        }
        let both = self.next_u64();
        self.half = Some((both >> 32) as u32);
        both as u32
    }

    /// Uniform on [0, 1): `random()`.
    #[inline]
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform on [0, 1): `random(dtype=np.float32)`.
    #[inline]
    pub fn next_f32(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform on [`low`, `high`): `uniform(low, high)`.
    #[inline]
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next_f64()
    }

    /// Uniform on 0..=`most`, by Lemire's method on as few bits as will do.
    #[inline]
    pub fn bounded(&mut self, most: u64) -> u64 {
        const ALL_32: u64 = u32::MAX as u64;
        match most {
            0 => 0,
            ALL_32 => u64::from(self.next_u32()),
            u64::MAX => self.next_u64(),
            _ if most < ALL_32 => u64::from(self.bounded_u32(most as u32)),
            _ => self.bounded_u64(most),
        }
    }

    #[inline]
    fn bounded_u32(&mut self, most: u32) -> u32 {
        let n = most + 1;
        let mut product = u64::from(self.next_u32()) * u64::from(n);
        if (product as u32) < n {
            let threshold = (u32::MAX - most) % n;
            while (product as u32) < threshold {
                product = u64::from(self.next_u32()) * u64::from(n);
            }
        }
        (product >> 32) as u32
    }

    #[inline]
    fn bounded_u64(&mut self, most: u64) -> u64 {
        let n = most + 1;
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        if (product as u64) < n {
            let threshold = (u64::MAX - most) % n;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    /// Uniform on `low`..`high`: `integers(low, high)`.  Gives `low` where the range is empty.
    #[inline]
    pub fn integers(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        low.wrapping_add(self.bounded((high.wrapping_sub(low) as u64) - 1) as i64)
    }

    /// Uniform on 0..`n`: `integers(n)`.  Gives 0 where `n` is 0.
    #[inline]
    pub fn index(&mut self, n: usize) -> usize {
        self.bounded((n as u64).saturating_sub(1)) as usize
    }

    /// Uniform on 0..=`most`, by drawing as many bits as `most` has until they do not exceed it.
    #[inline]
    fn masked(&mut self, most: u64) -> u64 {
        let mask = u64::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let bits = match most {
                0 => return 0,
                _ if most <= u64::from(u32::MAX) => u64::from(self.next_u32()),
                _ => self.next_u64(),
            };
            if bits & mask <= most {
                return bits & mask;
            }
        }
    }

    /// Puts the items into random order, by Fisher and Yates: `shuffle(x)`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.masked(i as u64) as usize;
            items.swap(i, j);
        }
    }

    /// The same from the end down to position `first`, with the draws that `choice` makes.
    fn shuffle_tail<T>(&mut self, items: &mut [T], first: usize) {
        for i in (first..items.len()).rev() {
            let j = self.bounded(i as u64) as usize;
            items.swap(i, j);
        }
    }

    /// 0..`n` in random order: `permutation(n)`.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut items: Vec<usize> = (0..n).collect();
        self.shuffle(&mut items);
        items
    }

    /// `size` items of 0..`n`, each as likely, with repetition: `choice(n, size)`.
    pub fn choice_with_replacement(&mut self, n: usize, size: usize) -> Vec<usize> {
        (0..size).map(|_| self.index(n)).collect()
    }

    /// `size` different items of 0..`n` in random order: `choice(n, size, replace=False)`.
    ///
    /// A `size` above `n` is taken as `n`.
    pub fn choice(&mut self, n: usize, size: usize) -> Vec<usize> {
        let size = size.min(n);
        if n > FLOYD_BELOW && size > n / 50 {
            // A large share of many: shuffle as much of the tail as is wanted.
            let mut items: Vec<usize> = (0..n).collect();
            self.shuffle_tail(&mut items, (n - size).max(1));
            return items.split_off(n - size);
        }
        // Floyd: the j-th step adds a random item of 0..=j, or j where that one is taken already.
        let mut taken = HashSet::with_capacity(size);
        let mut items = Vec::with_capacity(size);
        for j in n - size..n {
            let item = self.bounded(j as u64) as usize;
            let item = if taken.insert(item) { item } else { j };
            taken.insert(item);
            items.push(item);
        }
        self.shuffle_tail(&mut items, 1);
        items
    }

    /// `size` items of 0..`weights.len()` with repetition: `choice(n, size, p=weights)`.
    ///
    /// The weights are not negative and sum to a positive number.
    pub fn choice_weighted(&mut self, weights: &[f64], size: usize) -> Vec<usize> {
        let mut total = 0.0;
        let mut cumulative: Vec<f64> = weights
            .iter()
            .map(|weight| {
                total += weight;
                total
            })
            .collect();
        cumulative.iter_mut().for_each(|sum| *sum /= total);
        (0..size)
            .map(|_| {
                let u = self.next_f64();
                cumulative.partition_point(|&sum| sum <= u)
            })
            .collect()
    }

    /// Jumps over `steps` draws of 64 bits: `bit_generator.advance(steps)`.
    pub fn advance(&mut self, mut steps: u128) {
        self.half = None;
        // The affine map x → a·x + c applied 2ⁱ times, for every set bit i of `steps`.
        let (mut factor, mut offset) = (MULTIPLIER, self.increment);
        while steps > 0 {
            if steps & 1 == 1 {
                self.state = self.state.wrapping_mul(factor).wrapping_add(offset);
            }
            offset = factor.wrapping_add(1).wrapping_mul(offset);
            factor = factor.wrapping_mul(factor);
            steps >>= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pcg64;

    /// `np.random.PCG64(0)`; what it must draw is compared with NumPy in `tests/ground`.
    fn rng() -> Pcg64 {
        Pcg64::from_state(
            35_399_562_948_360_463_058_890_781_895_381_311_971,
            87_136_372_517_582_989_555_478_159_403_783_844_777,
        )
    }

    #[test]
    fn first_draws_of_seed_0() {
        assert_eq!(rng().next_f64(), 0.636_961_687_321_454_3);
        let mut halves = rng();
        let whole = rng().next_u64();
        assert_eq!(halves.next_u32(), whole as u32);
        assert_eq!(halves.half(), Some((whole >> 32) as u32));
        assert_eq!(halves.next_u32(), (whole >> 32) as u32);
        assert_eq!(halves.half(), None);
    }

    #[test]
    fn bounds_are_kept() {
        let mut rng = rng();
        for most in [0, 1, 5, u64::from(u32::MAX) - 1, u64::from(u32::MAX), 1 << 40, u64::MAX] {
            assert!((0..200).all(|_| rng.bounded(most) <= most));
        }
        assert!((0..200).all(|_| (-3..4).contains(&rng.integers(-3, 4))));
        rng.integers(i64::MIN, i64::MAX);
        assert_eq!((rng.integers(5, 5), rng.index(0)), (5, 0));
    }

    #[test]
    fn samples_hold_no_item_twice() {
        let mut rng = rng();
        for (n, size) in [(0, 0), (1, 1), (10, 10), (10, 4), (20_000, 300), (20_000, 5000), (3, 9)]
        {
            let mut items = rng.choice(n, size);
            assert_eq!(items.len(), size.min(n));
            items.sort_unstable();
            assert!(items.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(items.iter().all(|&item| item < n));
        }
        let mut order = rng.permutation(100);
        order.sort_unstable();
        assert!(order.iter().enumerate().all(|(i, &item)| i == item));
        assert!(rng.choice_with_replacement(3, 50).iter().all(|&item| item < 3));
        assert!(rng.choice_weighted(&[0.0, 1.0, 0.0], 50).iter().all(|&item| item == 1));
    }

    #[test]
    fn advancing_equals_drawing() {
        for steps in [0_u32, 1, 2, 77] {
            let (mut drawn, mut jumped) = (rng(), rng());
            for _ in 0..steps {
                drawn.next_u64();
            }
            jumped.advance(u128::from(steps));
            assert_eq!(drawn, jumped);
        }
    }
}
