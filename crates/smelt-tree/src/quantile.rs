//! Sums, means and quantiles with the very roundings of NumPy, so that bins and leaves are those of
//! scikit-learn to the last bit.
//!
//! Twin: `smelt/plain/ensemble/hist_gradient_boosting_bins.py` (NumPy's own functions).

/// Σ value(i), i < n, by halves down to blocks of 128, as `numpy.sum` adds.
pub fn pairwise_sum(n: usize, value: &impl Fn(usize) -> f64) -> f64 {
    block_sum(0, n, value)
}

fn block_sum(start: usize, n: usize, value: &impl Fn(usize) -> f64) -> f64 {
    if n < 8 {
        return (start..start + n).map(value).fold(0.0, |sum, x| sum + x);
    }
    if n > 128 {
        let half = n / 2 - (n / 2) % 8;
        return block_sum(start, half, value) + block_sum(start + half, n - half, value);
    }
    let mut lanes: [f64; 8] = std::array::from_fn(|lane| value(start + lane));
    let whole = n - n % 8;
    for at in (8..whole).step_by(8) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += value(start + at + lane);
        }
    }
    let sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
        + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    (start + whole..start + n).map(value).fold(sum, |sum, x| sum + x)
}

/// Mean of value(i), i < n, weighted if there are weights.
pub fn average(n: usize, value: &impl Fn(usize) -> f64, weight: Option<&[f64]>) -> f64 {
    match weight {
        None => pairwise_sum(n, value) / n as f64,
        Some(weight) => {
            pairwise_sum(n, &|i| value(i) * weight[i]) / pairwise_sum(n, &|i| weight[i])
        }
    }
}

/// Linearly interpolated quantile, 0 ≤ q ≤ 1; reorders `values`, which must not be empty.
pub fn quantile(values: &mut [f64], q: f64) -> f64 {
    let last = values.len() - 1;
    let position = last as f64 * q;
    let below = (position.floor() as usize).min(last);
    let t = position - below as f64;
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    if t >= 0.5 { high - (high - low) * (1.0 - t) } else { low + (high - low) * t }
}

/// Median: the mean of the two middle values where their number is even; reorders `values`.
pub fn median(values: &mut [f64]) -> f64 {
    let (n, middle) = (values.len(), values.len() / 2);
    let (below, &mut high, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let low = below.iter().copied().max_by(f64::total_cmp).unwrap_or(high);
    if n % 2 == 1 { high } else { (low + high) / 2.0 }
}

/// Running sums of weights over values in ascending order.
#[derive(Debug)]
pub struct WeightedOrder {
    values: Vec<f64>,
    cumulated: Vec<f64>,
}

impl WeightedOrder {
    /// Sorts the pairs (value, weight).
    pub fn new(mut pairs: Vec<(f64, f64)>) -> Self {
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut sum = 0.0;
        let cumulated = pairs
            .iter()
            .map(|pair| {
                sum += pair.1;
                sum
            })
            .collect();
        Self { values: pairs.into_iter().map(|pair| pair.0).collect(), cumulated }
    }

    /// The values in ascending order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The smallest value with at least the share `q` of all weight at or below it.
    pub fn quantile(&self, q: f64) -> f64 {
        let (at, _) = self.position(q);
        self.values[at]
    }

    /// As [`WeightedOrder::quantile`], but the mean of two neighbours where the share is met exactly.
    pub fn averaged_quantile(&self, q: f64) -> f64 {
        let (at, wanted) = self.position(q);
        if self.cumulated[at] - wanted > f64::EPSILON {
            return self.values[at];
        }
        let next = (at + 1).min(self.values.len() - 1);
        (self.values[at] + self.values[next]) / 2.0
    }

    fn position(&self, q: f64) -> (usize, f64) {
        let last = self.values.len() - 1;
        let mut wanted = q * self.cumulated[last];
        if wanted == 0.0 {
            wanted = f64::from_bits(1);
        }
        (self.cumulated.partition_point(|&sum| sum < wanted).min(last), wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::{WeightedOrder, average, median, pairwise_sum, quantile};

    #[test]
    fn sums_and_means() {
        for n in [0, 1, 7, 8, 9, 127, 129, 1000] {
            assert_eq!(pairwise_sum(n, &|i| i as f64), (n * n.saturating_sub(1) / 2) as f64);
        }
        assert_eq!(average(3, &|i| i as f64, Some(&[1.0, 1.0, 2.0])), 1.25);
    }

    #[test]
    fn quantiles() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [3.0, 1.0, 2.0, 10.0]), 2.5);
        assert_eq!(median(&mut [5.0]), 5.0);
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 0.5), 2.5);
        assert_eq!(quantile(&mut [4.0, 1.0, 3.0, 2.0], 1.0), 4.0);
        let order = WeightedOrder::new(vec![(2.0, 1.0), (1.0, 1.0), (3.0, 2.0)]);
        assert_eq!(order.quantile(0.5), 2.0);
        assert_eq!(order.averaged_quantile(0.5), 2.5);
        assert_eq!(order.quantile(0.0), 1.0);
    }
}
