//! Bags: the rows and columns that a member of an ensemble learns from, drawn as by scikit-learn.
//!
//! Twin: `smelt/plain/ensemble/bag.py`.
//!
//! 1. Draw the columns, then the rows, from NumPy's old generator with the member's seed.
//! 2. With replacement: integers, or the inverse of the running sums of the probabilities.
//! 3. Without: few of many by drawing again what was drawn already; many by a shuffle; all in order.
//!
//! Cost: one to three draws a row (2 ns each); a shuffle draws all rows.

use std::collections::HashSet;

use serde::Deserialize;
use smelt_core::{Error, MersenneTwister, Result};

/// How many rows and columns a member takes, and whether one may come twice.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BagParams {
    /// Rows drawn (1 or more).
    pub max_samples: usize,
    /// Columns drawn (1 or more).
    pub max_features: usize,
    /// Whether a row may be drawn again.
    pub bootstrap: bool,
    /// Whether a column may be drawn again.
    #[serde(default)]
    pub bootstrap_features: bool,
}

/// What one member learns from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bag {
    /// Columns, in the order drawn.
    pub columns: Vec<u32>,
    /// Rows, in the order drawn.
    pub rows: Vec<u32>,
    /// Random state of the member itself.
    pub random_state: u32,
}

/// Draws bags from a table.
#[derive(Debug)]
pub struct Bags<'a> {
    n_rows: usize,
    n_features: usize,
    params: &'a BagParams,
    /// Probabilities of the rows and their running sums, where they differ.
    weighted: Option<(&'a [f64], Vec<f64>)>,
}

impl<'a> Bags<'a> {
    /// Checks what is to be drawn; `probabilities` add up to 1.
    pub fn new(
        n_rows: usize,
        n_features: usize,
        params: &'a BagParams,
        probabilities: Option<&'a [f64]>,
    ) -> Result<Self> {
        if n_rows >= u32::MAX as usize {
            return Err(Error::data(format!("a bag takes fewer than 2^32 - 1 rows, got {n_rows}")));
        }
        for (name, wanted, there, again) in [
            ("max_samples", params.max_samples, n_rows, params.bootstrap),
            ("max_features", params.max_features, n_features, params.bootstrap_features),
        ] {
            if wanted == 0 || there == 0 || (wanted > there && !again) {
                let message = format!("must be 1 to {there}, got {wanted}");
                return Err(Error::parameter(name, message));
            }
        }
        if let Some(p) = probabilities {
            if p.len() != n_rows || p.iter().any(|p| !p.is_finite() || *p < 0.0) {
                return Err(Error::data("the weights of the rows must be 0 or more".to_string()));
            }
            let n_possible = p.iter().filter(|p| **p > 0.0).count();
            if n_possible == 0 || (n_possible < params.max_samples && !params.bootstrap) {
                return Err(Error::data(format!(
                    "{} rows are to be drawn without replacement, but only {n_possible} have a \
                     weight above 0",
                    params.max_samples
                )));
            }
        }
        let weighted = probabilities.map(|p| (p, running_sums(p)));
        Ok(Self { n_rows, n_features, params, weighted })
    }

    /// 1. The bag of one seed.
    pub fn draw(&self, seed: u32) -> Bag {
        let random_state = MersenneTwister::new(seed).below(i32::MAX as u32);
        let mut random = MersenneTwister::new(seed);
        let params = self.params;
        let columns =
            integers(self.n_features, params.max_features, params.bootstrap_features, &mut random);
        let n = params.max_samples;
        let rows = match &self.weighted {
            None => integers(self.n_rows, n, params.bootstrap, &mut random),
            Some((_, sums)) if params.bootstrap => {
                (0..n).map(|_| place(sums, random.uniform())).collect()
            }
            Some((p, sums)) => different(p, sums, n, &mut random),
        };
        Bag { columns, rows, random_state }
    }
}

/// 2., 3. `n` integers of `0..n_population`.
fn integers(n_population: usize, n: usize, again: bool, random: &mut MersenneTwister) -> Vec<u32> {
    let largest = n_population as u32;
    if again {
        return (0..n).map(|_| random.below(largest)).collect();
    }
    let ratio = n as f64 / n_population as f64;
    if ratio > 0.01 && ratio < 0.99 {
        let mut all: Vec<u32> = (0..largest).collect();
        for last in (1..n_population).rev() {
            all.swap(last, random.below(last as u32 + 1) as usize);
        }
        all.truncate(n);
        return all;
    }
    if ratio < 0.2 {
        let mut drawn = HashSet::with_capacity(n);
        let mut new = || {
            loop {
                let integer = random.below(largest);
                if drawn.insert(integer) {
                    return integer;
                }
            }
        };
        return (0..n).map(|_| new()).collect();
    }
    let mut reservoir: Vec<u32> = (0..n as u32).collect();
    for next in n..n_population {
        let place = random.below(next as u32 + 1) as usize;
        if place < n {
            reservoir[place] = next as u32;
        }
    }
    reservoir
}

/// `n` different rows; rows drawn so far get the probability 0, and the rest is drawn anew.
fn different(p: &[f64], sums: &[f64], n: usize, random: &mut MersenneTwister) -> Vec<u32> {
    let mut rows: Vec<u32> = Vec::with_capacity(n);
    let mut left: Vec<f64>;
    let mut known = HashSet::with_capacity(n);
    while rows.len() < n {
        let drawn: Vec<f64> = (rows.len()..n).map(|_| random.uniform()).collect();
        let now = if rows.is_empty() {
            sums
        } else {
            let mut p = p.to_vec();
            rows.iter().for_each(|&row| p[row as usize] = 0.0);
            left = running_sums(&p);
            &left
        };
        let new = drawn.into_iter().map(|drawn| place(now, drawn));
        rows.extend(new.filter(|&row| known.insert(row)));
    }
    rows
}

fn place(sums: &[f64], drawn: f64) -> u32 {
    sums.partition_point(|&sum| sum <= drawn).min(sums.len() - 1) as u32
}

fn running_sums(p: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums: Vec<f64> = p
        .iter()
        .map(|p| {
            sum += p;
            sum
        })
        .collect();
    sums.iter_mut().for_each(|partial| *partial /= sum);
    sums
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{BagParams, Bags};

    #[test]
    fn nothing_comes_twice_without_replacement() {
        let p: Vec<f64> = (0..1000).map(|i| f64::from(i % 7) / 2_997.0).collect();
        for (n, probabilities) in
            [(5, None), (400, None), (995, None), (1000, None), (300, Some(&p[..]))]
        {
            let params = BagParams {
                max_samples: n,
                max_features: 3,
                bootstrap: false,
                bootstrap_features: false,
            };
            let bag = Bags::new(1000, 9, &params, probabilities).unwrap().draw(7);
            let different: HashSet<u32> = bag.rows.iter().copied().collect();
            assert_eq!((different.len(), bag.columns.len()), (n, 3));
            assert!(probabilities.is_none() || bag.rows.iter().all(|row| row % 7 != 0));
        }
    }

    #[test]
    fn too_many_are_refused() {
        let params = |n, bootstrap| BagParams {
            max_samples: n,
            max_features: 2,
            bootstrap,
            bootstrap_features: true,
        };
        assert!(Bags::new(10, 1, &params(11, false), None).is_err());
        assert!(Bags::new(10, 1, &params(0, true), None).is_err());
        assert!(Bags::new(2, 1, &params(2, false), Some(&[0.0, 1.0])).is_err());
        assert_eq!(Bags::new(10, 1, &params(11, true), None).unwrap().draw(1).columns, [0, 0]);
    }
}
