//! How often each pair of labels of two clusterings occurs, and what mutual information chance alone gives.
//!
//! Counting costs one reading of both lists of codes.  Few pairs are counted in one table a chunk; for
//! many, rows are first put in order of their first code, so that a table of the second codes serves all.
//!
//! The expected mutual information is a sum over all pairs (i, j) of row and column sums a, b and over all
//! counts c that the pair may have, each with its hypergeometric probability.  Probabilities follow from
//! their neighbours by one product and one division, starting with 1 at the most likely count and going
//! on while they matter; their sum puts the scale right.  So there is no gamma function and no
//! exponential, and about 20·√(a·b/n) terms a pair instead of min(a, b).
//!
//! Twin: `python/smelt/plain/metrics/contingency.py`.

use smelt_core::parallel::{chunk_size, map_chunks};
use smelt_core::{Control, Error, Result};

/// Pairs that are counted in a table a chunk.
const TABLE: usize = 1 << 14;
/// Rows between two looks at the control.
const STEP: usize = 1 << 20;
/// Shares of the most likely count's probability below which counts no longer matter.
const NOTHING: f64 = 1e-19;

/// Counts of pairs as compressed rows; pairs that do not occur are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contingency {
    /// Where the pairs of each first code begin.
    pub indptr: Vec<i64>,
    /// Second codes, ascending within a row.
    pub indices: Vec<i64>,
    /// How often they occur together.
    pub counts: Vec<i64>,
}

/// Counts pairs of codes of `0..n_first` and `0..n_second`.
pub fn contingency_counts(
    first: &[i32],
    second: &[i32],
    n_first: usize,
    n_second: usize,
    control: &Control,
) -> Result<Contingency> {
    let known = |codes: &[i32], n: usize| codes.iter().all(|&code| (code as u32 as usize) < n);
    if first.len() != second.len() || !known(first, n_first) || !known(second, n_second) {
        return Err(Error::data("there must be two known codes a row"));
    }
    control.check()?;
    if n_first.saturating_mul(n_second) <= TABLE {
        few(first, second, n_first, n_second, control)
    } else {
        many(first, second, n_first, n_second, control)
    }
}

fn few(
    first: &[i32],
    second: &[i32],
    n_first: usize,
    n_second: usize,
    control: &Control,
) -> Result<Contingency> {
    let n = first.len();
    let tables = map_chunks(n, chunk_size(n, 8 * TABLE), 1.0, |_, range| {
        let mut table = vec![0_i64; n_first * n_second];
        for (&a, &b) in first[range.clone()].iter().zip(&second[range]) {
            table[a as usize * n_second + b as usize] += 1;
        }
        table
    });
    control.check()?;
    let mut out = Contingency { indptr: vec![0], indices: Vec::new(), counts: Vec::new() };
    for a in 0..n_first {
        for b in 0..n_second {
            let count: i64 = tables.iter().map(|table| table[a * n_second + b]).sum();
            if count > 0 {
                out.indices.push(b as i64);
                out.counts.push(count);
            }
        }
        out.indptr.push(out.counts.len() as i64);
    }
    Ok(out)
}

fn many(
    first: &[i32],
    second: &[i32],
    n_first: usize,
    n_second: usize,
    control: &Control,
) -> Result<Contingency> {
    // Second codes in order of the first.
    let mut next = vec![0_usize; n_first + 1];
    for (i, &a) in first.iter().enumerate() {
        if i % STEP == 0 {
            control.check()?;
        }
        next[a as usize + 1] += 1;
    }
    for a in 0..n_first {
        next[a + 1] += next[a];
    }
    let starts = next.clone();
    let mut ordered = vec![0_i32; first.len()];
    for (i, (&a, &b)) in first.iter().zip(second).enumerate() {
        if i % STEP == 0 {
            control.check()?;
        }
        ordered[next[a as usize]] = b;
        next[a as usize] += 1;
    }
    let mut out = Contingency { indptr: vec![0], indices: Vec::new(), counts: Vec::new() };
    let mut table = vec![0_i64; n_second];
    let mut seen: Vec<i32> = Vec::new();
    for a in 0..n_first {
        for (i, &b) in ordered[starts[a]..starts[a + 1]].iter().enumerate() {
            if i % STEP == 0 {
                control.check()?;
            }
            if table[b as usize] == 0 {
                seen.push(b);
            }
            table[b as usize] += 1;
        }
        seen.sort_unstable();
        for b in seen.drain(..) {
            out.indices.push(i64::from(b));
            out.counts.push(std::mem::take(&mut table[b as usize]));
        }
        out.indptr.push(out.counts.len() as i64);
    }
    Ok(out)
}

/// Mutual information to be expected of two clusterings with clusters as large as these, drawn at random.
pub fn expected_mutual_information(
    first: &[i64],
    second: &[i64],
    control: &Control,
) -> Result<f64> {
    let n: i64 = first.iter().sum();
    let positive = first.iter().chain(second).all(|&size| size > 0);
    if !positive || n != second.iter().sum() {
        return Err(Error::data("sizes of clusters must be positive, with one sum"));
    }
    if first.len() < 2 || second.len() < 2 {
        return Ok(0.0);
    }
    let terms = 20.0 * (n as f64 / first.len() as f64 / second.len() as f64).sqrt() + 20.0;
    let cost = second.len() as f64 * terms * 8.0;
    let parts = map_chunks(first.len(), chunk_size(first.len(), 1), cost, |_, range| {
        let mut sum = 0.0;
        for &a in &first[range] {
            for &b in second {
                if control.check().is_err() {
                    return sum;
                }
                sum += of_pair(a, b, n);
            }
        }
        sum
    });
    control.check()?;
    Ok(parts.iter().sum())
}

/// Σ P(c)·c/n·ln(n·c / (a·b)) over the counts c that clusters of a and b of n rows may share.
fn of_pair(a: i64, b: i64, n: i64) -> f64 {
    let (low, high) = ((a + b - n).max(0), a.min(b));
    let [a_real, b_real, n_real] = [a, b, n].map(|count| count as f64);
    let mode = ((a_real + 1.0) * (b_real + 1.0) / (n_real + 2.0)).floor() as i64;
    let mode = mode.clamp(low, high);
    let rest = n_real - a_real - b_real;
    // ln(n·c / (a·b)) from the distance of n·c from a·b, exact at the mode: most of the sum cancels.
    let product = i128::from(a) * i128::from(b);
    let at_mode = (i128::from(n) * i128::from(mode) - product) as f64;
    let (product, mode_real) = (product as f64, mode as f64);
    let value = |c: f64| {
        let off = n_real.mul_add(c - mode_real, at_mode);
        if c > 0.0 { c * (off / product).ln_1p() } else { 0.0 }
    };
    let (mut total, mut sum) = (1.0, value(mode as f64));
    let mut share = 1.0;
    for c in mode..high {
        let c = c as f64;
        share *= (a_real - c) * (b_real - c) / ((c + 1.0) * (rest + c + 1.0));
        total += share;
        sum += share * value(c + 1.0);
        if share < NOTHING {
            break;
        }
    }
    share = 1.0;
    for c in (low..mode).rev() {
        let c = c as f64;
        share *= (c + 1.0) * (rest + c + 1.0) / ((a_real - c) * (b_real - c));
        total += share;
        sum += share * value(c);
        if share < NOTHING {
            break;
        }
    }
    sum / total / n_real
}

#[cfg(test)]
mod tests {
    use super::{contingency_counts, expected_mutual_information, few, many};
    use smelt_core::Control;

    #[test]
    fn both_ways_to_count_agree() {
        let first: Vec<i32> = (0..5000).map(|i| i * i % 37).collect();
        let second: Vec<i32> = (0..5000).map(|i| i * 7 % 11).collect();
        let control = Control::new();
        let found = few(&first, &second, 40, 11, &control).unwrap();
        assert_eq!(found, many(&first, &second, 40, 11, &control).unwrap());
        assert_eq!(found.counts.iter().sum::<i64>(), 5000);
        assert_eq!(found.indptr.len(), 41);
        assert!(contingency_counts(&first, &second, 36, 11, &control).is_err());
        assert!(contingency_counts(&[-1], &[0], 36, 11, &control).is_err());
    }

    #[test]
    fn chance_gives_little_information_about_large_clusters() {
        let control = Control::new();
        let expected = |first: &[i64], second: &[i64]| {
            expected_mutual_information(first, second, &control).unwrap()
        };
        // Two rows, each its own cluster: ln 2 for certain.
        assert!((expected(&[1, 1], &[1, 1]) - 2.0_f64.ln()).abs() < 1e-15);
        // (k − 1)·(l − 1) / 2n of large clusters.
        let large = expected(&[500_000, 500_000], &[300_000, 300_000, 400_000]);
        assert!((large / 1e-6 - 1.0).abs() < 1e-3, "{large}");
        let huge = expected(&[5_000_000_000; 2], &[5_000_000_000; 2]);
        assert!((huge / 0.5e-10 - 1.0).abs() < 1e-6, "{huge}");
        assert_eq!(expected(&[4], &[2, 2]), 0.0);
    }
}
