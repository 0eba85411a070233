//! Linear leaves: a ridge on the numeric features of the path (Shi et al., 2019).
//!
//! 1. A leaf's features are the numbers that its branch was cut on.
//! 2. With x centred and gradient g, curvature h of the leaf's rows, the coefficients β and the start
//!    value b minimise Σ g·(x·β + b) + ½·h·(x·β + b)² + ½·λ·β².
//! 3. A row that lacks one of the features takes the leaf's constant value; so does every row where
//!    there are too few rows for the features, or their sums are singular.
//!
//! Cost of a leaf with m rows and k features: m·k² for the sums, k³ for the solution.

use smelt_core::parallel;

use super::grower::Grower;

/// What a leaf answers: start value, and (feature, coefficient) pairs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct LinearLeaf {
    pub(super) intercept: f64,
    pub(super) terms: Vec<(usize, f64)>,
}

impl LinearLeaf {
    /// The answer for a row of feature-major numbers, unless one is missing.
    #[inline(always)]
    pub(super) fn answer(&self, numbers: &[f64], n: usize, row: usize) -> Option<f64> {
        let mut sum = self.intercept;
        for &(feature, coefficient) in &self.terms {
            sum += coefficient * numbers[feature * n + row];
        }
        (!sum.is_nan()).then_some(sum)
    }
}

/// The linear leaves of the tree just grown, times the learning rate; `None` where constant.
pub(super) fn fit_linear_leaves(
    grower: &Grower<'_>,
    gradients: &[[f32; 2]],
    numbers: &[f64],
    penalty: f64,
    learning_rate: f64,
) -> Vec<Option<LinearLeaf>> {
    let mut paths: Vec<Vec<usize>> = vec![Vec::new(); grower.nodes.len()];
    for (node, of) in grower.nodes.iter().enumerate() {
        let (Some((left, right)), Some(split)) = (of.children, &of.split) else { continue };
        let mut path = paths[node].clone();
        if split.left_bins.is_none() && !path.contains(&split.feature) {
            path.push(split.feature);
            path.sort_unstable();
        }
        paths[left].clone_from(&path);
        paths[right] = path;
    }
    let n = gradients.len();
    let cost_ns = 20.0 * grower.rows.len() as f64 / grower.nodes.len() as f64;
    parallel::map_chunks(grower.nodes.len(), 1, cost_ns, |node, _| {
        let (of, path) = (&grower.nodes[node], &paths[node]);
        if of.children.is_some() || path.is_empty() {
            return None;
        }
        let value = |feature: usize, row: u32| numbers[feature * n + row as usize];
        let rows: Vec<u32> = grower.rows[of.start..of.stop]
            .iter()
            .copied()
            .filter(|&row| path.iter().all(|&feature| value(feature, row).is_finite()))
            .collect();
        let k = path.len();
        if rows.len() < k + 2 {
            return None;
        }
        let means: Vec<f64> = path
            .iter()
            .map(|&feature| {
                rows.iter().map(|&row| value(feature, row)).sum::<f64>() / rows.len() as f64
            })
            .collect();
        let mut sums = vec![0.0; (k + 1) * (k + 1)];
        let mut side = vec![0.0; k + 1];
        let mut x = vec![1.0; k + 1];
        for &row in &rows {
            let [gradient, hessian] = gradients[row as usize].map(f64::from);
            for ((x, &feature), mean) in x.iter_mut().zip(path).zip(&means) {
                *x = value(feature, row) - mean;
            }
            for i in 0..=k {
                side[i] -= gradient * x[i];
                for j in 0..=i {
                    sums[i * (k + 1) + j] += hessian * x[i] * x[j];
                }
            }
        }
        for i in 0..k {
            sums[i * (k + 1) + i] += penalty;
        }
        sums[k * (k + 1) + k] += grower.rules().l2_regularization;
        let solved = solve(&mut sums, side, k + 1)?;
        let shift: f64 = solved.iter().zip(&means).map(|(beta, mean)| beta * mean).sum();
        let terms = path.iter().zip(&solved);
        Some(LinearLeaf {
            intercept: learning_rate * (solved[k] - shift),
            terms: terms.map(|(&feature, beta)| (feature, learning_rate * beta)).collect(),
        })
    })
}

/// Solves A·x = b by Cholesky's factors; `a` holds the lower triangle.  None where A is singular.
fn solve(a: &mut [f64], mut b: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    for j in 0..n {
        let scale = a[j * n + j];
        for k in 0..j {
            a[j * n + j] -= a[j * n + k] * a[j * n + k];
        }
        let pivot = a[j * n + j];
        if pivot.is_nan() || pivot <= 1e-10 * scale || pivot <= 0.0 {
            return None;
        }
        a[j * n + j] = pivot.sqrt();
        for i in j + 1..n {
            for k in 0..j {
                a[i * n + j] -= a[i * n + k] * a[j * n + k];
            }
            a[i * n + j] /= a[j * n + j];
        }
    }
    for i in 0..n {
        for k in 0..i {
            b[i] -= a[i * n + k] * b[k];
        }
        b[i] /= a[i * n + i];
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            b[i] -= a[k * n + i] * b[k];
        }
        b[i] /= a[i * n + i];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::solve;

    #[test]
    fn a_small_system_is_solved_and_a_singular_one_refused() {
        let mut a = vec![4.0, 0.0, 2.0, 3.0];
        let x = solve(&mut a, vec![8.0, 8.0], 2).unwrap();
        assert!((x[0] - 1.0).abs() < 1e-12 && (x[1] - 2.0).abs() < 1e-12);
        assert!(solve(&mut [1.0, 0.0, 1.0, 1.0], vec![1.0, 1.0], 2).is_none());
    }
}
