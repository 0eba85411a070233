//! LambdaRank (Burges, 2010), as LightGBM has it: pairs of a query's rows, weighed by NDCG@k.
//!
//! With rows sorted by raw prediction, gain 2ʸ − 1 and discount 1 / log2(2 + place), swapping two rows
//! i, j changes NDCG by Δ = abs(gain_i − gain_j)·abs(discount_i − discount_j) / (best DCG@k), here over
//! 0.01 + abs(raw_i − raw_j).  With s = raw_better − raw_worse and p = 1 / (1 + eˢ):
//!
//! 1. Each pair with different targets, one of them among the first k places, moves the better row
//!    up and the worse one down by p·Δ; both have the curvature p(1 − p)·Δ.
//! 2. All of a query's values are multiplied by log2(1 + S) / S, S twice the sum of its p·Δ.
//!
//! Cost of a query with m rows: m·log m for the order, min(k, m)·m pairs with an exponential each.

use smelt_core::{Error, Result, parallel};

use super::{Loss, Target};
use crate::quantile::average;

/// Largest target: gains stay exact.
const HIGHEST: f64 = 50.0;

/// Places that count.
#[derive(Debug)]
pub(super) struct LambdaRank(usize);

impl LambdaRank {
    pub(super) fn new(truncation: usize) -> Result<Self> {
        if truncation == 0 {
            return Err(Error::parameter("truncation", "must be at least 1"));
        }
        Ok(Self(truncation))
    }

    /// DCG of the first k of rows in this order.
    fn dcg(&self, y: &[f64], order: &[usize]) -> f64 {
        order.iter().take(self.0).enumerate().map(|(at, &row)| gain(y[row]) * discount(at)).sum()
    }

    fn best_dcg(&self, y: &[f64]) -> f64 {
        let mut order: Vec<usize> = (0..y.len()).collect();
        order.sort_by(|&a, &b| y[b].total_cmp(&y[a]));
        self.dcg(y, &order)
    }

    fn query(&self, y: &[f64], raw: &[f64], weight: Option<&[f64]>, out: &mut [[f32; 2]]) {
        let n = y.len();
        let order = ranking(raw);
        let best = self.best_dcg(y);
        let mut sums = vec![[0.0_f64; 2]; n];
        let spread = order.first().zip(order.last()).is_some_and(|(&a, &b)| raw[a] != raw[b]);
        let mut total = 0.0;
        if best > 0.0 {
            for i in 0..self.0.min(n - 1) {
                for j in i + 1..n {
                    let (a, b) = (order[i], order[j]);
                    if y[a] == y[b] {
                        continue;
                    }
                    let (better, worse) = if y[a] > y[b] { (a, b) } else { (b, a) };
                    let step = raw[better] - raw[worse];
                    let mut change = (gain(y[better]) - gain(y[worse]))
                        * (discount(i) - discount(j)).abs()
                        / best;
                    if spread {
                        change /= 0.01 + step.abs();
                    }
                    let p = 1.0 / (1.0 + step.exp());
                    sums[better][0] -= p * change;
                    sums[worse][0] += p * change;
                    let curvature = p * (1.0 - p) * change;
                    sums[better][1] += curvature;
                    sums[worse][1] += curvature;
                    total += 2.0 * p * change;
                }
            }
        }
        let factor = if total > 0.0 { (1.0 + total).log2() / total } else { 1.0 };
        for (row, (out, sum)) in out.iter_mut().zip(&sums).enumerate() {
            let scale = factor * weight.map_or(1.0, |weight| weight[row]);
            *out = [(scale * sum[0]) as f32, (scale * sum[1]) as f32];
        }
    }
}

impl Loss for LambdaRank {
    fn check_target(&self, target: Target<'_>) -> Result<()> {
        let n = target.y.len() as i64;
        let sound = target.groups.is_some_and(|groups| {
            groups.first() == Some(&0)
                && groups.last() == Some(&n)
                && groups.windows(2).all(|pair| pair[0] < pair[1])
        });
        if !sound {
            return Err(Error::data("the queries do not add up to the rows"));
        }
        if target.y.iter().any(|&y| !(0.0..=HIGHEST).contains(&y)) {
            return Err(Error::data(format!("relevance must lie between 0 and {HIGHEST}")));
        }
        Ok(())
    }

    fn baseline(&self, _: Target<'_>) -> Vec<f64> {
        vec![0.0]
    }

    fn gradients(&self, target: Target<'_>, raw: &[f64], out: &mut [[f32; 2]]) {
        let Some(groups) = target.groups else { return };
        let mut rest = out;
        let mut queries: Vec<(usize, &mut [[f32; 2]])> = Vec::with_capacity(groups.len());
        for pair in groups.windows(2) {
            let (first, behind) = rest.split_at_mut((pair[1] - pair[0]) as usize);
            queries.push((pair[0] as usize, first));
            rest = behind;
        }
        let mean = target.y.len() as f64 / queries.len().max(1) as f64;
        let cost_ns = mean * mean.min(self.0 as f64) * 20.0;
        parallel::for_chunks_mut(&mut queries, 1, 8, cost_ns, |_, _, queries| {
            for (start, out) in queries {
                let rows = *start..*start + out.len();
                let weight = target.weight.map(|weight| &weight[rows.clone()]);
                self.query(&target.y[rows.clone()], &raw[rows], weight, out);
            }
        });
    }

    /// 1 − NDCG@k; 0 for a query whose rows are all irrelevant.
    fn mean(&self, target: Target<'_>, raw: &[f64]) -> f64 {
        let Some(groups) = target.groups else { return f64::NAN };
        let rows = |query: usize| groups[query] as usize..groups[query + 1] as usize;
        let n = groups.len() - 1;
        let losses = parallel::map_chunks(n, 1, 500.0, |query, _| {
            let y = &target.y[rows(query)];
            let best = self.best_dcg(y);
            if best > 0.0 { 1.0 - self.dcg(y, &ranking(&raw[rows(query)])) / best } else { 0.0 }
        });
        // A query weighs as its rows do on average.
        let weight: Option<Vec<f64>> = target.weight.map(|weight| {
            let of = |query| average(rows(query).len(), &|i| weight[rows(query).start + i], None);
            (0..n).map(of).collect()
        });
        average(n, &|query| losses[query], weight.as_deref())
    }
}

/// Rows by falling raw prediction, equal ones in their old order.
fn ranking(raw: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..raw.len()).collect();
    order.sort_by(|&a, &b| raw[b].total_cmp(&raw[a]));
    order
}

fn gain(y: f64) -> f64 {
    y.exp2() - 1.0
}

fn discount(place: usize) -> f64 {
    1.0 / (2.0 + place as f64).log2()
}
