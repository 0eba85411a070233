//! What neighbours say: votes for classes, means of targets.
//!
//! Twins: `smelt.plain.neighbors.k_neighbors` and `radius_neighbors`.  Cost: one look-up a neighbour
//! and output; sums go in the order of the neighbours.

use smelt_core::parallel::for_chunks_mut;
use smelt_core::{Control, Error, MatRef, Result};

/// Neighbours of queries: those of query i are `starts[i]..starts[i + 1]` of `ids` and `weights`.
#[derive(Debug, Clone, Copy)]
pub struct Neighborhoods<'a> {
    /// Where each query's neighbours begin.
    pub starts: &'a [i64],
    /// Rows.
    pub ids: &'a [i64],
    /// Weights; all 1 if there are none.
    pub weights: Option<&'a [f64]>,
}

impl Neighborhoods<'_> {
    fn check(&self, n_rows: usize) -> Result<()> {
        let ends = self.starts.first() == Some(&0)
            && self.starts.last().copied() == i64::try_from(self.ids.len()).ok()
            && self.starts.is_sorted();
        let weighed = self.weights.is_none_or(|weights| weights.len() == self.ids.len());
        if !ends || !weighed || self.ids.iter().any(|&id| id < 0 || id as usize >= n_rows) {
            return Err(Error::data("the neighbours do not fit the rows they were found among"));
        }
        Ok(())
    }

    #[inline(always)]
    fn each(&self, query: usize, mut take: impl FnMut(usize, f64)) {
        let range = self.starts[query] as usize..self.starts[query + 1] as usize;
        match self.weights {
            None => self.ids[range].iter().for_each(|&id| take(id as usize, 1.0)),
            Some(weights) => {
                for (&id, &weight) in self.ids[range.clone()].iter().zip(&weights[range]) {
                    take(id as usize, weight);
                }
            }
        }
    }

    fn cost(&self) -> f64 {
        5.0 * self.ids.len() as f64 / self.starts.len() as f64 + 10.0
    }
}

/// Votes for each class, queries × classes; `codes[row]` is the class of a row.
pub fn vote(
    near: Neighborhoods<'_>,
    codes: &[i32],
    n_classes: usize,
    control: &Control,
) -> Result<Vec<f64>> {
    near.check(codes.len())?;
    if codes.iter().any(|&code| code < 0 || code as usize >= n_classes) {
        return Err(Error::data(format!("codes of classes must lie in 0..{n_classes}")));
    }
    let mut votes = vec![0.0; (near.starts.len() - 1) * n_classes];
    for_chunks_mut(&mut votes, n_classes, 2048, near.cost(), |_, queries, votes| {
        if control.check().is_ok() {
            for (query, votes) in queries.zip(votes.chunks_exact_mut(n_classes)) {
                near.each(query, |row, weight| votes[codes[row] as usize] += weight);
            }
        }
    });
    control.check()?;
    Ok(votes)
}

/// Weighted mean of the targets of each query's neighbours, queries × outputs; NaN where there are
/// no neighbours.
pub fn mean(near: Neighborhoods<'_>, y: MatRef<'_, f64>, control: &Control) -> Result<Vec<f64>> {
    near.check(y.n_rows())?;
    let n_outputs = y.n_cols();
    let mut means = vec![0.0; (near.starts.len() - 1) * n_outputs];
    for_chunks_mut(&mut means, n_outputs, 2048, near.cost(), |_, queries, means| {
        if control.check().is_ok() {
            for (query, means) in queries.zip(means.chunks_exact_mut(n_outputs)) {
                let mut total = 0.0;
                near.each(query, |row, weight| {
                    total += weight;
                    for (j, mean) in means.iter_mut().enumerate() {
                        *mean += y.get(row, j) * weight;
                    }
                });
                means.iter_mut().for_each(|mean| *mean /= total);
            }
        }
    });
    control.check()?;
    Ok(means)
}

#[cfg(test)]
mod tests {
    use smelt_core::{Control, MatRef};

    use super::{Neighborhoods, mean, vote};

    #[test]
    fn neighbours_vote_and_are_averaged() {
        let near =
            Neighborhoods { starts: &[0, 2, 2, 3], ids: &[0, 2, 1], weights: Some(&[1., 3., 2.]) };
        let votes = vote(near, &[0, 1, 1], 2, &Control::new()).unwrap();
        assert_eq!(votes, [1.0, 3.0, 0.0, 0.0, 0.0, 2.0]);
        let y = [1.0, 5.0, 9.0];
        let means = mean(near, MatRef::column_vector(&y), &Control::new()).unwrap();
        assert_eq!((means[0], means[2]), (7.0, 5.0));
        assert!(means[1].is_nan());
        assert!(vote(near, &[0, 1], 2, &Control::new()).is_err());
        assert!(vote(near, &[0, 1, 2], 2, &Control::new()).is_err());
    }
}
